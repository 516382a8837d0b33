/**
 * What the links of this node can carry, as far as they have shown it: what was delivered while a queue stood before the link, or else the
 * most that was delivered since. A link that was never used much is unknown, not slow.
 */
import type { LinkId } from '../base/ids.ts';
import type { LinkStatus } from '../link/link-status.ts';

/** More than jitter: the link is full, and what it delivers is what it can. */
const FULL_QUEUE_MS = 5;
/** 1 Mb/s: less says nothing without a queue. */
const TELLING_BYTES_PER_MS = 125;
const KBIT_PER_BYTES_PER_MS = 8;

export class LinkRates {
  private readonly bytesPerMs = new Map<LinkId, number>();

  /** In kbit/s, with what the link shows now; 0: unknown. */
  note(link: LinkId, session: NonNullable<LinkStatus['session']>): number {
    const { deliveredBytesPerMs, queueMs } = session;
    const known = this.bytesPerMs.get(link) ?? 0;
    const isFull = queueMs >= FULL_QUEUE_MS && deliveredBytesPerMs > 0;
    if (isFull || deliveredBytesPerMs > Math.max(known, TELLING_BYTES_PER_MS)) {
      this.bytesPerMs.set(link, deliveredBytesPerMs);
    }
    return (this.bytesPerMs.get(link) ?? 0) * KBIT_PER_BYTES_PER_MS;
  }

  linkDown(link: LinkId): void {
    this.bytesPerMs.delete(link);
  }
}
