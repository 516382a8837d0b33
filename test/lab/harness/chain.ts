/**
 * A chain of nodes with a bad cable between each and the next:
 *
 *   laptop ──eth0── miner ══1══ relay-1 ══2══ ... ══N══ gateway ──eth0── internet      iperf3 and streams at 198.51.100.80
 *        192.168.42.0/24  10.50.1.0/24   10.50.2.0/24       203.0.113.0/24
 *
 * On every cable end a is the miner's side, so that `ab` is up and `ba` is down. The same hosts and cables also carry plain IP,
 * forwarded by the kernel: what a person would have without the daemons.
 */
import type { RunContext } from '../../../scripts/run-contract.ts';
import { Daemon, type Table } from './daemon.ts';
import { type Cable, type CableSettings, type CableStats, Impairment } from './impairment.ts';
import { type Host, Lab } from './lab.ts';
import { until } from './until.ts';

export const SERVER_ADDRESS = '198.51.100.80';
export const LAN = '192.168.42.0/24';
export const LAN_ADDRESS = '192.168.42.1';
export const LAPTOP_ADDRESS = '192.168.42.250';
const NODE_PORT = 6969;
const CONNECT_DEADLINE_MS = 60_000;
/** Any: the same losses in each run. */
const SEED = 1;

/** For the configurations of all nodes. */
export interface ChainTables {
  readonly qos?: Table;
  readonly tunnel?: Table;
  readonly buffers?: Table;
}

export interface ChainOptions extends ChainTables {
  /** One for each cable, from the miner on. */
  readonly cables: readonly CableSettings[];
}

export class ChainNetwork {
  readonly lab: Lab;
  readonly impairment: Impairment;
  readonly laptop: Host;
  readonly internet: Host;
  /** Miner, relays, gateway. */
  readonly daemons: readonly Daemon[];
  readonly cables: readonly Cable[];

  private constructor(
    lab: Lab,
    impairment: Impairment,
    hosts: readonly Host[],
    daemons: readonly Daemon[],
    cables: readonly Cable[],
  ) {
    this.lab = lab;
    this.impairment = impairment;
    [this.laptop, this.internet] = hosts;
    this.daemons = daemons;
    this.cables = cables;
  }

  /** Lays the cables and writes the configurations; nothing of ours runs yet. Arguments of the run go to every daemon. */
  static async lay(context: RunContext, options: ChainOptions): Promise<ChainNetwork> {
    const lab = new Lab(context);
    const impairment = await Impairment.start(lab, SEED);
    const [laptop, internet] = [lab.addHost('laptop'), lab.addHost('internet')];
    const relays = options.cables.slice(1).map((_, index) => `relay-${index + 1}`);
    const hosts = ['miner', ...relays, 'gateway'].map((name) => lab.addHost(name));
    const [miner, gateway] = [hosts[0], hosts.at(-1)!];
    const plug = (host: Host, device: string, address: string) => ({ host, device, addresses: [address] });
    lab.connect(plug(laptop, 'eth0', `${LAPTOP_ADDRESS}/24`), plug(miner, 'lan0', `${LAN_ADDRESS}/24`));
    lab.connect(plug(gateway, 'eth0', '203.0.113.2/24'), plug(internet, 'eth0', '203.0.113.1/24'));
    internet.addAddress('lo', `${SERVER_ADDRESS}/32`);
    laptop.addRoute('default', LAN_ADDRESS);
    gateway.addRoute('default', '203.0.113.1');
    const cables: Cable[] = [];
    for (const [index, settings] of options.cables.entries()) {
      const ends = [
        plug(hosts[index], 'next', `${cableEnds(index).a}/24`),
        plug(hosts[index + 1], 'previous', `${cableEnds(index).b}/24`),
      ];
      cables.push(await impairment.connect(ends[0], ends[1], settings));
    }
    const daemons = hosts.map((host) => new Daemon(lab, host, context.args));
    configureChain(daemons, options);
    return new ChainNetwork(lab, impairment, [laptop, internet], daemons, cables);
  }

