/**
 * For how long there was nothing to send though the link would have taken more: all time but that in which it was busy with what
 * was sent, or something waited for its turn. Each datagram keeps the link busy for `bytes / rate`.
 */

/** What is sent faster than the link is known to carry stands in its queue, but no longer than this. */
const MOST_AHEAD_MS = 50;

export class SpareTime {
  private busyUntil = 0;
  private spareMs = 0;

  get totalMs(): number {
    return this.spareMs;
  }

  /** Nothing waited since the last datagram. */
  lacked(now: number): void {
    if (now <= this.busyUntil) return;
    this.spareMs += now - this.busyUntil;
    this.busyUntil = now;
  }

  sent(bytes: number, bytesPerMs: number, now: number): void {
    this.busyUntil = Math.min(Math.max(this.busyUntil, now) + bytes / bytesPerMs, now + MOST_AHEAD_MS);
  }
}
