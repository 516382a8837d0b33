/**
 * A gateway that delivers nothing any more is left, whether it still answers for itself or not:
 *
 *                     ┌── gateway-1 (DE, free) ───────┐
 *   laptop ── miner ──┤                               ├── internet
 *                     └── gateway-2 (CH, 20 sat/GB) ──┘
 *
 *   chosen   `auto` takes the free one; `skywire gateways` lists both with what they say of themselves
 *   silent   gateway-1's cable to the internet is pulled; the gateway itself goes on answering
 *   killed   gateway-1 is back, and gateway-2 in use: it is kept, until it is killed
 *   returned gateway-2 is back, and gateway-1 in use: it is kept
 *
 * The laptop asks three hosts ten times a second; measured is for how long none of them answers. A rule of the user sends what goes to a fourth
 * host through gateway-2: that is so whichever one `auto` has, and while gateway-2 is dead nothing for that host leaves gateway-1.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { Daemon } from './harness/daemon.ts';
import { NODE_PORT } from './harness/demo-topology.ts';
import { type Host, Lab } from './harness/lab.ts';
import type { LabProcess } from './harness/lab-process.ts';
import { until } from './harness/until.ts';

export const about = 'auto leaves a gateway that delivers nothing, and keeps one that does';
export const takes = '1 min';
export const gate = true;

const SERVERS = ['198.51.100.80', '198.51.100.81', '192.0.2.53'];
/** Named by the rule. */
const RULED = '198.51.100.82';
const ADVERTS = [
  { country: 'DE', price: 0, rate: '100Mbit' },
  { country: 'CH', price: 20, rate: '1Gbit' },
];
/** Nothing for 5 s, looked at once a second, then a session and a lease with the other one. */
const LEFT_WITHIN_MS = 7_500;
const DEADLINE_MS = 30_000;
/** The other gateway's death is nothing to it: two pings may meet a busy machine. */
const RULED_PAUSE_MS = 300;
const KEPT_FOR_MS = 10_000;
const PING_INTERVAL_S = '0.1';

export async function run(context: RunContext): Promise<RunResult> {
  const network = new TwoGateways(context);
  const [first, second] = network.gateways;
  network.miner.loadFirewall();
  for (const daemon of [first, second, network.miner]) await daemon.start();
  await network.inUse(first);
  const listed = (await network.miner.ask('gateway', {})).known;
  const adverts = listed.map(({ country, price }) => `${country} ${price}`).sort();
  const pings = new Pings(network.laptop, SERVERS);
  const ruled = new Pings(network.laptop, [RULED]);
  await Promise.all([pings.answered(), ruled.answered()]);

  first.host.setLink('eth0', 'down');
  await network.inUse(second);
  const silentMs = await pings.pauseOver();
  first.host.setLink('eth0', 'up');
  first.host.addRoute('default', network.routerOf(0));
  await pause(KEPT_FOR_MS);
  const kept = [await network.selected()];
  const ruledMs = await ruled.pauseOver();

  await second.kill();
  await network.inUse(first);
  const killedMs = await pings.pauseOver();
  await second.start();
  await ruled.answered();
  await pause(KEPT_FOR_MS);
  kept.push(await network.selected());
  const [strayed, asRuled] = network.ruledPackets();

  const isListed = adverts.join() === 'CH 20,DE 0';
  const isKept = kept[0] === second.address && kept[1] === first.address;
  const isLeft = silentMs <= LEFT_WITHIN_MS && killedMs <= LEFT_WITHIN_MS;
  const isRuled = strayed === 0 && asRuled > 0 && ruledMs <= RULED_PAUSE_MS;
  const figures = { silentMs, killedMs, boundMs: LEFT_WITHIN_MS, ruledMs, strayed, asRuled };
  return { pass: isListed && isKept && isLeft && isRuled, adverts, isKept, ...figures };
}

class TwoGateways {
  readonly laptop: Host;
  readonly miner: Daemon;
  readonly gateways: Daemon[];
  private readonly internet: Host;

