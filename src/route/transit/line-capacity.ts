/**
 * What a line carries, learnt from what it carried. It is not the most that was ever read in one look, which is a few per cent
 * more than what a full line carries all the time: a busy process reads late, then much at once.
 *
 * Nobody held back, the line was full or nobody wanted more: the capacity follows the rate, up faster than down, and slowly
 * where a good part was left unused. Held back by whoever asks, a look tells only that the line carries at least that much.
 */
const RISE = 1 / 4;
const FALL = 1 / 16;
/** Below this share of the capacity the line was hardly full: it may be slower now, or not be used. */
const NEARLY_FULL = 0.8;
const SLOW_FALL = 1 / 256;
/** Below this share nobody used it. */
const UNUSED = 0.05;
/** Looks that show what a new line carries, while traffic on it grows. */
const LEARNING_LOOKS = 20;
/** How far single rates lie above what a full line carries. */
const NOISE = 1.02;

export class LineCapacity {
  private learnt = 0;
  private looks = 0;

  /** Bytes a millisecond; 0 while nothing is known. */
  get bytesPerMs(): number {
    return this.looks < LEARNING_LOOKS ? 0 : this.learnt;
  }

  /** `bytesPerMs`: a mean of a few looks. */
  add(bytesPerMs: number, heldBack: boolean): void {
    const before = this.learnt;
    if (heldBack) this.learnt = Math.max(before, bytesPerMs / NOISE);
    else {
      const weight = weightOf(bytesPerMs, before);
      this.learnt += (bytesPerMs - before) * weight;
      if (weight > 0) this.looks++;
    }
  }
}

function weightOf(rate: number, capacity: number): number {
  if (rate > capacity) return RISE;
  if (rate > NEARLY_FULL * capacity) return FALL;
  return rate > UNUSED * capacity ? SLOW_FALL : 0;
}
