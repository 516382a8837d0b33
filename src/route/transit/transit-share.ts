/**
 * What routes that pass through get of one link, beside the node's own (`[transit]`): a cap, and, where own routes go first,
 * what these leave.
 *
 * Sending, the scheduler goes by order, and asks here for the cap only. A share is one of what the link carried while it
 * never ran dry; before it did for a while, nothing is scarce there and nothing is capped.
 *
 * For what comes in, the order is made at the other end of the link, which knows nothing of ours; but transit sends only
 * what it has room for. So its room is given at the rate that is left:
 *
 *   allowance = 0.97 x capacity - own rate
 *
 * Own traffic takes what is kept free, and so shows that it wants more: transit gives way by that, and by several times
 * what came in beyond 0.97 x capacity. Room is given in small gifts, so that bytes follow the allowance at once. What the
 * line carries is told by line-capacity.ts; what more it might carry, by capacity-probe.ts, while transit is held back:
 * rarely where a probe costs own traffic something, or goes beyond a cap. What a probe gave beyond a cap is taken back
 * after it. While nothing of our own comes, only a cap holds transit back.
 *
 * What comes in is counted in bytes of pieces, as room is; what is sent, in bytes of frames.
 *
 * One timer, the owner's: `wake` each 25 ms while there is traffic; rates are looked at each 100 ms.
 */
import type { RouteTuning } from '../tuning.ts';
import { UNLIMITED } from './allowance.ts';
import { LineDirection } from './line-direction.ts';
import { ALL_ALIKE, type TransitOptions } from './transit-options.ts';

export class TransitShare {
  private readonly tuning: RouteTuning;
  private options: TransitOptions = ALL_ALIKE;
  private readonly incoming: LineDirection;
  private readonly outgoing: LineDirection;
  private waiting = 1;
  /** What own traffic left when the last probe began. */
  private leftUnprobed = 0;
  private filledAt = 0;
  private lookedAt = 0;

  constructor(tuning: RouteTuning) {
    this.tuning = tuning;
    this.incoming = new LineDirection(tuning);
    this.outgoing = new LineDirection(tuning);
  }

  set(options: TransitOptions, now: number): void {
    this.options = options;
    this.filledAt = now;
    this.lookedAt = now;
  }

  /** Transit is to be told from own traffic. */
  get isActive(): boolean {
    return this.options.ownFirst || this.options.cap !== undefined;
  }

  /** Room may be given now to transit that comes over this link; asked for somebody who waits for it. */
  mayGive(): boolean {
    if (this.incoming.allowance.isOpen) return true;
    this.incoming.heldBack = true;
    return false;
  }

  /** Transit that waits may be sent now over this link. */
  maySend(): boolean {
    if (this.outgoing.allowance.isOpen) return true;
    this.outgoing.heldBack = true;
    return false;
  }

  /** Of a route that could fill more room than it was just given: whether transit's allowance is why. */
  holdsBack(): boolean {
    const holds = this.incoming.allowance.isLimited;
    if (holds) this.incoming.heldBack = true;
    return holds;
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

  /** The link could have sent more. */
  ranDry(): void {
    this.outgoing.ranDry = true;
  }

  /** `waiting`: routes that wait for room. */
  wake(now: number, waiting = 1): void {
    this.waiting = Math.max(1, waiting);
    const { transitLookMs, transitBurstMs } = this.tuning;
    const passedMs = now - this.lookedAt;
    if (passedMs >= transitLookMs) {
      this.lookedAt = now;
      this.lookIn(passedMs);
      this.lookOut(passedMs);
    }
    const sinceMs = now - this.filledAt;
    this.filledAt = now;
    this.incoming.allowance.fill(sinceMs, transitBurstMs);
    this.outgoing.allowance.fill(sinceMs, transitBurstMs);
  }

  private lookIn(passedMs: number): void {
    const { incoming } = this;
    const { capacity, probe } = incoming;
    incoming.look(passedMs);
    // Between two waits transit often gets just what it asks for.
    capacity.add(incoming.rate, incoming.freeLooks < this.tuning.transitFreeLooks);
    const full = incoming.rate > (1 - this.tuning.transitHeadroom / 2) * capacity.bytesPerMs;
    // Beyond half of the line own traffic gets no more by taking turns with transit.
    const costly = full || incoming.ownRate > capacity.bytesPerMs / 2;
    probe.look(capacity.bytesPerMs, incoming.heldBack, this.mostWaitLooks(this.options.ownFirst && costly));
    incoming.allowance.bytesPerMs = Math.min(this.capOf(incoming), this.leftByOwn());
    incoming.forget();
  }

  private lookOut(passedMs: number): void {
    const { outgoing } = this;
    const { capacity, probe } = outgoing;
    outgoing.look(passedMs);
    // What is sent by a link that could send more says nothing of what it carries, but at least that much.
    const full = !outgoing.ranDry && (!outgoing.heldBack || probe.share > 0);
    if (full || capacity.bytesPerMs > 0) capacity.add(outgoing.rate, !full);
    probe.look(capacity.bytesPerMs, outgoing.heldBack, this.mostWaitLooks(false));
    outgoing.allowance.bytesPerMs = this.capOf(outgoing);
    outgoing.forget();
  }

  private capOf(direction: LineDirection): number {
    const { cap } = this.options;
    if (cap === undefined) return UNLIMITED;
    if ('bytesPerMs' in cap) return cap.bytesPerMs;
    const { bytesPerMs } = direction.capacity;
    if (bytesPerMs === 0) return UNLIMITED;
    const share = cap.share * bytesPerMs;
    const owes = direction.owes(share);
    const { probe } = direction;
    if (probe.share > 0) return Math.max(share, (1 + probe.share) * bytesPerMs - direction.ownRate);
    return owes ? share * (1 - this.tuning.transitPaidBack) : share;
  }

  /** `costly`: own traffic would lose by a probe. One beyond a cap takes what the operator gave to nobody. */
  private mostWaitLooks(costly: boolean): number {
    const { transitProbeMostLooks, transitProbeCostlyLooks } = this.tuning;
    return costly || this.options.cap !== undefined ? transitProbeCostlyLooks : transitProbeMostLooks;
  }

  private leftByOwn(): number {
    const { transitIdleShare, transitHeadroom, transitLeastShare, transitExcessFactor } = this.tuning;
    const { ownRate, rate, capacity, probe } = this.incoming;
    const { bytesPerMs } = capacity;
    if (!this.options.ownFirst || bytesPerMs === 0 || ownRate <= transitIdleShare * bytesPerMs) return UNLIMITED;
    const usable = (1 - transitHeadroom) * bytesPerMs;
    const excess = Math.max(0, rate - usable);
    const left = Math.max(usable - ownRate - transitExcessFactor * excess, transitLeastShare * bytesPerMs);
    if (probe.share === 0) this.leftUnprobed = left;
    return Math.max(left, this.leftUnprobed + probe.share * bytesPerMs);
  }
}
