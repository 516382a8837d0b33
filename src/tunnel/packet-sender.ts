/**
 * Gives packets to sessions: single Bulk ones of one flow together (`packet-train.ts`), all others in messages of their own
 * (`packet-messages.ts`), and those behind what came before them. On the packet path: no allocation.
 */
import type { Drops } from '../base/drops.ts';
import { BULK, type TrafficClass } from '../base/traffic-class.ts';
import type { Treatment } from '../wire/tunnel-message.ts';
import { PacketMessages } from './packet-messages.ts';
import { PacketTrain } from './packet-train.ts';
import type { Lane, TunnelSession } from './session-port.ts';

/** Sends a message; false when the session has no room. */
export type MessageSend = (session: TunnelSession, message: Uint8Array, now: number, lane: Lane) => boolean;

export class PacketSender {
  private readonly sendMessage: MessageSend;
  private readonly messages = new PacketMessages();
  private readonly train: PacketTrain;
  private readonly trainLane = { trafficClass: BULK as TrafficClass, flow: 0, twice: false };

  constructor(sendMessage: MessageSend, drops: Drops) {
    this.sendMessage = sendMessage;
    this.train = new PacketTrain((session, message, flow, packets, now) => {
      this.trainLane.flow = flow;
      if (!sendMessage(session, message, now, this.trainLane)) drops.count('tunnel-session-full', packets);
    });
  }

  /**
   * A packet or superpacket that `packetProblem` found nothing wrong with. False when the session has no room for all of it; what joins a train
   * leaves with it, and is counted when that finds none.
   */
  send(
    session: TunnelSession,
    bytes: Uint8Array,
    start: number,
    length: number,
    segmentBytes: number,
    treatment: Treatment,
    lane: Lane,
    now: number,
  ): boolean {
    if (segmentBytes === 0 && lane.trafficClass === BULK) {
      this.train.add(session, bytes, start, length, lane.flow, treatment, now);
      return true;
    }
    this.train.leave(now);
    const { messages } = this;
    messages.begin(bytes, start, length, segmentBytes, treatment, session);
    while (messages.next()) if (!this.sendMessage(session, messages.message, now, lane)) return false;
    return true;
  }

  /** What was gathered goes now: a read of the TUN is through. */
  leave(now: number): void {
    this.train.leave(now);
  }
}
