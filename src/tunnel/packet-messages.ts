/**
 * Makes PACKET messages of what a TUN gave (docs/protocol.md section 8): of a packet one, of a superpacket as many as it takes, each of
 * them one superpacket again, as long as its routes want messages to be.
 *
 * On the packet path: one copy, no allocation but the view that is handed on.
 */
import { IPV4_MAX_BYTES } from '../wire/ip.ts';
import { MAX_APPLICATION_BYTES } from '../wire/route-message.ts';
import { SuperpacketCutter } from '../wire/superpacket.ts';
import {
  PACKET_HEADER_BYTES,
  SUPERPACKET_HEADER_BYTES,
  type Treatment,
  writePacketHeader,
  writeSuperpacketHeader,
} from '../wire/tunnel-message.ts';
import type { TunnelSession } from './session-port.ts';

export class PacketMessages {
  private readonly buffer = new Uint8Array(SUPERPACKET_HEADER_BYTES + IPV4_MAX_BYTES);
  private readonly cutter = new SuperpacketCutter();
  private segmentBytes = 0;
  /** Of messages with several segments. */
  private mostBytes = 0;
  /** Of the message in the buffer, or of the single packet that is to come; 0: there is none. */
  private messageLength = 0;
  private isSingle = false;

  /** A packet that `packetProblem` found nothing wrong with, and the session that its messages are for. */
  begin(
    bytes: Uint8Array,
    at: number,
    length: number,
    segmentBytes: number,
    treatment: Treatment,
    session: Pick<TunnelSession, 'messageBytes'>,
  ): void {
    this.segmentBytes = segmentBytes;
    this.isSingle = segmentBytes === 0;
    if (this.isSingle) {
      writePacketHeader(this.buffer, 0, treatment);
      this.buffer.set(bytes.subarray(at, at + length), PACKET_HEADER_BYTES);
      this.messageLength = PACKET_HEADER_BYTES + length;
      return;
    }
    // Asked once, and not for single packets: the session looks at all of its routes for it.
    this.mostBytes = Math.min(session.messageBytes, MAX_APPLICATION_BYTES) - SUPERPACKET_HEADER_BYTES;
    writeSuperpacketHeader(this.buffer, 0, treatment, segmentBytes);
    this.cutter.begin(bytes, at, length, segmentBytes);
  }

  /** Makes the next message, as long as the session wants them where that is enough for a segment. False when there is none. */
  next(): boolean {
    if (this.segmentBytes === 0) {
      const isThere = this.isSingle;
      this.isSingle = false;
      return isThere;
    }
    const length = this.cutter.next(this.buffer, SUPERPACKET_HEADER_BYTES, this.mostBytes);
    this.messageLength = SUPERPACKET_HEADER_BYTES + length;
    return length > 0;
  }

  /** Valid until `next` or `begin`. */
  get message(): Uint8Array {
    return this.buffer.subarray(0, this.messageLength);
  }
}
