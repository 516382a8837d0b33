/**
 * The firewall: texts for `nft -f -`, and their loading. Each text replaces its whole table in one transaction, so there
 * is no moment without rules. Rules name interfaces by text (iifname, oifname), so they load before the
 * interfaces exist and stay when the daemon dies.
 *
 *   inet skywire            the kill switch of a miner: what comes from the LAN goes into the tunnel or nowhere
 *   netdev skywire_lan      answers to IPv6 from the LAN, written back to the interface without any route
 *   inet skywire_wifi       what comes from radio range reaches the links and nothing else (os/wifi-firewall.ts)
 *   inet skywire_gateway    address translation for a gateway's clients, and the destination policy once more
 *
 * Every rule that refuses something counts it, with a comment that says what: `nft list table inet skywire`.
 */
import { Failure } from '../base/failure.ts';
import type { PolicyRule } from '../control/config.ts';
import { formatIpv4 } from '../control/ip-text.ts';
import { NOT_THE_INTERNET } from '../tunnel/destination-policy.ts';
import type { Ipv4Prefix } from '../wire/ip.ts';
import { runTool } from './command.ts';
import { type Hotspot, hotspotInterface, hotspotRules } from './hotspot-rules.ts';
import { drop, networkText, quoted, refuse, replaceTable, reset } from './nft-text.ts';
import { DIRECT_MARK, directUplink, policyChain, type TunnelWay, tunnelWays } from './policy-chain.ts';
import { WIFI_TABLE } from './wifi-firewall.ts';

const KILL_SWITCH_TABLE = 'skywire';
const LAN_ANSWERS_TABLE = 'skywire_lan';
const GATEWAY_TABLE = 'skywire_gateway';
/** By name, for those who look at what else is loaded. */
export const OUR_TABLES: readonly string[] = [KILL_SWITCH_TABLE, LAN_ANSWERS_TABLE, GATEWAY_TABLE, WIFI_TABLE];
/** IPv4 and TCP header without options: what an MSS leaves of an MTU. */
const TCP_OVERHEAD_BYTES = 40;

export interface KillSwitch {
  readonly lan: string;
  readonly tun: string;
  /** The box's own address on the LAN with the LAN's prefix length. */
  readonly lanAddress: Ipv4Prefix;
  readonly mtuBytes: number;
  /** The user that dnsmasq runs as: its questions leave through the tunnel only. */
  readonly resolverUid: number;
  /** The gateway's TUN device, when this node is a gateway too: its packets are none of the kill switch's business. */
  readonly gatewayTun?: string;
  /** What the user wants of the LAN's packets. */
  readonly policy?: readonly PolicyRule[];
  /** The open network for anybody. */
  readonly hotspot?: Hotspot | undefined;
}

/**
 * What a miner has loaded at all times. The chains in the order in which a packet meets them:
 * `arriving` refuses IPv6 and foreign sources from the LAN, `input` guards the box, `forward` lets through nothing but
 * LAN to tunnel and its answers, `output` and `leaving` keep the resolver and LAN addresses away from the uplinks. Where the
 * user's rules say "direct", `forward` and `leaving` also let out what `chosen` marked, by that one uplink.
 *
 * IPv6 is answered with an error or a reset when the way back to the sender is the LAN. An error to anybody else
 * would carry a piece of the LAN's packet out of an uplink, so that is dropped in silence.
 */
