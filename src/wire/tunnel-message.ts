/**
 * Messages between a tunnel client and a gateway inside a session (docs/protocol.md 8). The first byte is the kind:
 *
 *   0x01 PACKET         flags u8 (bit 0: segments, bits 1 and 2: treatment) | [payload of a segment u16] | IP packet
 *   0x02 LEASE_REQUEST  address wanted (4), or zero
 *   0x03 LEASE          address (4) | prefix length u8 | gateway's tunnel address (4) | resolver (4) | MTU u16 | seconds u32
 *   0x04 LEASE_REFUSED  reason u8
 *   0x05 TRAIN          flags u8 (as PACKET, without bit 0) | repeated: length u16, IP packet
 *   0x10 ECHO           any bytes
 *   0x11 ECHO_REPLY     the same bytes
 *   0x12 LINK           a datagram of a link: to a node's own key, section 2.4
 *
 * Readers return undefined when the bytes are not such a message.
 */
import { assert } from '../base/assert.ts';
import { readU16, readU32, writeU16, writeU32 } from '../base/bytes.ts';
import { isHostAddress } from './ip.ts';

export const TUNNEL_KIND = {
  packet: 0x01,
  leaseRequest: 0x02,
  lease: 0x03,
  leaseRefused: 0x04,
  train: 0x05,
  echo: 0x10,
  echoReply: 0x11,
  link: 0x12,
} as const;

/** Kind and flags stand before the packet. */
export const PACKET_HEADER_BYTES = 2;
/** Before a superpacket (superpacket.ts) also how much payload each of its segments gets. */
export const SUPERPACKET_HEADER_BYTES = PACKET_HEADER_BYTES + 2;
/** Before each packet of a TRAIN, whose kind and flags stand as those of a PACKET. */
export const TRAIN_ENTRY_BYTES = 2;
/** Room for any one packet; the messages of a session are shorter. */
export const TRAIN_MAX_BYTES = PACKET_HEADER_BYTES + TRAIN_ENTRY_BYTES + 0xffff;
/** The smallest path MTU there is (section 3.1): what takes a back channel is never cut for a path that it does not take. */
export const LINK_DATAGRAM_MAX_BYTES = 1_200;
const LEASE_REQUEST_BYTES = 5;
const LEASE_BYTES = 20;
const LEASE_REFUSED_BYTES = 2;

/** Every IPv4 host takes packets of this size (RFC 791). */
export const MIN_TUNNEL_MTU_BYTES = 576;

export interface Lease {
  readonly address: number;
  readonly prefixLength: number;
  /** The gateway's own address inside the tunnel. */
  readonly gateway: number;
  /** The DNS server to ask through the tunnel; zero when the gateway names none. */
  readonly resolver: number;
  readonly mtuBytes: number;
  readonly seconds: number;
}

export const LEASE_REFUSAL = { poolFull: 1, notAllowed: 2 } as const;
export type LeaseRefusal = (typeof LEASE_REFUSAL)[keyof typeof LEASE_REFUSAL];

/** How the client's user wants a flow carried, both ways; `own`: as either end judges. */
export const TREATMENT = { own: 0, lowLatency: 1, highThroughput: 2, redundant: 3 } as const;
export type Treatment = (typeof TREATMENT)[keyof typeof TREATMENT];
const TREATMENT_SHIFT = 1;
const TREATMENT_BITS = 0b110;
const SEGMENTS_BIT = 0b001;

/** Where a PACKET's IP packet begins, or undefined: too short, or flags that this version does not know. */
export function packetStart(message: Uint8Array): number | undefined {
  if (message.length <= PACKET_HEADER_BYTES || (message[1] & ~(TREATMENT_BITS | SEGMENTS_BIT)) !== 0) return undefined;
  if ((message[1] & SEGMENTS_BIT) === 0) return PACKET_HEADER_BYTES;
  return message.length > SUPERPACKET_HEADER_BYTES ? SUPERPACKET_HEADER_BYTES : undefined;
}

/** Of a PACKET that `packetStart` took: payload of each segment of a superpacket, or 0 for a single packet. */
export function segmentBytesOf(message: Uint8Array): number | undefined {
  if ((message[1] & SEGMENTS_BIT) === 0) return 0;
  const segmentBytes = readU16(message, PACKET_HEADER_BYTES);
  return segmentBytes === 0 ? undefined : segmentBytes;
}

/** Of a PACKET that `packetStart` took. */
export function treatmentOf(message: Uint8Array): Treatment {
  return ((message[1] & TREATMENT_BITS) >>> TREATMENT_SHIFT) as Treatment;
}

/** Writes kind and flags; the packet follows at `at + PACKET_HEADER_BYTES`. */
export function writePacketHeader(out: Uint8Array, at: number, treatment: Treatment = TREATMENT.own): void {
  out[at] = TUNNEL_KIND.packet;
  out[at + 1] = treatment << TREATMENT_SHIFT;
}

