/**
 * The routes of a session as they come up, fall silent and go (states: `bundle-route.ts`, timers: `route-health.ts`), and what
 * that means for the messages under way on them.
 */
import { NEVER } from '../../base/env.ts';
import type { BundleContext } from '../bundle-context.ts';
import type { PlaintextSender } from '../handshake/plaintext-sender.ts';
import type { Traffic } from '../traffic.ts';
import type { BundleRoute } from './bundle-route.ts';
import { HarmGuard } from './harm-guard.ts';
import { RouteHealth, type RouteHealthActions } from './route-health.ts';
import type { RouteSet } from './route-set.ts';

/** The session whose routes they are. */
export interface RouteStatesOwner {
  readonly id: number;
  /** The route was opening and is up. */
  routeUp(route: BundleRoute, now: number): void;
  /** It is closed. */
  routeGone(route: BundleRoute, reason: string, now: number): void;
}

export interface RouteStatesOptions {
  readonly context: BundleContext;
  readonly role: 'client' | 'service';
  readonly routes: RouteSet;
  readonly traffic: Traffic;
  readonly sender: PlaintextSender;
  readonly owner: RouteStatesOwner;
}

export class RouteStates implements RouteHealthActions {
  private readonly options: RouteStatesOptions;
  readonly guard: HarmGuard<BundleRoute>;
  private readonly health: RouteHealth;

  constructor(options: RouteStatesOptions) {
    this.options = options;
    this.guard = new HarmGuard((route, parked) =>
      this.log(parked ? 'bundle-route-parked' : 'bundle-route-tried', route, ''),
    );
    this.health = new RouteHealth(options.context.tuning, options.role, this);
  }

  /** Something that only the other end can have sent came on it. */
  confirmed(route: BundleRoute, now: number): void {
    if (route.state !== 'opening') return;
    route.progressAt = now;
    if (this.options.role === 'client') route.timing.sample(now - route.openedAt, now);
    else this.probe(route, now);
    this.up(route, now);
    this.options.owner.routeUp(route, now);
  }

  probeAnswered(route: BundleRoute, token: number, now: number): void {
    const probe = route.probeOf(token);
    if (probe === undefined) {
      this.options.context.drops.count('bundle-probe-unknown');
      return;
    }
    route.progressAt = now;
    route.unansweredSince = NEVER;
    route.lostBelow = Math.max(route.lostBelow, probe.sequence);
    if (probe.sentAt >= route.upSince) route.timing.sample(now - probe.sentAt, now);
    if (route.state === 'stalled') this.up(route, now);
  }

  /** This process did not run for `ms`: silence during that time proves nothing. */
  excuse(ms: number, now: number): void {
    for (const route of this.options.routes.live) {
      route.progressAt = Math.min(route.progressAt + ms, now);
      route.stalledAt = Math.min(route.stalledAt + ms, now);
      if (route.unansweredSince !== NEVER) route.unansweredSince = Math.min(route.unansweredSince + ms, now);
    }
  }

  /** Runs the timers of one route; see `RouteHealth.wake`. */
  wake(route: BundleRoute, busy: boolean, hasUp: boolean, now: number): number {
    return this.health.wake(route, busy, hasUp, now);
  }

  probe(route: BundleRoute, now: number): void {
    this.options.sender.probe(route, now);
  }

  stalled(route: BundleRoute, now: number): void {
    const { routes, traffic } = this.options;
    route.state = 'stalled';
    route.stalledAt = now;
    traffic.duplicator.warned(now);
    // With nowhere else to go, what is in flight stays with the hops, which go on trying.
    if (routes.hasUp(route.trafficClass)) traffic.takeBack(route);
    this.log('bundle-route-stalled', route, '');
  }

  silent(route: BundleRoute, now: number): void {
    this.close(route, route.state === 'opening' ? 'unconfirmed' : 'silent', now);
  }

  /** Closes a route that is not wanted any more. */
  close(route: BundleRoute, reason: string, now: number): void {
    this.options.context.routes.close(route.handle, now);
    this.gone(route, reason, now);
  }

  closeAll(now: number): void {
    const { live } = this.options.routes;
    while (live.length > 0) this.close(live[0], 'session', now);
  }

  /** The layer below has lost the route. */
  gone(route: BundleRoute, reason: string, now: number): void {
    const { routes, traffic, owner } = this.options;
    traffic.takeBack(route);
    route.state = 'closed';
    routes.remove(route);
    owner.routeGone(route, reason, now);
    this.log('bundle-route-closed', route, reason);
  }

  private up(route: BundleRoute, now: number): void {
    const { routes, traffic } = this.options;
    route.state = 'up';
    route.upSince = now;
    route.timing.restart();
    this.log('bundle-route-up', route, '');
    for (const other of routes.live) {
      if (other.state === 'stalled' && other.trafficClass === route.trafficClass) traffic.takeBack(other);
    }
  }

  private log(event: string, route: BundleRoute, reason: string): void {
    const { context, owner } = this.options;
    const fields = { session: owner.id, route: route.index, class: route.isRealTime ? 'real-time' : 'bulk' };
    context.log.write('info', event, reason === '' ? fields : { ...fields, reason });
  }
}
