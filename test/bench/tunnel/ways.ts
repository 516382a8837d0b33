/**
 * The ways from the client to the server that are compared: no tunnel, ours, wireguard-go, and a loop in C without a protocol
 * (test/lab/superpacket). One runs at a time.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { cProgram } from '../../lab/harness/c-program.ts';
import { Daemon } from '../../lab/harness/daemon.ts';
import { type Host, tool } from '../../lab/harness/lab.ts';
import type { LabProcess } from '../../lab/harness/lab-process.ts';
import { until } from '../../lab/harness/until.ts';
import { CLIENT_NETWORK, FAR_ADDRESS, LAN_ADDRESS, NEAR_ADDRESS, type TunnelNetwork } from './tunnel-network.ts';

const START_MS = 30_000;
const NODE_PORT = 6969;
const WIREGUARD_PORT = 51_820;
/** Of wireguard-go by default; the loop gets the same. */
const TUNNEL_MTU_BYTES = 1_420;
/** The release of Debian that this is has one without segmentation offload, or scripts/setup --peers got a newer one. */
const WIREGUARD_PROGRAMS = ['/var/cache/skywire/peers/usr/bin/wireguard-go', '/usr/bin/wireguard-go'] as const;

export interface Way {
  /** The processes whose time and memory count; the way works when it resolves. */
  up(): Promise<readonly LabProcess[]>;
  down(): Promise<void>;
}

/** `skywire-once`: with `tunnel.seal_twice = false`. */
export const WAYS = ['raw', 'skywire', 'skywire-once', 'wireguard-go', 'loop', 'loop-link'] as const;
export type WayName = (typeof WAYS)[number];

/** `programArgs` go to our daemons. */
export function createWay(name: WayName, network: TunnelNetwork, programArgs: readonly string[]): Way {
  switch (name) {
    case 'raw':
      return new RawWay(network);
    case 'skywire':
      return new SkywireWay(network, programArgs, true);
    case 'skywire-once':
      return new SkywireWay(network, programArgs, false);
    case 'wireguard-go':
      return new WireguardWay(network);
    case 'loop':
      return new LoopWay(network, 'both');
    case 'loop-link':
      return new LoopWay(network, 'link');
  }
}

/** The kernel forwards. */
class RawWay implements Way {
  private readonly network: TunnelNetwork;

  constructor(network: TunnelNetwork) {
    this.network = network;
  }

  async up(): Promise<readonly LabProcess[]> {
    routeThrough(this.network.near, 'wire', FAR_ADDRESS, 'default');
    routeThrough(this.network.far, 'wire', NEAR_ADDRESS, CLIENT_NETWORK);
    return [];
  }

  async down(): Promise<void> {}
}

/** Miner and gateway, with kill switch and address translation as they always are. */
class SkywireWay implements Way {
  private readonly miner: Daemon;
  private readonly gateway: Daemon;
  private readonly seal: 'end-to-end' | 'link';

  constructor(network: TunnelNetwork, programArgs: readonly string[], sealsTwice: boolean) {
    this.miner = new Daemon(network.lab, network.near, programArgs);
    this.gateway = new Daemon(network.lab, network.far, programArgs);
    this.seal = sealsTwice ? 'end-to-end' : 'link';
    this.miner.configure({
      peers: [{ key: this.gateway.key, endpoint: `${FAR_ADDRESS}:${NODE_PORT}` }],
      lan: { interface: 'lan0', address: `${LAN_ADDRESS}/24`, dhcp: false },
      tunnel: { gateway: this.gateway.address, routes: 1, seal_twice: sealsTwice },
    });
    this.gateway.configure({
      peers: [{ key: this.miner.key }],
      gateway: { enable: true, pool: '10.64.0.0/16', uplink: 'eth0', dns: '192.0.2.53' },
    });
  }

  async up(): Promise<readonly LabProcess[]> {
    const { miner, gateway } = this;
    miner.loadFirewall();
    const started = await Promise.all([miner.start(), gateway.start()]);
    const connected = async () => (await miner.ask('status', {})).tunnel.state === 'connected';
    await until('the miner connected', START_MS, connected, () => `${miner.tail()}\n${gateway.tail()}`);
    const sealed = async () => (await miner.ask('routes', {})).session?.routes.every(({ seal }) => seal === this.seal);
    await until(`routes sealed ${this.seal}`, START_MS, async () => (await sealed()) === true);
    return started;
  }