export function killSwitchRuleset(options: KillSwitch): string {
  const lan = quoted(options.lan);
  const network = networkText(options.lanAddress);
  const ownAddress = formatIpv4(options.lanAddress.address);
  const policy = options.policy ?? [];
  const ways = tunnelWays(policy, options.tun);
  const tuns = `{ ${ways.map((way) => quoted(way.tun)).join(', ')} }`;
  const inside = `{ ${[lan, ...ways.map((way) => quoted(way.tun)), '"lo"', ...hotspotInterface(options.hotspot)].join(', ')} }`;
  const gateway = options.gatewayTun === undefined ? undefined : quoted(options.gatewayTun);
  const direct = directRules(directUplink(policy), lan, network);
  const hotspot = hotspotRules(options.hotspot, quoted(options.tun));
  return replaceTable(
    'inet',
    KILL_SWITCH_TABLE,
    `${hotspot.chains}
  chain arriving {
    type filter hook prerouting priority raw; policy accept;
    ${hotspot.arriving}
    iifname != ${lan} accept
    meta nfproto ipv6 goto ipv6_from_lan
    ip saddr 0.0.0.0 udp dport 67 accept
    ip saddr != ${network} ${drop('from the LAN with a source outside of it')}
  }
${policyChain(policy, ways, lan)}
  chain ipv6_from_lan {
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } ip6 hoplimit 255 accept
    ip6 daddr ff00::/8 ${drop('IPv6 multicast from the LAN')}
    fib saddr oifname != ${lan} ${drop('IPv6 from the LAN, no way back on the LAN')}
    meta l4proto tcp ${reset('IPv6 TCP from the LAN')}
    ${refuse('IPv6 from the LAN')}
  }

  chain input {
    type filter hook input priority filter; policy accept;
    ${hotspot.input}
    iifname ${lan} goto from_lan
    iifname ${tuns} goto from_tunnel
  }

  chain from_lan {
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
    meta nfproto ipv6 ${drop('IPv6 from the LAN to the box')}
    ct state established,related accept
    ip daddr { 255.255.255.255, ${ownAddress} } udp dport 67 accept
    ip daddr ${ownAddress} icmp type echo-request accept
    ip daddr ${ownAddress} meta l4proto { tcp, udp } th dport 53 accept
    ${refuse('from the LAN to a port of the box')}
  }

  chain from_tunnel {
    ct state established,related accept
    ${drop('from the tunnel to the box')}
  }

  chain forward {
    type filter hook forward priority filter; policy drop;
    tcp flags & (syn | rst) == syn oifname ${tuns} ${clampMss(options.mtuBytes)}
    tcp flags & (syn | rst) == syn iifname ${tuns} ${clampMss(options.mtuBytes)}
    ${hotspot.forward}
    ${wayRules(ways, lan, network).join('\n    ')}
    iifname ${tuns} oifname ${lan} ct state established,related accept
    ${direct.forward}
    iifname ${lan} ip saddr ${network} ${refuse('from the LAN to an uplink')}
    iifname ${lan} ${drop('from the LAN, no IPv4 of the LAN')}
    oifname ${lan} ${drop('to the LAN, not an answer from the tunnel')}
    ${gateway === undefined ? '' : `iifname ${gateway} accept\n    oifname ${gateway} ct state established,related accept`}
    ${drop('neither from the LAN nor to it')}
  }

  chain output {
    type filter hook output priority filter; policy accept;
    oifname ${inside} accept
    meta skuid ${options.resolverUid} ${refuse('DNS of the LAN to an uplink')}
  }

  chain leaving {
    type filter hook postrouting priority filter; policy accept;
    oifname ${inside} accept
    ${direct.leaving}
    ip saddr ${network} ${drop('an address of the LAN on an uplink')}
    ${hotspot.leaving}
  }

  chain translate {
    type nat hook postrouting priority srcnat; policy accept;
    oifname ${tuns} ip saddr ${network} masquerade
    ${hotspot.translate}
    ${direct.translate}
  }`,
  );
}

/** From the LAN into each tunnel, for what is to go there: nothing that a rule sends to one gateway reaches another. */
function wayRules(ways: readonly TunnelWay[], lan: string, network: string): string[] {
  const marks = ways.flatMap(({ mark }) => mark ?? []);
  const others = marks.length === 0 ? '' : `ct mark != { ${marks.join(', ')} } `;
  return ways.map(({ tun, mark }) => {
    const marked = mark === undefined ? others : `ct mark ${mark} `;
    return `iifname ${lan} oifname ${quoted(tun)} ip saddr ${network} ${marked}accept`;
  });
}

/** The one way past the tunnel, for packets of connections that `chosen` marked; empty where no rule says "direct". */
function directRules(name: string | undefined, lan: string, network: string) {
  if (name === undefined) return { forward: '', leaving: '', translate: '' };
  const uplink = quoted(name);
  const out = `meta mark ${DIRECT_MARK} ct mark ${DIRECT_MARK}`;
  return {
    forward: `iifname ${lan} oifname ${uplink} ip saddr ${network} ${out} counter accept comment "direct, outside of the tunnel"
    iifname ${uplink} oifname ${lan} ct mark ${DIRECT_MARK} ct state established,related accept`,
    leaving: `oifname ${uplink} ip saddr ${network} ${out} accept`,
    translate: `oifname ${uplink} ip saddr ${network} ${out} masquerade`,
  };
}

/**
 * Answers every IPv6 packet of the LAN right at the interface, also to addresses left over from another network, to which
 * this box has no route: so no program of the laptop waits in vain. Needs the interface, and is only a courtesy: what
 * it does not answer the kill switch refuses.
 */
export function lanAnswersRuleset(lan: string): string {
  return replaceTable(
    'netdev',
    LAN_ANSWERS_TABLE,
    `
  chain answer {
    type filter hook ingress device ${quoted(lan)} priority filter; policy accept;
    meta protocol != ip6 accept
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
    ip6 daddr ff00::/8 ${drop('IPv6 multicast from the LAN')}
    meta l4proto tcp ${reset('IPv6 TCP from the LAN')}
    counter reject with icmpv6 type admin-prohibited comment "IPv6 from the LAN"
  }`,
  );
}

