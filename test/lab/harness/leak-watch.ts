/**
 * Watches the miner's uplinks for anything of the laptop's: tcpdump beside nft counters, two witnesses that know nothing of
 * each other. Only the node's own datagrams may pass there, and what the kernel itself says about its own addresses.
 */
import { Capture } from './capture.ts';
import { type DemoNetwork, NODE_PORT, UPLINKS } from './demo-topology.ts';
import type { Host } from './lab.ts';
import { type CapturedPacket, PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_UDP } from './pcap.ts';

const TABLE = 'lab_leak_watch';
const DNS_PORT = 53;
/** Neighbour discovery, router solicitation, multicast listener reports: between two ends of one cable. */
const ICMPV6_OF_THE_CABLE = new Set([130, 131, 132, 133, 134, 135, 136, 143]);
const COUNTERS = ['lan_ipv4', 'lan_ipv6', 'dns'] as const;

export interface LeakReport {
  /** Packets that passed the uplinks at all: an idle wire proves nothing. */
  readonly seen: number;
  /** Pings of the exception, in the clear because a rule says so. */
  readonly excepted: number;
  /** All other packets in the clear by kind. */
  readonly ipv4: number;
  readonly ipv6: number;
  readonly dns: number;
  /** What the nft counters say, summed up. */
  readonly counted: number;
  /** Who to whom, of the first leaks. */
  readonly examples: readonly string[];
}

export class LeakWatch {
  private readonly host: Host;
  private readonly captures: readonly Capture[];
  private readonly exception: string | undefined;

  private constructor(host: Host, captures: readonly Capture[], exception: string | undefined) {
    this.host = host;
    this.captures = captures;
    this.exception = exception;
  }

  /** Resolves when both witnesses look. `exception`: pings of this address may leave. */
  static async start(network: DemoNetwork, exception?: string): Promise<LeakWatch> {
    const host = network.minerHost;
    host.run('nft', watchRules(exception));
    const captures: Capture[] = [];
    for (const device of UPLINKS) captures.push(await Capture.start(network.lab, host, device));
    return new LeakWatch(host, captures, exception);
  }

  async stop(): Promise<LeakReport> {
    const packets = (await Promise.all(this.captures.map((capture) => capture.stop()))).flat();
    const isExcepted = ({ protocol, source, destination }: CapturedPacket) =>
      protocol === PROTOCOL_ICMP && [source, destination].includes(this.exception ?? '');
    const leaks = packets.filter((packet) => isLeak(packet) && !isExcepted(packet));
    const dns = leaks.filter((packet) => packet.destinationPort === DNS_PORT);
    const others = leaks.filter((packet) => packet.destinationPort !== DNS_PORT);
    const report = {
      seen: packets.length,
      excepted: packets.filter(isExcepted).length,
      ipv4: others.filter((packet) => packet.family === 4).length,
      ipv6: others.filter((packet) => packet.family === 6).length,
      dns: dns.length,
      counted: this.readCounters(),
      examples: leaks.slice(0, 5).map(describe),
    };
    this.host.run('nft', 'delete', 'table', 'inet', TABLE);
    return report;
  }

  private readCounters(): number {
    const listed = JSON.parse(this.host.run('nft', '-j', 'list', 'counters', 'table', 'inet', TABLE)) as {
      nftables: { counter?: { packets: number } }[];
    };
    return listed.nftables.reduce((sum, { counter }) => sum + (counter?.packets ?? 0), 0);
  }
}

export function nothingLeaked(report: LeakReport): boolean {
  return report.ipv4 + report.ipv6 + report.dns + report.counted === 0;
}

/** Counts behind every other rule (NAT has its say at 100), and drops nothing: it only looks. */
function watchRules(exception: string | undefined): string {
  const uplinks = `oifname { ${UPLINKS.map((device) => `"${device}"`).join(', ')} }`;
  const counters = COUNTERS.map((name) => `counter ${name} {}`).join('\n');
  return `table inet ${TABLE} {
    ${counters}
    chain forwarded {
      type filter hook forward priority 1000; policy accept;
      ${exception === undefined ? '' : `ip daddr ${exception} ip protocol icmp accept`}
      iifname "lan0" ${uplinks} meta nfproto ipv4 counter name lan_ipv4
      iifname "lan0" ${uplinks} meta nfproto ipv6 counter name lan_ipv6
    }
    chain leaving {
      type filter hook postrouting priority 1000; policy accept;
      ${uplinks} meta l4proto { tcp, udp } th dport ${DNS_PORT} counter name dns
    }
  }`;
}

/** Whether this packet has no business on an uplink. */
export function isLeak(packet: CapturedPacket): boolean {
  if (packet.family === 0) return false;
  if (packet.protocol === PROTOCOL_UDP && packet.sourcePort === NODE_PORT && packet.destinationPort === NODE_PORT) {
    return false;
  }
  if (packet.family === 6 && packet.protocol === PROTOCOL_ICMPV6) return !ICMPV6_OF_THE_CABLE.has(packet.payload[0]);
  // Multicast membership of a host on its own cable; hop-by-hop options precede it.
  if (packet.family === 6 && packet.destination.startsWith('ff02:')) return false;
  return !isPortUnreachableOfNode(packet);
}

/** A dead daemon's kernel says "port unreachable" to its neighbours: it quotes the node's own datagram. */
function isPortUnreachableOfNode(packet: CapturedPacket): boolean {
  if (packet.protocol !== PROTOCOL_ICMP || packet.payload[0] !== 3 || packet.payload[1] !== 3) return false;
  const quoted = Buffer.from(packet.payload).subarray(8);
  return quoted[9] === PROTOCOL_UDP && quoted.readUInt16BE(20 + 2) === NODE_PORT;
}

function describe(packet: CapturedPacket): string {
  return `${packet.source} to ${packet.destination} protocol ${packet.protocol} port ${packet.destinationPort}`;
}
