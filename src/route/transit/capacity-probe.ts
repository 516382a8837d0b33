/**
 * When more is allowed than a line is known to carry, to learn what it carries.
 *
 * States: waiting, and probing for a few looks. A probe that found more is followed by one twice as bold at once; one that
 * found nothing by a wait twice as long as the last.
 */
import type { RouteTuning } from '../tuning.ts';

/** So much more is more. */
const FOUND = 1.02;

export class CapacityProbe {
  /** Beyond the capacity that is known, as a share of it; 0 while waiting. */
  share = 0;
  private readonly tuning: RouteTuning;
  private looks = 0;
  /** A line that nobody knows yet is probed at once. */
  private waitLooks = 0;
  private from = 0;

  constructor(tuning: RouteTuning) {
    this.tuning = tuning;
  }

  /** `wanted`: there is somebody who would use more. `patience`: how many times as long the waits are. */
  look(capacity: number, wanted: boolean, patience: number): void {
    const { transitProbeLooks, transitProbeShare, transitProbeEveryLooks, transitProbeMostLooks } = this.tuning;
    this.looks++;
    if (this.share === 0) {
      if (!wanted || this.looks < patience * this.waitLooks) return;
      this.begin(transitProbeShare, capacity);
    } else if (this.looks >= transitProbeLooks) {
      if (capacity > FOUND * this.from) {
        this.begin(Math.min(1, 2 * this.share), capacity);
        this.waitLooks = 0;
        return;
      }
      this.share = 0;
      this.looks = 0;
      this.waitLooks = Math.min(transitProbeMostLooks, Math.max(transitProbeEveryLooks, 2 * this.waitLooks));
    }
  }

  private begin(share: number, capacity: number): void {
    this.share = share;
    this.from = capacity;
    this.looks = 0;
  }
}
