/**
 * What one route delivered at best of late while it was kept busy. With what is under way on it, that tells how long the next
 * message would take: routes that are filled alike are then used alike, before the first of them is full. The mean round trip
 * can't tell, since a route that lies idle is only probed now and then and keeps the mean of when it was full.
 *
 * A sample begins with the first delivery after a pause and counts when messages are under way all along, and others wait for a route
 * at its end, or more is under way than the route was taken to carry. What it delivers while neither is so is what it was given: that says
 * something only when it is more than what it was taken to carry. Else a trickle would look like all that the fastest route carries, and go over the others.
 */

/** Reports come in bursts of 16 messages; over this time and so many bytes their number no longer matters. */
const PERIOD_MS = 50;
const PERIOD_BYTES = 24 * 1_024;
const LONGEST_PERIOD_MS = 250;
/**
 * The best of the last one to two of these. A route is given what it is taken to carry, and with a shorter memory that becomes all that it
 * shows: with 1 s downloads stayed at 10 Mb/s on the second of two routes of 50, in two runs of nine.
 */
const KEEP_MS = 5_000;

export class RouteRate {
  private best = 0;
  private bestBefore = 0;
  private bestSince = 0;
  private bytes = 0;
  private startedAt = -1;

  /** 0 before the route was ever kept busy. */
  get bytesPerMs(): number {
    return Math.max(this.best, this.bestBefore);
  }

  /** `idle`: nothing is under way any more. `leastBytesPerMs`: a sample below it doesn't count. */
  delivered(bytes: number, idle: boolean, leastBytesPerMs: number, now: number): void {
    if (this.startedAt < 0) this.startedAt = now;
    else this.bytes += bytes;
    const passedMs = now - this.startedAt;
    if (passedMs >= PERIOD_MS && (this.bytes >= PERIOD_BYTES || passedMs >= LONGEST_PERIOD_MS)) {
      const sample = this.bytes / passedMs;
      if (sample >= leastBytesPerMs) this.take(sample, now);
      this.bytes = 0;
      this.startedAt = now;
    }
    if (!idle) return;
    this.bytes = 0;
    this.startedAt = -1;
  }

  private take(sample: number, now: number): void {
    if (now - this.bestSince >= KEEP_MS) {
      this.bestBefore = this.best;
      this.best = 0;
      this.bestSince = now;
    }
    this.best = Math.max(this.best, sample);
  }
}
