/**
 * The network of the demo, which most labs share:
 *
 *   laptop ──eth0── miner ──up-a── relay-a ──────┐
 *        192.168.42.0/24  10.1.0.0/24        10.3.0.0/24
 *                     │                          ├── gateway ──eth0── internet
 *                     │   10.2.0.0/24        10.4.0.0/24     203.0.113.0/24    web 198.51.100.80, DNS 192.0.2.53
 *                     └─────up-b── relay-b ──────┘
 *
 * up-a and up-b are the two modems, shaped in both directions. The miner even has a default route through up-a and forwards
 * packets, and so does relay-a: nothing but the kill switch keeps the laptop's packets from leaving in the clear.
 */
import type { RunContext } from '../../../scripts/run-contract.ts';
import { type Internet, startInternet } from './clients.ts';
import { Daemon, type Table } from './daemon.ts';
import { type Host, Lab } from './lab.ts';
import type { LabProcess } from './lab-process.ts';
import { until } from './until.ts';

export const WEB_NAME = 'www.example.net';
export const WEB_ADDRESS = '198.51.100.80';
export const DNS_ADDRESS = '192.0.2.53';
export const WEB_ADDRESS_V6 = '2001:db8:80::80';
export const LAN_ADDRESS = '192.168.42.1';
/** The interfaces of the miner that lead outside. */
export const UPLINKS = ['up-a', 'up-b'] as const;
export const NODE_PORT = 6969;

/** A home modem's queue: enough for TCP, not enough to hide loss. */
const MODEM_QUEUE_MS = 50;
const CONNECT_DEADLINE_MS = 30_000;

export interface DemoOptions {
  /** Of each modem, in both directions; 0 leaves the cables as fast as the machine. */
  readonly rateMbit: number;
  readonly fileBytes: number;
}

export class DemoNetwork {
  readonly lab: Lab;
  readonly laptop: Host;
  readonly minerHost: Host;
  readonly internetHost: Host;
  readonly miner: Daemon;
  readonly relayA: Daemon;
  readonly relayB: Daemon;
  readonly gateway: Daemon;
  internet!: Internet;
  private readonly options: DemoOptions;

  /** Arguments of the run go to every daemon: `npm run lab -- cuts --datapath portable`. Lays the cables and makes keys and configurations; nothing of ours runs yet. */
  constructor(context: RunContext, options: DemoOptions) {
    this.options = options;
    this.lab = new Lab(context);
    this.laptop = this.lab.addHost('laptop');
    this.minerHost = this.lab.addHost('miner');
    const relayA = this.lab.addHost('relay-a');
    const relayB = this.lab.addHost('relay-b');
    const gateway = this.lab.addHost('gateway');
    this.internetHost = this.lab.addHost('internet');
    this.layCables(relayA, relayB, gateway);
    this.miner = new Daemon(this.lab, this.minerHost, context.args);
    this.relayA = new Daemon(this.lab, relayA, context.args);
    this.relayB = new Daemon(this.lab, relayB, context.args);
    this.gateway = new Daemon(this.lab, gateway, context.args);
    this.writeConfigurations();
  }

  private layCables(relayA: Host, relayB: Host, gateway: Host): void {
    const { lab, laptop, minerHost: miner, internetHost: internet } = this;
    const plug = (host: Host, device: string, ...addresses: string[]) => ({ host, device, addresses });
    lab.connect(plug(laptop, 'eth0'), plug(miner, 'lan0'));
    lab.connect(plug(miner, 'up-a', '10.1.0.2/24'), plug(relayA, 'to-miner', '10.1.0.1/24', '2001:db8:a::1/64'));
    lab.connect(plug(miner, 'up-b', '10.2.0.2/24'), plug(relayB, 'to-miner', '10.2.0.1/24', '2001:db8:b::1/64'));
    lab.connect(plug(relayA, 'to-gateway', '10.3.0.1/24'), plug(gateway, 'from-a', '10.3.0.2/24'));
    lab.connect(plug(relayB, 'to-gateway', '10.4.0.1/24'), plug(gateway, 'from-b', '10.4.0.2/24'));
    lab.connect(plug(gateway, 'eth0', '203.0.113.2/24'), plug(internet, 'eth0', '203.0.113.1/24'));
    internet.addAddress('lo', `${WEB_ADDRESS}/32`, `${DNS_ADDRESS}/32`, `${WEB_ADDRESS_V6}/128`);
    gateway.addRoute('default', '203.0.113.1');
    miner.addAddress('up-a', '2001:db8:a::2/64');
    miner.addRoute('default', '10.1.0.1');
    miner.addRoute('default', '2001:db8:a::1');
    for (const host of [miner, relayA]) {
      host.sysctl('net.ipv4.ip_forward', 1);
      host.sysctl('net.ipv6.conf.all.forwarding', 1);
    }
    if (this.options.rateMbit > 0) this.shapeModems(relayA, relayB);
  }

  private shapeModems(relayA: Host, relayB: Host): void {
    for (const device of UPLINKS) this.minerHost.shape(device, this.options.rateMbit, MODEM_QUEUE_MS);
    for (const relay of [relayA, relayB]) relay.shape('to-miner', this.options.rateMbit, MODEM_QUEUE_MS);
  }

  /** `tunnel`: more keys for the miner's; `policy`: its rules. */
  writeConfigurations(tunnel: Table = {}, policy: readonly Table[] = []): void {
    const { miner, relayA, relayB, gateway } = this;
    const at = (key: string, address: string) => ({ key, endpoint: `${address}:${NODE_PORT}` });
    miner.configure({
      peers: [at(relayA.key, '10.1.0.1'), at(relayB.key, '10.2.0.1')],
      lan: { interface: 'lan0', address: `${LAN_ADDRESS}/24`, dhcp: true },
      tunnel: { gateway: gateway.address, routes: 2, ...tunnel },
      policy,
    });
    relayA.configure({ peers: [{ key: miner.key }, at(gateway.key, '10.3.0.2')] });
    relayB.configure({ peers: [{ key: miner.key }, at(gateway.key, '10.4.0.2')] });
    gateway.configure({
      peers: [{ key: relayA.key }, { key: relayB.key }],
      gateway: { enable: true, pool: '10.64.0.0/16', uplink: 'eth0', dns: DNS_ADDRESS },
    });
  }

  get daemons(): Daemon[] {
    return [this.gateway, this.relayA, this.relayB, this.miner];
  }

  /** Starts the internet's servers, then every daemon; resolves with these when the miner is connected over both routes. */
  async start(): Promise<LabProcess[]> {
    await this.startInternet();
    this.miner.loadFirewall();
    const started = await Promise.all(this.daemons.map((daemon) => daemon.start()));
    await this.connected();
    return started;
  }

  async startInternet(): Promise<void> {
    const servers = { web: WEB_ADDRESS, dns: DNS_ADDRESS, fileBytes: this.options.fileBytes };
    this.internet = await startInternet(this.internetHost, { ...servers, names: { [WEB_NAME]: WEB_ADDRESS } });
  }

  /** Resolves when the miner's tunnel is connected over so many routes. */
  async connected(routes = 2, deadlineMs = CONNECT_DEADLINE_MS): Promise<void> {
    const ready = async () => {
      const { tunnel } = await this.miner.ask('status', {});
      return tunnel.state === 'connected' && tunnel.routes_up === routes;
    };
    await until(`the miner connected over ${routes} routes`, deadlineMs, ready, () => this.tails());
  }

  /** The last lines of every daemon. */
  tails(): string {
    return this.daemons.map((daemon) => daemon.tail()).join('\n');
  }
}
