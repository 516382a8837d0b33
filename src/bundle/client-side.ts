/**
 * What only the client's end of a session does: it starts the handshake, sets routes up and keeps them up.
 *
 * The handshake is made anew, the session going on under new keys and with its queue, when
 *  - message one grew older than 60 s before it was answered,
 *  - the service refused it, or answered with another message two, while no route is up: it has been restarted. (A
 *    relay can forge that answer, and gains nothing but this handshake.)
 *  - the service closed the session because it is done, for the same reason
 *  - keys could not be changed for 10 s, or route indices ran out
 *
 * On each path it opens a pair of routes, Bulk and Real Time, which live and die together: they share every link. When
 * the delivery is switched, each pair gets nothing more once another with the new delivery is up, and is closed when all that was
 * under way on it has arrived.
 *
 * Timer `askAt`: when the keeper is next asked for a path.
 */
import { equal } from '../base/bytes.ts';
import { NEVER } from '../base/env.ts';
import type { NodeKey, RouteHandle, SecretKey, ServiceKey } from '../base/ids.ts';
import {
  BULK,
  type DeliveryMs,
  REAL_TIME,
  REAL_TIME_DEADLINE_MS,
  RELIABLE,
  type TrafficClass,
} from '../base/traffic-class.ts';
import type { SessionKeys } from '../crypto/symmetric-state.ts';
import type { BundleContext } from './bundle-context.ts';
import { ClientHandshake, HELLO_RENEW_MS } from './handshake/session-handshake.ts';
import type { RouteSetup } from './ports.ts';
import type { Redundancy } from './redundancy/duplicator.ts';
import type { BundleRoute } from './routes/bundle-route.ts';
import { RouteKeeper } from './routes/route-keeper.ts';
import type { RouteSet } from './routes/route-set.ts';

/** TLV 14 of a set-up is 16 bits. */
const MAX_ROUTE_INDEX = 0xffff;

export interface ClientOptions {
  readonly service: ServiceKey;
  readonly clientSecret: SecretKey;
  /** Paths, each with a route of either class. */
  readonly routeCount: number;
  /** How long the hops try to deliver; RELIABLE when missing. Real Time routes give up earlier in any case. */
  readonly deliveryMs?: DeliveryMs;
  /** Whether Real Time goes over two routes at once; `auto` when missing. */
  readonly redundancy?: Redundancy;
  /** False: what the link to a neighbour seals is not sealed again for the service at that neighbour; true when missing. */
  readonly sealsTwice?: boolean;
  /** Paths to the service's node, best first, without a common relay where there is a choice. */
  readonly paths: () => NodeKey[][];
}

/** The session of which this is an end. */
export interface ClientPort {
  readonly routes: RouteSet;
  addRoute(handle: RouteHandle, setup: RouteSetup, path: readonly NodeKey[] | undefined, now: number): BundleRoute;
  /** Closes a route that is not wanted any more. */
  closeRoute(route: BundleRoute, reason: string, now: number): void;
  noteFailure(hop: number, reason: string): void;
  /** Goes on with a new handshake, on new routes, with what waits in the queue. */
  restart(now: number): void;
}

/** The two routes of a path. */
interface PathPair {
  readonly path: readonly NodeKey[];
  readonly deliveryMs: DeliveryMs;
  readonly routes: readonly BundleRoute[];
}

export class ClientSide {
  readonly role = 'client';
  private readonly context: BundleContext;
  private readonly session: ClientPort;
  private readonly options: ClientOptions;
  private readonly keeper: RouteKeeper;
  private handshake: ClientHandshake;
  private readonly pairs: PathPair[] = [];
  private deliveryMs: DeliveryMs;
  private nextIndex = 0;
  private askAt = 0;
  /** The service does not know this handshake. */
  private stale = false;

  constructor(context: BundleContext, session: ClientPort, options: ClientOptions) {
    this.context = context;
    this.session = session;
    this.options = options;
    this.deliveryMs = options.deliveryMs ?? RELIABLE;
    this.keeper = new RouteKeeper(options.paths, context.tuning);
    this.handshake = this.newHandshake();
  }

  /** Key of epoch 0. */
  get earlyKey(): Uint8Array {
    return this.handshake.earlyKey;
  }

  messageTwo(bytes: Uint8Array, now: number): SessionKeys | 'repeat' | 'refused' {
    const outcome = this.handshake.read(bytes);
    if (outcome === 'refused' && this.handshake.done && !this.session.routes.hasUp()) this.outdated(now);
    return outcome;
  }

  routeUp(route: BundleRoute, now: number): void {
    this.stale = false;
    this.keeper.worked(route.path!);
    const pair = this.pairOf(route);
    if (pair === undefined || this.isOutdated(pair) || pair.routes.some(({ state }) => state !== 'up')) return;
    const before = this.outdatedPair(pair.path);
    if (before !== undefined) for (const old of before.routes) old.isLeaving = true;
    this.closeEmptied(now);
  }

  routeGone(route: BundleRoute, reason: string, now: number): void {
    const pair = this.pairOf(route);
    // The other one of its pair went first.
    if (pair === undefined) return;
    this.closePair(pair, now);
    if (!this.isOutdated(pair)) this.keeper.failed(pair.path, now);
    this.askAt = now;
    if (reason === 'refused' && !this.session.routes.hasUp()) this.stale = true;
  }

