/** What the user's rules let out of the uplink in the clear, in words: for the log and `skywire status`. */
import type { Config, PolicyRule } from '../control/config.ts';
import { formatIpv4, formatIpv4Prefix } from '../control/ip-text.ts';
import { formatPorts } from '../control/port-text.ts';
import type { Ipv4Prefix } from '../wire/ip.ts';

/** One text for each direct rule, in their order: `to 192.0.2.0/24, from 192.168.42.20, tcp, ports 443, by eth1`. */
export function directExceptions(config: Config): string[] {
  return config.policy.filter(({ use }) => use === 'direct').map(exceptionText);
}

function exceptionText(rule: PolicyRule): string {
  const parts = [
    rule.to && `to ${rule.to.map(placeText).join(' ')}`,
    rule.from && `from ${rule.from.map(placeText).join(' ')}`,
    rule.protocol,
    rule.ports && `ports ${rule.ports.map(formatPorts).join(' ')}`,
    `by ${rule.uplink}`,
  ];
  return parts.filter((part) => part !== undefined).join(', ');
}

function placeText(place: Ipv4Prefix): string {
  return place.prefixLength === 32 ? formatIpv4(place.address) : formatIpv4Prefix(place);
}
