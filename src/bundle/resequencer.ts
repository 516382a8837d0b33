/**
 * Puts the Bulk messages of a session back into the order of their bundle sequences. A message that lies ahead waits
 * for the ones missing before it until they come or can't come any more:
 *
 *  - what every live Bulk route has passed (`route-floor.ts`) is lost: given up at once
 *  - a route may be idle and pass nothing: while no route is known to miss a message, a gap is given up when its wait
 *    exceeds the skew between the routes and a margin; where hops repeat what is lost, also the time in which the other
 *    end finds a dead route and sends again what it had
 *  - a route that misses a message may still bring it: the gap waits for it as long as the hops try, 2 s, or 200 ms
 *    where they don't
 *  - no more than `reorderMessages` and `reorderBytes` wait: the gap at the front is given up to make room
 *
 * A message that comes after its gap was given up is still delivered, late and out of order: the sender inside the
 * tunnel wants its bytes. None is delivered twice.
 *
 * One timer: the wait of the gap at the front, from when it was first seen.
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
  /** Given up, and not come since. */
  readonly lost: number;
  readonly late: number;
  readonly duplicate: number;
}

/** Takes a message in order; the bytes are valid during the call. */
export type Deliver = (bytes: Uint8Array, now: number) => void;

/** A gap that a message filled teaches how long to wait; this share of the lesson is forgotten with each gap. */
const SKEW_DECAY = 0.02;
const FIRST_CAPACITY = 64;
/** How far behind the newest a message may come and still be known as new. */
const SEEN_BITS = 65_536;

interface LiveRoute {
  readonly floor: RouteFloor;
  /** Its hops repeat what is lost. */
  readonly repeats: boolean;
}

export class Resequencer {
  private readonly limits: ResequencerLimits;
  private readonly pool: MessagePool;
  private readonly deliver: Deliver;
  private readonly seen = new ReplayWindow(SEEN_BITS);
  /** By bundle sequence modulo the capacity, a power of two. */
  private held: (MessageCopy | undefined)[] = new Array(FIRST_CAPACITY).fill(undefined);
  private heldAt = new Float64Array(FIRST_CAPACITY);
  private heldCount = 0;
  private heldBytes = 0;
  private closed = false;
  /** The first sequence not yet delivered or given up. */
  private next = 0;
  /** The first held one, when there is any. */
  private firstHeld = 0;
  /** Since when the gap at the front is known. */
  private gapSince = 0;
  /** By slot. */
  private readonly routes: (LiveRoute | undefined)[];
  private learntSkewMs = 0;
  private routeSkewMs = 0;
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
      waiting: this.heldCount,
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

  /** Message `number` of the route in `slot` brought this. */
  accept(slot: number, number: number, sequence: number, bytes: Uint8Array, now: number): void {
    if (this.closed) return;
    this.routes[slot]?.floor.note(number, sequence);
    if (!this.seen.accept(sequence)) {
      this.duplicateCount += 1;
      return;
    }
    if (sequence < this.next) this.deliverLate(bytes, now);
    else if (sequence === this.next) {
      if (this.heldCount > 0) this.learnSkew(now - this.gapSince);
      this.next += 1;
      this.deliver(bytes, now);
      this.deliverRun(now);
    } else this.hold(sequence, bytes, now);
    this.giveUpPassed(now);
  }

  /** Gives up what can't come or waited long enough; returns when to be called again. */
  wake(now: number): number {
    this.giveUpPassed(now);
    while (this.heldCount > 0) {
      const dueAt = this.gapSince + this.waitMs();
      if (dueAt > now) return dueAt;
      this.advanceTo(this.firstHeld, now);
    }
    return NEVER;
  }

  /** Gives back what waits; nothing is delivered any more. May be called while a message is delivered. */
  close(): void {
    this.closed = true;
    for (let slot = 0; slot < this.held.length; slot++) {
      const copy = this.held[slot];
      if (copy !== undefined) this.pool.release(copy);
      this.held[slot] = undefined;
    }
    this.heldCount = 0;
    this.heldBytes = 0;
  }

