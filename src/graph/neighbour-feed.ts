/**
 * What one neighbour is still to be told: records that it has not acknowledged, each repeated after 500 ms, doubling to
 * 8 s (docs/protocol.md section 7), and acknowledgements of its own.
 *
 * At most 64 records are under way at a time, so a neighbour that checks signatures slowly is not sent what it has to
 * throw away.
 */
import { NEVER } from '../base/env.ts';
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
  /** To be sent with the next drain. */
  acks: RecordAck[] = [];
  private readonly maxUnderWay: number;
  /** Not sent yet, in the order in which they come up. */
  private readonly waiting = new Map<KeyText, Pending>();
  private readonly underWay = new Map<KeyText, Pending>();
  private nextAt = NEVER;

  constructor(link: LinkId, peer: KeyText, tuning: GraphTuning) {
    this.link = link;
    this.peer = peer;
    this.maxUnderWay = tuning.recordsUnderWay;
    this.verifications = new TokenBucket(tuning.verifiedPerSecondAndLink, tuning.verifiedAtOnce);
  }

  /** A record to be sent, in place of an older one of the same node. */
  offer(key: KeyText, sequence: number, hopsLeft: number): void {
    this.withdraw(key);
    this.waiting.set(key, { sequence, hopsLeft, waitMs: 0, sendAt: 0 });
    this.mayBegin();
  }

  /** The neighbour has this record or a newer one. */
  acknowledged(key: KeyText, sequence: number): void {
    const pending = this.underWay.get(key) ?? this.waiting.get(key);
    if (pending !== undefined && pending.sequence <= sequence) this.withdraw(key);
  }

  withdraw(key: KeyText): void {
    if (this.waiting.delete(key) || !this.underWay.delete(key)) return;
    this.mayBegin();
  }

  /** When `takeDue` has something to give. */
  nextDueAt(): number {
    return this.nextAt;
  }

  /** What is to be sent now. Each will come again, later and later, until it is acknowledged or withdrawn. */
  takeDue(now: number): { key: KeyText; hopsLeft: number }[] {
    if (now < this.nextAt) return [];
    for (const [key, pending] of this.waiting) {
      if (this.underWay.size >= this.maxUnderWay) break;
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

  private mayBegin(): void {
    if (this.waiting.size > 0 && this.underWay.size < this.maxUnderWay) this.nextAt = 0;
  }
}
