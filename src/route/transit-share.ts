/**
 * What routes that pass through get of one link, beside the node's own (`[transit]`): a cap, and, where own routes go first,
 * what these leave.
 *
 * Sending, the scheduler goes by order, and asks here for the cap only. For what comes in, the order is made at the other
 * end of the link, which knows nothing of ours; but transit sends only what it has room for. So its room is given at the
 * rate that is left:
 *
 *   allowance = 0.95 x capacity - own rate          own counts double while it grows, so that it doubles at each look
 *
 * Capacity is the most that came in within the last half a minute. While nothing of our own comes, transit is not held
 * back, and shows what the link can carry. Where it is held back, two looks in forty are probes: a tenth more than is known
 * beside own traffic, and everything where the cap is a share, which else would shrink with what it caps.
 *
 * One timer, the owner's: `wake` each 25 ms while there is traffic; rates are looked at each 100 ms.
 */
import { RateCeiling } from './rate-ceiling.ts';
import { ALL_ALIKE, type TransitOptions } from './transit-options.ts';
import type { RouteTuning } from './tuning.ts';

const UNLIMITED = Number.POSITIVE_INFINITY;

/** Bytes that may be spent at a rate; a larger spending is paid for afterwards. */
class Allowance {
  bytesPerMs = UNLIMITED;
  private bytes = 0;

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

/** One direction of a link: how fast own and transit go, and how fast the link went at most. */
class Direction {
  readonly allowance = new Allowance();
  readonly ceiling = new RateCeiling();
  ownBytes = 0;
  transitBytes = 0;
  ownRate = 0;

  look(passedMs: number, now: number): number {
    const ownRate = this.ownBytes / passedMs;
    this.ceiling.add(ownRate + this.transitBytes / passedMs, now);
    const before = this.ownRate;
    this.ownRate = ownRate;
    this.ownBytes = 0;
    this.transitBytes = 0;
    return before;
  }
}

export class TransitShare {
  private readonly tuning: RouteTuning;
  private options: TransitOptions = ALL_ALIKE;
  private readonly incoming = new Direction();
  private readonly outgoing = new Direction();
  private filledAt = 0;
  private lookedAt = 0;
  private looks = 0;

  constructor(tuning: RouteTuning) {
    this.tuning = tuning;
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

  /** Room may be given to transit that comes over this link. */
  get mayGive(): boolean {
    return this.incoming.allowance.isOpen;
  }

  /** Transit may be sent over this link. */
  get maySend(): boolean {
    return this.outgoing.allowance.isOpen;
  }

  /** Room was given to transit. */
  give(bytes: number): void {
    this.incoming.allowance.spend(bytes);
  }

  received(bytes: number, own: boolean): void {
    if (own) this.incoming.ownBytes += bytes;
    else this.incoming.transitBytes += bytes;
  }

  sent(bytes: number, own: boolean): void {
    if (own) this.outgoing.ownBytes += bytes;
    else {
      this.outgoing.transitBytes += bytes;
      this.outgoing.allowance.spend(bytes);
    }
  }

  wake(now: number): void {
    const { transitLookMs, transitBurstMs } = this.tuning;
    const passedMs = now - this.lookedAt;
    if (passedMs >= transitLookMs) {
      this.lookedAt = now;
      this.looks++;
      const before = this.incoming.look(passedMs, now);
      this.outgoing.look(passedMs, now);
      this.incoming.allowance.bytesPerMs = Math.min(this.capOf(this.incoming), this.leftByOwn(before));
      this.outgoing.allowance.bytesPerMs = this.capOf(this.outgoing);
    }
    const sinceMs = now - this.filledAt;
    this.filledAt = now;
    this.incoming.allowance.fill(sinceMs, transitBurstMs);
    this.outgoing.allowance.fill(sinceMs, transitBurstMs);
  }

  private capOf({ ceiling }: Direction): number {
    const { cap } = this.options;
    if (cap === undefined) return UNLIMITED;
    if ('bytesPerMs' in cap) return cap.bytesPerMs;
    return ceiling.bytesPerMs === 0 || this.isProbing ? UNLIMITED : cap.share * ceiling.bytesPerMs;
  }

  private get isProbing(): boolean {
    return this.looks % this.tuning.transitProbeEveryLooks < this.tuning.transitProbeLooks;
  }

  /** `before`: the own rate at the last look. */
  private leftByOwn(before: number): number {
    const { transitIdleShare, transitHeadroom, transitProbeShare, transitLeastShare } = this.tuning;
    const { ownRate, ceiling } = this.incoming;
    const capacity = ceiling.bytesPerMs;
    if (!this.options.ownFirst || ownRate <= transitIdleShare * capacity) return UNLIMITED;
    const probe = this.isProbing ? transitProbeShare * capacity : 0;
    const growing = ownRate > before * (1 + transitHeadroom);
    const left = (1 - transitHeadroom) * capacity - (growing ? 2 : 1) * ownRate + probe;
    return Math.max(left, transitLeastShare * capacity);
  }
}
