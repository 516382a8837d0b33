/**
 * All end-to-end sessions of a node, as client and as service (docs/protocol.md section 6).
 *
 * Messages are gathered as they come and opened in batches; what sessions send leaves in `drain`, sealed in batches.
 * Events to the owners of sessions are called from `open`, `drain` and `incoming`.
 */
import { assert } from '../base/assert.ts';
import { toHex } from '../base/bytes.ts';
import type { ClientKey, KeyText, RouteHandle, SecretKey, ServiceKey } from '../base/ids.ts';
import { sha256 } from '../crypto/hash.ts';
import { isBare, isMessageTwo, isSealed, sealedEpoch, TYPE_BYTES } from '../wire/route-message.ts';
import type { BundleContext, BundleEnvironment } from './bundle-context.ts';
import type { ClientOptions } from './client-side.ts';
import { Opener } from './handshake/opener.ts';
import { Sealer } from './handshake/sealer.ts';
import { HELLO_LIFE_MS, readHello } from './handshake/session-handshake.ts';
import type { RouteSetup, SetupAnswer } from './ports.ts';
import { MessagePool } from './queue/message-pool.ts';
import { Session, type SessionEvents } from './session.ts';
import { SessionTable } from './session-table.ts';
import { BUNDLE_TUNING, type BundleTuning } from './tuning.ts';

export interface BundleLayerOptions extends BundleEnvironment {
  readonly tuning?: Partial<BundleTuning>;
}

export interface ConnectOptions extends ClientOptions {
  readonly events: SessionEvents;
}

interface Listener {
  readonly secret: SecretKey;
  readonly events: SessionEvents;
}

/** Passes over sessions that were touched while others acted, or by a message that the layer below refused. */
const MAX_PASSES = 4;

export class BundleLayer {
  private readonly context: BundleContext;
  private readonly sessions: SessionTable;
  private readonly opener: Opener;
  private readonly listeners = new Map<KeyText, Listener>();
  private nextId = 1;

  constructor(options: BundleLayerOptions) {
    const { cipher, routes, drops, wallMs } = options;
    const tuning = { ...BUNDLE_TUNING, ...options.tuning };
    this.sessions = new SessionTable(wallMs, HELLO_LIFE_MS);
    this.opener = new Opener(cipher, drops);
    this.context = {
      ...options,
      tuning,
      pool: new MessagePool(tuning.poolBytes),
      sealer: new Sealer(cipher, routes),
      sessions: this.sessions,
    };
  }

  /** Serves sessions with this service key from now on. */
  listen(service: ServiceKey, secret: SecretKey, events: SessionEvents): void {
    this.listeners.set(toHex(service), { secret, events });
  }

  /**
   * Begins a session. It may be sent to at once: the first messages leave right behind the set-ups of its routes. It
   * keeps up its routes, and itself, until it is closed.
   */
  connect(options: ConnectOptions, now: number): Session {
    assert(options.routeCount >= 1 && 2 * options.routeCount <= this.context.tuning.maxRoutes, 'a number of paths');
    const clientKey = this.context.curve.publicKey(options.clientSecret) as ClientKey;
    const session = new Session(
      this.context,
      this.nextId++,
      clientKey,
      options.events,
      { role: 'client', options },
      now,
    );
    this.sessions.add(session, undefined);
    return session;
  }

  /** A set-up ends here: whether it is accepted. */
  incoming(handle: RouteHandle, setup: RouteSetup, now: number): SetupAnswer {
    this.opener.flush(now);
    const service = toHex(setup.service);
    const listener = this.listeners.get(service);
    if (listener === undefined) return 'no-such-service';
    const hello = toHex(sha256(setup.hello));
    const known = this.sessions.withHello(hello);
    if (known !== undefined) return known.incoming(handle, setup, now);
    if (this.sessions.hasEnded(hello)) return 'refused';
    if (this.sessions.servedCount >= this.context.tuning.maxSessions) return 'limit';
    const { curve, random, wallMs, drops } = this.context;
    const read = readHello({ curve, random, secret: listener.secret, hello: setup.hello, wallMs: wallMs() });
    if (typeof read === 'string') {
      drops.count(read);
      return 'refused';
    }
    const client = toHex(read.clientKey);
    if (this.sessions.isOutdated(service, client, read.createdMs)) {
      drops.count('bundle-hello-outdated');
      return 'refused';
    }
    const origin = { role: 'service', hello: read } as const;
    const session = new Session(this.context, this.nextId++, read.clientKey, listener.events, origin, now);
    this.sessions.add(session, { hello, service, client, createdMs: read.createdMs });
    listener.events.opened(session, now);
    return session.incoming(handle, setup, now);
  }

  /** Message `number` of a route came; it is opened in the next `open` or `drain`. */
  message(handle: RouteHandle, bytes: Uint8Array, number: number, now: number): void {
    const { drops } = this.context;
    const route = this.sessions.routeWith(handle);
    if (route === undefined) {
      drops.count('bundle-route-unknown');
      return;
    }
    const keys = isSealed(bytes) ? route.owner.receiveKeys(sealedEpoch(bytes)) : undefined;
    if (keys !== undefined || (isBare(bytes) && route.takesBare)) {
      this.opener.add(route, keys, bytes, number, now);
      return;
    }
    route.owner.passedOver(route, number);
    if (isMessageTwo(bytes)) route.owner.messageTwo(route, bytes.subarray(TYPE_BYTES), now);
    else if (isSealed(bytes)) drops.count('bundle-epoch-unknown');
    else drops.count(isBare(bytes) ? 'bundle-bare-unexpected' : 'bundle-message-malformed');
  }

  /** Message `number` of a route will not come. */
  lost(handle: RouteHandle, number: number): void {
    const route = this.sessions.routeWith(handle);
    route?.owner.passedOver(route, number);
  }

  /** A route that had little room has more. */
  writable(handle: RouteHandle): void {
    this.sessions.routeWith(handle)?.owner.writable();
  }

  /** A route that began here is lost, at `hop` of its path. */
  routeFailed(handle: RouteHandle, failure: { readonly hop: number; readonly reason: string }, now: number): void {
    this.opener.flush(now);
    const route = this.sessions.routeWith(handle);
    route?.owner.routeFailed(route, failure.hop, failure.reason, now);
  }

  /** The other end or a relay is done with a route. */
  routeClosed(handle: RouteHandle, reason: string, now: number): void {
    this.routeFailed(handle, { hop: 0, reason }, now);
  }

  /** The graph changed: clients look for what is missing at once. */
  pathsChanged(now: number): void {
    for (const session of this.sessions.all()) session.pathsChanged(now);
  }

  /** Opens what came since and tells the owners of the sessions. `drain` begins with it, too. */
  open(now: number): void {
    this.opener.flush(now);
  }

  wake(now: number): void {
    this.sessions.wake(this.context.tuning.lateWakeMs, now);
  }

  nextWakeAt(): number {
    return this.sessions.nextWakeAt();
  }

  drain(now: number): void {
    this.opener.flush(now);
    for (let pass = 0; pass < MAX_PASSES && this.sessions.advance(now); pass++) this.context.sealer.flush(now);
    this.context.sealer.flush(now);
    this.sessions.forgetClosedRoutes();
  }
}
