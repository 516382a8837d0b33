/**
 * IPv4 as the tunnel needs it: addresses and prefixes as numbers, the check of a whole packet, what a classifier asks of
 * it, the congestion mark, and the ICMP errors that tell a sender's stack at once what is wrong. RFC 791 (IPv4), RFC 792
 * and 1191 (ICMP), RFC 1071 and 1624 (checksum), RFC 2474 (DSCP), RFC 3168 (ECN).
 *
 *   0 version 4, header words 5 | 1 DSCP (6 bits), ECN (2 bits) | 2 total length | 4 id | 6 flags, fragment offset | 8 TTL | 9 protocol
 *   10 header checksum | 12 source | 16 destination | 20 payload
 *
 * Packets with IP options are refused: nothing of today needs them, routers on the internet drop them (RFC 7126), and
 * source routes would lead a packet around the destination policy.
 *
 * On the packet path: reads in place, allocates nothing.
 */
import { assert } from '../base/assert.ts';
import { readU16, readU32, writeU16, writeU32 } from '../base/bytes.ts';

export const IPV4_HEADER_BYTES = 20;
export const IPV4_MAX_BYTES = 65_535;
const ICMP_HEADER_BYTES = 8;
/** An ICMP error is no longer than this (RFC 1812, 4.3.2.3). */
export const ICMP_ERROR_MAX_BYTES = 576;

export const PROTOCOL = { icmp: 1, tcp: 6, udp: 17 } as const;

const ICMP_DESTINATION_UNREACHABLE = 3;
const ICMP_ECHO_REQUEST = 8;
/** Codes of ICMP type 3 (RFC 792, RFC 1812 5.2.7.1). */
export const UNREACHABLE = { net: 0, host: 1, fragmentationNeeded: 4, adminProhibited: 13 } as const;
export type UnreachableCode = (typeof UNREACHABLE)[keyof typeof UNREACHABLE];

const AT = {
  trafficClass: 1,
  totalLength: 2,
  fragment: 6,
  ttl: 8,
  protocol: 9,
  checksum: 10,
  source: 12,
  destination: 16,
} as const;
const DONT_FRAGMENT = 0x4000;
const MORE_FRAGMENTS = 0x2000;
const FRAGMENT_OFFSET = 0x1fff;
const PORTS_BYTES = 4;

/** The two ECN bits (RFC 3168 section 5): without either of them the sender's transport does not understand a mark. */
const ECN_MASK = 0b11;
const NOT_ECN_CAPABLE = 0b00;
const CONGESTION_EXPERIENCED = 0b11;

/**
 * An address is an unsigned 32-bit number; as text it is written and read by control/ip-text.ts, whose prefixes have this
 * shape too. `address` may have host bits, as in the LAN's "192.168.42.1/24".
 */
export interface Ipv4Prefix {
  readonly address: number;
  readonly prefixLength: number;
}

export function netmask(prefixLength: number): number {
  return prefixLength === 0 ? 0 : (0xffff_ffff << (32 - prefixLength)) >>> 0;
}

export function contains(prefix: Ipv4Prefix, address: number): boolean {
  return ((address ^ prefix.address) & netmask(prefix.prefixLength)) === 0;
}

/** An address that one host may have: not "this network", loopback, link-local, multicast, reserved or broadcast. */
export function isHostAddress(address: number): boolean {
  const first = address >>> 24;
  return first !== 0 && first !== 127 && first < 224 && address >>> 16 !== 0xa9fe;
}

/**
 * The internet checksum of `length` bytes (RFC 1071). Over bytes that hold their own right checksum it is 0.
 */
export function checksum(bytes: Uint8Array, at: number, length: number): number {
  let sum = 0;
  const end = at + (length & ~1);
  for (let i = at; i < end; i += 2) sum += (bytes[i] << 8) | bytes[i + 1];
  if (length & 1) sum += bytes[end] << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x1_0000);
  return ~sum & 0xffff;
}

export type Ipv4Problem = 'ip-short' | 'ip-version' | 'ip-options' | 'ip-length' | 'ip-checksum';

/** Why these bytes are not one whole IPv4 packet without options; undefined when they are. */
export function ipv4Problem(bytes: Uint8Array, at: number, length: number): Ipv4Problem | undefined {
  if (length < IPV4_HEADER_BYTES) return 'ip-short';
  if (bytes[at] >>> 4 !== 4) return 'ip-version';
  if ((bytes[at] & 15) !== IPV4_HEADER_BYTES / 4) return 'ip-options';
  if (readU16(bytes, at + AT.totalLength) !== length) return 'ip-length';
  if (checksum(bytes, at, IPV4_HEADER_BYTES) !== 0) return 'ip-checksum';
  return undefined;
}

// What follows reads packets that `ipv4Problem` found nothing wrong with.

export function sourceOf(bytes: Uint8Array, at: number): number {
  return readU32(bytes, at + AT.source);
}

export function destinationOf(bytes: Uint8Array, at: number): number {
  return readU32(bytes, at + AT.destination);
}

export function protocolOf(bytes: Uint8Array, at: number): number {
  return bytes[at + AT.protocol];
}

/** The differentiated services code point, 0 to 63. */
export function dscpOf(bytes: Uint8Array, at: number): number {
  return bytes[at + AT.trafficClass] >>> 2;
}

/** Whether this is a part of a packet, the first one included. */
export function isFragment(bytes: Uint8Array, at: number): boolean {
  return (readU16(bytes, at + AT.fragment) & (MORE_FRAGMENTS | FRAGMENT_OFFSET)) !== 0;
}

