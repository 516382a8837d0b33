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
 */
import type { PolicyRule } from '../control/config.ts';
import type { PolicyUse } from '../control/config-schema.ts';
import { formatIpv4Prefix } from '../control/ip-text.ts';
import { formatPorts } from '../control/port-text.ts';
import { policyCodePoint } from '../tunnel/policy-mark.ts';
import { TREATMENT, type Treatment } from '../wire/tunnel-message.ts';

/** On packets and connections: nobody's default, and easy to recognise in `conntrack -L`. */
export const DIRECT_MARK = '0x6969';

const TREATMENTS: Readonly<Record<Exclude<PolicyUse, 'direct'>, Treatment>> = {
  'low-latency': TREATMENT.lowLatency,
  'high-throughput': TREATMENT.highThroughput,
  redundant: TREATMENT.redundant,
};

/** The interface that direct rules let packets out of; undefined where there is no such rule. */
export function directUplink(rules: readonly PolicyRule[]): string | undefined {
  return rules.find(({ use }) => use === 'direct')?.uplink;
}

/** Empty without rules. `lan` is quoted already. */
export function policyChain(rules: readonly PolicyRule[], lan: string): string {
  if (rules.length === 0) return '';
  const lines = rules.flatMap(ruleLines);
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

function ruleLines(rule: PolicyRule): string[] {
  const conditions = [
    rule.to && `ip daddr { ${rule.to.map(formatIpv4Prefix).join(', ')} }`,
    rule.from && `ip saddr { ${rule.from.map(formatIpv4Prefix).join(', ')} }`,
    rule.protocol && `ip protocol ${rule.protocol}`,
    rule.ports && `meta l4proto { tcp, udp } th dport { ${rule.ports.map(formatPorts).join(', ')} }`,
    rule.dscp && `ip dscp { ${rule.dscp.join(', ')} }`,
  ];
  const match = conditions.filter((condition) => condition !== undefined).join(' ');
  if (rule.use !== 'direct') {
    return [`${match} counter ip dscp set ${policyCodePoint(TREATMENTS[rule.use])} accept comment "${rule.use}"`];
  }
  return [
    `${match} ct status & confirmed == 0 ct mark set ${DIRECT_MARK}`,
    `${match} ct mark ${DIRECT_MARK} counter meta mark set ${DIRECT_MARK} accept comment "direct"`,
  ];
}
