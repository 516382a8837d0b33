/**
 * The sessions of a node and their routes: who has something to do, when the next is due, and who is who. Bounded by
 * `maxSessions`; the sessions of services only, for a node makes its own.
 */
import { NEVER } from '../base/env.ts';
import type { KeyText, RouteHandle } from '../base/ids.ts';
import type { RouteSetup } from './ports.ts';
import type { BundleRoute } from './routes/bundle-route.ts';
import type { SessionState } from './session-status.ts';

/** Hellos of sessions that ended and could still be replayed; the oldest is forgotten first. */
const MAX_ENDED_HELLOS = 4_096;

/** A session, as the table and the layer drive it. */
export interface TableSession {
  readonly id: number;
  readonly state: SessionState;
  /** Whether anything authentic ever came from the other end. */
  readonly heard: boolean;
  /** Does all that is due and sends what there is room for; returns when to be called again. */
  advance(now: number): number;
  /** This process did not run for `ms`: silence during that time proves nothing. */
  excuse(ms: number, now: number): void;
  pathsChanged(now: number): void;
  /** Service: a set-up with this session's message one arrived. */
  incoming(handle: RouteHandle, setup: RouteSetup, now: number): 'accept' | 'refused' | 'limit';
  /** Service: the same client has a newer session. */
  replace(now: number): void;
}

interface Entry {
  wakeAt: number;
  /** Of a service's session. */
  readonly served: Served | undefined;
}

interface Served {
  /** Hex of SHA-256 of message one. */
  readonly hello: string;
  readonly service: KeyText;
  /** Hex of the client key. */
  readonly client: KeyText;
  /** When message one was made, Unix ms by the client's clock. */
  readonly createdMs: number;
}

export class SessionTable {
  private readonly entries = new Map<TableSession, Entry>();
  private readonly byHello = new Map<string, TableSession>();
  /** Until when (wall clock) the hello of an ended session must not make another. */
  private readonly endedHellos = new Map<string, number>();
  private readonly routes = new Map<RouteHandle, BundleRoute>();
  /** Closed routes whose keys a batch may still need. */
  private leaving: BundleRoute[] = [];
  private waiting = new Set<TableSession>();
  private readonly wallMs: () => number;
  private readonly helloLifeMs: number;

  /** `helloLifeMs`: how far the creation of message one may lie in the past or in the future. */
  constructor(wallMs: () => number, helloLifeMs: number) {
    this.wallMs = wallMs;
    this.helloLifeMs = helloLifeMs;
  }

  /** Sessions of services. */
  get servedCount(): number {
    return this.byHello.size;
  }

  add(session: TableSession, served: Served | undefined): void {
    this.entries.set(session, { wakeAt: NEVER, served });
    if (served !== undefined) this.byHello.set(served.hello, session);
    this.touched(session);
  }

  all(): Iterable<TableSession> {
    return this.entries.keys();
  }

  withHello(hello: string): TableSession | undefined {
    return this.byHello.get(hello);
  }

  hasEnded(hello: string): boolean {
    return (this.endedHellos.get(hello) ?? 0) > this.wallMs();
  }

  /** Whether this client has a session that is up and began later: the set-up took its time on the way. */
  isOutdated(service: KeyText, client: KeyText, createdMs: number): boolean {
    for (const [session, { served }] of this.entries) {
      if (served?.client !== client || served.service !== service) continue;
      if (served.createdMs > createdMs && session.state === 'up') return true;
    }
    return false;
  }

  routeWith(handle: RouteHandle): BundleRoute | undefined {
    return this.routes.get(handle);
  }

  routeOpened(route: BundleRoute): void {
    this.routes.set(route.handle, route);
  }

  routeClosed(route: BundleRoute): void {
    this.routes.delete(route.handle);
    this.leaving.push(route);
  }

  /** Something happened: the session acts in the next drain. */
  touched(session: TableSession): void {
    this.waiting.add(session);
  }

  /** A service's client is there now, not replayed: sessions it had before are over. */
  confirmed(session: TableSession, now: number): void {
    const served = this.entries.get(session)?.served;
    if (served === undefined) return;
    for (const [other, entry] of this.entries) {
      if (other === session || entry.served === undefined || other.id > session.id) continue;
      if (entry.served.client !== served.client || entry.served.service !== served.service) continue;
      other.replace(now);
    }
  }

  ended(session: TableSession): void {
    const served = this.entries.get(session)?.served;
    this.entries.delete(session);
    this.waiting.delete(session);
    if (served === undefined) return;
    this.byHello.delete(served.hello);
    if (session.heard) this.rememberHello(served.hello);
  }

  /** Lets those that are due act in the next drain. */
  wake(lateWakeMs: number, now: number): void {
    for (const [session, { wakeAt }] of this.entries) {
      if (wakeAt > now) continue;
      if (now - wakeAt > lateWakeMs) session.excuse(now - wakeAt, now);
      this.touched(session);
    }
  }

  nextWakeAt(): number {
    if (this.waiting.size > 0) return 0;
    let next = NEVER;
    for (const { wakeAt } of this.entries.values()) if (wakeAt < next) next = wakeAt;
    return next;
  }

  /** Lets whoever was touched act. False when nobody was. */
  advance(now: number): boolean {
    if (this.waiting.size === 0) return false;
    const waiting = this.waiting;
    this.waiting = new Set();
    for (const session of waiting) {
      const entry = this.entries.get(session);
      if (entry !== undefined) entry.wakeAt = session.advance(now);
    }
    return true;
  }

  /** No batch holds anything sealed with the keys of closed routes any more. */
  forgetClosedRoutes(): void {
    for (const route of this.leaving) route.keys.clear();
    this.leaving = [];
  }

  private rememberHello(hello: string): void {
    this.endedHellos.set(hello, this.wallMs() + 2 * this.helloLifeMs);
    if (this.endedHellos.size <= MAX_ENDED_HELLOS) return;
    for (const oldest of this.endedHellos.keys()) {
      this.endedHellos.delete(oldest);
      break;
    }
  }
}
