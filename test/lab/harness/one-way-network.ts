/**
 * A fast link that will work in one direction only, and a slower way round it:
 *
 *   laptop ──lan0── miner ════════ fast, 20 Mb/s ════════ gateway ──eth0── internet (iperf3 at 198.51.100.80)
 *       192.168.42.0/24 │           10.50.1.0/24             │     203.0.113.0/24
 *                       └──slow, 2 Mb/s── relay ──slow, 2 Mb/s──┘
 *                         10.50.2.0/24           10.50.3.0/24
 *
 * On the fast cable `ab` is up, towards the gateway, and `ba` is down.
 */
import type { RunContext } from '../../../scripts/run-contract.ts';
import { Daemon } from './daemon.ts';
import { type Cable, Impairment } from './impairment.ts';
import { type Host, Lab } from './lab.ts';
import { until } from './until.ts';

export const SERVER_ADDRESS = '198.51.100.80';
export const FAST = { rateMbit: 20, delayMs: 10, queueBytes: 131_072 } as const;
const SLOW = { rateMbit: 2, delayMs: 20, queueBytes: 65_536 } as const;
const NODE_PORT = 6969;
const CONNECT_DEADLINE_MS = 60_000;
const SEED = 1;
const LAN = '192.168.42.0/24';

interface Hosts {
  readonly laptop: Host;
  readonly miner: Host;
  readonly relay: Host;
  readonly gateway: Host;
  readonly internet: Host;
}

export class OneWayNetwork {
  readonly impairment: Impairment;
  readonly laptop: Host;
  readonly internet: Host;
  readonly fast: Cable;
  readonly miner: Daemon;
  readonly relay: Daemon;
  readonly gateway: Daemon;

  private constructor(lab: Lab, impairment: Impairment, hosts: Hosts, fast: Cable, args: readonly string[]) {
    this.impairment = impairment;
    this.laptop = hosts.laptop;
    this.internet = hosts.internet;
    this.fast = fast;
    this.miner = new Daemon(lab, hosts.miner, args);
    this.relay = new Daemon(lab, hosts.relay, args);
    this.gateway = new Daemon(lab, hosts.gateway, args);
  }

  static async lay(context: RunContext): Promise<OneWayNetwork> {
    const lab = new Lab(context);
    const impairment = await Impairment.start(lab, SEED);
    const [laptop, miner, relay] = [lab.addHost('laptop'), lab.addHost('miner'), lab.addHost('relay')];
    const [gateway, internet] = [lab.addHost('gateway'), lab.addHost('internet')];
    const plug = (host: Host, device: string, address: string) => ({ host, device, addresses: [`${address}/24`] });
    lab.connect(plug(laptop, 'eth0', '192.168.42.250'), plug(miner, 'lan0', '192.168.42.1'));
    lab.connect(plug(gateway, 'eth0', '203.0.113.2'), plug(internet, 'eth0', '203.0.113.1'));
    const fast = await impairment.connect(plug(miner, 'fast', '10.50.1.1'), plug(gateway, 'fast', '10.50.1.2'), FAST);
    await impairment.connect(plug(miner, 'slow', '10.50.2.1'), plug(relay, 'miner', '10.50.2.2'), SLOW);
    await impairment.connect(plug(relay, 'gateway', '10.50.3.1'), plug(gateway, 'slow', '10.50.3.2'), SLOW);
    internet.addAddress('lo', `${SERVER_ADDRESS}/32`);
    laptop.addRoute('default', '192.168.42.1');
    gateway.addRoute('default', '203.0.113.1');
    return new OneWayNetwork(lab, impairment, { laptop, miner, relay, gateway, internet }, fast, context.args);
  }

  /** Writes all configurations. `known`: both ends of the fast link are told its direction, or have to find out. */
  configure(known: boolean): void {
    const { miner, relay, gateway } = this;
    const at = (key: string, address: string) => ({ key, endpoint: `${address}:${NODE_PORT}` });
    const toGateway = { ...at(gateway.key, '10.50.1.2'), ...(known && { direction: 'receive-only' }) };
    const toMiner = { ...at(miner.key, '10.50.1.1'), ...(known && { direction: 'send-only' }) };
    miner.configure({
      peers: [toGateway, at(relay.key, '10.50.2.2')],
      lan: { interface: 'lan0', address: '192.168.42.1/24', dhcp: false },
      // One route, the fast link's: `start` chooses the gateway once the miner knows that way.
      tunnel: { gateway: 'none', routes: 1 },
    });
    relay.configure({ peers: [{ key: miner.key }, at(gateway.key, '10.50.3.2')] });
    gateway.configure({
      peers: [toMiner, { key: relay.key }],
      // Nobody asks the resolver anything: the lab knows addresses only.
      gateway: { enable: true, pool: '10.64.0.0/16', uplink: 'eth0', dns: '192.0.2.53' },
    });
  }

  /** Measures while the kernels forward, down over the fast cable and up the other way round, as an expert would set it up by hand. */
  async withPlainIp<Figures>(measure: () => Promise<Figures>): Promise<Figures> {
    const [miner, relay, gateway] = [this.miner.host, this.relay.host, this.gateway.host];
    const routes: readonly (readonly [Host, string, string])[] = [
      [this.internet, LAN, '203.0.113.2'],
      [gateway, LAN, '10.50.1.1'],
      [miner, 'default', '10.50.2.2'],
      [relay, 'default', '10.50.3.2'],
    ];
    for (const host of [miner, relay, gateway]) {
      host.sysctl('net.ipv4.ip_forward', 1);
      for (const scope of ['all', 'default']) host.sysctl(`net.ipv4.conf.${scope}.rp_filter`, 0);
    }
    for (const [host, destination, via] of routes) host.addRoute(destination, via);
    const figures = await measure();
    for (const [host, destination] of routes) host.run('ip', 'route', 'delete', destination);
    return figures;
  }

  async start(): Promise<void> {
    this.miner.loadFirewall();
    await Promise.all(this.daemons.map((daemon) => daemon.start()));
    await until('the miner connected over the fast link', CONNECT_DEADLINE_MS, () => this.connects(), this.tails);
  }

  async stop(): Promise<void> {
    await Promise.all(this.daemons.map((daemon) => daemon.stop()));
  }

  /**
   * Whether the miner is connected over the fast link. A session keeps the route that it has: one that took the way round because the
   * link was not there yet is ended, and begins anew.
   */
  private async connects(): Promise<boolean> {
    const { session } = await this.miner.ask('routes', {});
    const up = session?.routes.filter(({ state }) => state === 'up') ?? [];
    if (up.some(({ path }) => path.length === 1)) {
      return (await this.miner.ask('status', {})).tunnel.state === 'connected';
    }
    const isLinked = (await this.fastLink()).state === 'up';
    if (session !== null && up.length === 0) return false;
    await this.miner.ask('gateway.use', { gateway: session === null && isLinked ? this.gateway.address : 'none' });
    return false;
  }

  /** The miner's link with the gateway. */
  async fastLink() {
    const { links } = await this.miner.ask('links', {});
    return links.find(({ key }) => key === this.gateway.key)!;
  }

  readonly tails = () => this.daemons.map((daemon) => daemon.tail()).join('\n');

  private get daemons(): readonly Daemon[] {
    return [this.gateway, this.relay, this.miner];
  }
}
