/**
 * Puts the Bulk messages of a session back into the order of their flows. Each names the message before it in its flow, by its
 * distance (docs/protocol.md section 6.2), and waits while that one is missing or waits itself: nothing waits for another flow,
 * and flows have no names here.
 *
 *   gap 3   5 ◀ 8 ◀ 9      message 3 is missing, 5 came behind it, 8 behind 5, 9 behind 8
 *   gap 6   7
 *
 * What is missing is waited for until it comes or can't come any more:
 *
 *  - what every live Bulk route has passed (`route-floor.ts`) is lost: given up at once
 *  - a route may be idle and pass nothing: while no route is known to miss a message, a gap is given up when its wait
 *    exceeds the skew between the routes and a margin; where hops repeat what is lost, also the time in which the other
 *    end finds a dead route and sends again what it had
 *  - a route that misses a message may still bring it: the gap waits for it as long as the hops try, 2 s, or 200 ms
 *    where they don't
 *  - no more than `reorderMessages` and `reorderBytes` wait: the oldest gap is given up to make room
 *
 * Gaps are given up in the order of their sequences, and with one all that is missing below it, for that was sent before and has
 * had as long. A later message of a flow thus never goes before an earlier one that waits, although what would tell
 * that they belong together is missing.
 *
 * A message that comes after it was given up is still delivered, late and out of order: the sender inside the
 * tunnel wants its bytes. None is delivered twice.
 *
 * One timer: the wait of the lowest gap, from when a message behind it or behind a higher gap was first held.
 */
import { NEVER } from '../base/env.ts';
import { ReplayWindow } from '../crypto/replay-window.ts';
import type { MessageCopy, MessagePool } from './queue/message-pool.ts';
import { NO_DATA, RouteFloor } from './routes/route-floor.ts';

export interface ResequencerLimits {
  readonly reorderMessages: number;
  readonly reorderBytes: number;
  readonly gapMinMs: number;
  readonly gapResendMs: number;
  readonly gapMaxMs: number;
  readonly gapSentOnceMaxMs: number;
  readonly gapMarginMs: number;
}

export interface ResequencerCounters {
  /** Messages that wait now. */
  readonly waiting: number;
  /** Messages that had to wait, those included. */
  readonly waited: number;
  /** Given up, and not come since. */
  readonly lost: number;
  /** Came after they were given up. */
  readonly late: number;
  readonly duplicate: number;
}

/** Takes a message in the order of its flow; the bytes are valid during the call. */
export type Deliver = (bytes: Uint8Array, now: number) => void;

/** A gap that a message filled teaches how long to wait; this share of the lesson is forgotten with each gap. */
const SKEW_DECAY = 0.02;
/** How far behind the newest a message may come and still be known as new. */
const SEEN_BITS = 65_536;

interface LiveRoute {
  readonly floor: RouteFloor;
  /** Its hops repeat what is lost. */
  readonly repeats: boolean;
}

interface Gap {
  readonly missing: number;
  readonly since: number;
  /** The message that names it; those behind follow by `next`. */
  readonly behind: MessageCopy;
}

export class Resequencer {
  private readonly limits: ResequencerLimits;
  private readonly pool: MessagePool;
  private readonly deliver: Deliver;
  private readonly seen = new ReplayWindow(SEEN_BITS);
  /** By bundle sequence. Each is in the chain of one gap. */
  private readonly held = new Map<number, MessageCopy>();
  private heldBytes = 0;
  /** Ascending by what is missing, and so by since when. */
  private readonly gaps: Gap[] = [];
  /** What is missing below is given up, and nothing below waits. */
  private horizon = 0;
  private closed = false;
  /** By slot. */
  private readonly routes: (LiveRoute | undefined)[];
  private learntSkewMs = 0;
  private routeSkewMs = 0;
  private waitedCount = 0;
  private lostCount = 0;
  private lateCount = 0;
  private duplicateCount = 0;

