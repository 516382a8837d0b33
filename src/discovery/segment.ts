/** A segment: what one interface of this box reaches without a router. Two boxes on it hear each other's beacons. */
import { readU16, readU32 } from '../base/bytes.ts';
import { contains, type Ipv4Prefix } from '../wire/ip.ts';
import type { Medium } from '../wire/link-class.ts';

/** The kernel's number of the interface: stays when the interface is renamed. */
export type SegmentId = number;

/** How this node can be reached there; without an entry it can't be with that protocol. */
export interface Segment {
  readonly id: SegmentId;
  /** Of the interface, for people. */
  readonly name: string;
  readonly medium: Exclude<Medium, 'unknown'>;
  /** It has a link-local address, and this is the UDP port of this node's links. */
  readonly ipv6: { readonly port: number } | undefined;
  readonly ipv4: { readonly port: number; readonly network: Ipv4Prefix } | undefined;
}

// Endpoints, as src/base/datagram.ts has them.
const FAMILY_AT = 1;
const ADDRESS_AT = 4;
const SCOPE_AT = 20;
/** fe80::/10. */
const LINK_LOCAL = 0xfe80;
const LINK_LOCAL_MASK = 0xffc0;

/** Whether an endpoint is an address of this segment: link-local with its scope, or in its IPv4 network. */
export function isOnSegment(segment: Segment, endpoint: Uint8Array): boolean {
  if (endpoint[FAMILY_AT] === 4) {
    return segment.ipv4 !== undefined && contains(segment.ipv4.network, readU32(endpoint, ADDRESS_AT));
  }
  const isLinkLocal = (readU16(endpoint, ADDRESS_AT) & LINK_LOCAL_MASK) === LINK_LOCAL;
  return endpoint[FAMILY_AT] === 6 && isLinkLocal && readU32(endpoint, SCOPE_AT) === segment.id;
}

/** The port that others on the segment reach this node's links at, at the address that its beacons come from. */
export function portOn(segment: Segment): number | undefined {
  return (segment.ipv6 ?? segment.ipv4)?.port;
}
