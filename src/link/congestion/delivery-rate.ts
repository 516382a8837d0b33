/**
 * A meter for bytes: bytes per millisecond, smoothed over `SMOOTH_MS`. An idle meter falls to zero by itself. A batch
 * counts when it is told, so a meter of acknowledged bytes swings with the ACKs below some 10 ms and is right above.
 */
const SMOOTH_MS = 100;
/** Adding is two products; the exponential is taken once for so many milliseconds. */
const STEP_MS = 5;

export class DeliveryRate {
  private rate = 0;
  private pending = 0;
  private since: number;

  constructor(now: number) {
    this.since = now;
  }

  add(bytes: number, now: number): void {
    this.pending += bytes;
    if (now - this.since >= STEP_MS) this.fold(now);
  }

  /** Bytes a millisecond of late. */
  bytesPerMs(now: number): number {
    if (now - this.since >= STEP_MS) this.fold(now);
    return this.rate;
  }

  private fold(now: number): void {
    const elapsed = now - this.since;
    const keep = Math.exp(-elapsed / SMOOTH_MS);
    this.rate = this.rate * keep + (this.pending / elapsed) * (1 - keep);
    this.pending = 0;
    this.since = now;
  }
}
