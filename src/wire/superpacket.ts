/**
 * Superpackets: TCP over IPv4 as the kernel hands it to a device that cuts segments itself. One header, the payload of many
 * segments behind it, and beside it how much payload each segment gets; the last may have less. Its TCP checksum is nobody's
 * business until it is cut: what carries it is authenticated end to end.
 *
 * Cutting follows what a network card does (Linux, Documentation/networking/segmentation-offloads.rst): sequence and IP
 * identification count up, FIN and PSH stand in the last segment, CWR in the first.
 *
 * On the packet path: reads in place, allocates nothing.
 */
import { assert } from '../base/assert.ts';
import { readU16, readU32, writeU16, writeU32 } from '../base/bytes.ts';
import { checksum, IPV4_HEADER_BYTES, type Ipv4Problem, ipv4Problem, isFragment, PROTOCOL, protocolOf } from './ip.ts';

/** 65,535 bytes in the smallest segments that every host takes (RFC 9293 section 3.7.1). A kernel asks for no smaller ones. */
export const MAX_SEGMENTS = 128;
const TCP_HEADER_BYTES = 20;
/** Within IPv4's header, and behind it. */
const IP = { totalLength: 2, identification: 4, checksum: 10, source: 12 } as const;
const TCP = { sequence: 4, offset: 12, flags: 13, checksum: 16 } as const;
const FLAG = { fin: 0x01, syn: 0x02, rst: 0x04, psh: 0x08, ack: 0x10, urg: 0x20, cwr: 0x80 } as const;
const ADDRESSES_BYTES = 8;

/**
 * Why these bytes are not one whole IPv4 packet (`ipv4Problem`), or with `segmentBytes` no superpacket of such segments; undefined
 * when they are. One that others sent has no more than MAX_SEGMENTS.
 */
export function packetProblem(
  bytes: Uint8Array,
  at: number,
  length: number,
  segmentBytes: number,
  mostSegments: number,
): Ipv4Problem | 'ip-superpacket' | undefined {
  const problem = ipv4Problem(bytes, at, length);
  return problem !== undefined || segmentBytes === 0
    ? problem
    : superpacketProblem(bytes, at, length, segmentBytes, mostSegments);
}

function superpacketProblem(
  bytes: Uint8Array,
  at: number,
  length: number,
  segmentBytes: number,
  mostSegments: number,
): 'ip-superpacket' | undefined {
  if (protocolOf(bytes, at) !== PROTOCOL.tcp || isFragment(bytes, at)) return 'ip-superpacket';
  if (length < IPV4_HEADER_BYTES + TCP_HEADER_BYTES) return 'ip-superpacket';
  const headers = headersBytes(bytes, at);
  const payload = length - headers;
  const flags = bytes[at + IPV4_HEADER_BYTES + TCP.flags];
  const fits = headers >= IPV4_HEADER_BYTES + TCP_HEADER_BYTES && payload > 0;
  const within = payload <= mostSegments * segmentBytes;
  const plain = (flags & FLAG.ack) !== 0 && (flags & (FLAG.syn | FLAG.rst | FLAG.urg)) === 0;
  return fits && within && plain ? undefined : 'ip-superpacket';
}

// What follows reads packets that `packetProblem` found nothing wrong with.

/** Bytes of the longest packet that leaves in the end, headers included. */
export function longestPacket(bytes: Uint8Array, at: number, length: number, segmentBytes: number): number {
  return segmentBytes === 0 ? length : Math.min(length, headersBytes(bytes, at) + segmentBytes);
}

/** How many packets leave in the end. */
export function packetsIn(bytes: Uint8Array, at: number, length: number, segmentBytes: number): number {
  return segmentBytes === 0 ? 1 : Math.ceil((length - headersBytes(bytes, at)) / segmentBytes);
}

