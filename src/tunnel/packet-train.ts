/**
 * Gathers single Bulk packets in a row of one flow, that a TUN gave in one read, into one TRAIN message (docs/protocol.md section 8):
 * what each message costs is then paid once for many of them. Nothing waits: the train leaves with the read that began it, and
 * before anything else that its session is given. One of a single packet is a PACKET.
 *
 * On the packet path: one copy, no allocation but the view that is handed on.
 */
import { writeU16 } from '../base/bytes.ts';
import { MAX_APPLICATION_BYTES } from '../wire/route-message.ts';
import {
  PACKET_HEADER_BYTES,
  TRAIN_ENTRY_BYTES,
  TRAIN_MAX_BYTES,
  TREATMENT,
  type Treatment,
  writePacketHeader,
  writeTrainHeader,
} from '../wire/tunnel-message.ts';
import type { TunnelSession } from './session-port.ts';

/** Takes a train of `packets` packets away; the bytes are valid during the call. */
export type TrainSend = (
  session: TunnelSession,
  message: Uint8Array,
  flow: number,
  packets: number,
  now: number,
) => void;

export class PacketTrain {
  private readonly send: TrainSend;
  private readonly buffer = new Uint8Array(TRAIN_MAX_BYTES);
  private session: TunnelSession | undefined;
  /** As long as the session wants messages: asked once a train, the session looks at all of its routes for it. */
  private mostBytes = 0;
  private flow = 0;
  private treatment: Treatment = TREATMENT.own;
  private length = 0;
  private packets = 0;

  constructor(send: TrainSend) {
    this.send = send;
  }

  /** A packet of `length` bytes: behind those that are gathered, where it is of their flow and all are no longer than the session wants. */
  add(
    session: TunnelSession,
    bytes: Uint8Array,
    at: number,
    length: number,
    flow: number,
    treatment: Treatment,
    now: number,
  ): void {
    const joins = session === this.session && flow === this.flow && treatment === this.treatment;
    if (!joins || this.length + TRAIN_ENTRY_BYTES + length > this.mostBytes) {
      this.leave(now);
      this.session = session;
      this.flow = flow;
      this.treatment = treatment;
      this.mostBytes = Math.min(session.messageBytes, MAX_APPLICATION_BYTES);
      this.length = PACKET_HEADER_BYTES;
    }
    writeU16(this.buffer, this.length, length);
    this.buffer.set(bytes.subarray(at, at + length), this.length + TRAIN_ENTRY_BYTES);
    this.length += TRAIN_ENTRY_BYTES + length;
    this.packets += 1;
  }

  leave(now: number): void {
    const { buffer, packets, session, treatment } = this;
    if (session === undefined) return;
    // The header of a single packet takes the place of its length.
    const start = packets === 1 ? TRAIN_ENTRY_BYTES : 0;
    if (packets === 1) writePacketHeader(buffer, start, treatment);
    else writeTrainHeader(buffer, start, treatment);
    this.packets = 0;
    this.session = undefined;
    this.send(session, buffer.subarray(start, this.length), this.flow, packets, now);
  }
}