  /** From now on routes are set up with this delivery; those that stand are replaced, one path after the other. */
  setDelivery(deliveryMs: DeliveryMs, now: number): void {
    this.deliveryMs = deliveryMs;
    this.askAt = now;
  }

  /** There is a better path than this one. */
  leavePath(path: readonly NodeKey[], now: number): void {
    for (const pair of this.pairs.filter((known) => samePath(known.path, path))) this.closePair(pair, now);
    this.askAt = now;
  }

  pathsChanged(now: number): void {
    this.keeper.forgive();
    this.askAt = now;
  }

  /** The service can't go on with this handshake. */
  outdated(now: number): void {
    this.stale = true;
    this.askAt = now;
  }

  /** Opens what is missing; returns when to be called again. */
  wake(now: number): number {
    this.closeEmptied(now);
    const { routeCount } = this.options;
    if (this.wantedPairs().length >= routeCount && !this.stale) return NEVER;
    if (now < this.askAt) return this.askAt;
    if (this.needsHandshake()) this.renew(now);
    for (;;) {
      const wanted = this.wantedPairs();
      if (wanted.length >= routeCount) return NEVER;
      const path = this.keeper.choose(
        wanted.map((pair) => pair.path),
        now,
      );
      if (typeof path === 'number') {
        this.askAt = Math.min(path, now + this.context.tuning.reopenMaxMs);
        return this.askAt;
      }
      const before = this.outdatedPair(path);
      if (before !== undefined && this.session.routes.freePlaces < 2) this.closePair(before, now);
      this.open(path, now);
    }
  }

  close(): void {
    this.handshake.giveUp();
  }

  private needsHandshake(): boolean {
    if (this.nextIndex >= MAX_ROUTE_INDEX) return true;
    if (this.session.routes.hasUp()) return false;
    if (this.stale) return true;
    return !this.handshake.done && this.context.wallMs() - this.handshake.createdWallMs > HELLO_RENEW_MS;
  }

  private renew(now: number): void {
    const hadSession = this.handshake.done;
    this.handshake.giveUp();
    this.handshake = this.newHandshake();
    this.nextIndex = 0;
    this.session.restart(now);
    this.stale = false;
    // The routes failed because the service forgot the session, not because of their paths.
    if (hadSession) this.keeper.forgive();
    this.askAt = now;
  }

  /** Opens the pair of routes of a path: Bulk first, under the even index. */
  private open(path: NodeKey[], now: number): void {
    const { deliveryMs } = this;
    const indexes = [this.nextIndex, this.nextIndex + 1];
    this.nextIndex += 2;
    const bulk = this.setup(indexes[0], BULK, deliveryMs);
    const realTime = this.setup(indexes[1], REAL_TIME, Math.min(deliveryMs, REAL_TIME_DEADLINE_MS));
    const handles = [];
    for (const setup of [bulk, realTime]) {
      const handle = this.context.routes.open(path, setup, now);
      if (typeof handle !== 'string') {
        handles.push(handle);
        continue;
      }
      this.session.noteFailure(0, handle);
      this.keeper.failed(path, now);
      for (const opened of handles) this.context.routes.close(opened, now);
      return;
    }
    const routes = [
      this.session.addRoute(handles[0], bulk, path, now),
      this.session.addRoute(handles[1], realTime, path, now),
    ];
    this.pairs.push({ path, deliveryMs, routes });
  }

  private setup(routeIndex: number, trafficClass: TrafficClass, deliveryMs: DeliveryMs): RouteSetup {
    return { service: this.options.service, hello: this.handshake.hello, routeIndex, trafficClass, deliveryMs };
  }

  private pairOf(route: BundleRoute): PathPair | undefined {
    return this.pairs.find(({ routes }) => routes.includes(route));
  }

  private isOutdated(pair: PathPair): boolean {
    return pair.deliveryMs !== this.deliveryMs;
  }

  private wantedPairs(): PathPair[] {
    return this.pairs.filter((pair) => !this.isOutdated(pair));
  }

  /** The pair to close for one over `path`: over the same path, if there is one. */
  private outdatedPair(path: readonly NodeKey[]): PathPair | undefined {
    const outdated = this.pairs.filter((pair) => this.isOutdated(pair) && !pair.routes[0].isLeaving);
    return outdated.find((pair) => samePath(pair.path, path)) ?? outdated[0];
  }

  /** Closes the pairs that are to be left and have nothing under way. */
  private closeEmptied(now: number): void {
    for (const pair of this.pairs.filter(({ routes }) => routes.every(({ isLeaving }) => isLeaving))) {
      if (pair.routes.every(({ flight }) => flight.count === 0)) this.closePair(pair, now);
    }
  }

  private closePair(pair: PathPair, now: number): void {
    this.pairs.splice(this.pairs.indexOf(pair), 1);
    for (const route of pair.routes) if (route.state !== 'closed') this.session.closeRoute(route, 'pair', now);
  }

  private newHandshake(): ClientHandshake {
    const { curve, random, wallMs } = this.context;
    const { clientSecret, service } = this.options;
    return new ClientHandshake({ curve, random, clientSecret, service, wallMs: wallMs() });
  }
}

function samePath(a: readonly NodeKey[], b: readonly NodeKey[]): boolean {
  return a.length === b.length && a.every((node, i) => equal(node, b[i]));
}
