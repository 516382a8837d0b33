/**
 * CoDel (RFC 8289) for one flow: when the messages that leave have waited longer than `targetMs` for a whole
 * `intervalMs`, one is dropped or marked, and the next ones at intervals that shrink with the square root of their
 * count until the wait is short again.
 *
 *   calm       nothing is dropped
 *   dropping   one at `nextAt`
 *
 * Beside the RFC: a wait of `urgentMs` is told of after `URGENT_SHARE` of the interval. A slow start doubles its queue in
 * a round trip, and where the owner drops all that is too old, that would come before the first word.
 *
 * No timer: it acts when a message is taken. Times are by the owner's clock, which stands still while nothing leaves: what
 * waits out an outage is neither long waiting nor due for a drop.
 */

/** A flow with no more than this waiting has no standing queue: the maximum packet of RFC 8289. */
const ONE_PACKET_BYTES = 1_500;
/** RFC 8289 section 4.3: how many intervals after the last drop its pace is taken up again. */
const MEMORY_INTERVALS = 16;
/** Not at once: a burst may pass. */
const URGENT_SHARE = 0.25;

export interface CodelTiming {
  targetMs: number;
  intervalMs: number;
  readonly urgentMs: number;
}

export class Codel {
  private dropping = false;
  /** When the wait will have been long for an interval; 0 while it is not long. */
  private longFrom = 0;
  private nextAt = 0;
  private count = 0;
  private countBefore = 0;

  /**
   * A message that waited for `waitedMs` is the next to leave; `backlogBytes` wait behind it. True: drop or mark it. After a drop the next
   * message has to be asked about; after a mark the message may leave.
   */
  condemns(waitedMs: number, backlogBytes: number, timing: CodelTiming, now: number): boolean {
    const { intervalMs } = timing;
    const tooLong = this.isTooLong(waitedMs, backlogBytes, timing, now);
    if (this.dropping) {
      if (!tooLong) {
        this.dropping = false;
        return false;
      }
      if (now < this.nextAt) return false;
      this.count += 1;
      this.nextAt += intervalMs / Math.sqrt(this.count);
      return true;
    }
    if (!tooLong) return false;
    this.dropping = true;
    const since = this.count - this.countBefore;
    this.count = since > 1 && now - this.nextAt < MEMORY_INTERVALS * intervalMs ? since : 1;
    this.countBefore = this.count;
    this.nextAt = now + intervalMs / Math.sqrt(this.count);
    return true;
  }

  /** The flow is empty. */
  emptied(): void {
    this.longFrom = 0;
    this.dropping = false;
  }

  private isTooLong(waitedMs: number, backlogBytes: number, timing: CodelTiming, now: number): boolean {
    const { targetMs, intervalMs, urgentMs } = timing;
    if (waitedMs < targetMs || backlogBytes <= ONE_PACKET_BYTES) {
      this.longFrom = 0;
      return false;
    }
    if (this.longFrom === 0) this.longFrom = now + intervalMs;
    const earlierMs = waitedMs < urgentMs ? 0 : (1 - URGENT_SHARE) * intervalMs;
    return now >= this.longFrom - earlierMs;
  }
}
