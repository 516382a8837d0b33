/** A limit on how often or how much: `perSecond` tokens in the long run, up to `burst` at once. Starts full. */
export class TokenBucket {
  private readonly perSecond: number;
  private readonly burst: number;
  private tokens: number;
  private filledAt = 0;

  constructor(perSecond: number, burst: number) {
    this.perSecond = perSecond;
    this.burst = burst;
    this.tokens = burst;
  }

  /** Takes `count` tokens, or none and returns false. `now` is monotonic ms. */
  take(now: number, count = 1): boolean {
    if (now > this.filledAt) {
      this.tokens = Math.min(this.burst, this.tokens + ((now - this.filledAt) / 1000) * this.perSecond);
      this.filledAt = now;
    }
    if (this.tokens < count) return false;
    this.tokens -= count;
    return true;
  }
}
