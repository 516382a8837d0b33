/** Miner, relays and gateway, with kill switch and address translation as they always are. */
import { configureChain, SERVER_ADDRESS } from '../../lab/harness/chain.ts';
import { Daemon } from '../../lab/harness/daemon.ts';
import type { LabProcess } from '../../lab/harness/lab-process.ts';
import { until } from '../../lab/harness/until.ts';
import type { TunnelNetwork } from './tunnel-network.ts';
import type { Way } from './way.ts';

const START_MS = 30_000;

export class SkywireWay implements Way {
  readonly server = SERVER_ADDRESS;
  /** From the miner to the gateway. */
  readonly daemons: readonly Daemon[];
  private readonly seal: 'end-to-end' | 'link';

  constructor({ lab, nodes }: TunnelNetwork, programArgs: readonly string[], sealsTwice: boolean) {
    this.daemons = nodes.map((host) => new Daemon(lab, host, programArgs));
    this.seal = sealsTwice ? 'end-to-end' : 'link';
    configureChain(this.daemons, { tunnel: { seal_twice: sealsTwice } });
  }

  async up(): Promise<readonly LabProcess[]> {
    const [miner] = this.daemons;
    miner.loadFirewall();
    const started = await Promise.all(this.daemons.map((daemon) => daemon.start()));
    const tails = () => this.daemons.map((daemon) => daemon.tail()).join('\n');
    const connected = async () => (await miner.ask('status', {})).tunnel.state === 'connected';
    await until('the miner connected', START_MS, connected, tails);
    const sealed = async () => (await miner.ask('routes', {})).session?.routes.every(({ seal }) => seal === this.seal);
    await until(`routes sealed ${this.seal}`, START_MS, async () => (await sealed()) === true, tails);
    return started;
  }

  async down(): Promise<void> {
    await Promise.all(this.daemons.map((daemon) => daemon.stop()));
  }
}
