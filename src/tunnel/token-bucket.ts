/** A rate limit: `perSecond` tokens flow in, up to `burst` wait. Time is monotonic milliseconds. */
export class TokenBucket {
  private readonly perSecond: number;
  private readonly burst: number;
  private tokens: number;
  private filledAt = Number.NEGATIVE_INFINITY;

  constructor(perSecond: number, burst: number) {
    this.perSecond = perSecond;
    this.burst = burst;
    this.tokens = burst;
  }

  /** Takes `count` tokens, or none and returns false. A bucket of a smaller burst never gives `count`. */
  take(count: number, now: number): boolean {
    if (now > this.filledAt) {
      this.tokens = Math.min(this.burst, this.tokens + ((now - this.filledAt) / 1_000) * this.perSecond);
      this.filledAt = now;
    }
    if (this.tokens < count) return false;
    this.tokens -= count;
    return true;
  }
}