/** The same for a superpacket, which follows at `at + SUPERPACKET_HEADER_BYTES`. */
export function writeSuperpacketHeader(out: Uint8Array, at: number, treatment: Treatment, segmentBytes: number): void {
  writePacketHeader(out, at, treatment);
  out[at + 1] |= SEGMENTS_BIT;
  writeU16(out, at + PACKET_HEADER_BYTES, segmentBytes);
}

export function writeTrainHeader(out: Uint8Array, at: number, treatment: Treatment): void {
  out[at] = TUNNEL_KIND.train;
  out[at + 1] = treatment << TREATMENT_SHIFT;
}

/** Walks over the packets of a TRAIN: `begin`, then `next` until it is not 'packet'. */
export class TrainReader {
  /** Where the packet begins, and its bytes. */
  start = 0;
  length = 0;
  private message: Uint8Array = new Uint8Array(0);

  begin(message: Uint8Array): void {
    this.message = message;
    this.start = PACKET_HEADER_BYTES;
    this.length = 0;
  }

  /** `malformed`: no TRAIN from here on. */
  next(): 'packet' | 'end' | 'malformed' {
    const { message } = this;
    if (message.length <= PACKET_HEADER_BYTES || (message[1] & ~TREATMENT_BITS) !== 0) return 'malformed';
    const at = this.start + this.length;
    if (at === message.length) return 'end';
    if (at + TRAIN_ENTRY_BYTES > message.length) return 'malformed';
    this.length = readU16(message, at);
    this.start = at + TRAIN_ENTRY_BYTES;
    return this.length > 0 && this.start + this.length <= message.length ? 'packet' : 'malformed';
  }
}

export function writeLeaseRequest(wanted: number): Uint8Array {
  const out = new Uint8Array(LEASE_REQUEST_BYTES);
  out[0] = TUNNEL_KIND.leaseRequest;
  writeU32(out, 1, wanted);
  return out;
}

/** The address wanted, or zero. */
export function readLeaseRequest(message: Uint8Array): number | undefined {
  if (message.length !== LEASE_REQUEST_BYTES || message[0] !== TUNNEL_KIND.leaseRequest) return undefined;
  return readU32(message, 1);
}

export function writeLease(lease: Lease): Uint8Array {
  assert(lease.mtuBytes >= MIN_TUNNEL_MTU_BYTES && lease.mtuBytes <= 0xffff, 'tunnel MTU in range');
  const out = new Uint8Array(LEASE_BYTES);
  out[0] = TUNNEL_KIND.lease;
  writeU32(out, 1, lease.address);
  out[5] = lease.prefixLength;
  writeU32(out, 6, lease.gateway);
  writeU32(out, 10, lease.resolver);
  writeU16(out, 14, lease.mtuBytes);
  writeU32(out, 16, lease.seconds);
  return out;
}

/** Addresses that no host may have, a prefix past 32 bits, an MTU below 576 and a life of zero are refused too. */
export function readLease(message: Uint8Array): Lease | undefined {
  if (message.length !== LEASE_BYTES || message[0] !== TUNNEL_KIND.lease) return undefined;
  const lease = {
    address: readU32(message, 1),
    prefixLength: message[5],
    gateway: readU32(message, 6),
    resolver: readU32(message, 10),
    mtuBytes: readU16(message, 14),
    seconds: readU32(message, 16),
  };
  if (!isHostAddress(lease.address) || !isHostAddress(lease.gateway) || lease.address === lease.gateway)
    return undefined;
  if (lease.resolver !== 0 && !isHostAddress(lease.resolver)) return undefined;
  if (lease.prefixLength > 32 || lease.mtuBytes < MIN_TUNNEL_MTU_BYTES || lease.seconds === 0) return undefined;
  return lease;
}

export function writeLeaseRefused(reason: LeaseRefusal): Uint8Array {
  return Uint8Array.of(TUNNEL_KIND.leaseRefused, reason);
}

export function readLeaseRefused(message: Uint8Array): LeaseRefusal | undefined {
  if (message.length !== LEASE_REFUSED_BYTES || message[0] !== TUNNEL_KIND.leaseRefused) return undefined;
  const reason = message[1];
  return reason === LEASE_REFUSAL.poolFull || reason === LEASE_REFUSAL.notAllowed ? reason : undefined;
}

export function writeEcho(body: Uint8Array): Uint8Array {
  const out = new Uint8Array(1 + body.length);
  out[0] = TUNNEL_KIND.echo;
  out.set(body, 1);
  return out;
}

/** The answer to an ECHO: the same bytes under the other kind. */
export function writeEchoReply(echo: Uint8Array): Uint8Array {
  const out = echo.slice();
  out[0] = TUNNEL_KIND.echoReply;
  return out;
}

/** Where a LINK message's datagram begins, or undefined when it is empty or longer than a link may send this way. */
export function linkDatagramStart(message: Uint8Array): number | undefined {
  return message.length > 1 && message.length <= 1 + LINK_DATAGRAM_MAX_BYTES ? 1 : undefined;
}
