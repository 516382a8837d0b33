/**
 * The two ends of a simulated tunnel: a laptop that sends numbered packets into the miner, and an internet behind the
 * gateway that sends each of them back. Both check what reaches them.
 */
import { readU32, writeU32 } from '../../../src/base/bytes.ts';
import { createPacketBatch, type PacketBatch } from '../../../src/base/datagram.ts';
import { IPV4_HEADER_BYTES, PROTOCOL, writeIpv4Header } from '../../../src/wire/ip.ts';

/** Stands in every packet; must never be seen on a wire. */
export const MARKER = new TextEncoder().encode('the laptop said: plaintext');
const SERVER = (93 << 24) | (184 << 16) | (216 << 8) | 34;
const NUMBER_AT = IPV4_HEADER_BYTES + 8;
const MARKER_AT = NUMBER_AT + 4;

export class Violation extends Error {}

/** Numbers that were seen, a bit each. */
class NumberSet {
  private bits = new Uint8Array(1_024);

  /** False when it was there. */
  add(number: number): boolean {
    const at = number >> 3;
    if (at >= this.bits.length) {
      const longer = new Uint8Array(2 ** Math.ceil(Math.log2(at + 1)));
      longer.set(this.bits);
      this.bits = longer;
    }
    const bit = 1 << (number & 7);
    if ((this.bits[at] & bit) !== 0) return false;
    this.bits[at] |= bit;
    return true;
  }
}

export class Laptop {
  sent = 0;
  returned = 0;
  private readonly seen = new NumberSet();
  private readonly batch = createPacketBatch(1, 2048);

  /** The next numbered packet of `bytes` bytes, from the leased address. */
  packet(source: number, bytes: number): PacketBatch {
    const { batch } = this;
    batch.count = 1;
    batch.offsets[0] = 0;
    batch.lengths[0] = bytes;
    batch.arena.fill(0xa5, 0, bytes);
    writeIpv4Header(batch.arena, 0, { length: bytes, protocol: PROTOCOL.udp, source, destination: SERVER >>> 0 });
    writeU32(batch.arena, NUMBER_AT, this.sent++);
    batch.arena.set(MARKER, MARKER_AT);
    return batch;
  }

  /** What comes out of the miner's TUN: each number at most once, only numbers that were sent, unharmed. */
  take(batch: PacketBatch): void {
    for (let i = 0; i < batch.count; i++) {
      const packet = batch.arena.subarray(batch.offsets[i], batch.offsets[i] + batch.lengths[i]);
      if (packet[9] !== PROTOCOL.udp) continue;
      const number = readNumber(packet);
      if (number >= this.sent) throw new Violation(`packet ${number} came back but was never sent`);
      if (!this.seen.add(number)) throw new Violation(`packet ${number} was delivered twice to the laptop`);
      this.returned++;
    }
  }
}

/** Returns every packet to its sender once; throws when one arrives twice or harmed. */
export class Internet {
  /** By the sender's address. */
  private readonly seen = new Map<number, NumberSet>();
  private readonly batch = createPacketBatch(1, 2048);

  answer(batch: PacketBatch, send: (reply: PacketBatch) => void): void {
    for (let i = 0; i < batch.count; i++) {
      const packet = batch.arena.subarray(batch.offsets[i], batch.offsets[i] + batch.lengths[i]);
      if (packet[9] !== PROTOCOL.udp) continue;
      const source = readU32(packet, 12);
      const number = readNumber(packet);
      let seen = this.seen.get(source);
      if (seen === undefined) {
        seen = new NumberSet();
        this.seen.set(source, seen);
      }
      if (!seen.add(number)) throw new Violation(`packet ${number} of ${source} was delivered twice to the internet`);
      const reply = this.batch;
      reply.count = 1;
      reply.offsets[0] = 0;
      reply.lengths[0] = packet.length;
      reply.arena.set(packet);
      writeIpv4Header(reply.arena, 0, {
        length: packet.length,
        protocol: PROTOCOL.udp,
        source: readU32(packet, 16),
        destination: source,
      });
      send(reply);
    }
  }
}

function readNumber(packet: Uint8Array): number {
  for (let i = 0; i < MARKER.length; i++) {
    if (packet[MARKER_AT + i] !== MARKER[i]) throw new Violation('a packet arrived harmed');
  }
  for (let i = MARKER_AT + MARKER.length; i < packet.length; i++) {
    if (packet[i] !== 0xa5) throw new Violation('a packet arrived harmed');
  }
  return readU32(packet, NUMBER_AT);
}
