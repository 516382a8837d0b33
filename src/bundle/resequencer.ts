/**
 * Puts the messages of a session back into the order of their bundle sequences. A message that lies ahead waits for the
 * ones missing before it, and no longer than it has to:
 *
 *  - each route delivers in the order of sending, so what every live route has passed is lost: given up at once
 *  - a route may be idle and pass nothing: a gap is given up when its wait exceeds the skew between the routes and a
 *    margin (the one timer here)
 *  - no more than `reorderMessages` and `reorderBytes` wait: the gap at the front is given up to make room
 *
 * A message that comes after its gap was given up is still delivered, late and out of order: the sender inside the tunnel
 * wants its bytes. None is delivered twice.
 */
import { NEVER } from '../base/env.ts';
import { ReplayWindow } from '../crypto/replay-window.ts';
import type { MessageCopy, MessagePool } from './message-pool.ts';

export interface ResequencerLimits {
  readonly reorderMessages: number;
  readonly reorderBytes: number;
  readonly gapMinMs: number;
  readonly gapMaxMs: number;
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
const NO_ROUTE = -2;

export class Resequencer {
  private readonly limits: ResequencerLimits;
  private readonly pool: MessagePool;
  private readonly deliver: Deliver;
  private readonly seen = new ReplayWindow();
  /** By bundle sequence modulo the capacity, a power of two. */
  private readonly held: (MessageCopy | undefined)[];
  private readonly heldAt: Float64Array;
  private heldCount = 0;
  private heldBytes = 0;
  private closed = false;
  /** The first sequence not yet delivered or given up. */
  private next = 0;
  /** The first held one, when there is any. */
  private firstHeld = 0;
  /** By route slot: the highest sequence that came; -1 before the first, NO_ROUTE for a slot without a route. */
  private readonly passed: number[];
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
    this.held = new Array(limits.reorderMessages).fill(undefined);
    this.heldAt = new Float64Array(limits.reorderMessages);
    this.passed = new Array(slots).fill(NO_ROUTE);
  }

  get counters(): ResequencerCounters {
    return {
      waiting: this.heldCount,
      lost: this.lostCount,
      late: this.lateCount,
      duplicate: this.duplicateCount,
    };
  }

  routeOpened(slot: number): void {
    this.passed[slot] = -1;
  }

  /** Nothing more comes on this route. */
  routeClosed(slot: number): void {
    this.passed[slot] = NO_ROUTE;
  }

  /** How far the round trips of the live routes lie apart, milliseconds. */
  setRouteSkew(ms: number): void {
    this.routeSkewMs = ms;
  }

  accept(slot: number, sequence: number, bytes: Uint8Array, now: number): void {
    if (this.closed) return;
    if (!this.seen.accept(sequence)) {
      this.duplicateCount += 1;
      return;
    }
    if (sequence > this.passed[slot]) this.passed[slot] = sequence;
    if (sequence < this.next) this.deliverLate(bytes, now);
    else if (sequence === this.next) {
      if (this.heldCount > 0) this.learnSkew(now - this.heldAt[this.slotOf(this.firstHeld)]);
      this.next += 1;
      this.deliver(bytes, now);
      this.deliverRun(now);
    } else this.hold(sequence, bytes, now);
    this.giveUpPassed(now);
  }

  /** Gives up what waited long enough; returns when to be called again. */
  wake(now: number): number {
    while (this.heldCount > 0) {
      const dueAt = this.heldAt[this.slotOf(this.firstHeld)] + this.gapMs();
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

  private gapMs(): number {
    const { gapMinMs, gapMaxMs, gapMarginMs } = this.limits;
    return Math.min(Math.max(gapMinMs, Math.max(this.learntSkewMs, this.routeSkewMs) + gapMarginMs), gapMaxMs);
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
    if (sequence - this.next >= this.held.length) this.advanceTo(sequence - this.held.length + 1, now);
    while (this.heldCount > 0 && this.heldBytes + bytes.length > this.limits.reorderBytes) {
      this.advanceTo(this.firstHeld, now);
    }
    if (sequence === this.next) {
      this.next += 1;
      this.deliver(bytes, now);
      this.deliverRun(now);
      return;
    }
    if (this.closed) return;
    const copy = this.pool.take(bytes);
    if (copy === undefined) {
      // No memory to wait with: order is given up rather than bytes.
      this.advanceTo(sequence, now);
      this.next += 1;
      this.deliver(bytes, now);
      this.deliverRun(now);
      return;
    }
    const slot = this.slotOf(sequence);
    this.held[slot] = copy;
    this.heldAt[slot] = now;
    if (this.heldCount === 0 || sequence < this.firstHeld) this.firstHeld = sequence;
    this.heldCount += 1;
    this.heldBytes += copy.length;
  }

  /** What every live route has passed will not come. */
  private giveUpPassed(now: number): void {
    if (this.heldCount === 0) return;
    let floor = NEVER;
    for (const sequence of this.passed) if (sequence !== NO_ROUTE) floor = Math.min(floor, sequence);
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
  }

  private slotOf(sequence: number): number {
    return sequence & (this.held.length - 1);
  }
}
