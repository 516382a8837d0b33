/**
 * When the next datagram may leave: each one takes the link for `bytes / rate` milliseconds. A timer that fires late, or a
 * process that was away, is made up for by sending faster, up to `catchUpMs`; a link that was idle longer than that has no
 * credit for it, unless it may send a burst. On a fast link, whoever comes too early comes back after a rest, and what is due
 * by then leaves together. Pure arithmetic, no allocation.
 */
import type { CongestionTuning } from './congestion-tuning.ts';

export class Pacer {
  private readonly tuning: CongestionTuning;
  private nextAt = 0;
  private restUntil = 0;
  private restMs = 0;

  constructor(tuning: CongestionTuning) {
    this.tuning = tuning;
  }

  /** The time from which on the next datagram may leave: `now`, or later. */
  mayAt(now: number): number {
    if (now < this.restUntil) return this.restUntil;
    if (this.nextAt <= now) return now;
    this.restUntil = Math.max(this.nextAt, now + this.restMs);
    return this.restUntil;
  }

  /** How many datagrams of `bytes`, at most `most`, may leave now one behind the other. */
  allows(bytes: number, rateBytesPerMs: number, burstBytes: number, most: number, now: number): number {
    if (now < this.restUntil) return 0;
    let count = 0;
    for (let at = this.nextAt; at <= now && count < most; count++) {
      at = this.after(at, bytes, rateBytesPerMs, burstBytes, now);
    }
    return count;
  }

  /** A datagram of `bytes` left now, at this pace; after silence so many bytes may leave at once. `restMs` holds from now on. */
  sent(bytes: number, rateBytesPerMs: number, burstBytes: number, restMs: number, now: number): void {
    this.restMs = restMs;
    this.nextAt = this.after(this.nextAt, bytes, rateBytesPerMs, burstBytes, now);
  }

  private after(at: number, bytes: number, rateBytesPerMs: number, burstBytes: number, now: number): number {
    const creditMs = Math.max(this.tuning.catchUpMs + this.restMs, burstBytes / rateBytesPerMs);
    return Math.max(at, now - creditMs) + bytes / rateBytesPerMs;
  }
}
