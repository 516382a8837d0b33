/**
 * Whether Real Time messages go over the two best routes at once. The far end delivers each once (docs/protocol.md section 6.2), so that what
 * one route loses or delays, or takes along when it dies, arrives over the other: where a repetition would come too late, a copy is the only
 * remedy.
 *
 *   off    never
 *   on     always
 *   auto   while there was a reason within `twiceMs`:
 *            lost     more than `twiceLossShare` of the last 128 Real Time messages
 *            jitter   round trips of the best route vary by more than `twiceVariationMs`
 *            stall    a route fell silent
 *            mirror   at the service: the client sends its messages twice
 *
 * A message whose owner wants it twice is sent twice even where this says off. Copies of either kind take no more than `twiceBytesPerSecond`: what is
 * more than that is no call, and would cost Bulk on both routes.
 * No timer: it is asked for each message.
 */
import { TokenBucket } from '../../base/token-bucket.ts';
import type { BundleRoute } from '../routes/bundle-route.ts';
import type { RouteSet } from '../routes/route-set.ts';

export type Redundancy = 'auto' | 'on' | 'off';

interface DuplicatorTuning {
  readonly twiceMs: number;
  readonly twiceLossShare: number;
  readonly twiceVariationMs: number;
  readonly twiceBytesPerSecond: number;
}

/** Losses are judged after so many: one alone is no reason. */
const PERIOD_MESSAGES = 128;
/** A route whose variation is known from fewer samples may be taken for an uneven one. */
const VARIATION_SAMPLES = 8;

export class Duplicator {
  private readonly tuning: DuplicatorTuning;
  private readonly redundancy: Redundancy;
  private readonly budget: TokenBucket;
  private sent = 0;
  private lost = 0;
  private until = Number.NEGATIVE_INFINITY;
  private copies = 0;

  constructor(tuning: DuplicatorTuning, redundancy: Redundancy) {
    this.tuning = tuning;
    this.redundancy = redundancy;
    this.budget = new TokenBucket(tuning.twiceBytesPerSecond, tuning.twiceBytesPerSecond);
  }

  /** Messages that went out twice. */
  get count(): number {
    return this.copies;
  }

  /**
   * The route that carries a copy of a Real Time message of `bytes`, framing included, which `first` carries; undefined:
   * none. `wanted`: by the message's owner.
   */
  second(routes: RouteSet, first: BundleRoute, bytes: number, wanted: boolean, now: number): BundleRoute | undefined {
    this.judge(first, now);
    if (!wanted && !this.isActive(now)) return undefined;
    const route = routes.pullSecond(first, bytes, now);
    if (route === undefined || !this.budget.take(now, bytes)) return undefined;
    this.copies += 1;
    return route;
  }

  /** A Real Time message did not arrive. */
  lostOne(): void {
    this.lost += 1;
  }

  /** A route fell silent, or the other end sends its messages twice. */
  warned(now: number): void {
    this.until = now + this.tuning.twiceMs;
  }

  private isActive(now: number): boolean {
    return this.redundancy === 'on' || (this.redundancy === 'auto' && now < this.until);
  }

  private judge(first: BundleRoute, now: number): void {
    const { timing } = first;
    if (timing.samples >= VARIATION_SAMPLES && timing.variationMs > this.tuning.twiceVariationMs) this.warned(now);
    this.sent += 1;
    if (this.sent < PERIOD_MESSAGES) return;
    if (this.lost > this.tuning.twiceLossShare * this.sent) this.warned(now);
    this.sent = 0;
    this.lost = 0;
  }
}
