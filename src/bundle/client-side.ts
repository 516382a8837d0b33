/**
 * What only the client's end of a session does: it starts the handshake, sets routes up and keeps them up.
 *
 * The handshake is made anew, the session going on under new keys and with its queue, when
 *  - message one grew older than 60 s before it was answered,
 *  - the service refused it, or answered with another message two, while no route is up: it has been restarted. (A relay can
 *    forge that answer, and gains nothing but this handshake.)
 *  - the service closed the session because it is done, for the same reason
 *  - keys could not be changed for 10 s, or route indices ran out
 *
 * Timer `askAt`: when the keeper is next asked for a path.
 */

import { NEVER } from '../base/env.ts';
import type { NodeKey, SecretKey, ServiceKey } from '../base/ids.ts';
import type { SessionKeys } from '../crypto/symmetric-state.ts';
import type { BundleContext } from './bundle-context.ts';
import type { BundleRoute } from './bundle-route.ts';
import { RouteKeeper } from './route-keeper.ts';
import type { Session } from './session.ts';
import { ClientHandshake, HELLO_RENEW_MS } from './session-handshake.ts';

/** TLV 14 of a set-up is 16 bits. */
const MAX_ROUTE_INDEX = 0xffff;

export interface ClientOptions {
  readonly service: ServiceKey;
  readonly clientSecret: SecretKey;
  readonly routeCount: number;
  /** Paths to the service's node, best first, without a common relay where there is a choice. */
  readonly paths: () => NodeKey[][];
}

export class ClientSide {
  readonly role = 'client';
  private readonly context: BundleContext;
  private readonly session: Session;
  private readonly options: ClientOptions;
  private readonly keeper: RouteKeeper;
  private handshake: ClientHandshake;
  private nextIndex = 0;
  private askAt = 0;
  /** The service does not know this handshake. */
  private stale = false;

  constructor(context: BundleContext, session: Session, options: ClientOptions) {
    this.context = context;
    this.session = session;
    this.options = options;
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

  routeUp(route: BundleRoute): void {
    this.stale = false;
    this.keeper.worked(route.path!);
  }

  routeGone(route: BundleRoute, reason: string, now: number): void {
    this.keeper.failed(route.path!, now);
    this.askAt = now;
    if (reason === 'refused' && !this.session.routes.hasUp()) this.stale = true;
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
    const { routeCount } = this.options;
    const { live } = this.session.routes;
    if (live.length >= routeCount && !this.stale) return NEVER;
    if (now < this.askAt) return this.askAt;
    if (this.needsHandshake()) this.renew(now);
    while (live.length < routeCount) {
      const path = this.keeper.choose(
        live.map((route) => route.path),
        now,
      );
      if (typeof path === 'number') {
        this.askAt = Math.min(path, now + this.context.tuning.reopenMaxMs);
        return this.askAt;
      }
      this.open(path, now);
    }
    return NEVER;
  }

  close(): void {
    this.handshake.giveUp();
  }

  private needsHandshake(): boolean {
    if (this.nextIndex > MAX_ROUTE_INDEX) return true;
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

  private open(path: NodeKey[], now: number): void {
    const index = this.nextIndex++;
    const { service } = this.options;
    const handle = this.context.routes.open(path, { service, hello: this.handshake.hello, routeIndex: index }, now);
    if (typeof handle === 'string') {
      this.session.noteFailure(0, handle);
      this.keeper.failed(path, now);
    } else this.session.addRoute(handle, index, path, now);
  }

  private newHandshake(): ClientHandshake {
    const { curve, random, wallMs } = this.context;
    const { clientSecret, service } = this.options;
    return new ClientHandshake({ curve, random, clientSecret, service, wallMs: wallMs() });
  }
}
