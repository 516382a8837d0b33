/**
 * How much whoever sends may put in where an own route begins. All that is kept stays within the bound of the flow; and what
 * waits to be sent for the first time, within 4 ms of its rate: a message that waits here is delay for those behind it, and
 * might have gone by another route meanwhile. An empty buffer takes any message.
 *
 * Who finds too little room is told once half of what may wait has left, so that the link never waits for him.
 */
import { REAL_TIME, type TrafficClass } from '../../base/traffic-class.ts';
import { MAX_MESSAGE_BYTES, REAL_TIME_WAITING_BYTES } from '../protocol-limits.ts';
import type { RouteTuning } from '../tuning.ts';
import { FlowBound } from './flow-bound.ts';

/** What the buffer keeps. */
interface Kept {
  readonly isEmpty: boolean;
  readonly trafficClass: TrafficClass;
  /** Of these bytes so many wait to be sent for the first time. */
  readonly heldBytes: number;
  readonly waitingBytes: number;
}

export class Intake {
  readonly bound: FlowBound;
  /** What might be kept when something was last put in: that stands until it leaves, though the bound may have fallen since. */
  grantedBytes = 0;
  /** Somebody waits for room. */
  private wanted = false;
  private readonly kept: Kept;
  private readonly tuning: RouteTuning;

  constructor(kept: Kept, tuning: RouteTuning) {
    this.bound = new FlowBound(tuning);
    this.kept = kept;
    this.tuning = tuning;
  }

  /** Bytes of messages that may be put in now. */
  get room(): number {
    const { isEmpty, trafficClass, heldBytes, waitingBytes } = this.kept;
    if (isEmpty) return MAX_MESSAGE_BYTES;
    const mayWait = this.waitingMostBytes - waitingBytes;
    if (trafficClass === REAL_TIME) return Math.max(0, mayWait);
    const mayStand = this.bound.bytes - heldBytes;
    return Math.max(0, waitingBytes === 0 ? mayStand : Math.min(mayStand, mayWait));
  }

  /** Somebody would put in more if he could. */
  want(): void {
    this.wanted = true;
    const { heldBytes } = this.kept;
    if (this.bound.bytes - heldBytes < this.bound.bytes / 4) this.bound.pressed = true;
  }

  /** A message was put in. */
  put(): void {
    this.grantedBytes = Math.max(this.bound.bytes, this.kept.heldBytes);
  }

  /** Some of what was kept has left: whether it is time to tell somebody. */
  takeWanted(): boolean {
    if (!this.wanted || 2 * this.kept.waitingBytes > this.waitingMostBytes) return false;
    this.wanted = false;
    return true;
  }

  private get waitingMostBytes(): number {
    if (this.kept.trafficClass === REAL_TIME) return REAL_TIME_WAITING_BYTES;
    const { ownWaitingMs, ownWaitingLeastBytes } = this.tuning;
    return Math.max(ownWaitingLeastBytes, ownWaitingMs * this.bound.rateBytesPerMs);
  }
}