  /** `slots`: routes that may be live at once. */
  constructor(limits: ResequencerLimits, slots: number, pool: MessagePool, deliver: Deliver) {
    this.limits = limits;
    this.pool = pool;
    this.deliver = deliver;
    this.routes = new Array(slots).fill(undefined);
  }

  get counters(): ResequencerCounters {
    return {
      waiting: this.held.size,
      waited: this.waitedCount,
      lost: this.lostCount,
      late: this.lateCount,
      duplicate: this.duplicateCount,
    };
  }

  /** A Bulk route; `repeats`: its hops repeat what is lost. */
  routeOpened(slot: number, repeats: boolean): void {
    this.routes[slot] = { floor: new RouteFloor(), repeats };
  }

  /** Nothing more comes on this route. */
  routeClosed(slot: number): void {
    this.routes[slot] = undefined;
  }

  /** How far the delays of the live routes lie apart, milliseconds. */
  setRouteSkew(ms: number): void {
    this.routeSkewMs = ms;
  }

  /**
   * Message `number` of the route in `slot` will bring no bundle sequence: it is lost, or is no DATA. Acts in the next
   * `wake`.
   */
  passedOver(slot: number, number: number): void {
    this.routes[slot]?.floor.note(number, NO_DATA);
  }

  /** Message `number` of the route in `slot` brought this; `back`: how far the one before it in its flow lies back, 0 for none. */
  accept(slot: number, number: number, sequence: number, back: number, bytes: Uint8Array, now: number): void {
    if (this.closed) return;
    this.routes[slot]?.floor.note(number, sequence);
    if (!this.seen.accept(sequence)) {
      this.duplicateCount += 1;
      return;
    }
    if (sequence < this.horizon) this.deliverLate(bytes, now);
    else if (back === 0 || !this.mustWait(sequence - back)) this.deliverRun(sequence, bytes, now);
    else this.hold(sequence, sequence - back, bytes, now);
    this.giveUpPassed(now);
  }

  /** Gives up what can't come or waited long enough; returns when to be called again. */
  wake(now: number): number {
    this.giveUpPassed(now);
    while (this.gaps.length > 0) {
      const [{ since, missing }] = this.gaps;
      const dueAt = since + this.waitMs(missing);
      if (dueAt > now) return dueAt;
      this.giveUpBelow(missing + 1, now);
    }
    return NEVER;
  }

  /** Gives back what waits; nothing is delivered any more. May be called while a message is delivered. */
  close(): void {
    this.closed = true;
    for (const copy of this.held.values()) this.release(copy);
    this.held.clear();
    this.gaps.length = 0;
  }

  /** How long the gap at this sequence may wait: the lower it lies, the shorter. */
  private waitMs(missing: number): number {
    const { gapMinMs, gapResendMs, gapMaxMs, gapSentOnceMaxMs, gapMarginMs } = this.limits;
    let shortestMs = gapMinMs;
    let longestMs = gapSentOnceMaxMs;
    let mayCome = false;
    for (const route of this.routes) {
      if (route === undefined || route.floor.passed > missing) continue;
      if (route.repeats) {
        shortestMs = gapResendMs;
        longestMs = gapMaxMs;
      }
      if (route.floor.hasHoles) mayCome = true;
    }
    if (mayCome) return longestMs;
    const skewMs = Math.max(this.learntSkewMs, this.routeSkewMs);
    return Math.min(Math.max(shortestMs, skewMs + gapMarginMs), longestMs);
  }

  /**
   * Whether a message waits that names `previous`: it is neither here nor given up, or waits itself. Only one waits behind
   * another: an end that names one twice has no order to keep.
   */
  private mustWait(previous: number): boolean {
    if (previous < this.horizon || this.closed) return false;
    const waiting = this.held.get(previous);
    if (waiting !== undefined) return waiting.next === undefined;
    return this.seen.wouldAccept(previous) && this.gaps[this.gapFrom(previous)]?.missing !== previous;
  }

  private deliverLate(bytes: Uint8Array, now: number): void {
    this.lateCount += 1;
    this.lostCount -= 1;
    // How late is not known any more: wait for half as long again.
    this.learnSkew(1.5 * this.learntSkewMs + this.limits.gapMarginMs);
    this.deliver(bytes, now);
  }