/**
 * What to load when the configuration can't be read and nothing is loaded yet: nothing is forwarded at all, and
 * the resolver asks nobody. A valid kill switch of an earlier start is stricter: keep that one (`isKillSwitchLoaded`).
 */
export function lockedRuleset(resolverUid: number | undefined): string {
  const resolver =
    resolverUid === undefined
      ? ''
      : `
  chain output {
    type filter hook output priority filter; policy accept;
    meta skuid ${resolverUid} oifname != "lo" ${refuse('DNS while locked')}
  }`;
  return replaceTable(
    'inet',
    KILL_SWITCH_TABLE,
    `
  chain forward {
    type filter hook forward priority filter; policy drop;
    ${drop('forwarded while locked')}
  }${resolver}`,
  );
}

export interface GatewayFirewall {
  readonly tun: string;
  readonly uplink: string;
  readonly pool: Ipv4Prefix;
  /** The gateway's own address in the pool. */
  readonly gatewayAddress: number;
  readonly mtuBytes: number;
  readonly ownNetworks: readonly Ipv4Prefix[];
  readonly allow: readonly Ipv4Prefix[];
  /** Zero when there is none. */
  readonly resolver: number;
}

/** Tunnel to uplink and answers back, with the policy of tunnel/destination-policy.ts; nothing of the gateway itself but ping. */
export function gatewayRuleset(options: GatewayFirewall): string {
  const tun = quoted(options.tun);
  const uplink = quoted(options.uplink);
  const pool = networkText(options.pool);
  const allowed = options.allow.length === 0 ? '' : `ip daddr @allowed accept`;
  const resolver =
    options.resolver === 0
      ? ''
      : `ip daddr ${formatIpv4(options.resolver)} meta l4proto { tcp, udp } th dport 53 accept`;
  return replaceTable(
    'inet',
    GATEWAY_TABLE,
    `${options.allow.length === 0 ? '' : networkSet('allowed', options.allow)}${networkSet('refused', [
      ...NOT_THE_INTERNET,
      ...options.ownNetworks,
    ])}
  chain input {
    type filter hook input priority filter; policy accept;
    iifname != ${tun} accept
    ct state established,related accept
    ip saddr ${pool} ip daddr ${formatIpv4(options.gatewayAddress)} icmp type echo-request accept
    ${resolver}
    ${drop('from a client to the gateway itself')}
  }

  chain forward {
    type filter hook forward priority filter; policy accept;
    iifname ${tun} goto from_clients
    oifname ${tun} goto to_clients
  }

  chain from_clients {
    meta nfproto ipv6 ${drop('IPv6 from a client')}
    ip saddr != ${pool} ${drop('from a client with a source outside of the pool')}
    oifname ${tun} ${refuse('client to client')}
    ip daddr ${pool} ${refuse('client to client')}
    tcp flags & (syn | rst) == syn ${clampMss(options.mtuBytes)}
    ct state established,related accept
    ${resolver}
    ${allowed}
    ip daddr @refused ${refuse('from a client to a refused network')}
    oifname ${uplink} accept
    ${refuse('from a client to another interface')}
  }

  chain to_clients {
    tcp flags & (syn | rst) == syn ${clampMss(options.mtuBytes)}
    ct state established,related accept
    ${drop('to a client, not an answer')}
  }

  chain translate {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr ${pool} oifname != ${tun} masquerade
  }`,
  );
}

/**
 * Loads a ruleset of this file.
 * @throws Failure system-tool, not-permitted
 */
export async function applyRuleset(ruleset: string): Promise<void> {
  await runTool('nft', ['-f', '-'], ruleset);
}

export async function isKillSwitchLoaded(): Promise<boolean> {
  try {
    await runTool('nft', ['list', 'table', 'inet', KILL_SWITCH_TABLE]);
    return true;
  } catch (error) {
    if (error instanceof Failure && /No such file/.test(error.message)) return false;
    throw error;
  }
}

/** Takes away everything that this file ever loaded: for a person who wants the machine back as it was. */
export async function removeRulesets(): Promise<void> {
  await applyRuleset(
    [KILL_SWITCH_TABLE, GATEWAY_TABLE, WIFI_TABLE]
      .map((name) => `table inet ${name}\ndelete table inet ${name}\n`)
      .join(''),
  );
}

function networkSet(name: string, networks: readonly Ipv4Prefix[]): string {
  const elements = networks.map(networkText).join(', ');
  return `
  set ${name} {
    type ipv4_addr; flags interval; auto-merge
    elements = { ${elements} }
  }
`;
}

function clampMss(mtuBytes: number): string {
  // The kernel only ever lowers it: raising could stall a connection (net/netfilter/nft_exthdr.c).
  return `tcp option maxseg size set ${mtuBytes - TCP_OVERHEAD_BYTES}`;
}
