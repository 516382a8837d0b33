/**
 * Where a gateway's clients may send packets: to the internet, not to the gateway's own networks, not to one another, and
 * not to addresses that mean something else on every machine. `allow` opens networks again; the resolver is open on port 53.
 *
 * The networks become one sorted list of intervals, so that a packet costs a binary search and no allocation.
 */
import { broadcastAddress, networkAddress } from '../control/ip-text.ts';
import { contains, destinationOf, destinationPortOf, type Ipv4Prefix, PROTOCOL, protocolOf } from '../wire/ip.ts';

/**
 * Never on the internet (RFC 6890). The blocks for benchmarks and documentation are missing on purpose: nobody has
 * a network there except laboratories, which want to reach it.
 */
export const NOT_THE_INTERNET: readonly Ipv4Prefix[] = [
  { address: 0x00_00_00_00, prefixLength: 8 }, // this network
  { address: 0x0a_00_00_00, prefixLength: 8 }, // private
  { address: 0x64_40_00_00, prefixLength: 10 }, // carrier-grade NAT
  { address: 0x7f_00_00_00, prefixLength: 8 }, // loopback
  { address: 0xa9_fe_00_00, prefixLength: 16 }, // link-local
  { address: 0xac_10_00_00, prefixLength: 12 }, // private
  { address: 0xc0_00_00_00, prefixLength: 24 }, // IETF protocol assignments
  { address: 0xc0_a8_00_00, prefixLength: 16 }, // private
  { address: 0xe0_00_00_00, prefixLength: 4 }, // multicast
  { address: 0xf0_00_00_00, prefixLength: 4 }, // reserved, broadcast
];

const DNS_PORT = 53;

export interface DestinationRules {
  /** The clients' pool: no client reaches another, whatever `allow` says. */
  readonly pool: Ipv4Prefix;
  /** The gateway's own address in the pool: may be pinged. */
  readonly gateway: number;
  /** Zero when there is none. */
  readonly resolver: number;
  /** Networks that the gateway machine itself is in. */
  readonly ownNetworks: readonly Ipv4Prefix[];
  readonly allow: readonly Ipv4Prefix[];
}

export class DestinationPolicy {
  private readonly rules: DestinationRules;
  private readonly allowed: Intervals;
  private readonly denied: Intervals;

  constructor(rules: DestinationRules) {
    this.rules = rules;
    this.allowed = new Intervals(rules.allow);
    this.denied = new Intervals([...NOT_THE_INTERNET, ...rules.ownNetworks]);
  }

  /** `packet` is a whole IPv4 packet of `length` bytes at `at` that `ipv4Problem` found nothing wrong with. */
  permits(packet: Uint8Array, at: number, length: number): boolean {
    const destination = destinationOf(packet, at);
    const { rules } = this;
    const isResolver = rules.resolver !== 0 && destination === rules.resolver;
    if (isResolver && destinationPortOf(packet, at, length) === DNS_PORT) return true;
    if (destination === rules.gateway) return protocolOf(packet, at) === PROTOCOL.icmp;
    if (contains(rules.pool, destination)) return false;
    return this.allowed.has(destination) || !this.denied.has(destination);
  }
}

/** A set of addresses: sorted intervals that do not touch, first and last address of each. */
class Intervals {
  private readonly first: Uint32Array;
  private readonly last: Uint32Array;

  constructor(prefixes: readonly Ipv4Prefix[]) {
    const merged: { first: number; last: number }[] = [];
    const sorted = prefixes
      .map((prefix) => ({ first: networkAddress(prefix), last: broadcastAddress(prefix) }))
      .sort((a, b) => a.first - b.first);
    for (const interval of sorted) {
      const previous = merged.at(-1);
      if (previous !== undefined && interval.first <= previous.last + 1) {
        previous.last = Math.max(previous.last, interval.last);
      } else {
        merged.push(interval);
      }
    }
    this.first = Uint32Array.from(merged, (interval) => interval.first);
    this.last = Uint32Array.from(merged, (interval) => interval.last);
  }

  has(address: number): boolean {
    // Finds how many intervals begin at or below the address; only the last of them can hold it.
    let low = 0;
    let high = this.first.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.first[middle] <= address) low = middle + 1;
      else high = middle;
    }
    return low > 0 && address <= this.last[low - 1];
  }
}
