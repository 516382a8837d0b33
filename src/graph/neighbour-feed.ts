/**
 * What one neighbour is still to be told: records that it has not acknowledged, each repeated after 500 ms, doubling to
 * 8 s (docs/protocol.md section 7), and acknowledgements of its own.
 *
 *   gathered ──within 2 s──▶ waiting ──a place is free──▶ under way ──acknowledged──▶ gone
 *
 * News waits from the start. A record that only says once more what it said is gathered first: several go in one message, and the neighbour may
 * bring it meanwhile, over another way. At most 16 records are under way, so a neighbour that checks signatures slowly is not sent what it has
 * to throw away.
 *
 * Timers: `gatherUntil` from the first that is gathered; `nextAt` of those under way, 0 when one can go now; `ackAt` from the first acknowledgement.
 */
import { NEVER, type RandomSource, randomBytes } from '../base/env.ts';
import type { KeyText, LinkId } from '../base/ids.ts';
import { TokenBucket } from '../base/token-bucket.ts';
import type { RecordAck } from '../wire/channel0.ts';
import { type GraphTuning, REPEAT_FIRST_MS, REPEAT_LAST_MS } from './tuning.ts';

interface Pending {
  readonly sequence: number;
  readonly hopsLeft: number;
  /** Zero until it is sent for the first time. */
  waitMs: number;
  sendAt: number;
}

export class NeighbourFeed {
  readonly link: LinkId;
  readonly peer: KeyText;
  /** Signatures that are checked for this neighbour. */
  readonly verifications: TokenBucket;
  private readonly random: RandomSource;
  private readonly tuning: GraphTuning;
  private acks: RecordAck[] = [];
  private ackAt = NEVER;
  private readonly gathered = new Map<KeyText, Pending>();
  private gatherUntil = NEVER;
  /** Not sent yet, in the order in which they come up. */
  private readonly waiting = new Map<KeyText, Pending>();
  private readonly underWay = new Map<KeyText, Pending>();
  private nextAt = NEVER;

  constructor(link: LinkId, peer: KeyText, random: RandomSource, tuning: GraphTuning) {
    this.link = link;
    this.peer = peer;
    this.random = random;
    this.tuning = tuning;
    this.verifications = new TokenBucket(tuning.verifiedPerSecondAndLink, tuning.verifiedAtOnce);
  }

  /** A record to be sent, in place of an older one of the same node. `isNews`: not only a renewal. */
  offer(key: KeyText, sequence: number, hopsLeft: number, isNews: boolean, now: number): void {
    this.withdraw(key);
    const pending = { sequence, hopsLeft, waitMs: 0, sendAt: 0 };
    if (isNews) {
      this.waiting.set(key, pending);
      this.mayBegin();
    } else {
      this.gathered.set(key, pending);
      if (this.gatherUntil === NEVER) this.gatherUntil = now + this.gatheringMs();
    }
  }

  /** The neighbour has this record, as it was sent last, or a newer one: what was not sent yet it does not have, and may take farther. */
  acknowledged(key: KeyText, sequence: number): void {
    const pending = this.underWay.get(key) ?? this.waiting.get(key) ?? this.gathered.get(key);
    if (pending === undefined) return;
    const wasSent = pending.waitMs > 0;
    if (pending.sequence < sequence || (wasSent && pending.sequence === sequence)) this.withdraw(key);
  }

  withdraw(key: KeyText): void {
    if (this.gathered.delete(key) || this.waiting.delete(key) || !this.underWay.delete(key)) return;
    this.mayBegin();
  }

  acknowledge(ack: RecordAck, now: number): void {
    this.acks.push(ack);
    this.ackAt = this.acks.length < this.tuning.acksInMessage ? Math.min(this.ackAt, now + this.tuning.ackMs) : 0;
  }

  /** Acknowledgements that are due, with those that wait. They are not given again. */
  takeAcks(now: number): RecordAck[] {
    if (now < this.ackAt) return [];
    const { acks } = this;
    this.acks = [];
    this.ackAt = NEVER;
    return acks;
  }

  /** When there is something to take. */
  nextDueAt(): number {
    return Math.min(this.nextAt, this.gatherUntil, this.ackAt);
  }

  /** What is to be sent now. Each will come again, later and later, until it is acknowledged or withdrawn. */
  takeDue(now: number): { key: KeyText; hopsLeft: number }[] {
    if (now >= this.gatherUntil) this.endGathering();
    if (now < this.nextAt) return [];
    for (const [key, pending] of this.waiting) {
      if (this.underWay.size >= this.tuning.recordsUnderWay) break;
      this.waiting.delete(key);
      this.underWay.set(key, pending);
    }
    const due: { key: KeyText; hopsLeft: number }[] = [];
    this.nextAt = NEVER;
    for (const [key, pending] of this.underWay) {
      if (pending.sendAt <= now) {
        pending.waitMs = pending.waitMs === 0 ? REPEAT_FIRST_MS : Math.min(2 * pending.waitMs, REPEAT_LAST_MS);
        pending.sendAt = now + pending.waitMs;
        due.push({ key, hopsLeft: pending.hopsLeft });
      }
      this.nextAt = Math.min(this.nextAt, pending.sendAt);
    }
    return due;
  }

  private endGathering(): void {
    for (const [key, pending] of this.gathered) this.waiting.set(key, pending);
    this.gathered.clear();
    this.gatherUntil = NEVER;
    this.mayBegin();
  }

  /** Two neighbours that hear a record at once would send it to each other at once. */
  private gatheringMs(): number {
    return (this.tuning.gatherMs * randomBytes(this.random, 1)[0]) / 255;
  }

  private mayBegin(): void {
    if (this.waiting.size > 0 && this.underWay.size < this.tuning.recordsUnderWay) this.nextAt = 0;
  }
}
