/**
 * Sees to it that a session never gets less over all its Bulk routes than over the best of them alone, whatever the reason. Each
 * end judges what it sends, by what the other end reports as delivered, a second at a time:
 *
 *   in use   two seconds in a row the total is below what the route that carries most carried in one of the last eight,
 *            although others carried a part: of those the one that brings least is parked
 *   parked   carries nothing while another route is up; for a short time at first, twice as long each time again
 *
 * Either change is on trial for three seconds, and undone when parking a route did not raise the total of the second before, or using
 * it lowered that. A route that was parked in vain, or used with success, is trusted for a minute: something else is to blame.
 *
 * Timer: the end of each second while the session is busy. A pause begins it anew.
 */
import { NEVER } from '../../base/env.ts';

const PERIOD_MS = 1_000;
/** Rates of wireless routes change within seconds. */
const PEAK_PERIODS = 8;
/** Reports come in bursts, so that seconds differ by some percent. */
const HARM_SHARE = 0.95;
const HARM_PERIODS = 2;
/** Of the total: who carries less has no part in it. */
const LEAST_PART = 0.05;
/** The first one still has what was under way before. */
const TRIAL_PERIODS = 3;
/** Of the second before: what parking a route has to bring, and what using it may cost. */
const PARKED_SHARE = 1.03;
const USED_SHARE = 0.97;
/** A trial may cost three seconds, so parking lasts for longer; a minute at most, for routes are mended sooner or later. */
export const PARK_MIN_MS = 4_000;
export const PARK_MAX_MS = 64_000;
export const TRUST_MS = 60_000;

/** What the guard knows of a route beside its bytes. */
export class Standing {
  parked = false;
  until = 0;
  parkMs = PARK_MIN_MS;
  trustedUntil = Number.NEGATIVE_INFINITY;
  /** In each of the last periods. */
  readonly delivered = new Float64Array(PEAK_PERIODS);
  deliveredBefore = 0;

  get peak(): number {
    return Math.max(...this.delivered);
  }
}

export interface GuardedRoute {
  readonly state: string;
  readonly isRealTime: boolean;
  readonly deliveredBytes: number;
  readonly standing: Standing;
}

interface Trial<Route> {
  readonly route: Route;
  /** The total of the period before. */
  readonly yardstick: number;
  periods: number;
  bytes: number;
}

export class HarmGuard<Route extends GuardedRoute> {
  /** Told of each route that is parked or tried. */
  private readonly changed: (route: Route, parked: boolean) => void;
  private periodEndAt = NEVER;
  private period = 0;
  private harmPeriods = 0;
  private trial: Trial<Route> | undefined;

  constructor(changed: (route: Route, parked: boolean) => void) {
    this.changed = changed;
  }

  /** `busy`: messages wait or are under way. Returns when to be called again. */
  wake(live: readonly Route[], busy: boolean, now: number): number {
    if (hasOnlyParked(live)) {
      for (const route of live) if (route.standing.parked) this.use(route);
      this.periodEndAt = NEVER;
    }
    if (!busy) this.periodEndAt = NEVER;
    else if (this.periodEndAt === NEVER) this.begin(live, now);
    else if (now >= this.periodEndAt) this.end(live.filter(isBulkUp), now);
    return this.periodEndAt;
  }

  private begin(live: readonly Route[], now: number): void {
    for (const { standing, deliveredBytes } of live) {
      standing.deliveredBefore = deliveredBytes;
      standing.delivered.fill(0);
    }
    this.periodEndAt = now + PERIOD_MS;
    this.harmPeriods = 0;
    this.trial = undefined;
  }

  private end(routes: readonly Route[], now: number): void {
    const place = this.period++ % PEAK_PERIODS;
    let total = 0;
    for (const { standing, deliveredBytes } of routes) {
      standing.delivered[place] = deliveredBytes - standing.deliveredBefore;
      standing.deliveredBefore = deliveredBytes;
      total += standing.delivered[place];
    }
    this.periodEndAt = now + PERIOD_MS;
    if (routes.length < 2) return;
    if (this.trial !== undefined) this.judge(this.trial, total, now);
    else if (this.isHarm(routes, total, place)) this.parkLeast(routes, total, place, now);
    else this.tryNext(routes, total, now);
  }

  private isHarm(routes: readonly Route[], total: number, place: number): boolean {
    const { standing } = mostOf(routes, place);
    const isLess = total < HARM_SHARE * standing.peak && total - standing.delivered[place] > LEAST_PART * total;
    this.harmPeriods = isLess ? this.harmPeriods + 1 : 0;
    return this.harmPeriods >= HARM_PERIODS;
  }

  private parkLeast(routes: readonly Route[], total: number, place: number, now: number): void {
    const most = mostOf(routes, place);
    let least: Route | undefined;
    for (const route of routes) {
      const { parked, trustedUntil, delivered } = route.standing;
      if (route === most || parked || now < trustedUntil || delivered[place] < LEAST_PART * total) continue;
      if (least === undefined || delivered[place] < least.standing.delivered[place]) least = route;
    }
    this.harmPeriods = 0;
    if (least === undefined) return;
    this.park(least, now);
    this.beginTrial(least, total);
  }

  private tryNext(routes: readonly Route[], total: number, now: number): void {
    const route = routes.find(({ standing }) => standing.parked && standing.until <= now);
    if (route === undefined) return;
    this.use(route);
    this.beginTrial(route, total);
  }

  private beginTrial(route: Route, yardstick: number): void {
    this.trial = { route, yardstick, periods: 0, bytes: 0 };
  }

  private judge(trial: Trial<Route>, total: number, now: number): void {
    trial.periods += 1;
    if (trial.periods > 1) trial.bytes += total;
    if (trial.periods < TRIAL_PERIODS) return;
    this.trial = undefined;
    const { standing } = trial.route;
    const share = trial.bytes / (trial.yardstick * (TRIAL_PERIODS - 1));
    if (standing.parked && share >= PARKED_SHARE) return;
    if (!standing.parked && share < USED_SHARE) {
      standing.parkMs = Math.min(2 * standing.parkMs, PARK_MAX_MS);
      this.park(trial.route, now);
      return;
    }
    if (standing.parked) this.use(trial.route);
    standing.parkMs = PARK_MIN_MS;
    standing.trustedUntil = now + TRUST_MS;
  }

  private park(route: Route, now: number): void {
    route.standing.parked = true;
    route.standing.until = now + route.standing.parkMs;
    this.changed(route, true);
  }

  private use(route: Route): void {
    route.standing.parked = false;
    this.changed(route, false);
  }
}

function isBulkUp({ state, isRealTime }: GuardedRoute): boolean {
  return state === 'up' && !isRealTime;
}

/** Whether Bulk has a way, but for parking. */
function hasOnlyParked(live: readonly GuardedRoute[]): boolean {
  let parked = false;
  for (const route of live) {
    if (!isBulkUp(route)) continue;
    if (!route.standing.parked) return false;
    parked = true;
  }
  return parked;
}

/** The route that carries most. */
function mostOf<Route extends GuardedRoute>(routes: readonly Route[], place: number): Route {
  return routes.reduce((a, b) => (b.standing.delivered[place] > a.standing.delivered[place] ? b : a));
}
