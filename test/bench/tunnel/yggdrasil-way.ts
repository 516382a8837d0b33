/**
 * Yggdrasil, which carries IPv6 of its own network only: near and far hand the addresses that it gives each node for its LAN to client and
 * server. Neighbours are its peers over TLS; what goes from near to far is sealed between those two besides, and relays forward it sealed.
 */
import { writeFileSync } from 'node:fs';
import { cableEnds } from '../../lab/harness/chain.ts';
import { pingTimes } from '../../lab/harness/clients.ts';
import { type Host, ToolError, tool } from '../../lab/harness/lab.ts';
import type { LabProcess } from '../../lab/harness/lab-process.ts';
import { until } from '../../lab/harness/until.ts';
import { peerProgram, startPeer } from './peer-program.ts';
import type { TunnelNetwork } from './tunnel-network.ts';
import type { Way } from './way.ts';

const START_MS = 30_000;
const PORT = 9_001;
/** All of its addresses. */
const NETWORK = '200::/7';

interface Lan {
  /** Of the node and of the host behind it. */
  readonly node: string;
  readonly host: string;
}

export class YggdrasilWay implements Way {
  private readonly network: TunnelNetwork;
  private readonly configs: readonly string[];
  private readonly nearLan: Lan;
  private readonly farLan: Lan;
  private processes: readonly LabProcess[] = [];

  /** `mtuBytes`: of the LANs at either end. */
  constructor(network: TunnelNetwork, mtuBytes: number) {
    this.network = network;
    this.configs = network.nodes.map((host, index) => writeConfig(network, host, index));
    [this.nearLan, this.farLan] = [this.configs[0], this.configs.at(-1)!].map(lanOf);
    const { client, near, far, server } = network;
    plugIn(client, near, 'lan0', this.nearLan, mtuBytes);
    plugIn(server, far, 'eth0', this.farLan, mtuBytes);
  }

  get server(): string {
    return this.farLan.host;
  }

  async up(): Promise<readonly LabProcess[]> {
    const started: LabProcess[] = [];
    // From the far end: who calls a peer that is not there yet waits for seconds before it calls again.
    for (const [index, host] of [...this.network.nodes.entries()].reverse()) {
      const one = startPeer(host, 'yggdrasil', ['-useconffile', this.configs[index]]);
      started.push(one);
      await until(
        'a TUN device',
        START_MS,
        () => host.hasLink('tun0'),
        () => one.tail(),
      );
    }
    this.processes = started;
    const { client, server } = this.network;
    const tails = () => started.map((process) => process.tail()).join('\n');
    // The LANs of one key in four are found by nobody until something has come from there.
    const metOnce = () => answers(server, this.nearLan.host) || answers(client, this.farLan.host);
    await until('either end', START_MS, metOnce, tails);
    return this.processes;
  }

  async down(): Promise<void> {
    await Promise.all(this.processes.map((process) => process.stop()));
  }
}

/** A new key, and the next node as peer; returns the file. */
function writeConfig({ lab, nodes }: TunnelNetwork, host: Host, index: number): string {
  const file = lab.file(`yggdrasil-${host.name}.json`);
  const config = {
    ...JSON.parse(tool(peerProgram('yggdrasil'), '-genconf', '-json')),
    Listen: [`tls://0.0.0.0:${PORT}`],
    Peers: index < nodes.length - 1 ? [`tls://${cableEnds(index).b}:${PORT}`] : [],
    MulticastInterfaces: [],
    AdminListen: 'none',
    IfName: 'tun0',
  };
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  return file;
}

function answers(host: Host, address: string): boolean {
  try {
    return pingTimes(host, address, 1).length > 0;
  } catch (error) {
    if (error instanceof ToolError) return false;
    throw error;
  }
}

function lanOf(config: string): Lan {
  const prefix = tool(peerProgram('yggdrasil'), '-useconffile', config, '-subnet').trim().replace('/64', '');
  return { node: `${prefix}1`, host: `${prefix}2` };
}

function plugIn(host: Host, node: Host, device: string, lan: Lan, mtuBytes: number): void {
  for (const [end, name] of [
    [host, 'eth0'],
    [node, device],
  ] as const)
    end.setMtu(name, mtuBytes);
  node.sysctl('net.ipv6.conf.all.forwarding', 1);
  node.addAddress(device, `${lan.node}/64`);
  host.addAddress('eth0', `${lan.host}/64`);
  host.addRoute(NETWORK, lan.node);
}
