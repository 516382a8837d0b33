/** The live routes of a session, each in a place of its own, and which of them carries the next message. */
import { assert } from '../base/assert.ts';
import { NEVER } from '../base/env.ts';
import type { BundleRoute } from './bundle-route.ts';

export class RouteSet {
  /** In the order of opening. */
  readonly live: BundleRoute[] = [];
  private readonly places: (BundleRoute | undefined)[];

  constructor(places: number) {
    this.places = new Array(places).fill(undefined);
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

  hasUp(): boolean {
    for (const route of this.live) if (route.state === 'up') return true;
    return false;
  }

  hasFlight(): boolean {
    for (const route of this.live) if (route.flight.count > 0) return true;
    return false;
  }

  /** The route with the shortest round trip that is up; undefined when none is. */
  fastest(): BundleRoute | undefined {
    let best: BundleRoute | undefined;
    for (const route of this.live) {
      if (route.state === 'up' && (best === undefined || isFaster(route, best))) best = route;
    }
    return best;
  }

  /**
   * The route that pulls the next message: the fastest with room. Those passed over for want of room take note of it. A route
   * slower than the fastest by more than `admitSkewMs` is left out; one that is still opening is used while none is up.
   */
  pull(admitSkewMs: number, now: number): BundleRoute | undefined {
    const fastest = this.fastest();
    const slowest = (fastest?.window.roundTripMs ?? 0) + admitSkewMs;
    let best: BundleRoute | undefined;
    for (const route of this.live) {
      if (route.state !== (fastest === undefined ? 'opening' : 'up')) continue;
      if ((route.window.roundTripMs ?? 0) > slowest) continue;
      if (!route.hasRoom) route.window.sawLimit();
      else if (!route.mayPull(now)) continue;
      else if (best === undefined || isFaster(route, best)) best = route;
    }
    return best;
  }

  /** How far the round trips of the routes that are up lie apart. */
  skewMs(): number {
    let shortest = NEVER;
    let longest = 0;
    for (const route of this.live) {
      const ms = route.window.roundTripMs;
      if (route.state !== 'up' || ms === undefined) continue;
      shortest = Math.min(shortest, ms);
      longest = Math.max(longest, ms);
    }
    return Math.max(0, longest - shortest);
  }
}

/** Unmeasured is slowest. */
function isFaster(a: BundleRoute, b: BundleRoute): boolean {
  return (a.window.roundTripMs ?? NEVER) < (b.window.roundTripMs ?? NEVER);
}
