/**
 * The hotspot's part of the kill switch (os/firewall.ts): whoever is in the open network gets an address, names, and the internet through the tunnel at a
 * bounded rate, and reaches neither this box, nor the LAN, nor another client (which the access point itself keeps apart, too).
 */
import { formatIpv4 } from '../control/ip-text.ts';
import type { Ipv4Prefix } from '../wire/ip.ts';
import { drop, networkText, quoted, refuse } from './nft-text.ts';

/** Rules and programs look for it by this name. */
export const HOTSPOT_INTERFACE = 'sky-hot0';
/** What a client may send at once on top of its rate, in time. */
const BURST_S = 0.25;
/** A page's first packets go in one piece at any rate. */
const LEAST_BURST_BYTES = 32_768;
const BITS_PER_BYTE = 8;
/** Clients that are counted one by one; a client that is silent for a minute makes room. */
const MOST_CLIENTS = 65_535;

export interface Hotspot {
  readonly address: Ipv4Prefix;
  /** For each client in each direction. */
  readonly rateBitsPerSecond: number;
}

const NONE = { chains: '', arriving: '', input: '', forward: '', leaving: '', translate: '' };

/** Quoted; none without a hotspot. */
export function hotspotInterface(hotspot: Hotspot | undefined): string[] {
  return hotspot === undefined ? [] : [quoted(HOTSPOT_INTERFACE)];
}

/** Lines for the chains of those names, and chains of its own. @param tun quoted */
export function hotspotRules(hotspot: Hotspot | undefined, tun: string): typeof NONE {
  const [hot] = hotspotInterface(hotspot);
  if (hotspot === undefined) return NONE;
  const network = networkText(hotspot.address);
  const own = formatIpv4(hotspot.address.address);
  const isAtRate = rateText(hotspot.rateBitsPerSecond);
  return {
    chains: `
  set hotspot_sends {
    type ipv4_addr; size ${MOST_CLIENTS}; flags dynamic,timeout; timeout 1m
  }

  set hotspot_gets {
    type ipv4_addr; size ${MOST_CLIENTS}; flags dynamic,timeout; timeout 1m
  }

  chain from_hotspot {
    ip daddr { 255.255.255.255, ${own} } udp dport 67 accept
    ip daddr ${own} icmp type echo-request accept
    ip daddr ${own} meta l4proto { tcp, udp } th dport 53 accept
    ${drop('from the hotspot to the box')}
  }

  chain arriving_from_hotspot {
    meta nfproto ipv6 ${drop('IPv6 from the hotspot')}
    ip saddr 0.0.0.0 udp dport 67 accept
    ip saddr != ${network} ${drop('from the hotspot with a source outside of it')}
    ip saddr ${own} ${drop('from the hotspot with the address of the box')}
  }

  chain forward_from_hotspot {
    oifname != ${tun} ${refuse('from the hotspot past the tunnel')}
    update @hotspot_sends { ip saddr ${isAtRate} } ${drop('more from a client of the hotspot than its rate')}
    accept
  }

  chain forward_to_hotspot {
    iifname != ${tun} ${drop('to the hotspot, not from the tunnel')}
    ct state != { established, related } ${drop('to the hotspot, not an answer')}
    update @hotspot_gets { ip daddr ${isAtRate} } ${drop('more to a client of the hotspot than its rate')}
    accept
  }
`,
    arriving: `iifname ${hot} goto arriving_from_hotspot`,
    input: `iifname ${hot} goto from_hotspot`,
    forward: `iifname ${hot} goto forward_from_hotspot
    oifname ${hot} goto forward_to_hotspot`,
    leaving: `ip saddr ${network} ${drop('an address of the hotspot on an uplink')}`,
    translate: `oifname ${tun} ip saddr ${network} masquerade`,
  };
}

function rateText(bitsPerSecond: number): string {
  const bytesPerSecond = Math.round(bitsPerSecond / BITS_PER_BYTE);
  const burst = Math.max(LEAST_BURST_BYTES, Math.round(bytesPerSecond * BURST_S));
  return `limit rate over ${bytesPerSecond} bytes/second burst ${burst} bytes`;
}
