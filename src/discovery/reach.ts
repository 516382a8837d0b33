/** From where an address is reached: nobody is told of one that means nothing, or somebody else, where he is. */
import { equal, readU16, readU32 } from '../base/bytes.ts';
import { STREAM_SOCKET } from '../base/datagram.ts';
import { contains, type Ipv4Prefix } from '../wire/ip.ts';

/** `link`: on its cable alone, or not at all; `site`: behind the same address translation; `world`: from everywhere. */
export type Reach = 'link' | 'site' | 'world';

// Endpoints, as src/base/datagram.ts has them.
const SOCKET_AT = 0;
const FAMILY_AT = 1;
const ADDRESS_AT = 4;
const ADDRESS_END = 20;

/** RFC 6890. */
const IPV4_SITE: readonly Ipv4Prefix[] = [
  { address: 0x0a000000, prefixLength: 8 },
  { address: 0x64400000, prefixLength: 10 },
  { address: 0xac100000, prefixLength: 12 },
  { address: 0xc0a80000, prefixLength: 16 },
];
const IPV4_LINK: readonly Ipv4Prefix[] = [
  { address: 0, prefixLength: 8 },
  { address: 0x7f000000, prefixLength: 8 },
  { address: 0xa9fe0000, prefixLength: 16 },
  { address: 0xe0000000, prefixLength: 3 },
];

export function reachOf(endpoint: Uint8Array): Reach {
  // Nobody else gets into a stream.
  if (endpoint[SOCKET_AT] === STREAM_SOCKET) return 'link';
  if (endpoint[FAMILY_AT] === 4) {
    const address = readU32(endpoint, ADDRESS_AT);
    if (IPV4_LINK.some((network) => contains(network, address))) return 'link';
    return IPV4_SITE.some((network) => contains(network, address)) ? 'site' : 'world';
  }
  if (endpoint[FAMILY_AT] !== 6) return 'link';
  const first = readU16(endpoint, ADDRESS_AT);
  const isMulticast = first >>> 8 === 0xff;
  const isLinkLocal = (first & 0xffc0) === 0xfe80;
  // ::/96 holds the unspecified address and the loopback.
  const isLow = endpoint.subarray(ADDRESS_AT, ADDRESS_END - 4).every((byte) => byte === 0);
  if (isMulticast || isLinkLocal || isLow) return 'link';
  return first >>> 9 === 0xfc >>> 1 ? 'site' : 'world';
}

/** Whether two endpoints are of the same protocol, at different addresses. */
export function areApart(a: Uint8Array, b: Uint8Array): boolean {
  return (
    a[FAMILY_AT] === b[FAMILY_AT] && !equal(a.subarray(ADDRESS_AT, ADDRESS_END), b.subarray(ADDRESS_AT, ADDRESS_END))
  );
}

/** Whether somebody who is at `listener` gets to `endpoint`, as far as the addresses show. */
export function isOfUseTo(listener: Uint8Array, endpoint: Uint8Array): boolean {
  const reach = reachOf(endpoint);
  return reach === 'world' || (reach === 'site' && reachOf(listener) === 'site');
}
