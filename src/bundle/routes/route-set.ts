/** The live routes of a session, each in a place of its own, and which of them carries the next message. */
import { assert } from '../../base/assert.ts';
import { NEVER } from '../../base/env.ts';
import { BULK, REAL_TIME, REAL_TIME_DEADLINE_MS, type TrafficClass } from '../../base/traffic-class.ts';
import { MAX_ROUTE_MESSAGE_BYTES } from '../../wire/route-message.ts';
import type { RoutePort } from '../ports.ts';
import type { BundleTuning } from '../tuning.ts';
import type { BundleRoute } from './bundle-route.ts';
import { Reach, settledMs, takesBulk } from './reach.ts';

/** Data leaves this much room for probes, reports and new keys. */
const RESERVED_BYTES = 1_024;
/** What is late takes so many mean deviations longer than the mean, or more, and all that follows it in its flow waits for it. */
const LATE_DEVIATIONS = 2;

/** `late`: its answers take too long beside the fastest for what it carries (`reach.ts`); `harm`: the others carry more without it (`harm-guard.ts`). */
export type ParkReason = 'late' | 'harm';

export class RouteSet {
  /** In the order of opening. */
  readonly live: BundleRoute[] = [];
  readonly reach: Reach;
  private readonly places: (BundleRoute | undefined)[];
  private readonly port: RoutePort;

  constructor({ maxRoutes, admitSkewMs }: BundleTuning, port: RoutePort) {
    this.places = new Array(maxRoutes).fill(undefined);
    this.reach = new Reach(admitSkewMs);
    this.port = port;
  }

  get freePlaces(): number {
    return this.places.length - this.live.length;
  }

  /** -1 when all are taken. */
  freePlace(): number {
    return this.places.indexOf(undefined);
  }

  add(route: BundleRoute): void {
    assert(this.places[route.slot] === undefined, 'the place is free');
    this.places[route.slot] = route;
    this.live.push(route);
  }

  remove(route: BundleRoute): void {
    assert(this.places[route.slot] === route, 'the route is live');
    this.places[route.slot] = undefined;
    this.live.splice(this.live.indexOf(route), 1);
  }

  byIndex(index: number): BundleRoute | undefined {
    for (const route of this.live) if (route.index === index) return route;
    return undefined;
  }

  /** The one that nothing came on for longest. */
  quietest(): BundleRoute {
    return this.live.reduce((a, b) => (b.heardAt < a.heardAt ? b : a));
  }

  /** Whether a route is up, of any class or of the one given. */
  hasUp(trafficClass?: TrafficClass): boolean {
    return this.fastest(trafficClass) !== undefined;
  }

  hasFlight(): boolean {
    for (const route of this.live) if (route.flight.count > 0) return true;
    return false;
  }

  /** The route with the shortest round trip that is up, of any class or of the one given. */
  fastest(trafficClass?: TrafficClass): BundleRoute | undefined {
    let best: BundleRoute | undefined;
    for (const route of this.live) {
      if (route.state !== 'up' || (trafficClass !== undefined && route.trafficClass !== trafficClass)) continue;
      if (best === undefined || isFaster(route, best)) best = route;
    }
    return best;
  }

  /** Where reports about `route` go: over the Real Time route of its path, where no data is in their way. */
  reporter(route: BundleRoute): BundleRoute | undefined {
    for (const other of this.live) {
      if (other.state === 'up' && other.isRealTime && other.isPartnerOf(route)) return other;
    }
    return route.state === 'up' ? route : this.fastest();
  }

  /**
   * The route that carries a Real Time message of `bytes` now: the fastest Real Time one with room. A Bulk one if none
   * is up, not if all are full: more real time than its share has to be dropped. One that is still opening is used
   * while none is up at all.
   */
  pullRealTime(bytes: number, now: number): BundleRoute | undefined {
    if (this.hasUp(REAL_TIME)) return this.withRoom(REAL_TIME, 'up', bytes, NEVER, now);
    if (this.hasUp(BULK)) return this.withRoom(BULK, 'up', bytes, NEVER, now);
    return this.withRoom(REAL_TIME, 'opening', bytes, NEVER, now) ?? this.withRoom(BULK, 'opening', bytes, NEVER, now);
  }

  /** The fastest Real Time route with room beside `first`: what comes later than its life after that is of no use. */
  pullSecond(first: BundleRoute, bytes: number, now: number): BundleRoute | undefined {
    const slowestMs = settledMs(first) + REAL_TIME_DEADLINE_MS;
    return this.withRoom(REAL_TIME, 'up', bytes, slowestMs, now, first);
  }

