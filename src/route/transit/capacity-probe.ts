/**
 * When more is allowed than a line is known to carry, to learn what it carries.
 *
 * States: waiting, and probing for a few looks. A probe that found more is followed by one twice as bold at once; one that
 * found nothing by a wait twice as long as the last, up to a longest one.
 */
import type { RouteTuning } from '../tuning.ts';

/** So much more is more. */
const FOUND = 1.02;

export class CapacityProbe {
  /** Beyond the capacity that is known, as a share of it; 0 while waiting. */
  share = 0;
  private readonly tuning: RouteTuning;
  /** Of the probe; while waiting, those in which a probe was wanted. */
  private looks = 0;
  private waitLooks: number;
  private from = 0;

  constructor(tuning: RouteTuning) {
    this.tuning = tuning;
    this.waitLooks = tuning.transitProbeFirstLooks;
  }

  /** `wanted`: there is somebody who would use more. `mostWaitLooks`: the longest wait now. */
  look(capacity: number, wanted: boolean, mostWaitLooks: number): void {
    const { transitProbeLooks, transitProbeShare } = this.tuning;
    if (this.share > 0 || wanted) this.looks++;
    if (this.share === 0) {
      if (wanted && this.looks >= Math.min(this.waitLooks, mostWaitLooks)) this.begin(transitProbeShare, capacity);
    } else if (this.looks >= transitProbeLooks) {
      if (capacity > FOUND * this.from) {
        this.begin(Math.min(1, 2 * this.share), capacity);
        this.waitLooks = this.tuning.transitProbeFirstLooks;
        return;
      }
      this.share = 0;
      this.looks = 0;
      this.waitLooks = Math.min(2 * this.waitLooks, mostWaitLooks);
    }
  }

  private begin(share: number, capacity: number): void {
    this.share = share;
    this.from = capacity;
    this.looks = 0;
  }
}
