/**
 * Whether a link loses because too much is sent. Loss is not congestion: radio loses for its own reasons, and a full queue is
 * seen by its delay. What remains is a link that drops without a queue: a policer, a driver with a tiny buffer.
 *
 *   watching   the share that gets through is smoothed
 *   testing    much less than usual got through: for a while nine tenths as much is sent as did. When then more gets through than before, it
 *              was overload, and nothing beyond that rate is tried for `holdMs`, twice as long each time; if not, the radio has become worse,
 *              and that is usual from now on. A link that usually loses much is tested every minute, or a slow overload would become usual
 *
 * Only rounds count in which the rate was used up and no full queue stood. "Much less" is `lossShare`, and three standard deviations,
 * so that chance starts no test. While nothing gets through at all the wire is cut and no rate is to blame: when it is heard again, a test
 * is called off, and what was lost meanwhile is not counted.
 */
import type { CongestionTuning } from './congestion-tuning.ts';

/** What radio loses at once: runs of 8 datagrams on average, whose squares average 16 times their sum. Chance is reckoned in these. */
const BURST_BYTES = 16 * 1_400;
/** Without an acknowledgement: the wire is cut. Probes go out more often than that. */
const CUT_ROUND_TRIPS = 3;
/** Of a period. Faster, a lasting overload would be usual before it is tested. */
const SMOOTHING = 1 / 32;
/** Of what seems to get through. Overload of a few percent during a test would be taken for the radio's loss, and grow with each one. */
const TEST_SHARE = 0.9;
const HOLD_SHARE = 0.97;

export type OverloadVerdict = 'none' | 'test' | 'overload' | 'radio';

export class Overload {
  private readonly tuning: CongestionTuning;
  private acked = 0;
  private lost = 0;
  private since: number;
  /** When anything was last acknowledged, and how much of this period was by then. */
  private heardAt: number;
  private heardBytes = 0;
  private testing = false;
  private testedAt = 0;
  private testedShare = 1;
  /** What would get through in the test if it is overload. */
  private withoutOverload = 1;
  private usual = 1;
  /** What got through before the test, bytes a millisecond: all that does. */
  private through = 0;
  private rate = 0;
  private hold: number;

  constructor(tuning: CongestionTuning, now: number) {
    this.tuning = tuning;
    this.since = now;
    this.heardAt = now;
    this.testedAt = now;
    this.hold = tuning.overloadHoldMs;
  }

  /** The share of bytes that usually gets through. */
  get usualShare(): number {
    return this.usual;
  }

  /** After `test` and `overload`: what the link seems to carry, bytes a millisecond. */
  get testRate(): number {
    return this.rate;
  }

  /** After `overload`: how long that rate should not be exceeded. */
  get holdMs(): number {
    return this.hold;
  }

  count(ackedBytes: number, lostBytes: number): void {
    this.acked += ackedBytes;
    this.lost += lostBytes;
  }

  /** How much less than usual got through, as a factor: 1 when the difference may be chance. */
  excessShare(ackedBytes: number, lostBytes: number): number {
    const bytes = ackedBytes + lostBytes;
    if (bytes === 0) return 1;
    const share = ackedBytes / bytes;
    return this.isLess(share, bytes) ? share / this.usual : 1;
  }

  /** How much of what usually gets through did, chance or not; at most 1. */
  usualPart(ackedBytes: number, lostBytes: number): number {
    const bytes = ackedBytes + lostBytes;
    return bytes === 0 ? 1 : Math.min(1, ackedBytes / bytes / this.usual);
  }

  /** What is lost until then has another reason: a queue stood, or the rate was not used up. */
  excuse(until: number): void {
    if (!this.testing) this.startPeriod(until);
  }

  /** To be asked after every `count`. `test`: send no more than `testRate` until the next verdict. */
  judge(roundTripMs: number, now: number): OverloadVerdict {
    const { lossBytes, lossPeriodMs } = this.tuning;
    if (this.acked > this.heardBytes) {
      const silentMs = now - this.heardAt;
      this.heardAt = now;
      this.heardBytes = this.acked;
      if (silentMs > Math.max(lossPeriodMs, CUT_ROUND_TRIPS * roundTripMs)) return this.endCut(now + roundTripMs);
    }
    if (now < this.since) this.startPeriod(this.since);
    const bytes = this.acked + this.lost;
    const elapsed = now - this.since;
    if (bytes < lossBytes || elapsed < Math.max(lossPeriodMs, roundTripMs)) return 'none';
    if (this.acked === 0) {
      this.startPeriod(now);
      return 'none';
    }
    const share = this.acked / bytes;
    const throughRate = this.acked / elapsed;
    const suspicious = !this.testing && this.mayBeOverload(share, bytes, now);
    this.startPeriod(now);
    if (this.testing) return this.endTest(share, now);
    if (!suspicious) {
      this.usual += (share - this.usual) * SMOOTHING;
      return 'none';
    }
    this.testing = true;
    this.through = throughRate;
    this.rate = (TEST_SHARE * throughRate) / this.withoutOverload;
    // What is under way was sent at the old rate.
    this.startPeriod(now + roundTripMs);
    return 'test';
  }

  /** What was sent `until` then was sent into the cut. */
  private endCut(until: number): OverloadVerdict {
    const verdict = this.testing ? 'radio' : 'none';
    this.testing = false;
    this.startPeriod(until);
    return verdict;
  }

  private mayBeOverload(share: number, bytes: number, now: number): boolean {
    const { lossShare, lossRetestMs } = this.tuning;
    this.testedShare = share;
    this.withoutOverload = this.usual;
    if (this.isLess(share, bytes)) return true;
    this.withoutOverload = 1;
    return this.usual < 1 - lossShare && now - this.testedAt > lossRetestMs;
  }

  private endTest(share: number, now: number): OverloadVerdict {
    this.testing = false;
    this.testedAt = now;
    if (share < (this.withoutOverload + this.testedShare) / 2) {
      this.usual = Math.max((this.testedShare + share) / 2, 0.01);
      this.hold = this.tuning.overloadHoldMs;
      return 'radio';
    }
    // What is lost at the lower rate, too, is the radio's.
    this.usual = (this.usual + share) / 2;
    this.rate = (HOLD_SHARE * this.through) / this.usual;
    this.hold = Math.min(2 * this.hold, this.tuning.overloadHoldMostMs);
    return 'overload';
  }

  /** Whether the share of so many bytes is so much less than usual that it is no chance: three standard deviations. */
  private isLess(share: number, bytes: number): boolean {
    const chance = 3 * Math.sqrt((this.usual * (1 - this.usual) * BURST_BYTES) / bytes);
    return share < this.usual - this.tuning.lossShare - chance;
  }

  private startPeriod(at: number): void {
    this.acked = 0;
    this.lost = 0;
    this.heardBytes = 0;
    this.since = at;
  }
}
