/**
 * The CREDIT and BLOCKED frames that one link is to carry, oldest first. Each is named by a half of a route; whether it is
 * still due, and what it says, is read when it is written. At most one of a kind a half: who adds keeps a note of it.
 */
import { NONE } from './id-index.ts';

/** Places at the front that are done with are given back so many at a time. */
const COMPACTED_AT = 1_024;

export class LimitFrames {
  /** 2 x half, + 1 for BLOCKED. */
  private waiting: number[] = [];
  private taken = 0;

  get isEmpty(): boolean {
    return this.taken === this.waiting.length;
  }

  addCredit(half: number): void {
    this.waiting.push(2 * half);
  }

  addBlocked(half: number): void {
    this.waiting.push(2 * half + 1);
  }

  /** 2 x half, + 1 for BLOCKED; or NONE. */
  first(): number {
    return this.isEmpty ? NONE : this.waiting[this.taken];
  }

  shift(): void {
    this.taken++;
    if (this.taken < COMPACTED_AT && !this.isEmpty) return;
    this.waiting.splice(0, this.taken);
    this.taken = 0;
  }
}
