/**
 * TCP connections as a tunnel carries them, packet by packet: mostly full segments in a row, and everything that keeps two of
 * them from being one superpacket. IPv4 (RFC 791), IPv6 (RFC 8200), TCP (RFC 9293).
 */
import { checksum } from '../../../src/wire/ip.ts';

const TCP = 6;
const ACK = 0x10;
const PSH = 0x08;
const FIN = 0x01;
const IPV4_HEADER_BYTES = 20;
const IPV6_HEADER_BYTES = 40;
const TCP_HEADER_BYTES = 20;

/** A whole number from 0 to `below` - 1. */
export type Random = (below: number) => number;

/** xorshift32: the same packets at every run. */
export function seededRandom(seed: number): Random {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** One direction of a connection. Its packets are to stay as they are and in order, whatever they are merged with. */
export class TcpStream {
  private readonly ipv6: boolean;
  private readonly port: number;
  private readonly segmentBytes: number;
  private readonly random: Random;
  private sequence: number;
  private acknowledged = 0x1000_0000;
  private id = 0xfff0;
  private timestamp = 1;

  /** From 10.9.1.2 to 10.9.2.2, or fd00:1::2 to fd00:2::2. */
  constructor(ipv6: boolean, port: number, segmentBytes: number, random: Random) {
    this.ipv6 = ipv6;
    this.port = port;
    this.segmentBytes = segmentBytes;
    this.random = random;
    // Sequence numbers wrap within the first segments.
    this.sequence = (0x1_0000_0000 - 5 * segmentBytes) >>> 0;
  }

  next(): Uint8Array {
    const twist = this.random(24);
    if (twist === 0) this.acknowledged += 1;
    if (twist === 1) this.sequence = (this.sequence + 10_000) >>> 0;
    if (twist === 2) this.timestamp += 1;
    const payloadBytes = twist === 3 ? 0 : twist === 4 ? 1 + this.random(this.segmentBytes) : this.segmentBytes;
    const flags = twist === 5 ? ACK | PSH : twist === 6 ? ACK | FIN : ACK;
    const packet = this.build(payloadBytes, flags, { tos: twist === 7 ? 3 : 0, dontFragment: twist !== 8 });
    if (twist === 9) packet[packet.length - 1] ^= 1;
    this.sequence = (this.sequence + payloadBytes) >>> 0;
    this.id = (this.id + 1) & 0xffff;
    return packet;
  }

  private build(payloadBytes: number, flags: number, ip: { tos: number; dontFragment: boolean }): Uint8Array {
    const at = this.ipv6 ? IPV6_HEADER_BYTES : IPV4_HEADER_BYTES;
    const optionBytes = this.port % 2 === 0 ? 12 : 0;
    const tcpBytes = TCP_HEADER_BYTES + optionBytes + payloadBytes;
    const packet = new Uint8Array(at + tcpBytes);
    const view = new DataView(packet.buffer);
    if (this.ipv6) this.writeIpv6(view, tcpBytes, ip.tos);
    else this.writeIpv4(view, ip);
    view.setUint16(at, this.port);
    view.setUint16(at + 2, 443);
    view.setUint32(at + 4, this.sequence);
    view.setUint32(at + 8, this.acknowledged);
    packet[at + 12] = ((TCP_HEADER_BYTES + optionBytes) / 4) << 4;
    packet[at + 13] = flags;
    view.setUint16(at + 14, 4096);
    if (optionBytes > 0) {
      packet.set([1, 1, 8, 10], at + 20);
      view.setUint32(at + 24, this.timestamp);
    }
    for (let i = at + TCP_HEADER_BYTES + optionBytes; i < packet.length; i++) packet[i] = this.random(256);
    view.setUint16(at + 16, this.checksumOf(packet, at));
    return packet;
  }

  private writeIpv4(view: DataView, { tos, dontFragment }: { tos: number; dontFragment: boolean }): void {
    view.setUint16(0, 0x4500 | tos);
    view.setUint16(2, view.byteLength);
    view.setUint16(4, this.id);
    view.setUint16(6, dontFragment ? 0x4000 : 0);
    view.setUint16(8, (64 << 8) | TCP);
    view.setUint32(12, 0x0a_09_01_02);
    view.setUint32(16, 0x0a_09_02_02);
    view.setUint16(10, checksum(new Uint8Array(view.buffer), 0, IPV4_HEADER_BYTES));
  }

  private writeIpv6(view: DataView, tcpBytes: number, tos: number): void {
    view.setUint32(0, 0x6000_0000 | (tos << 20));
    view.setUint16(4, tcpBytes);
    view.setUint16(6, (TCP << 8) | 64);
    for (const [at, network] of [
      [8, 1],
      [24, 2],
    ]) {
      view.setUint32(at, 0xfd00_0000 | network);
      view.setUint16(at + 14, 2);
    }
  }

  /** Over the pseudo header, laid out once more in front of the segment, and the segment. */
  private checksumOf(packet: Uint8Array, at: number): number {
    const addresses = this.ipv6 ? packet.subarray(8, 40) : packet.subarray(12, 20);
    const covered = new Uint8Array(addresses.length + 4 + packet.length - at);
    covered.set(addresses);
    new DataView(covered.buffer).setUint32(addresses.length, (TCP << 16) | (packet.length - at));
    covered.set(packet.subarray(at), addresses.length + 4);
    return checksum(covered, 0, covered.length);
  }
}

/** The packet's connection, and all of it that a router leaves alone: not its hop limit, nor the id of a packet that is never cut. */
export function streamAndContent(packet: Uint8Array): [stream: string, content: string] {
  const copy = packet.slice();
  const ipv4 = copy[0] >> 4 === 4;
  if (ipv4) {
    copy.fill(0, 8, 9);
    copy.fill(0, 10, 12);
    if (copy[6] === 0x40) copy.fill(0, 4, 6);
  } else {
    copy[7] = 0;
  }
  const at = ipv4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
  return [`${copy[0] >> 4} ${(copy[at] << 8) | copy[at + 1]}`, Buffer.from(copy).toString('base64')];
}

export function isTcp(packet: Uint8Array): boolean {
  return packet[0] >> 4 === 4 ? packet[9] === TCP : packet[6] === TCP;
}
