/**
 * The user's rules for the LAN's packets (`[[policy]]`) as a chain of the kill switch's table. The first rule that a packet meets decides, packet
 * by packet. Rules that stay in the tunnel write what they chose into the code point, for tunnel/policy-mark.ts to read; whatever the LAN
 * wrote there of that kind is wiped first. A direct rule marks the packet, and its connection with the first packet of it:
 *
 *   packet mark      the routing rule sends it by the box's own routes (os/network.ts)
 *   connection mark  the kill switch lets it out of the uplink, and its answers back in
 *
 * so a connection that began in the tunnel never leaves it, whatever the rules become. Fragments are whole again here: the kernel
 * puts them together for connection tracking.
 *
 * A rule that names a gateway marks in the same way. Its marks lead into that gateway's TUN device and nowhere else: while the gateway is out
 * of reach, its connections are told so.
 */
import type { PolicyRule } from '../control/config.ts';
import type { PolicyUse } from '../control/config-schema.ts';
import { formatIpv4Prefix } from '../control/ip-text.ts';
import { formatPorts } from '../control/port-text.ts';
import { policyCodePoint } from '../tunnel/policy-mark.ts';
import { TREATMENT, type Treatment } from '../wire/tunnel-message.ts';

/** On packets and connections: nobody's default, and easy to recognise in `conntrack -L`. */
export const DIRECT_MARK = '0x6969';

const FIRST_GATEWAY_MARK = 0x6970;
/** Routing table of the tunnel; each gateway that rules name has one of the next. */
const TUNNEL_TABLE = 6969;

const TREATMENTS: Readonly<Record<Exclude<PolicyUse, 'direct' | 'gateway'>, Treatment>> = {
  'low-latency': TREATMENT.lowLatency,
  'high-throughput': TREATMENT.highThroughput,
  redundant: TREATMENT.redundant,
};

/** The interface that direct rules let packets out of; undefined where there is no such rule. */
export function directUplink(rules: readonly PolicyRule[]): string | undefined {
  return rules.find(({ use }) => use === 'direct')?.uplink;
}

/** A way into the network for packets of the LAN: one gateway's TUN device, and the routing table that ends in it. */
export interface TunnelWay {
  readonly tun: string;
  readonly table: string;
  /** On packets and connections that go this way; undefined for the tunnel that everything takes by default. */
  readonly mark: string | undefined;
  /** Address or key; undefined for the default. */
  readonly gateway: string | undefined;
}

/** The default way first, then one for each gateway that rules name, in the order in which they do. `tun` is the tunnel's device. */
export function tunnelWays(rules: readonly PolicyRule[], tun: string): TunnelWay[] {
  const gateways = new Set(rules.flatMap(({ gateway }) => gateway ?? []));
  const named = [...gateways].map((gateway, i) => ({
    tun: `${tun}-${i + 1}`,
    table: String(TUNNEL_TABLE + 1 + i),
    mark: `0x${(FIRST_GATEWAY_MARK + i).toString(16)}`,
    gateway,
  }));
  return [{ tun, table: String(TUNNEL_TABLE), mark: undefined, gateway: undefined }, ...named];
}

/** Empty without rules. `lan` is quoted already. */
export function policyChain(rules: readonly PolicyRule[], ways: readonly TunnelWay[], lan: string): string {
  if (rules.length === 0) return '';
  const lines = rules.flatMap((rule) => ruleLines(rule, ways));
  const ours = Object.values(TREATMENTS).map(policyCodePoint).join(', ');
  return `
  chain chosen {
    type filter hook prerouting priority mangle; policy accept;
    iifname != ${lan} accept
    meta nfproto != ipv4 accept
    ${lines.join('\n    ')}
    ip dscp { ${ours} } ip dscp set 0
  }
`;
}

function ruleLines(rule: PolicyRule, ways: readonly TunnelWay[]): string[] {
  const conditions = [
    rule.to && `ip daddr { ${rule.to.map(formatIpv4Prefix).join(', ')} }`,
    rule.from && `ip saddr { ${rule.from.map(formatIpv4Prefix).join(', ')} }`,
    rule.protocol && `ip protocol ${rule.protocol}`,
    rule.ports && `meta l4proto { tcp, udp } th dport { ${rule.ports.map(formatPorts).join(', ')} }`,
    rule.dscp && `ip dscp { ${rule.dscp.join(', ')} }`,
  ];
  const match = conditions.filter((condition) => condition !== undefined).join(' ');
  if (rule.use !== 'direct' && rule.use !== 'gateway') {
    return [`${match} counter ip dscp set ${policyCodePoint(TREATMENTS[rule.use])} accept comment "${rule.use}"`];
  }
  const mark = rule.use === 'direct' ? DIRECT_MARK : ways.find(({ gateway }) => gateway === rule.gateway)!.mark;
  return [
    `${match} ct status & confirmed == 0 ct mark set ${mark}`,
    `${match} ct mark ${mark} counter meta mark set ${mark} accept comment "${rule.use}"`,
  ];
}
