/**
 * When the next datagram may leave: each one takes the link for `bytes / rate` milliseconds. A timer that fires late, or a
 * process that was away, is made up for by sending faster, up to `catchUpMs`; a link that was idle longer than that has no
 * credit for it, unless it may send a burst. Pure arithmetic, no allocation.
 */
import type { CongestionTuning } from './congestion-tuning.ts';

export class Pacer {
  private readonly tuning: CongestionTuning;
  private nextAt = 0;

  constructor(tuning: CongestionTuning) {
    this.tuning = tuning;
  }

  /** The time from which on the next datagram may leave. */
  mayAt(): number {
    return this.nextAt;
  }

  /** A datagram of `bytes` left now, at this pace; after silence so many bytes may leave at once. */
  sent(bytes: number, rateBytesPerMs: number, burstBytes: number, now: number): void {
    const creditMs = Math.max(this.tuning.catchUpMs, burstBytes / rateBytesPerMs);
    this.nextAt = Math.max(this.nextAt, now - creditMs) + bytes / rateBytesPerMs;
  }
}
