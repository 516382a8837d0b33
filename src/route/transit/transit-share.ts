/**
 * What routes that pass through get of one link, beside the node's own (`[transit]`): a cap, and, where own routes go first,
 * what these leave.
 *
 * Sending, the scheduler goes by order, and asks here for the cap only. For what comes in, the order is made at the other end
 * of the link, which knows nothing of ours; but transit sends only what it has room for. So its room is given at a rate.
 * The other end tells, when asked, how much of the time its direction was spare (LOAD, docs/protocol.md section 3.4):
 *
 *   spare time      the line would take more: transit gets a part of that more, unless own traffic is growing into it
 *   hardly any      own traffic may want more: transit loses a part of what it has, until the line has spare time again
 *
 * However much that is, it is never more than own traffic leaves of the capacity, so that transit gives way at once to own
 * traffic that grows; and a little in any case, so that its routes live. While nothing of our own comes, only a cap holds
 * transit back. Room is given in small gifts, so that bytes follow the allowance at once.
 *
 * What the line carries is what came in over the time in which it was busy (line-direction.ts); a cap that is a share is a share
 * of that, once the line was full for two seconds: where nothing is scarce nothing is capped. What comes in is counted in
 * bytes of pieces, as room is; what is sent, in bytes of frames.
 *
 * One timer, the owner's: `wake` each 25 ms while there is traffic. The other end is asked each 100 ms; its answer is a look
 * at what comes in.
 */
import type { LinkMeasures } from '../../link/link-measures.ts';
import type { LoadFrame } from '../../wire/frames.ts';
import type { RouteTuning } from '../tuning.ts';
import { UNLIMITED } from './allowance.ts';
import { LineDirection } from './line-direction.ts';
import { ALL_ALIKE, type TransitOptions } from './transit-options.ts';

export class TransitShare {
  private readonly tuning: RouteTuning;
  private readonly measures: Pick<LinkMeasures, 'spareMs'>;
  private options: TransitOptions = ALL_ALIKE;
  private readonly incoming: LineDirection;
  private readonly outgoing: LineDirection;
  private waiting = 1;
  private filledAt = 0;
  private lookedAt = 0;
  /** At the last look: ours, and what the other end said. */
  private spareMs = 0;
  private load: LoadFrame | undefined;

  constructor(measures: Pick<LinkMeasures, 'spareMs'>, tuning: RouteTuning) {
    this.measures = measures;
    this.tuning = tuning;
    this.incoming = new LineDirection(tuning);
    this.outgoing = new LineDirection(tuning);
  }

  set(options: TransitOptions, now: number): void {
    this.options = options;
    this.filledAt = now;
    this.lookedAt = now;
    this.spareMs = this.measures.spareMs;
    this.incoming.allowance.bytesPerMs = UNLIMITED;
    this.outgoing.allowance.bytesPerMs = UNLIMITED;
  }

  /** Transit is to be told from own traffic. */
  get isActive(): boolean {
    return this.options.ownFirst || this.options.cap !== undefined;
  }

  /** Room may be given now to transit that comes over this link. */
  get mayGive(): boolean {
    return this.incoming.allowance.isOpen;
  }

  /** Transit that waits may be sent now over this link. */
  get maySend(): boolean {
    return this.outgoing.allowance.isOpen;
  }

  /** Transit does not get all the room that there is. */
  get holdsBack(): boolean {
    return this.incoming.allowance.isLimited;
  }

  /** Room that one route gets at once: a large gift would come as bytes at the line's rate, and be paid for long after. */
  get mostAtOnce(): number {
    return Math.max(this.tuning.transitLeastGift, Math.floor(this.incoming.allowance.left / this.waiting));
  }

  /** Room was given to transit. */
  give(bytes: number): void {
    this.incoming.allowance.spend(bytes);
  }

  /** A piece came in. */
  received(bytes: number, own: boolean): void {
    this.incoming.count(bytes, own);
  }

  /** A frame was sent. */
  sent(bytes: number, own: boolean): void {
    this.outgoing.count(bytes, own);
    if (!own) this.outgoing.allowance.spend(bytes);
  }

  /** `waiting`: routes that wait for room. True when the other end is to be asked for its load. */
  wake(now: number, waiting: number): boolean {
    this.waiting = Math.max(1, waiting);
    const { transitLookMs, transitBurstMs } = this.tuning;
    const passedMs = now - this.lookedAt;
    const looks = passedMs >= transitLookMs;
    if (looks) {
      this.lookedAt = now;
      this.lookOut(passedMs);
    }
    const sinceMs = now - this.filledAt;
    this.filledAt = now;
    this.incoming.allowance.fill(sinceMs, transitBurstMs);
    this.outgoing.allowance.fill(sinceMs, transitBurstMs);
    return looks && (this.holdsBack || !this.incoming.isIdle);
  }

  /** The other end told its load: what came in since it did last came in the time between. */
  heard(load: LoadFrame): void {
    const last = this.load;
    this.load = load;
    if (last === undefined) return;
    const passedMs = since(last.clockUs, load.clockUs);
    if (passedMs === 0) return;
    const { incoming } = this;
    incoming.look(passedMs, since(last.spareUs, load.spareUs));
    incoming.allowance.bytesPerMs = Math.min(this.capOf(incoming), this.leftByOwn());
  }

  private lookOut(passedMs: number): void {
    const { outgoing } = this;
    const { spareMs } = this.measures;
    outgoing.look(passedMs, spareMs - this.spareMs);
    this.spareMs = spareMs;
    outgoing.allowance.bytesPerMs = this.capOf(outgoing);
  }

  private capOf({ capacity, isCertain }: LineDirection): number {
    const { cap } = this.options;
    if (cap === undefined) return UNLIMITED;
    if ('bytesPerMs' in cap) return cap.bytesPerMs;
    return isCertain ? cap.share * capacity : UNLIMITED;
  }

  private leftByOwn(): number {
    const { transitIdleShare, transitBusyShare, transitLeastShare, transitRise } = this.tuning;
    const { transitYield, transitYieldMost } = this.tuning;
    const { ownRate, ownGrows, capacity, busyShare, fullLooks, allowance } = this.incoming;
    if (!this.options.ownFirst || capacity === 0 || ownRate <= transitIdleShare * capacity) return UNLIMITED;
    const least = transitLeastShare * capacity;
    const most = Math.max(least, transitBusyShare * capacity - ownRate);
    const last = Math.min(allowance.bytesPerMs, most);
    if (fullLooks === 0 && ownGrows) return last;
    if (fullLooks === 0) return Math.min(most, last + transitRise * (transitBusyShare - busyShare) * capacity);
    return Math.max(least, last * (1 - Math.min(transitYieldMost, transitYield * 2 ** (fullLooks - 1))));
  }
}

/** Milliseconds between two times in microseconds modulo 2^32. */
function since(fromUs: number, toUs: number): number {
  return ((toUs - fromUs) >>> 0) / 1_000;
}
