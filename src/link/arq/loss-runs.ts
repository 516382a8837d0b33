/**
 * How many datagrams in a row a link loses at once, on average: radio that fades loses them in bursts. Of the last 32 bursts or so,
 * a burst being lost counters without a gap.
 */

/** Fewer say nothing. */
const LEAST_RUNS = 8;
const RUNS_KEPT = 32;
/** Of more loss chance makes no longer runs than of this. */
const LOSS_SHARE_COUNTED = 0.9;
/** What runs of losses by chance are longer now and then. */
const CHANCE_DATAGRAMS = 1;

export class LossRuns {
  private runs = 0;
  private lost = 0;
  private last = Number.NEGATIVE_INFINITY;

  /** 1 or more; undefined before enough were lost. */
  get length(): number | undefined {
    return this.runs < LEAST_RUNS ? undefined : this.lost / this.runs;
  }

  /** By how many datagrams runs are longer than those that chance makes where this share is lost; 0 while they are unknown. */
  beyondChance(lossShare: number): number {
    const byChance = 1 / (1 - Math.min(lossShare, LOSS_SHARE_COUNTED)) + CHANCE_DATAGRAMS;
    return Math.max(0, (this.length ?? 0) - byChance);
  }

  /** Another path, of which nothing is known. */
  restart(): void {
    this.runs = 0;
    this.lost = 0;
  }

  /** Told in any order; what is told out of order is a run of its own. */
  onLost(counter: number): void {
    if (counter !== this.last + 1) this.begin();
    this.lost += 1;
    this.last = counter;
  }

  private begin(): void {
    if (this.runs === 2 * RUNS_KEPT) {
      this.runs /= 2;
      this.lost /= 2;
    }
    this.runs += 1;
  }
}