  /**
   * The route that carries a Bulk message of `bytes` now, before which nothing waits and behind which the rest of `waitingBytes`
   * does: of those with room the one by which it will be there first, but not if the routes that are faster and full
   * would have carried all that waits by then. So a slow route is used as soon as it shortens the queue and never to make a message late. One
   * whose settled round trip is longer than `limitMs` is left out. One that is still opening is used while none is up.
   */
  pullBulk(bytes: number, waitingBytes: number, limitMs: number, now: number): BundleRoute | undefined {
    if (!this.hasUp(BULK)) return this.withRoom(BULK, 'opening', bytes, NEVER, now);
    const route = this.withRoom(BULK, 'up', bytes, limitMs, now);
    return route !== undefined && this.isWorthwhile(route, bytes, waitingBytes) ? route : undefined;
  }

  /** What the slowest of the routes that Bulk may take carries in `ms`, bytes; 0 where one was never busy, or there is none. */
  bulkBytesIn(ms: number): number {
    const limitMs = this.bulkLimitMs();
    let least = NEVER;
    for (const route of this.live) if (takesBulk(route, limitMs)) least = Math.min(least, route.bytesPerMs * ms);
    return least === NEVER ? 0 : least;
  }

  /** The round trip of a TCP over the routes that Bulk may take: that of what is late on the slowest; 0 when none is known. */
  bulkRoundTripMs(limitMs: number): number {
    let longest = 0;
    for (const route of this.live) {
      if (takesBulk(route, limitMs)) longest = Math.max(longest, lateMs(route));
    }
    return longest;
  }

  /** Why a Bulk route that is up carries nothing; undefined: it may carry. */
  parkedFor(route: BundleRoute): ParkReason | undefined {
    if (route.state !== 'up' || route.isRealTime) return undefined;
    if (route.standing.parked) return 'harm';
    return settledMs(route) > this.bulkLimitMs() ? 'late' : undefined;
  }

  /** Bulk routes with a longer settled round trip are left out; as of now. */
  bulkLimitMs(): number {
    return this.reach.limitMs(this.live);
  }

  /** Whether a message is there sooner by this route than behind the queue of the faster ones. */
  private isWorthwhile(route: BundleRoute, bytes: number, waitingBytes: number): boolean {
    const expectedMs = route.expectedMs(bytes);
    let fasterBytes = waitingBytes;
    let fasterRate = 0;
    for (const other of this.live) {
      if (other === route || !other.mayCarryBulk || other.expectedMs(bytes) >= expectedMs) continue;
      fasterBytes += other.flight.bytes;
      fasterRate += other.bytesPerMs;
    }
    return fasterRate === 0 || fasterBytes / fasterRate >= expectedMs;
  }

  /**
   * Whether nothing waits on the route: it takes any message now, and what it takes after that shows when it has that
   * one.
   */
  isEmpty(route: BundleRoute, now: number): boolean {
    return this.port.room(route.handle, now) === MAX_ROUTE_MESSAGE_BYTES;
  }

  /** Whether it takes a message of `bytes` now. */
  hasRoom(route: BundleRoute, bytes: number, now: number): boolean {
    if (now < route.pausedUntil) return false;
    // The largest message fits where nothing waits, and needs no reserve there.
    const neededBytes = Math.min(bytes + RESERVED_BYTES, MAX_ROUTE_MESSAGE_BYTES);
    return this.port.room(route.handle, now) - route.sealingBytes >= neededBytes;
  }

  /** How far the delays of the Bulk routes that are up lie apart. */
  skewMs(): number {
    let shortest = NEVER;
    let longest = 0;
    for (const route of this.live) {
      const ms = route.timing.roundTripMs;
      if (route.state !== 'up' || route.isRealTime || ms === undefined) continue;
      shortest = Math.min(shortest, ms);
      longest = Math.max(longest, ms + 4 * route.timing.variationMs);
    }
    return Math.max(0, longest - shortest);
  }

  /** The longest smoothed round trip of the Bulk routes that are up; 0 when none is known. */
  longestRoundTripMs(): number {
    let longest = 0;
    for (const route of this.live) {
      if (route.state === 'up' && !route.isRealTime) longest = Math.max(longest, route.timing.roundTripMs ?? 0);
    }
    return longest;
  }

  private withRoom(
    trafficClass: TrafficClass,
    state: 'up' | 'opening',
    bytes: number,
    slowestMs: number,
    now: number,
    except?: BundleRoute,
  ): BundleRoute | undefined {
    let best: BundleRoute | undefined;
    let bestMs = NEVER;
    for (const route of this.live) {
      if (route.state !== state || route.trafficClass !== trafficClass) continue;
      if (route === except || route.isLeaving || route.standing.parked) continue;
      if (settledMs(route) > slowestMs) continue;
      const ms = route.expectedMs(bytes);
      if (best !== undefined && ms >= bestMs) continue;
      if (!this.hasRoom(route, bytes, now)) continue;
      best = route;
      bestMs = ms;
    }
    return best;
  }
}

function lateMs({ timing }: BundleRoute): number {
  return (timing.roundTripMs ?? 0) + LATE_DEVIATIONS * timing.variationMs;
}

/** Unmeasured is slowest. */
function isFaster(a: BundleRoute, b: BundleRoute): boolean {
  return (a.timing.roundTripMs ?? NEVER) < (b.timing.roundTripMs ?? NEVER);
}
