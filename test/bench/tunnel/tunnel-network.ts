/**
 * The network in which a tunnel is measured, four hosts in a row. Each has one of its own, so that none stands in what another left:
 *
 *   client ──eth0── near ══wire══ far ──eth0── server      iperf3 and more at 198.51.100.80
 *      192.168.42.0/24   10.50.0.0/24   203.0.113.0/24
 *
 * The tunnel's two ends are `near` and `far`, which forward what is on either side of them. A card segments what the kernel gives it in
 * bulk, and so does veth; a `plain` wire has both ends without any offload, as most small boards.
 */
import { startIperf } from '../../lab/harness/clients.ts';
import type { Host, Lab } from '../../lab/harness/lab.ts';

export const SERVER_ADDRESS = '198.51.100.80';
export const CLIENT_NETWORK = '192.168.42.0/24';
export const LAN_ADDRESS = '192.168.42.1';
export const NEAR_ADDRESS = '10.50.0.1';
export const FAR_ADDRESS = '10.50.0.2';
const CLIENT_ADDRESS = '192.168.42.250';

export type Wire = 'card' | 'plain';
const OFFLOADS = ['tso', 'gso', 'gro', 'tx'] as const;

export class TunnelNetwork {
  readonly lab: Lab;
  readonly client: Host;
  readonly near: Host;
  readonly far: Host;
  readonly server: Host;

  private constructor(lab: Lab, name: string) {
    this.lab = lab;
    this.client = lab.addHost(`${name}-client`);
    this.near = lab.addHost(`${name}-near`);
    this.far = lab.addHost(`${name}-far`);
    this.server = lab.addHost(`${name}-server`);
  }

  /** Lays the cables and starts the servers; no tunnel is there. */
  static async lay(lab: Lab, name: string): Promise<TunnelNetwork> {
    const network = new TunnelNetwork(lab, name);
    const { client, near, far, server } = network;
    const plug = (host: Host, device: string, address: string) => ({ host, device, addresses: [`${address}/24`] });
    lab.connect(plug(client, 'eth0', CLIENT_ADDRESS), plug(near, 'lan0', LAN_ADDRESS));
    lab.connect(plug(near, 'wire', NEAR_ADDRESS), plug(far, 'wire', FAR_ADDRESS));
    lab.connect(plug(far, 'eth0', '203.0.113.2'), plug(server, 'eth0', '203.0.113.1'));
    client.addRoute('default', LAN_ADDRESS);
    server.addAddress('lo', `${SERVER_ADDRESS}/32`);
    server.addRoute('default', '203.0.113.2');
    far.addRoute('default', '203.0.113.1');
    for (const host of [near, far]) host.sysctl('net.ipv4.ip_forward', 1);
    await startIperf(server, SERVER_ADDRESS);
    return network;
  }

  use(wire: Wire): void {
    const onOrOff = wire === 'card' ? 'on' : 'off';
    for (const host of [this.near, this.far]) {
      host.run('ethtool', '-K', 'wire', ...OFFLOADS.flatMap((offload) => [offload, onOrOff]));
    }
  }
}