  /** How long the gap at the front may wait. */
  private waitMs(): number {
    const { gapMinMs, gapResendMs, gapMaxMs, gapSentOnceMaxMs, gapMarginMs } = this.limits;
    let shortestMs = gapMinMs;
    let longestMs = gapSentOnceMaxMs;
    let missing = false;
    for (const route of this.routes) {
      if (route === undefined || route.floor.passed >= this.firstHeld) continue;
      if (route.repeats) {
        shortestMs = gapResendMs;
        longestMs = gapMaxMs;
      }
      if (route.floor.hasHoles) missing = true;
    }
    if (missing) return longestMs;
    const skewMs = Math.max(this.learntSkewMs, this.routeSkewMs);
    return Math.min(Math.max(shortestMs, skewMs + gapMarginMs), longestMs);
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

  private hold(sequence: number, bytes: Uint8Array, now: number): void {
    const { reorderMessages, reorderBytes } = this.limits;
    if (sequence - this.next >= reorderMessages) this.advanceTo(sequence - reorderMessages + 1, now);
    while (this.heldCount > 0 && this.heldBytes + bytes.length > reorderBytes) this.advanceTo(this.firstHeld, now);
    if (sequence !== this.next) {
      if (this.closed) return;
      const copy = this.pool.take(bytes);
      if (copy !== undefined) {
        this.keep(sequence, copy, now);
        return;
      }
      // No memory to wait with: order is given up rather than bytes.
      this.advanceTo(sequence, now);
    }
    this.next += 1;
    this.deliver(bytes, now);
    this.deliverRun(now);
  }

  private keep(sequence: number, copy: MessageCopy, now: number): void {
    while (sequence - this.next >= this.held.length) this.grow();
    const slot = this.slotOf(sequence);
    this.held[slot] = copy;
    this.heldAt[slot] = now;
    if (this.heldCount === 0) this.gapSince = now;
    if (this.heldCount === 0 || sequence < this.firstHeld) this.firstHeld = sequence;
    this.heldCount += 1;
    this.heldBytes += copy.length;
  }

  /** What every live route has passed will not come. */
  private giveUpPassed(now: number): void {
    if (this.heldCount === 0) return;
    let floor = NEVER;
    for (const route of this.routes) if (route !== undefined) floor = Math.min(floor, route.floor.passed);
    if (floor !== NEVER && floor > this.next) this.advanceTo(floor, now);
  }

  /** Delivers what is held below `sequence`, gives up the rest, and goes on with the run that begins there. */
  private advanceTo(sequence: number, now: number): void {
    while (this.heldCount > 0 && this.firstHeld < sequence) {
      this.lostCount += this.firstHeld - this.next;
      this.next = this.firstHeld;
      this.deliverRun(now);
    }
    if (sequence > this.next) {
      this.lostCount += sequence - this.next;
      this.next = sequence;
    }
    this.deliverRun(now);
  }

  private deliverRun(now: number): void {
    for (;;) {
      const slot = this.slotOf(this.next);
      const copy = this.held[slot];
      if (copy === undefined) break;
      this.held[slot] = undefined;
      this.heldCount -= 1;
      this.heldBytes -= copy.length;
      this.next += 1;
      this.deliver(copy.buffer.subarray(0, copy.length), now);
      this.pool.release(copy);
    }
    if (this.heldCount === 0) return;
    if (this.firstHeld < this.next) this.firstHeld = this.next;
    while (this.held[this.slotOf(this.firstHeld)] === undefined) this.firstHeld += 1;
    this.gapSince = this.heldAt[this.slotOf(this.firstHeld)];
  }

  private grow(): void {
    const larger: (MessageCopy | undefined)[] = new Array(2 * this.held.length).fill(undefined);
    const heldAt = new Float64Array(larger.length);
    for (let sequence = this.next; sequence < this.next + this.held.length; sequence++) {
      const slot = this.slotOf(sequence);
      larger[sequence & (larger.length - 1)] = this.held[slot];
      heldAt[sequence & (larger.length - 1)] = this.heldAt[slot];
    }
    this.held = larger;
    this.heldAt = heldAt;
  }

  /** Sequences have 48 bits, and `&` only 32: what matters are the lowest ones. */
  private slotOf(sequence: number): number {
    return sequence & (this.held.length - 1);
  }
}
