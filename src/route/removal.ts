/**
 * How routes end (docs/protocol.md section 5): ROUTE_FAILED, TEARDOWN, ROUTE_UNKNOWN, a lost link, or idleness. Whoever is on
 * the other side is told, and the route is forgotten. TEARDOWN goes behind what was sent before it: a session's last word must
 * arrive.
 *
 * Timers: a route that is torn down waits up to 500 ms for what it still keeps for the next hop, looked at every 5 ms; once a second the table is searched for routes that were idle for 60 s; the routes of a lost link are taken apart
 * some at a time, as fast as `wake` is called.
 */
import { NEVER } from '../base/env.ts';
import { buildFailure, readFailure, wrapFailure } from '../crypto/error-onion.ts';
import { encodeRouteFailed, encodeTeardown } from '../wire/channel0.ts';
import { NONE } from './id-index.ts';
import type { Neighbour } from './neighbours.ts';
import { IDLE_ROUTE_MS } from './protocol-limits.ts';
import { type RouteContext, tell } from './route-context.ts';
import type { End } from './route-ends.ts';
import { encodeFailure, type FailureName, parseFailure, type RouteFailure } from './route-failure.ts';
import type { CloseReason } from './route-ports.ts';
import { NO_PORT, TOWARDS_DESTINATION, TOWARDS_ORIGIN } from './route-table.ts';

export class RouteRemoval {
  private readonly context: RouteContext;
  /** Neighbours whose link is lost and whose routes are being taken apart. */
  private readonly lost: Neighbour[] = [];
  private lostAt = NEVER;
  private sweepAt = NEVER;
  private sweepFrom = 0;
  /** Routes that are torn down once the next hop has all that this half keeps, or at the time given. */
  private readonly leaving = new Map<number, number>();
  private leavingAt = NEVER;

  constructor(context: RouteContext) {
    this.context = context;
  }

  /** A slot of the table for a new route, or NONE. */
  claim(handle: number, now: number): number {
    const { table, flows, tuning } = this.context;
    if (this.sweepAt === NEVER) this.sweepAt = now + tuning.sweepEveryMs;
    const slot = table.claim(handle, now);
    if (slot !== NONE) flows.begin(slot);
    return slot;
  }

  /** Forgets a route: what is kept of it, secrets, table. */
  remove(slot: number, now: number): void {
    const { table, neighbours, ends, flows } = this.context;
    const originPort = table.portOf(2 * slot + TOWARDS_ORIGIN);
    if (originPort !== NO_PORT) neighbours.ofPort(originPort).routes--;
    flows.end(slot, now);
    if (this.leaving.size > 0) for (const half of [2 * slot, 2 * slot + 1]) this.leaving.delete(half);
    const end = ends.ofSlot(slot);
    if (end !== undefined) ends.remove(end);
    table.release(slot);
  }

  /** ROUTE_FAILED came: towards the origin it goes. */
  failed(from: Neighbour, routeId: Uint8Array, errorOnion: Uint8Array, now: number): void {
    const { table, ends, drops } = this.context;
    const half = table.findIncoming(from.port, routeId, 0);
    if (half === NONE) drops.count('route-failed-unknown-id');
    else if ((half & 1) !== TOWARDS_DESTINATION) drops.count('route-failed-wrong-way');
    else {
      const end = ends.ofSlot(half >> 1);
      if (end === undefined) this.passFailureOn(half, errorOnion, now);
      else this.readFailureOf(end, errorOnion, now);
    }
  }

  /** TEARDOWN came. */
  tornDown(from: Neighbour, routeId: Uint8Array, now: number): void {
    const { table, ends, drops } = this.context;
    const half = table.findIncoming(from.port, routeId, 0);
    if (half === NONE) {
      drops.count('route-teardown-unknown-id');
      return;
    }
    const end = ends.ofSlot(half >> 1);
    if (end === undefined) return this.leave(half ^ 1, now);
    this.remove(end.slot, now);
    this.reportClosed(end, 'torn-down', now);
  }

  /** Ends a route towards the neighbour of `half`, who is told when he has what is kept for him. */
  leave(half: number, now: number): void {
    const { flows, tuning } = this.context;
    if (!flows.keeps(half) || this.leaving.size >= tuning.leavingAtOnce) return this.tearDown(half, now);
    this.leaving.set(half, now + tuning.leavingMs);
    this.leavingAt = Math.min(this.leavingAt, now + tuning.leavingLookedAtMs);
  }

  /** ROUTE_UNKNOWN came. */
  forgotten(from: Neighbour, routeId: Uint8Array, now: number): void {
    const half = this.context.table.findOutgoing(from.port, routeId, 0);
    if (half === NONE) {
      this.context.drops.count('route-unknown-unknown-id');
      return;
    }
    this.cutAt(half, 'next-hop-forgot', 'forgotten', now);
  }

