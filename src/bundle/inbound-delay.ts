/**
 * How long what comes in on a route stood in queues, from the times in the other end's probes. Only differences count, so the
 * clocks need not agree: the shortest of the last seconds is taken for a way without a queue.
 *
 * A report's time to come back contains this queue. Taken off, a round trip measures the queue of our own direction, and two
 * saturated directions don't hold each other back.
 *
 * Timer: the shortest is forgotten after 12 to 24 s, longer than the 10 s after which a window drains its queue to be
 * measured, and short enough for clocks that drift.
 */
import { NEVER } from '../base/env.ts';

const KEEP_MS = 12_000;
/** Without a probe for this long, nothing is known. */
const STALE_MS = 1_000;

export class InboundDelay {
  private shortest = NEVER;
  private shortestBefore = NEVER;
  private bucketAt = 0;
  private latest = 0;
  private latestAt = Number.NEGATIVE_INFINITY;

  /** A probe came that was sent at `sentMs` of the other end's clock. */
  note(sentMs: number, now: number): void {
    const ms = now - sentMs;
    if (now - this.bucketAt >= KEEP_MS) {
      this.shortestBefore = this.shortest;
      this.shortest = NEVER;
      this.bucketAt = now;
    }
    this.shortest = Math.min(this.shortest, ms);
    this.latest = ms;
    this.latestAt = now;
  }

  /** Milliseconds in queues, by the last probe; 0 when none came lately. */
  queueMs(now: number): number {
    if (now - this.latestAt > STALE_MS) return 0;
    return this.latest - Math.min(this.shortest, this.shortestBefore);
  }
}
