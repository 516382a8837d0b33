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
 * line carries is told by line-capacity.ts; what more it might carry, by capacity-probe.ts, while transit is held back and
 * the line is not full. While nothing of our own comes, only a cap holds transit back.
 *
 * One timer, the owner's: `wake` each 25 ms while there is traffic; rates are looked at each 100 ms.
 */
import { DATA_OVERHEAD_BYTES } from '../../wire/frames.ts';
import type { RouteTuning } from '../tuning.ts';
import { CapacityProbe } from './capacity-probe.ts';
import { LineCapacity } from './line-capacity.ts';
import { ALL_ALIKE, type TransitOptions } from './transit-options.ts';

const UNLIMITED = Number.POSITIVE_INFINITY;

/** Bytes that may be spent at a rate; a larger spending is paid for afterwards. */
class Allowance {
  bytesPerMs = UNLIMITED;
  private bytes = 0;

  get isLimited(): boolean {
    return this.bytesPerMs !== UNLIMITED;
  }

  get left(): number {
    return this.isLimited ? Math.max(0, this.bytes) : UNLIMITED;
  }

  get isOpen(): boolean {
    return this.bytesPerMs === UNLIMITED || this.bytes > 0;
  }

  spend(bytes: number): void {
    if (this.bytesPerMs !== UNLIMITED) this.bytes -= bytes;
  }

  fill(passedMs: number, burstMs: number): void {
    if (this.bytesPerMs === UNLIMITED) this.bytes = 0;
    else this.bytes = Math.min(this.bytesPerMs * burstMs, this.bytes + this.bytesPerMs * passedMs);
  }
}

/** One direction of a link: how fast own traffic and all of it go, and what the link carries. */
class Direction {
  readonly allowance = new Allowance();
  readonly capacity = new LineCapacity();
  readonly probe: CapacityProbe;
  /** Smoothed over a few looks: one connection alone sends in bursts. */
  ownRate = 0;
  rate = 0;
  /** Since the last look: transit waited for its allowance; the sending link had nothing more to send. */
  heldBack = false;
  ranDry = false;
  /** Looks in a row in which transit did not wait. */
  freeLooks = 0;
  private ownBytes = 0;
  private transitBytes = 0;
  /** In the last look. */
  private ownRateThen = 0;
  private ownSmoothed = 0;

  constructor(tuning: RouteTuning) {
    this.probe = new CapacityProbe(tuning);
  }

  count(bytes: number, own: boolean): void {
    if (own) this.ownBytes += bytes;
    else this.transitBytes += bytes;
  }

  look(passedMs: number, weight: number): void {
    const { ownBytes, transitBytes } = this;
    const ownRate = ownBytes / passedMs;
    this.ownSmoothed += (ownRate - this.ownSmoothed) * weight;
    // What ended is no more, whatever the mean.
    this.ownRate = Math.min(this.ownSmoothed, Math.max(ownRate, this.ownRateThen));
    this.ownRateThen = ownRate;
    this.rate += ((ownBytes + transitBytes) / passedMs - this.rate) * weight;
    this.ownBytes = 0;
    this.transitBytes = 0;
  }

  forget(): void {
    this.heldBack = false;
    this.ranDry = false;
  }
}

export class TransitShare {
  private readonly tuning: RouteTuning;
  private options: TransitOptions = ALL_ALIKE;
  private readonly incoming: Direction;
  private readonly outgoing: Direction;
  private waiting = 1;
  private filledAt = 0;
  private lookedAt = 0;

  constructor(tuning: RouteTuning) {
    this.tuning = tuning;
    this.incoming = new Direction(tuning);
    this.outgoing = new Direction(tuning);
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
    this.incoming.count(bytes + DATA_OVERHEAD_BYTES, own);
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
    incoming.look(passedMs, this.tuning.transitLookWeight);
    incoming.freeLooks = incoming.heldBack ? 0 : incoming.freeLooks + 1;
    // Between two waits transit often gets just what it asks for.
    const free = incoming.freeLooks >= this.tuning.transitFreeLooks;
    capacity.add(incoming.rate, !free && probe.share === 0);
    const full = incoming.rate > (1 - this.tuning.transitHeadroom / 2) * capacity.bytesPerMs;
    probe.look(capacity.bytesPerMs, incoming.heldBack && !full, this.patience);
    incoming.allowance.bytesPerMs = Math.min(this.capOf(incoming), this.leftByOwn());
    incoming.forget();
  }

  private lookOut(passedMs: number): void {
    const { outgoing } = this;
    const { capacity, probe } = outgoing;
    outgoing.look(passedMs, this.tuning.transitLookWeight);
    // What is sent by a link that could send more says nothing of what it carries, but at least that much.
    const full = !outgoing.ranDry && (!outgoing.heldBack || probe.share > 0);
    if (full || capacity.bytesPerMs > 0) capacity.add(outgoing.rate, !full);
    probe.look(capacity.bytesPerMs, outgoing.heldBack, this.patience);
    outgoing.allowance.bytesPerMs = this.capOf(outgoing);
    outgoing.forget();
  }

  private capOf({ capacity, probe, ownRate }: Direction): number {
    const { cap } = this.options;
    if (cap === undefined) return UNLIMITED;
    if ('bytesPerMs' in cap) return cap.bytesPerMs;
    const { bytesPerMs } = capacity;
    if (bytesPerMs === 0) return UNLIMITED;
    const share = cap.share * bytesPerMs;
    return probe.share === 0 ? share : Math.max(share, (1 + probe.share) * bytesPerMs - ownRate);
  }

  /** A probe beside own traffic takes little from it; one beyond a cap takes what its operator gave to nobody. */
  private get patience(): number {
    return this.options.cap === undefined ? 1 : this.tuning.transitCapPatience;
  }

  private leftByOwn(): number {
    const { transitIdleShare, transitHeadroom, transitLeastShare, transitExcessFactor } = this.tuning;
    const { ownRate, rate, capacity, probe } = this.incoming;
    const { bytesPerMs } = capacity;
    if (!this.options.ownFirst || bytesPerMs === 0 || ownRate <= transitIdleShare * bytesPerMs) return UNLIMITED;
    const usable = (probe.share === 0 ? 1 - transitHeadroom : 1 + probe.share) * bytesPerMs;
    const left = usable - ownRate - transitExcessFactor * Math.max(0, rate - usable);
    return Math.max(left, transitLeastShare * bytesPerMs);
  }
}
