/**
 * Finds out what a late route would carry (`reach.ts`), without making anything wait for it: copies of what the near ones carry go over it, and
 * the far end drops what comes twice. It costs the late route bytes and nothing else.
 *
 *   calm       until Bulk has waited for WAIT_MS on end, and a pause has passed. A route that never was sounded is expected meanwhile: a connection
 *              that were told now to go slower would be told what the near ones carry, and not grow into more for minutes
 *   sounding   the late route that was sounded longest ago gets SOUNDING_COPIES copies of each message, as far as it has room: until Bulk
 *              reaches it, for ROUND_TRIPS of its own at most, and no longer than the near ones go on as before: they do not where the late one
 *              shares a wire with them. After one in vain the next pause is twice as long
 *
 * No timer: it has a turn whenever Bulk had one.
 */
import { NEVER } from '../../base/env.ts';
import { type KnownRoute, settledMs, takesBulk } from './reach.ts';

/**
 * A connection that begins is left alone: with copies beside its slow start, after 100 ms, one of `sim route-sets` kept 0.46 of what its best route
 * carries alone; with this it has 1.26 of it.
 */
export const WAIT_MS = 2_000;
/** Shows more than `FAR_SHARE` of what the near ones carry. */
export const SOUNDING_COPIES = 2;
/** A link that was idle takes some to find its rate: it doubles with each. */
const ROUND_TRIPS = 8;
export const LONGEST_MS = 6_000;
/** Of what the near ones carry; over one wire with two copies of it, a third is left. */
const NEAR_SHARE = 0.5;
/** Reports come in bursts. */
const NEAR_JUDGED_MS = 500;
/** At 20 Mb/s a sounding in vain takes 30 MB at most: one a day, in the end. */
export const PAUSE_MIN_MS = 30_000;
export const PAUSE_MAX_MS = 86_400_000;

export const NEVER_SOUNDED = Number.NEGATIVE_INFINITY;

export interface SoundedRoute extends KnownRoute {
  /** Without copies. */
  readonly deliveredBytes: number;
  /** Written here. */
  soundedAt: number;
}

export class Sounding<Route extends SoundedRoute> {
  private sounded: Route | undefined;
  private due: Route | undefined;
  private waitingSince = NEVER;
  private endAt = 0;
  private pausedUntil = Number.NEGATIVE_INFINITY;
  private pauseMs = PAUSE_MIN_MS;
  /** Of the near ones, when it began. */
  private nearBytesPerMs = 0;
  private deliveredBefore = 0;

  /** What gets copies; undefined: none. */
  get route(): Route | undefined {
    return this.sounded;
  }

  /** The one that gets copies, or is about to for the first time. */
  get expected(): Route | undefined {
    return this.sounded ?? this.due;
  }

  /** Bulk had its turn; `waits`: some of it is left. `limitMs`: how far it reaches. */
  turn(live: readonly Route[], waits: boolean, limitMs: number, now: number): void {
    if (!waits) this.waitingSince = NEVER;
    else if (this.waitingSince === NEVER) this.waitingSince = now;
    this.due = undefined;
    if (this.sounded !== undefined) return this.judge(this.sounded, live, limitMs, now);
    if (!waits || now < this.pausedUntil) return;
    const next = nextOf(live, limitMs);
    if (next === undefined) return;
    if (now - this.waitingSince >= WAIT_MS) this.begin(next, live, limitMs, now);
    else if (next.soundedAt === NEVER_SOUNDED) this.due = next;
  }

  private begin(route: Route, live: readonly Route[], limitMs: number, now: number): void {
    this.sounded = route;
    route.soundedAt = now;
    this.endAt = now + Math.min(ROUND_TRIPS * settledMs(route), LONGEST_MS);
    this.deliveredBefore = deliveredBy(live);
    this.nearBytesPerMs = 0;
    for (const near of live) {
      if (takesBulk(near, limitMs)) this.nearBytesPerMs += near.rate.bytesPerMs;
    }
  }

  private judge(route: Route, live: readonly Route[], limitMs: number, now: number): void {
    const isReached = settledMs(route) <= limitMs;
    if (route.mayCarryBulk && !isReached && now < this.endAt && this.goesOn(route, live, now)) return;
    this.sounded = undefined;
    this.pauseMs = isReached ? PAUSE_MIN_MS : Math.min(2 * this.pauseMs, PAUSE_MAX_MS);
    this.pausedUntil = now + this.pauseMs;
  }

  private goesOn(route: Route, live: readonly Route[], now: number): boolean {
    const ms = now - route.soundedAt;
    const leastBytes = NEAR_SHARE * this.nearBytesPerMs * ms;
    return ms < NEAR_JUDGED_MS || deliveredBy(live) - this.deliveredBefore >= leastBytes;
  }
}

/** The late route that was sounded longest ago; the fastest of those that never were. */
function nextOf<Route extends SoundedRoute>(live: readonly Route[], limitMs: number): Route | undefined {
  let best: Route | undefined;
  for (const route of live) {
    if (!route.mayCarryBulk || settledMs(route) <= limitMs) continue;
    if (best === undefined || route.soundedAt < best.soundedAt) best = route;
    else if (route.soundedAt === best.soundedAt && settledMs(route) < settledMs(best)) best = route;
  }
  return best;
}

function deliveredBy(live: readonly SoundedRoute[]): number {
  let bytes = 0;
  for (const route of live) bytes += route.deliveredBytes;
  return bytes;
}
