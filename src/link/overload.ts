/**
 * Whether a link loses because too much is sent. Loss is not congestion: radio loses for its own reasons, and a full queue is
 * seen by its delay. What remains is a link that drops without a queue: a policer, a driver with a tiny buffer.
 *
 *   watching   the share that gets through is smoothed
 *   testing    much less than usual got through: for a while only as much is sent as did. When then the usual share gets
 *              through, it was overload, and nothing is tried beyond that rate for `overloadHoldMs`; if not, the radio has become worse
 *
 * "Much less" is `lossShare`, and three standard deviations of as many datagrams, so that chance starts no test.
 */
import type { CongestionTuning } from './congestion-tuning.ts';

/** For counting datagrams from bytes. */
const DATAGRAM_BYTES = 1_400;
const SMOOTHING = 1 / 8;

export type OverloadVerdict = 'none' | 'test' | 'overload' | 'radio';

export class Overload {
  private readonly tuning: CongestionTuning;
  private usualShare = 1;
  private acked = 0;
  private lost = 0;
  private since: number;
  private testing = false;
  private testedShare = 1;
  /** While testing: how much of the rate gets through. */
  keepShare = 1;

  constructor(tuning: CongestionTuning, now: number) {
    this.tuning = tuning;
    this.since = now;
  }

  /** The share of bytes that usually gets through. */
  get throughShare(): number {
    return this.usualShare;
  }

  count(ackedBytes: number, lostBytes: number): void {
    this.acked += ackedBytes;
    this.lost += lostBytes;
  }

  /** What is to be done now; `test`: send no more than `keepShare` of the rate. */
  judge(roundTripMs: number, now: number): OverloadVerdict {
    const { lossBytes, lossPeriodMs, lossShare } = this.tuning;
    const bytes = this.acked + this.lost;
    if (bytes < lossBytes || now - this.since < Math.max(lossPeriodMs, roundTripMs)) return 'none';
    const share = this.acked / bytes;
    const chance = 3 * Math.sqrt((this.usualShare * (1 - this.usualShare) * DATAGRAM_BYTES) / bytes);
    this.startPeriod(now);
    if (this.testing) {
      this.testing = false;
      const overload = share > (this.usualShare + this.testedShare) / 2;
      this.usualShare = overload ? Math.max(this.usualShare, share) : share;
      return overload ? 'overload' : 'radio';
    }
    if (share >= this.usualShare - lossShare - chance) {
      this.usualShare += (share - this.usualShare) * SMOOTHING;
      return 'none';
    }
    this.testing = true;
    this.testedShare = share;
    this.keepShare = share / this.usualShare;
    // What is under way was sent at the old rate.
    this.startPeriod(now + roundTripMs);
    return 'test';
  }

  private startPeriod(now: number): void {
    this.acked = 0;
    this.lost = 0;
    this.since = now;
  }
}