  private learnSkew(ms: number): void {
    this.learntSkewMs = Math.min(Math.max(ms, this.learntSkewMs * (1 - SKEW_DECAY)), this.limits.gapMaxMs);
  }

  /** Delivers a message, and what waited for it. */
  private deliverRun(sequence: number, bytes: Uint8Array, now: number): void {
    const gap = this.takeGap(sequence);
    if (gap !== undefined) this.learnSkew(now - gap.since);
    this.deliver(bytes, now);
    if (gap !== undefined) this.deliverChain(gap.behind, now);
  }

  private hold(sequence: number, previous: number, bytes: Uint8Array, now: number): void {
    const { reorderMessages, reorderBytes } = this.limits;
    const isFull = () => this.held.size >= reorderMessages || this.heldBytes + bytes.length > reorderBytes;
    while (this.gaps.length > 0 && this.mustWait(previous) && isFull()) {
      this.giveUpBelow(Math.min(this.gaps[0].missing, previous) + 1, now);
    }
    if (this.mustWait(previous)) {
      const copy = this.pool.take(bytes);
      if (copy !== undefined) {
        this.keep(copy, sequence, previous, now);
        return;
      }
      // No memory to wait with: order is given up rather than bytes.
      this.giveUpBelow(sequence, now);
    }
    if (!this.closed) this.deliverRun(sequence, bytes, now);
  }

  private keep(copy: MessageCopy, sequence: number, previous: number, now: number): void {
    copy.sequence = sequence;
    copy.next = undefined;
    const before = this.held.get(previous);
    if (before !== undefined) before.next = copy;
    else {
      const at = this.gapFrom(previous);
      const since = at < this.gaps.length ? this.gaps[at].since : now;
      this.gaps.splice(at, 0, { missing: previous, since, behind: copy });
    }
    // What waited for this one waits for the one before it now.
    copy.next = this.takeGap(sequence)?.behind;
    this.held.set(sequence, copy);
    this.heldBytes += copy.length;
    this.waitedCount += 1;
  }

  /** What every live route has passed will not come. */
  private giveUpPassed(now: number): void {
    let floor = NEVER;
    for (const route of this.routes) if (route !== undefined) floor = Math.min(floor, route.floor.passed);
    if (floor !== NEVER && floor > this.horizon) this.giveUpBelow(floor, now);
  }

  /** Gives up what is missing below `sequence`. */
  private giveUpBelow(sequence: number, now: number): void {
    if (sequence <= this.horizon) return;
    // What lies further back than is remembered never came, as far as anybody can know.
    const knownFrom = Math.max(this.horizon, sequence - SEEN_BITS);
    this.lostCount += knownFrom - this.horizon;
    for (let one = knownFrom; one < sequence; one++) if (this.seen.wouldAccept(one)) this.lostCount += 1;
    this.horizon = sequence;
    while (this.gaps.length > 0 && this.gaps[0].missing < sequence) {
      this.deliverChain(this.gaps.shift()!.behind, now);
    }
  }

  private deliverChain(first: MessageCopy, now: number): void {
    let copy: MessageCopy | undefined = first;
    while (copy !== undefined && !this.closed) {
      const following: MessageCopy | undefined = copy.next;
      this.held.delete(copy.sequence);
      this.deliver(copy.buffer.subarray(0, copy.length), now);
      this.release(copy);
      copy = following;
    }
  }

  private release(copy: MessageCopy): void {
    this.heldBytes -= copy.length;
    copy.next = undefined;
    this.pool.release(copy);
  }

  /** The first gap at `sequence` or above. */
  private gapFrom(sequence: number): number {
    let from = 0;
    let to = this.gaps.length;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (this.gaps[middle].missing < sequence) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  private takeGap(sequence: number): Gap | undefined {
    const at = this.gapFrom(sequence);
    return this.gaps[at]?.missing === sequence ? this.gaps.splice(at, 1)[0] : undefined;
  }
}
