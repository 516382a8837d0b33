/**
 * The network in which tunnels are measured: hosts in a row, as many cables between `near` and `far` as asked for. Each tunnel has one of
 * its own, so that none stands in what another left:
 *
 *   client ──eth0── near ══1══ node-2 ══ ... ══N══ far ──eth0── server      iperf3 and more at 198.51.100.80
 *      192.168.42.0/24  10.50.1.0/24    10.50.N.0/24  203.0.113.0/24
 *
 * The tunnel's two ends are `near` and `far`, which forward what is on either side of them. A card segments what the kernel gives it in
 * bulk, and so does veth; a `plain` wire has both ends without any offload, as most small boards.
 */
import { cableEnds, LAN, LAN_ADDRESS, LAPTOP_ADDRESS, SERVER_ADDRESS } from '../../lab/harness/chain.ts';
import { startIperf } from '../../lab/harness/clients.ts';
import type { Host, Lab } from '../../lab/harness/lab.ts';
import { until } from '../../lab/harness/until.ts';

export const WIRES = ['card', 'plain'] as const;
export type Wire = (typeof WIRES)[number];

const FAR_ADDRESS = '203.0.113.2';
const QUIET_DEADLINE_MS = 10_000;
const OFFLOADS = ['tso', 'gso', 'gro', 'tx'] as const;

interface NodePlug {
  readonly host: Host;
  /** `next` leads to the far end, `previous` to the near one. */
  readonly device: 'next' | 'previous';
  readonly neighbour: Host;
  /** The neighbour's. */
  readonly address: string;
}

export class TunnelNetwork {
  readonly lab: Lab;
  readonly client: Host;
  readonly server: Host;
  /** From near to far. */
  readonly nodes: readonly Host[];

  private constructor(lab: Lab, name: string, cables: number) {
    this.lab = lab;
    this.client = lab.addHost(`${name}-client`);
    this.nodes = Array.from({ length: cables + 1 }, (_, index) => lab.addHost(`${name}-node-${index + 1}`));
    this.server = lab.addHost(`${name}-server`);
  }

  get near(): Host {
    return this.nodes[0];
  }

  get far(): Host {
    return this.nodes.at(-1)!;
  }

  /** Lays the cables and starts the servers; no tunnel is there. */
  static async lay(lab: Lab, name: string, cables: number): Promise<TunnelNetwork> {
    const network = new TunnelNetwork(lab, name, cables);
    const { client, near, far, server, nodes } = network;
    const plug = (host: Host, device: string, address: string) => ({ host, device, addresses: [`${address}/24`] });
    lab.connect(plug(client, 'eth0', LAPTOP_ADDRESS), plug(near, 'lan0', LAN_ADDRESS));
    for (let cable = 0; cable < cables; cable++) {
      const { a, b } = cableEnds(cable);
      lab.connect(plug(nodes[cable], 'next', a), plug(nodes[cable + 1], 'previous', b));
    }
    lab.connect(plug(far, 'eth0', FAR_ADDRESS), plug(server, 'eth0', '203.0.113.1'));
    client.addRoute('default', LAN_ADDRESS);
    server.addAddress('lo', `${SERVER_ADDRESS}/32`);
    server.addRoute('default', FAR_ADDRESS);
    far.addRoute('default', '203.0.113.1');
    for (const host of nodes) {
      host.sysctl('net.ipv4.ip_forward', 1);
      // What leaves by the tunnel's device through which it came is on its way all the same.
      host.sysctl('net.ipv4.conf.all.send_redirects', 0);
    }
    await startIperf(server, '::');
    return network;
  }

  use(wire: Wire): void {
    const settings = OFFLOADS.flatMap((offload) => [offload, wire === 'card' ? 'on' : 'off']);
    for (const { host, device } of this.plugs) host.run('ethtool', '-K', device, ...settings);
  }

  /** The nodes' kernels forward between client and server: through the device of that name, or straight over the cables. */
  routeThrough(tunnelDevice?: string): void {
    for (const { host, device, address } of this.plugs) {
      const hop = tunnelDevice === undefined ? ['via', address] : ['dev', tunnelDevice];
      host.run('ip', 'route', 'replace', device === 'next' ? 'default' : LAN, ...hop);
    }
  }

  /** Resolves when the server is done with its clients: their last words are still on the way when they end, and a tunnel taken down loses them. */
  async quiet(): Promise<void> {
    const isQuiet = () => this.server.run('ss', '-Htn', 'state', 'established').trim() === '';
    await until('the end of all connections', QUIET_DEADLINE_MS, isQuiet);
  }

  /** Both ends of every cable between nodes: where it is plugged in, and which node is how reached through it. */
  get plugs(): readonly NodePlug[] {
    const { nodes } = this;
    return nodes.slice(1).flatMap((host, cable): NodePlug[] => {
      const { a, b } = cableEnds(cable);
      return [
        { host: nodes[cable], device: 'next', neighbour: host, address: b },
        { host, device: 'previous', neighbour: nodes[cable], address: a },
      ];
    });
  }
}