  get miner(): Daemon {
    return this.daemons[0];
  }

  get gateway(): Daemon {
    return this.daemons.at(-1)!;
  }

  /** Measures while the kernels forward along the chain, before any daemon runs. */
  async withPlainIp<Figures>(measure: () => Promise<Figures>): Promise<Figures> {
    const hosts = this.daemons.map(({ host }) => host);
    const last = hosts.length - 1;
    this.internet.addRoute(LAN, '203.0.113.2');
    for (const [index, host] of hosts.entries()) {
      host.sysctl('net.ipv4.ip_forward', 1);
      if (index > 0) host.addRoute(LAN, cableEnds(index - 1).a);
      if (index < last) host.addRoute('default', cableEnds(index).b);
    }
    const figures = await measure();
    this.internet.run('ip', 'route', 'delete', LAN);
    for (const [index, host] of hosts.entries()) {
      if (index > 0) host.run('ip', 'route', 'delete', LAN);
      if (index < last) host.run('ip', 'route', 'delete', 'default');
    }
    return figures;
  }

  /** Starts every daemon; resolves when the miner is connected. */
  async start(): Promise<void> {
    this.miner.loadFirewall();
    await Promise.all(this.daemons.map((daemon) => daemon.start()));
    await this.connected();
  }

  async connected(): Promise<void> {
    const ready = async () => (await this.miner.ask('status', {})).tunnel.state === 'connected';
    await until('the miner connected', CONNECT_DEADLINE_MS, ready, () => this.tails());
  }

  /** What comes of `action`, and how often a second the link changed its keys meanwhile that did so least. */
  async countingRekeys<Result>(action: () => Promise<Result>): Promise<{ result: Result; rekeysPerSecond: number }> {
    const before = await this.rekeys();
    const startedMs = performance.now();
    const result = await action();
    const seconds = (performance.now() - startedMs) / 1_000;
    const rekeys = (await this.rekeys()).map((count, index) => count - before[index]);
    return { result, rekeysPerSecond: Math.min(...rekeys) / seconds };
  }

  /** The last lines of every daemon. */
  tails(): string {
    return this.daemons.map((daemon) => daemon.tail()).join('\n');
  }

  /** Of every cable from the miner on. */
  async stats(): Promise<CableStats[]> {
    const stats: CableStats[] = [];
    for (const cable of this.cables) stats.push(await cable.stats());
    return stats;
  }

  /** Of each link's two ends. */
  private async rekeys(): Promise<number[]> {
    const answers = await Promise.all(this.daemons.map((daemon) => daemon.ask('links', {})));
    return answers.flatMap(({ links }) => links.map(({ rekeys }) => rekeys));
  }
}

/** Addresses of a cable's two ends; cables are counted from 0. */
export function cableEnds(cable: number): { readonly a: string; readonly b: string } {
  return { a: `10.50.${cable + 1}.1`, b: `10.50.${cable + 1}.2` };
}

/** Miner, relays, gateway: each knows its neighbours. */
export function configureChain(daemons: readonly Daemon[], options: ChainTables): void {
  const last = daemons.length - 1;
  for (const [index, daemon] of daemons.entries()) {
    const previous = index > 0 ? [{ key: daemons[index - 1].key }] : [];
    const endpoint = `${cableEnds(index).b}:${NODE_PORT}`;
    const next = index < last ? [{ key: daemons[index + 1].key, endpoint }] : [];
    const { qos, buffers } = options;
    const own = { ...(qos && { qos }), ...(buffers && { buffers }) };
    const lan = { interface: 'lan0', address: `${LAN_ADDRESS}/24`, dhcp: false };
    const tunnel = { gateway: daemons[last].address, routes: 1, ...options.tunnel };
    // Nobody asks it anything: the lab knows addresses only.
    const gateway = { enable: true, pool: '10.64.0.0/16', uplink: 'eth0', dns: '192.0.2.53' };
    daemon.configure({
      ...{ peers: [...previous, ...next], ...own },
      ...(index === 0 && { lan, tunnel }),
      ...(index === last && { gateway }),
    });
  }
}