  constructor(context: RunContext) {
    const lab = new Lab(context);
    this.laptop = lab.addHost('laptop');
    const minerHost = lab.addHost('miner');
    const internet = lab.addHost('internet');
    this.internet = internet;
    internet.addAddress('lo', ...[...SERVERS, RULED].map((address) => `${address}/32`));
    internet.run('nft', countRuled());
    lab.connect(
      { host: this.laptop, device: 'eth0', addresses: ['192.168.42.250/24'] },
      { host: minerHost, device: 'lan0' },
    );
    this.laptop.addRoute('default', '192.168.42.1');
    this.miner = new Daemon(lab, minerHost, context.args);
    this.gateways = ADVERTS.map((advert, i) => {
      const host = lab.addHost(`gateway-${i + 1}`);
      const up = { host: minerHost, device: `up${i}`, addresses: [`10.${i + 1}.0.2/24`] };
      lab.connect(up, { host, device: 'from-miner', addresses: [`10.${i + 1}.0.1/24`] });
      const out = { host, device: 'eth0', addresses: [`203.0.${113 + i}.2/24`] };
      lab.connect(out, { host: internet, device: `to-${i}`, addresses: [`${this.routerOf(i)}/24`] });
      host.addRoute('default', this.routerOf(i));
      const daemon = new Daemon(lab, host, context.args);
      const service = { enable: true, pool: '10.64.0.0/16', uplink: 'eth0', dns: '192.0.2.53', ...advert };
      daemon.configure({ peers: [{ key: this.miner.key }], gateway: service });
      return daemon;
    });
    this.miner.configure({
      peers: this.gateways.map(({ key }, i) => ({ key, endpoint: `10.${i + 1}.0.1:${NODE_PORT}` })),
      lan: { interface: 'lan0', address: '192.168.42.1/24', dhcp: false },
      tunnel: { gateway: 'auto' },
      policy: [{ use: 'gateway', gateway: this.gateways[1].address, to: [RULED] }],
    });
  }

  /** Packets for the host of the rule that came from each gateway. */
  ruledPackets(): number[] {
    const listed = this.internet.run('nft', 'list', 'table', 'inet', 'ruled');
    return [...listed.matchAll(/counter packets (\d+)/g)].map(([, packets]) => Number(packets));
  }

  routerOf(gateway: number): string {
    return `203.0.${113 + gateway}.1`;
  }

  async selected(): Promise<string> {
    return (await this.miner.ask('gateway', {})).selected;
  }

  /** Resolves when the miner is connected through it. */
  async inUse(gateway: Daemon): Promise<void> {
    const ready = async () => {
      const { tunnel } = await this.miner.ask('status', {});
      return tunnel.state === 'connected' && tunnel.gateway === gateway.address;
    };
    await until(`${gateway.host.name} in use`, DEADLINE_MS, ready, () => this.miner.tail());
  }
}

function countRuled(): string {
  const rules = ADVERTS.map((_, i) => `iifname "to-${i}" ip daddr ${RULED} counter`);
  return `table inet ruled { chain arriving { type filter hook input priority filter; ${rules.join('; ')}; }; }`;
}

/** Pings to some hosts at once. */
class Pings {
  private readonly programs: LabProcess[];
  private answeredAt: number | undefined;
  private longestMs = 0;

  constructor(laptop: Host, servers: readonly string[]) {
    const args = ['-n', '-i', PING_INTERVAL_S, '-W', '1'];
    this.programs = servers.map((server) =>
      laptop.start('ping', 'ping', [...args, server], (line) => {
        if (line.includes('bytes from')) this.note();
      }),
    );
  }

  /** Resolves with the next answer. */
  async answered(): Promise<void> {
    const from = performance.now();
    await until(
      'an answer',
      DEADLINE_MS,
      () => (this.answeredAt ?? 0) > from,
      () => this.programs[0].tail(),
    );
  }

  /** Resolves once there are answers again: the longest time without one since it was asked last. */
  async pauseOver(): Promise<number> {
    await this.answered();
    const longestMs = Math.round(this.longestMs);
    this.longestMs = 0;
    return longestMs;
  }

  private note(): void {
    const now = performance.now();
    this.longestMs = Math.max(this.longestMs, now - (this.answeredAt ?? now));
    this.answeredAt = now;
  }
}
