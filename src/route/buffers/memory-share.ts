/**
 * How the memory for pieces is divided. Every promise of room that was given and not used up, and everything that routes of
 * this node hold, is committed; a route may take as much as `shareFactor` times what is not committed (dynamic thresholds:
 * Choudhury and Hahne, 1998). That is told as a part of what is free and its own together, which comes to the same and does not swing while
 * what the route holds comes and goes. One route alone gets nearly all; n that want all get equal parts; one that has all and stalls
 * leaves a part for the next, who never has to wait for it.
 */
import type { RouteTuning } from '../tuning.ts';

export class MemoryShare {
  /** Bytes of pieces that are promised or held by routes of this node. */
  committedBytes = 0;
  /** Bytes of pieces that may be committed in all. */
  readonly limitBytes: number;
  private readonly tuning: Pick<RouteTuning, 'shareFactor' | 'promisedShare'>;

  /** `memoryBytes`: of the blocks; they are larger than the pieces in them, so less is promised. */
  constructor(memoryBytes: number, tuning: Pick<RouteTuning, 'shareFactor' | 'promisedShare'>) {
    this.tuning = tuning;
    this.limitBytes = Math.floor(memoryBytes * tuning.promisedShare);
  }

  /** The most that a route may commit which has `ownBytes` of it now. */
  capBytes(ownBytes: number): number {
    const { shareFactor } = this.tuning;
    return Math.floor((shareFactor / (1 + shareFactor)) * (this.freeBytes + ownBytes));
  }

  get freeBytes(): number {
    return Math.max(0, this.limitBytes - this.committedBytes);
  }

  commit(bytes: number): void {
    this.committedBytes += bytes;
  }
}
