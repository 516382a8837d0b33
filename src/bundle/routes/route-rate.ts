/**
 * What one route delivered at best of late. With what is under way on it, that tells how long the next message would take:
 * routes that are filled alike are then used alike, before the first of them is full. The mean round trip can't tell, since a
 * route that lies idle is only probed now and then and keeps the mean of when it was full.
 */

/** Reports come in bursts of 16 messages; over this time their number no longer matters. */
const PERIOD_MS = 50;
/** The best of the last one to two of these. */
const KEEP_MS = 5_000;

export class RouteRate {
  private best = 0;
  private bestBefore = 0;
  private bestSince = 0;
  private bytes = 0;
  private startedAt = 0;

  /** 0 before anything was delivered. */
  get bytesPerMs(): number {
    return Math.max(this.best, this.bestBefore);
  }

  delivered(bytes: number, now: number): void {
    this.bytes += bytes;
    const passedMs = now - this.startedAt;
    if (passedMs < PERIOD_MS) return;
    if (now - this.bestSince >= KEEP_MS) {
      this.bestBefore = this.best;
      this.best = 0;
      this.bestSince = now;
    }
    this.best = Math.max(this.best, this.bytes / passedMs);
    this.bytes = 0;
    this.startedAt = now;
  }
}