  async down(): Promise<void> {
    await Promise.all([this.miner.stop(), this.gateway.stop()]);
  }
}

/** Two programs that each open a TUN of the same name. */
abstract class PairWay implements Way {
  protected readonly network: TunnelNetwork;
  private processes: readonly LabProcess[] = [];

  constructor(network: TunnelNetwork) {
    this.network = network;
  }

  protected abstract start(): Promise<readonly LabProcess[]>;

  async up(): Promise<readonly LabProcess[]> {
    const { near, far } = this.network;
    this.processes = await this.start();
    for (const [host, address] of [
      [near, '10.51.0.1'],
      [far, '10.51.0.2'],
    ] as const) {
      await until(
        'a TUN device',
        START_MS,
        () => host.hasLink('tun0'),
        () => this.processes.map((one) => one.tail()).join('\n'),
      );
      host.addAddress('tun0', `${address}/24`);
      tool('ip', '-n', host.namespace, 'link', 'set', 'dev', 'tun0', 'mtu', `${TUNNEL_MTU_BYTES}`, 'up');
    }
    routeThrough(near, 'tun0', '10.51.0.2', 'default');
    routeThrough(far, 'tun0', '10.51.0.1', CLIENT_NETWORK);
    return this.processes;
  }

  async down(): Promise<void> {
    await Promise.all(this.processes.map((process) => process.stop()));
  }
}

class WireguardWay extends PairWay {
  protected async start(): Promise<readonly LabProcess[]> {
    const { near, far, lab } = this.network;
    const program = WIREGUARD_PROGRAMS.find((path) => existsSync(path));
    if (program === undefined) throw new Error('no wireguard-go; remedy: scripts/setup --peers');
    const ends = [near, far].map((host) => {
      const secret = tool('wg', 'genkey').trim();
      const keyFile = lab.file(`wireguard-${host.name}.key`);
      writeFileSync(keyFile, secret, { mode: 0o600 });
      return { host, keyFile, key: host.run('sh', '-c', `wg pubkey < ${keyFile}`).trim() };
    });
    // Its control socket is named after the interface, and there is one folder for all of them.
    const started: LabProcess[] = [];
    for (const [index, { host, keyFile }] of ends.entries()) {
      const peer = ends[1 - index];
      const address = index === 0 ? FAR_ADDRESS : NEAR_ADDRESS;
      const name = `skw${process.pid % 10_000}${index}`;
      started.push(host.start('wireguard-go', program, ['-f', name]));
      await until('wireguard-go', START_MS, () => host.hasLink(name) && existsSync(`/var/run/wireguard/${name}.sock`));
      const allowed = ['allowed-ips', '0.0.0.0/0', 'endpoint', `${address}:${WIREGUARD_PORT}`];
      host.run(
        'wg',
        'set',
        name,
        'private-key',
        keyFile,
        'listen-port',
        `${WIREGUARD_PORT}`,
        'peer',
        peer.key,
        ...allowed,
      );
      tool('ip', '-n', host.namespace, 'link', 'set', 'dev', name, 'down', 'name', 'tun0');
    }
    return started;
  }
}

class LoopWay extends PairWay {
  private readonly layers: 'both' | 'link';

  constructor(network: TunnelNetwork, layers: 'both' | 'link') {
    super(network);
    this.layers = layers;
  }

  protected async start(): Promise<readonly LabProcess[]> {
    const { near, far } = this.network;
    const program = cProgram('superpacket', '-lcrypto');
    return [
      near.start('loop', program, ['tun0', NEAR_ADDRESS, FAR_ADDRESS, this.layers]),
      far.start('loop', program, ['tun0', FAR_ADDRESS, NEAR_ADDRESS, this.layers]),
    ];
  }
}

function routeThrough(host: Host, device: string, via: string, destination: string): void {
  host.run('ip', 'route', 'replace', destination, 'via', via, 'dev', device);
}
