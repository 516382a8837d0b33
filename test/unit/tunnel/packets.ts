/** IPv4 packets, sessions and TUN devices for the tunnel's tests. */
import { createPacketBatch, type PacketBatch } from '../../../src/base/datagram.ts';
import { parseIpv4, parseIpv4Prefix } from '../../../src/control/ip-text.ts';
import type { Lane } from '../../../src/tunnel/session-port.ts';
import { PROTOCOL, writeIpv4Header } from '../../../src/wire/ip.ts';
import { PACKET_HEADER_BYTES, TREATMENT, type Treatment, writePacketHeader } from '../../../src/wire/tunnel-message.ts';

export function ipv4(text: string): number {
  const address = parseIpv4(text);
  if (address === undefined) throw new Error(`not an address: ${text}`);
  return address;
}

export function prefix(text: string) {
  const parsed = parseIpv4Prefix(text);
  if (parsed === undefined) throw new Error(`not a prefix: ${text}`);
  return parsed;
}

/** A UDP packet unless told otherwise; `length` is the whole packet's. */
export function packet(
  source: string,
  destination: string,
  options: {
    length?: number;
    port?: number;
    sourcePort?: number;
    protocol?: number;
    /** The whole byte: six bits of DSCP, two of ECN. */
    trafficClass?: number;
    dontFragment?: boolean;
    moreFragments?: boolean;
    fragmentOffset?: number;
  } = {},
): Uint8Array {
  const { length = 100, port = 80, sourcePort = 0, protocol = PROTOCOL.udp } = options;
  const { trafficClass = 0, dontFragment = false, moreFragments = false, fragmentOffset = 0 } = options;
  const bytes = new Uint8Array(length);
  writeIpv4Header(bytes, 0, { length, protocol, source: ipv4(source), destination: ipv4(destination) });
  bytes[1] = trafficClass;
  if (length >= 24) {
    bytes[20] = sourcePort >>> 8;
    bytes[21] = sourcePort;
    bytes[22] = port >>> 8;
    bytes[23] = port;
  }
  bytes[6] = (dontFragment ? 0x40 : 0) | (moreFragments ? 0x20 : 0) | (fragmentOffset >>> 8);
  bytes[7] = fragmentOffset;
  return fixChecksum(bytes);
}

/** Computes the header's checksum anew, the slow way: one's complement addition, word by word (RFC 1071, section 1). */
export function fixChecksum(bytes: Uint8Array): Uint8Array {
  bytes[10] = bytes[11] = 0;
  let sum = 0;
  for (let at = 0; at < 20; at += 2) {
    sum += bytes[at] * 256 + bytes[at + 1];
    if (sum > 0xffff) sum -= 0xffff;
  }
  bytes[10] = (0xffff - sum) >>> 8;
  bytes[11] = (0xffff - sum) & 255;
  return bytes;
}

export function batchOf(...packets: Uint8Array[]): PacketBatch {
  const batch = createPacketBatch(packets.length, 1 + packets.reduce((sum, bytes) => sum + bytes.length, 0));
  // Not at zero, so that a forgotten offset shows.
  let at = 1;
  for (const bytes of packets) {
    batch.arena.set(bytes, at);
    batch.offsets[batch.count] = at;
    batch.lengths[batch.count] = bytes.length;
    batch.count++;
    at += bytes.length;
  }
  return batch;
}

/** A PACKET message. */
export function packetMessage(bytes: Uint8Array, treatment: Treatment = TREATMENT.own): Uint8Array {
  const message = new Uint8Array(PACKET_HEADER_BYTES + bytes.length);
  writePacketHeader(message, 0, treatment);
  message.set(bytes, PACKET_HEADER_BYTES);
  return message;
}

/** A TUN device that keeps what is written to it. */
export class MemoryTun {
  packets: Uint8Array[] = [];
  writes = 0;

  write(batch: PacketBatch): void {
    this.writes++;
    for (let i = 0; i < batch.count; i++) {
      this.packets.push(batch.arena.slice(batch.offsets[i], batch.offsets[i] + batch.lengths[i]));
    }
  }

  /** What came since the last call. */
  take(): Uint8Array[] {
    const { packets } = this;
    this.packets = [];
    return packets;
  }
}

/** A session that keeps what is sent over it. */
export class MemorySession {
  readonly clientKey: Uint8Array;
  hasRoom = true;
  messageBytes = 0;
  /** The lane of the last message; undefined when it had none. */
  lane: Lane | undefined;
  private sent: Uint8Array[] = [];

  constructor(name: number) {
    this.clientKey = new Uint8Array(33).fill(name);
    this.clientKey[0] = 2;
  }

  send(message: Uint8Array, _now: number, lane?: Lane): boolean {
    this.lane = lane === undefined ? undefined : { ...lane };
    if (this.hasRoom) this.sent.push(message.slice());
    return this.hasRoom;
  }

  /** What was sent since the last call. */
  take(): Uint8Array[] {
    const { sent } = this;
    this.sent = [];
    return sent;
  }

  /** The kinds of the messages sent since the last call. */
  takeKinds(): number[] {
    return this.take().map((message) => message[0]);
  }
}
