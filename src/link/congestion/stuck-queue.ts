/**
 * Whether what looks like a queue is one. A queue shrinks while less is sent than the link carries; what does not is no queue: the
 * path itself has become longer.
 */
export class StuckQueue {
  /** What it was when last judged; 0: there was none. */
  private highMs = 0;
  /** By how much it should have shrunk since. */
  private shrinkMs = 0;

  /** There is no queue to speak of. */
  reset(): void {
    this.highMs = 0;
  }

  /** So much less was sent than is carried, in milliseconds of the link. */
  spared(ms: number): void {
    this.shrinkMs += ms;
  }

  /** A queue of so many ms stands. True when it has not shrunk by half of what it should have, once that is half of it. */
  isStuck(queueMs: number): boolean {
    if (this.highMs > 0 && this.shrinkMs <= this.highMs / 2) return false;
    const stuck = this.highMs > 0 && queueMs > this.highMs - this.shrinkMs / 2;
    this.highMs = queueMs;
    this.shrinkMs = 0;
    return stuck;
  }
}
