/**
 * A business that shares its line (test/lab/business.ts draws it): two miners on one gateway, one behind the other.
 *
 *   laptop ──lan0── business ══line══ gateway ──eth0── internet (iperf3 at 198.51.100.80)
 *      192.168.42.0/24  │  10.50.1.0/24     203.0.113.0/24
 *                       │ 10.50.2.0/24
 *   laptop-2 ──lan0── miner
 *      192.168.43.0/24
 */
import type { RunContext } from '../../../scripts/run-contract.ts';
import { Daemon, type Table } from './daemon.ts';
import { type Cable, Impairment } from './impairment.ts';
import { type Host, Lab } from './lab.ts';
import { until } from './until.ts';

export const SERVER_ADDRESS = '198.51.100.80';
const NODE_PORT = 6969;
const CONNECT_DEADLINE_MS = 30_000;
const SEED = 1;
/** 50 ms of queue, as home lines have it. */
const LINE = { rateMbit: 20, delayMs: 10, queueBytes: 131_072 } as const;
const OWN_LAN = '192.168.42.0/24';
const TRANSIT_LAN = '192.168.43.0/24';

interface Hosts {
  readonly laptop: Host;
  readonly laptop2: Host;
  readonly business: Host;
  readonly miner: Host;
  readonly gateway: Host;
  readonly internet: Host;
}

export class BusinessNetwork {
  readonly laptop: Host;
  readonly laptop2: Host;
  readonly internet: Host;
  readonly line: Cable;
  readonly business: Daemon;
  readonly miner: Daemon;
  readonly gateway: Daemon;

  private constructor(lab: Lab, hosts: Hosts, line: Cable, args: readonly string[]) {
    this.laptop = hosts.laptop;
    this.laptop2 = hosts.laptop2;
    this.internet = hosts.internet;
    this.line = line;
    this.business = new Daemon(lab, hosts.business, args);
    this.miner = new Daemon(lab, hosts.miner, args);
    this.gateway = new Daemon(lab, hosts.gateway, args);
  }

  static async lay(context: RunContext): Promise<BusinessNetwork> {
    const lab = new Lab(context);
    const impairment = await Impairment.start(lab, SEED);
    const [laptop, laptop2, business] = [lab.addHost('laptop'), lab.addHost('laptop-2'), lab.addHost('business')];
    const [miner, gateway, internet] = [lab.addHost('miner'), lab.addHost('gateway'), lab.addHost('internet')];
    const plug = (host: Host, device: string, address: string) => ({ host, device, addresses: [`${address}/24`] });
    lab.connect(plug(laptop, 'eth0', '192.168.42.250'), plug(business, 'lan0', '192.168.42.1'));
    lab.connect(plug(laptop2, 'eth0', '192.168.43.250'), plug(miner, 'lan0', '192.168.43.1'));
    lab.connect(plug(business, 'miner', '10.50.2.1'), plug(miner, 'business', '10.50.2.2'));
    lab.connect(plug(gateway, 'eth0', '203.0.113.2'), plug(internet, 'eth0', '203.0.113.1'));
    const line = await impairment.connect(
      plug(business, 'line', '10.50.1.1'),
      plug(gateway, 'line', '10.50.1.2'),
      LINE,
    );
    internet.addAddress('lo', `${SERVER_ADDRESS}/32`);
    laptop.addRoute('default', '192.168.42.1');
    laptop2.addRoute('default', '192.168.43.1');
    gateway.addRoute('default', '203.0.113.1');
    const hosts = { laptop, laptop2, business, miner, gateway, internet };
    return new BusinessNetwork(lab, hosts, line, context.args);
  }

  /** Writes all configurations; `transit` is the business's. */
  configure(transit: Table): void {
    const { business, miner, gateway } = this;
    const tunnel = { gateway: gateway.address, routes: 1 };
    const lan = (address: string) => ({ interface: 'lan0', address, dhcp: false });
    const gatewayPeer = { key: gateway.key, endpoint: `10.50.1.2:${NODE_PORT}` };
    business.configure({ peers: [gatewayPeer, { key: miner.key }], lan: lan('192.168.42.1/24'), tunnel, transit });
    const businessPeer = { key: business.key, endpoint: `10.50.2.1:${NODE_PORT}` };
    miner.configure({ peers: [businessPeer], lan: lan('192.168.43.1/24'), tunnel });
    // Nobody asks the resolver anything: the lab knows addresses only.
    const exit = { enable: true, pool: '10.64.0.0/16', uplink: 'eth0', dns: '192.0.2.53' };
    gateway.configure({ peers: [{ key: business.key }], gateway: exit });
  }

  /** Measures while the kernels forward, before any daemon runs. */
  async withPlainIp<Figures>(measure: () => Promise<Figures>): Promise<Figures> {
    const [business, miner, gateway] = [this.business.host, this.miner.host, this.gateway.host];
    const routes: readonly (readonly [Host, string, string])[] = [
      [this.internet, OWN_LAN, '203.0.113.2'],
      [this.internet, TRANSIT_LAN, '203.0.113.2'],
      [gateway, OWN_LAN, '10.50.1.1'],
      [gateway, TRANSIT_LAN, '10.50.1.1'],
      [business, TRANSIT_LAN, '10.50.2.2'],
      [business, 'default', '10.50.1.2'],
      [miner, 'default', '10.50.2.1'],
    ];
    for (const host of [business, miner, gateway]) host.sysctl('net.ipv4.ip_forward', 1);
    for (const [host, destination, via] of routes) host.addRoute(destination, via);
    const figures = await measure();
    for (const [host, destination] of routes) host.run('ip', 'route', 'delete', destination);
    return figures;
  }

  /** Starts every daemon; resolves when both miners are connected. */
  async start(): Promise<void> {
    for (const daemon of [this.business, this.miner]) daemon.loadFirewall();
    await Promise.all(this.daemons.map((daemon) => daemon.start()));
    await this.connected();
  }

  /** With the configuration as it is now. */
  async restartBusiness(): Promise<void> {
    await this.business.stop();
    await this.business.start();
    await this.connected();
  }

  private get daemons(): readonly Daemon[] {
    return [this.gateway, this.business, this.miner];
  }

  private async connected(): Promise<void> {
    const tails = () => this.daemons.map((daemon) => daemon.tail()).join('\n');
    for (const daemon of [this.business, this.miner]) {
      const ready = async () => (await daemon.ask('status', {})).tunnel.state === 'connected';
      await until(`${daemon.host.name} connected`, CONNECT_DEADLINE_MS, ready, tails);
    }
  }
}
