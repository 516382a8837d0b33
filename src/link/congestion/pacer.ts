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

  /** How many datagrams of `bytes`, at most `most`, may leave now one behind the other. */
  allows(bytes: number, rateBytesPerMs: number, burstBytes: number, most: number, now: number): number {
    let count = 0;
    for (let at = this.nextAt; at <= now && count < most; count++) {
      at = this.after(at, bytes, rateBytesPerMs, burstBytes, now);
    }
    return count;
  }

  /** A datagram of `bytes` left now, at this pace; after silence so many bytes may leave at once. */
  sent(bytes: number, rateBytesPerMs: number, burstBytes: number, now: number): void {
    this.nextAt = this.after(this.nextAt, bytes, rateBytesPerMs, burstBytes, now);
  }

  private after(at: number, bytes: number, rateBytesPerMs: number, burstBytes: number, now: number): number {
    const creditMs = Math.max(this.tuning.catchUpMs, burstBytes / rateBytesPerMs);
    return Math.max(at, now - creditMs) + bytes / rateBytesPerMs;
  }
}
