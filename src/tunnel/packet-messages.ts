/**
 * Makes PACKET messages of what a TUN gave (docs/protocol.md section 8): of a packet one, of a superpacket as many as it takes, each of
 * them one superpacket again, as long as its routes want messages to be.
 *
 * On the packet path: one copy, no allocation but the view that is handed on.
 */
import { IPV4_MAX_BYTES } from '../wire/ip.ts';
import { MAX_APPLICATION_BYTES } from '../wire/route-message.ts';
import { packetsIn, SuperpacketCutter } from '../wire/superpacket.ts';
import {
  PACKET_HEADER_BYTES,
  SUPERPACKET_HEADER_BYTES,
  type Treatment,
  writePacketHeader,
  writeSuperpacketHeader,
} from '../wire/tunnel-message.ts';

export class PacketMessages {
  /** How many packets the far end will get of what was begun. */
  packets = 0;
  private readonly buffer = new Uint8Array(SUPERPACKET_HEADER_BYTES + IPV4_MAX_BYTES);
  private readonly cutter = new SuperpacketCutter();
  private segmentBytes = 0;
  /** Of the message in the buffer, or of the single packet that is to come; 0: there is none. */
  private messageLength = 0;
  private isSingle = false;

  /** A packet that `packetProblem` found nothing wrong with. */
  begin(bytes: Uint8Array, at: number, length: number, segmentBytes: number, treatment: Treatment): void {
    this.packets = packetsIn(bytes, at, length, segmentBytes);
    this.segmentBytes = segmentBytes;
    this.isSingle = segmentBytes === 0;
    if (this.isSingle) {
      writePacketHeader(this.buffer, 0, treatment);
      this.buffer.set(bytes.subarray(at, at + length), PACKET_HEADER_BYTES);
      this.messageLength = PACKET_HEADER_BYTES + length;
      return;
    }
    writeSuperpacketHeader(this.buffer, 0, treatment, segmentBytes);
    this.cutter.begin(bytes, at, length, segmentBytes);
  }

  /** Makes the next message, of `mostBytes` where that is enough for a segment. False when there is none. */
  next(mostBytes: number): boolean {
    if (this.segmentBytes === 0) {
      const isThere = this.isSingle;
      this.isSingle = false;
      return isThere;
    }
    const most = Math.min(mostBytes, MAX_APPLICATION_BYTES) - SUPERPACKET_HEADER_BYTES;
    const length = this.cutter.next(this.buffer, SUPERPACKET_HEADER_BYTES, most);
    this.messageLength = SUPERPACKET_HEADER_BYTES + length;
    return length > 0;
  }

  /** Valid until `next` or `begin`. */
  get message(): Uint8Array {
    return this.buffer.subarray(0, this.messageLength);
  }
}