/** Takes the first segment out, in place; returns what is left of `length`, or 0 when it was the only one and stands there still. */
export function dropFirstSegment(bytes: Uint8Array, at: number, length: number, segmentBytes: number): number {
  const payload = headersBytes(bytes, at) + at;
  const left = length - segmentBytes;
  if (payload + segmentBytes >= at + length) return 0;
  bytes.copyWithin(payload, payload + segmentBytes, at + length);
  const tcp = at + IPV4_HEADER_BYTES;
  writeU32(bytes, tcp + TCP.sequence, readU32(bytes, tcp + TCP.sequence) + segmentBytes);
  writeU16(bytes, at + IP.identification, readU16(bytes, at + IP.identification) + 1);
  bytes[tcp + TCP.flags] &= ~FLAG.cwr;
  writeTotalLength(bytes, at, left);
  return left;
}

/** Cuts one superpacket at a time: `begin`, then `next` until it answers 0. */
export class SuperpacketCutter {
  private bytes: Uint8Array = new Uint8Array(0);
  private start = 0;
  private end = 0;
  private headers = 0;
  private segmentBytes = 0;
  /** Where the payload begins that is next. */
  private from = 0;
  private segments = 0;

  /** A superpacket that `packetProblem` found nothing wrong with; it stays where it is while it is cut. */
  begin(bytes: Uint8Array, at: number, length: number, segmentBytes: number): void {
    this.bytes = bytes;
    this.start = at;
    this.end = at + length;
    this.headers = headersBytes(bytes, at);
    this.segmentBytes = segmentBytes;
    this.from = at + this.headers;
    this.segments = 0;
  }

  /**
   * Writes the next superpacket to `out`: as many segments as `mostBytes` hold, one at least, without a TCP checksum. Returns
   * its length, or 0 when all is cut.
   */
  next(out: Uint8Array, outAt: number, mostBytes: number): number {
    const { bytes, start, headers, segmentBytes, from } = this;
    const left = this.end - from;
    if (left === 0) return 0;
    const segments = Math.min(Math.max(1, Math.floor((mostBytes - headers) / segmentBytes)), MAX_SEGMENTS);
    const payload = Math.min(left, segments * segmentBytes);
    assert(outAt + headers + payload <= out.length, 'the part fits where it goes');
    out.set(bytes.subarray(start, start + headers), outAt);
    out.set(bytes.subarray(from, from + payload), outAt + headers);
    const tcp = outAt + IPV4_HEADER_BYTES;
    writeU16(out, outAt + IP.identification, readU16(bytes, start + IP.identification) + this.segments);
    writeTotalLength(out, outAt, headers + payload);
    writeU32(out, tcp + TCP.sequence, readU32(out, tcp + TCP.sequence) + (from - start - headers));
    if (payload < left) out[tcp + TCP.flags] &= ~(FLAG.fin | FLAG.psh);
    if (this.segments > 0) out[tcp + TCP.flags] &= ~FLAG.cwr;
    this.from += payload;
    this.segments += segments;
    return headers + payload;
  }
}

/** Writes the TCP checksum of a packet that `SuperpacketCutter` wrote: for a system that does not do it. */
export function completeChecksum(bytes: Uint8Array, at: number, length: number): void {
  const tcp = at + IPV4_HEADER_BYTES;
  const tcpBytes = length - IPV4_HEADER_BYTES;
  writeU16(bytes, tcp + TCP.checksum, 0);
  // The pseudo header: addresses, protocol, length.
  let sum = ~checksum(bytes, at + IP.source, ADDRESSES_BYTES) & 0xffff;
  sum += PROTOCOL.tcp + tcpBytes + (~checksum(bytes, tcp, tcpBytes) & 0xffff);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  writeU16(bytes, tcp + TCP.checksum, ~sum);
}

/** And the header's checksum, over what else changed in it. */
function writeTotalLength(bytes: Uint8Array, at: number, length: number): void {
  writeU16(bytes, at + IP.totalLength, length);
  writeU16(bytes, at + IP.checksum, 0);
  writeU16(bytes, at + IP.checksum, checksum(bytes, at, IPV4_HEADER_BYTES));
}

function headersBytes(bytes: Uint8Array, at: number): number {
  return IPV4_HEADER_BYTES + (bytes[at + IPV4_HEADER_BYTES + TCP.offset] >>> 4) * 4;
}