/** TCP's or UDP's source and destination port as one u32; undefined for other protocols, later fragments, and cut-off headers. */
export function portsOf(bytes: Uint8Array, at: number, length: number): number | undefined {
  const protocol = protocolOf(bytes, at);
  if (protocol !== PROTOCOL.tcp && protocol !== PROTOCOL.udp) return undefined;
  if ((readU16(bytes, at + AT.fragment) & FRAGMENT_OFFSET) !== 0) return undefined;
  if (length < IPV4_HEADER_BYTES + PORTS_BYTES) return undefined;
  return readU32(bytes, at + IPV4_HEADER_BYTES);
}

/** TCP or UDP destination port; undefined where `portsOf` is. */
export function destinationPortOf(bytes: Uint8Array, at: number, length: number): number | undefined {
  const ports = portsOf(bytes, at, length);
  return ports === undefined ? undefined : ports & 0xffff;
}

/**
 * Tells the packet's receiver, and through it the sender, of congestion (RFC 3168). False, and nothing is changed, when
 * their transport would not understand: then only a loss tells it.
 */
export function markCongestion(bytes: Uint8Array, at: number): boolean {
  const before = bytes[at + AT.trafficClass];
  if ((before & ECN_MASK) === NOT_ECN_CAPABLE) return false;
  setTrafficClass(bytes, at, before | CONGESTION_EXPERIENCED);
  return true;
}

/** Takes the sender's code point away; the ECN bits stay. */
export function clearDscp(bytes: Uint8Array, at: number): void {
  setTrafficClass(bytes, at, bytes[at + AT.trafficClass] & ECN_MASK);
}

/** RFC 1624, equation 3: the checksum follows from the one word that changed. */
function setTrafficClass(bytes: Uint8Array, at: number, trafficClass: number): void {
  const before = readU16(bytes, at);
  bytes[at + AT.trafficClass] = trafficClass;
  const sum = (~readU16(bytes, at + AT.checksum) & 0xffff) + (~before & 0xffff) + readU16(bytes, at);
  const folded = (sum & 0xffff) + (sum >>> 16);
  writeU16(bytes, at + AT.checksum, ~((folded & 0xffff) + (folded >>> 16)));
}

export function mustNotFragment(bytes: Uint8Array, at: number): boolean {
  return (readU16(bytes, at + AT.fragment) & DONT_FRAGMENT) !== 0;
}

/** Writes a header without options, with its checksum; `length` is the whole packet's. */
export function writeIpv4Header(
  bytes: Uint8Array,
  at: number,
  header: { length: number; protocol: number; source: number; destination: number },
): void {
  assert(header.length >= IPV4_HEADER_BYTES && header.length <= IPV4_MAX_BYTES, 'packet length in range');
  bytes.fill(0, at, at + IPV4_HEADER_BYTES);
  bytes[at] = 0x45;
  writeU16(bytes, at + AT.totalLength, header.length);
  bytes[at + AT.ttl] = 64;
  bytes[at + AT.protocol] = header.protocol;
  writeU32(bytes, at + AT.source, header.source);
  writeU32(bytes, at + AT.destination, header.destination);
  writeU16(bytes, at + AT.checksum, checksum(bytes, at, IPV4_HEADER_BYTES));
}

/**
 * Whether an ICMP error may answer this packet (RFC 1122, 3.2.2): not to an ICMP message other than an echo request, not
 * to a later fragment, not to what went to or came from anything but one host.
 */
export function mayAnswerWithError(bytes: Uint8Array, at: number, length: number): boolean {
  if (!isHostAddress(sourceOf(bytes, at)) || !isUnicast(destinationOf(bytes, at))) return false;
  if ((readU16(bytes, at + AT.fragment) & FRAGMENT_OFFSET) !== 0) return false;
  if (protocolOf(bytes, at) !== PROTOCOL.icmp) return true;
  return length > IPV4_HEADER_BYTES && bytes[at + IPV4_HEADER_BYTES] === ICMP_ECHO_REQUEST;
}

/** Loopback and link-local destinations are unicast too: the sender deserves to hear that they are refused. */
function isUnicast(address: number): boolean {
  return address >>> 24 !== 0 && address >>> 24 < 224;
}

/**
 * Writes an ICMP "destination unreachable" to the source of `packet` (`length` bytes from `start`) into `out` at `outAt`.
 * It quotes the packet up to ICMP_ERROR_MAX_BYTES in all. `nextHopMtu` goes with fragmentationNeeded (RFC 1191), else 0.
 * Returns the error's length in bytes.
 */
export function writeUnreachable(
  out: Uint8Array,
  outAt: number,
  code: UnreachableCode,
  nextHopMtu: number,
  source: number,
  packet: Uint8Array,
  start: number,
  length: number,
): number {
  const quoted = Math.min(length, ICMP_ERROR_MAX_BYTES - IPV4_HEADER_BYTES - ICMP_HEADER_BYTES);
  const total = IPV4_HEADER_BYTES + ICMP_HEADER_BYTES + quoted;
  const icmpAt = outAt + IPV4_HEADER_BYTES;
  writeIpv4Header(out, outAt, {
    length: total,
    protocol: PROTOCOL.icmp,
    source,
    destination: sourceOf(packet, start),
  });
  out[icmpAt] = ICMP_DESTINATION_UNREACHABLE;
  out[icmpAt + 1] = code;
  writeU16(out, icmpAt + 2, 0);
  writeU16(out, icmpAt + 4, 0);
  writeU16(out, icmpAt + 6, nextHopMtu);
  out.set(packet.subarray(start, start + quoted), icmpAt + ICMP_HEADER_BYTES);
  writeU16(out, icmpAt + 2, checksum(out, icmpAt, ICMP_HEADER_BYTES + quoted));
  return total;
}