  linkLost(neighbour: Neighbour, now: number): void {
    this.lost.push(neighbour);
    this.lostAt = now;
    this.dismantle(now);
  }

  wake(now: number): void {
    this.finishLeaving(now);
    this.dismantle(now);
    this.sweep(now);
  }

  nextWakeAt(): number {
    return Math.min(this.sweepAt, this.leavingAt, this.lost.length > 0 ? this.lostAt : NEVER);
  }

  private finishLeaving(now: number): void {
    if (now < this.leavingAt) return;
    const { flows, tuning } = this.context;
    for (const [half, until] of this.leaving) if (now >= until || !flows.keeps(half)) this.tearDown(half, now);
    this.leavingAt = this.leaving.size > 0 ? now + tuning.leavingLookedAtMs : NEVER;
  }

  private tearDown(half: number, now: number): void {
    const { table } = this.context;
    const port = table.portOf(half);
    const teardown = encodeTeardown(table.outIdOf(half));
    this.remove(half >> 1, now);
    tell(this.context, port, teardown);
  }

  private passFailureOn(half: number, errorOnion: Uint8Array, now: number): void {
    const { table } = this.context;
    const slot = half >> 1;
    const out = half ^ 1;
    const outPort = table.portOf(out);
    const message = encodeRouteFailed(table.outIdOf(out), wrapFailure(table.secretOf(slot), errorOnion));
    this.remove(slot, now);
    tell(this.context, outPort, message);
  }

  private readFailureOf(end: End, errorOnion: Uint8Array, now: number): void {
    const failure = readFailure(end.sharedSecrets, errorOnion);
    this.remove(end.slot, now);
    // What can't be read was spoilt by somebody on the path; the neighbour is the only one known to have had it in
    // hand.
    if (failure === undefined) this.reportFailed(end, 1, 'unreadable', now);
    else this.reportFailed(end, failure.hop + 1, parseFailure(failure.message), now);
  }

  /** The neighbour of this half is lost to its route: tells the end on the other side, and forgets the route. */
  private cutAt(half: number, failure: FailureName, closeReason: CloseReason, now: number): void {
    const { table, ends } = this.context;
    const slot = half >> 1;
    const lostDestination = (half & 1) === TOWARDS_DESTINATION;
    const end = ends.ofSlot(slot);
    if (end !== undefined) {
      this.remove(slot, now);
      if (lostDestination) this.reportFailed(end, 0, failure, now);
      else this.reportClosed(end, closeReason, now);
      return;
    }
    const out = half ^ 1;
    const outPort = table.portOf(out);
    const outId = table.outIdOf(out);
    const message = lostDestination
      ? encodeRouteFailed(outId, buildFailure(table.secretOf(slot), encodeFailure(failure)))
      : encodeTeardown(outId);
    this.remove(slot, now);
    tell(this.context, outPort, message);
  }

  /** Takes routes of lost links apart, a bounded number; `nextWakeAt` asks for the next go at once. */
  private dismantle(now: number): void {
    const { table, neighbours, tuning } = this.context;
    let left = tuning.dismantledAtOnce;
    while (this.lost.length > 0) {
      const neighbour = this.lost[0];
      const half = table.firstOf(neighbour.port);
      if (half === NONE) {
        this.lost.shift();
        neighbours.release(neighbour);
      } else {
        if (left-- === 0) return;
        this.cutAt(half, 'no-such-link', 'link-down', now);
      }
    }
  }

  /** Removes idle routes: a bounded part of the table in one go, all of it once a second. */
  private sweep(now: number): void {
    if (now < this.sweepAt) return;
    const { table, ends, tuning } = this.context;
    const to = Math.min(table.capacity, this.sweepFrom + tuning.sweptAtOnce);
    for (let left = tuning.idledAtOnce; left > 0; left--) {
      const slot = table.nextIdle(this.sweepFrom, to, now - IDLE_ROUTE_MS);
      if (slot === NONE) {
        this.sweepFrom = to;
        break;
      }
      this.sweepFrom = slot + 1;
      const end = ends.ofSlot(slot);
      this.remove(slot, now);
      if (end !== undefined) this.reportClosed(end, 'idle', now);
    }
    this.sweepAt = now;
    if (this.sweepFrom < table.capacity) return;
    this.sweepFrom = 0;
    this.sweepAt = table.count === 0 ? NEVER : now + tuning.sweepEveryMs;
  }

  private reportClosed(end: End, reason: CloseReason, now: number): void {
    if (!end.isClosed) this.context.events.closed(end.handle, reason, now);
  }

  private reportFailed(end: End, hop: number, reason: RouteFailure, now: number): void {
    if (end.isClosed) return;
    this.context.log.write('debug', 'route-failed', { route: end.handle, hop, reason });
    this.context.events.failed(end.handle, { hop, reason }, now);
  }
}
