/**
 * When to call into a segment. Timer: at once when the segment came up, five times at growing pauses, then every 10 s give or
 * take a quarter, so that boxes that were switched on by the same fuse do not keep calling together.
 */
import { type RandomSource, randomBytes } from '../base/env.ts';
import type { DiscoveryTuning } from './tuning.ts';

const SPREAD = 0.5;

export class BeaconSchedule {
  private readonly tuning: DiscoveryTuning;
  private readonly random: RandomSource;
  private sent = 0;
  private sentAt = Number.NEGATIVE_INFINITY;
  private nextAt: number;

  constructor(tuning: DiscoveryTuning, random: RandomSource, now: number) {
    this.tuning = tuning;
    this.random = random;
    this.nextAt = now;
  }

  get nextDueAt(): number {
    return this.nextAt;
  }

  /** Whether a beacon is due now; it counts as sent. */
  take(now: number): boolean {
    if (now < this.nextAt) return false;
    const { firstGapsMs, gapMs } = this.tuning;
    this.nextAt = now + (firstGapsMs[this.sent] ?? gapMs * (1 + SPREAD * (this.unit() - 0.5)));
    this.sent += 1;
    this.sentAt = now;
    return true;
  }

  /** Somebody may be waiting to hear this node. */
  hurry(now: number): void {
    this.nextAt = Math.min(this.nextAt, Math.max(now, this.sentAt + this.tuning.leastGapMs));
  }

  private unit(): number {
    return randomBytes(this.random, 1)[0] / 256;
  }
}
