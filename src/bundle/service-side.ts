/**
 * What only the service's end of a session does: it answers the handshake on every route that brings it.
 *
 * Timers: message two is repeated on a route, `openingProbeMs` after the last, while messages of epoch 0 come on it;
 * the session ends `routelessMs` after its last route, at once when the client never spoke.
 */
import { NEVER } from '../base/env.ts';
import { ReplayWindow } from '../crypto/replay-window.ts';
import type { BundleContext } from './bundle-context.ts';
import type { BundleRoute } from './routes/bundle-route.ts';
import type { RouteSet } from './routes/route-set.ts';

/** How far behind the newest the index of another route may lie. */
const INDEX_WINDOW = 1_024;

/** The session of which this is an end. */
export interface ServicePort {
  readonly routes: RouteSet;
  /** Whether anything authentic ever came from the other end. */
  readonly heard: boolean;
}

export class ServiceSide {
  readonly role = 'service';
  private readonly context: BundleContext;
  private readonly session: ServicePort;
  private readonly answer: Uint8Array;
  private readonly indices = new ReplayWindow(INDEX_WINDOW);
  private routelessSince: number;
  private confirmed = false;

  constructor(context: BundleContext, session: ServicePort, messageTwo: Uint8Array, now: number) {
    this.context = context;
    this.session = session;
    this.answer = messageTwo;
    this.routelessSince = now;
  }

  /** False for an index that was used before: its keys must not be used again. */
  takeIndex(index: number): boolean {
    return this.indices.accept(index);
  }

  sendMessageTwo(route: BundleRoute, now: number): void {
    this.context.sealer.sendPlain(route, this.answer, now);
    route.messageTwoAt = now;
  }

  /** A message of epoch 0: the client has not read message two. */
  earlyMessage(route: BundleRoute, now: number): void {
    if (now - route.messageTwoAt >= this.context.tuning.openingProbeMs) this.sendMessageTwo(route, now);
  }

  /**
   * A message under later keys came: the client has read message two, so message one was no replay. True the first
   * time.
   */
  confirm(): boolean {
    const first = !this.confirmed;
    this.confirmed = true;
    return first;
  }

  /** It does not open routes. */
  routeUp(_route: BundleRoute, _now: number): void {}

  routeGone(_route: BundleRoute, _reason: string, now: number): void {
    this.routelessSince = now;
  }

  /** Returns when to be called again, or 'no-route'. */
  wake(now: number): number | 'no-route' {
    if (this.session.routes.live.length > 0) return NEVER;
    const endAt = this.routelessSince + (this.session.heard ? this.context.tuning.routelessMs : 0);
    return now >= endAt ? 'no-route' : endAt;
  }

  /** Holds nothing. */
  close(): void {}
}
