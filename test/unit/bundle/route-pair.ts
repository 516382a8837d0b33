/**
 * Two bundle layers joined by simulated routes, in virtual time:
 *
 *              ┌── path 0: rate, delay, queue, loss, a switch ──┐
 *   client ────┼── path 1 ──────────────────────────────────────┼──── service
 *              └── ...                                          ┘
 *
 * A path stands for all relays of a route. It carries set-ups, messages and failures in order, each direction with a queue of its own.
 */
import { Drops } from '../../../src/base/drops.ts';
import type { Log } from '../../../src/base/env.ts';
import type { ClientKey, NodeKey, RouteHandle, SecretKey, ServiceKey } from '../../../src/base/ids.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { BundleLayer } from '../../../src/bundle/bundle-layer.ts';
import type { RoutePort, RouteSetup, SessionEvents } from '../../../src/bundle/ports.ts';
import type { WindowTuning } from '../../../src/bundle/route-window.ts';
import type { Session } from '../../../src/bundle/session.ts';
import type { BundleTuning } from '../../../src/bundle/tuning.ts';
import type { Cipher } from '../../../src/crypto/cipher.ts';
import { sha256 } from '../../../src/crypto/hash.ts';
import { nobleCurve } from '../../../src/crypto/noble-curve.ts';
import { createNodeCipher } from '../../../src/crypto/node-cipher.ts';
import { EventHeap } from '../../sim/world/event-heap.ts';
import { CLEAN_WIRE, Wire, type WireShape } from '../../sim/world/wire.ts';

const SETUP_BYTES = 1_400;
const FAILURE_BYTES = 320;
const CLIENT = 0;
const SERVICE = 1;
type End = typeof CLIENT | typeof SERVICE;

export interface PairOptions {
  readonly seed?: number;
  /** One for each path. */
  readonly paths: readonly Partial<WireShape>[];
  readonly routeCount?: number;
  readonly tuning?: Partial<BundleTuning>;
  readonly windowTuning?: Partial<WindowTuning>;
}

export interface Received {
  readonly bytes: Uint8Array;
  readonly at: number;
}

/** What the owner of one end's sessions saw. */
export class Owner implements SessionEvents {
  readonly received: Received[] = [];
  readonly openedAt: number[] = [];
  readonly closedFor: string[] = [];
  session: Session | undefined;
  /** Called with each message, for traffic that answers. */
  onMessage: ((session: Session, bytes: Uint8Array, now: number) => void) | undefined;
  /** Whether messages are kept in `received`. */
  keep = true;
  bytes = 0;

  opened(session: Session, now: number): void {
    this.session = session;
    this.openedAt.push(now);
  }

  message(session: Session, bytes: Uint8Array, now: number): void {
    this.bytes += bytes.length;
    if (this.keep) this.received.push({ bytes: bytes.slice(), at: now });
    this.onMessage?.(session, bytes, now);
  }

  closed(_session: Session, reason: string): void {
    this.closedFor.push(reason);
  }
}

/** One route: a handle at each end, over one path. */
interface SimRoute {
  readonly path: number;
  readonly handles: [RouteHandle, RouteHandle | undefined];
  open: boolean;
  /** A set-up is accepted once: the route layer drops its duplicates. */
  arrived: boolean;
}

class SimPath {
  readonly wire: Wire;
  /** Nothing overtakes inside a route. */
  readonly latest: [number, number] = [0, 0];

  constructor(wire: Wire) {
    this.wire = wire;
  }
}

const silentLog: Log = { write: () => {} };

export class RoutePair {
  readonly heap = new EventHeap();
  readonly drops: [Drops, Drops] = [new Drops(), new Drops()];
  readonly layers: [BundleLayer, BundleLayer];
  readonly clientOwner = new Owner();
  readonly serviceOwner = new Owner();
  readonly service: ServiceKey;
  readonly clientKey: ClientKey;
  session: Session;
  now = 0;
  /** Unix milliseconds at `now` = 0. */
  wallStartMs = 1_700_000_000_000;
  /** Copies of everything sent, when wanted. */
  tap: ((from: End, message: Uint8Array) => void) | undefined;
  /** Called with each message before it is queued: returning false loses it. */
  filter: ((from: End, message: Uint8Array) => boolean) | undefined;
  /** While true, `send` of this end refuses. */
  readonly blocked = [false, false];
  readonly routesOpened: RouteSetup[] = [];
  private readonly options: PairOptions;
  private readonly random: SeededRandom;
  private readonly cipher: Cipher = createNodeCipher();
  private readonly paths: SimPath[] = [];
  private readonly routes = new Map<RouteHandle, SimRoute>();
  private readonly serviceSecret: SecretKey;
  private readonly clientSecret: SecretKey;
  private nextHandle = 1;
  private nextTick: [number, number] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  /** Paths that the graph offers now. */
  offered: number[];

  constructor(options: PairOptions) {
    this.options = options;
    this.random = new SeededRandom(options.seed ?? 1, 'pair');
    this.serviceSecret = secretOf('service');
    this.clientSecret = secretOf('client');
    this.service = nobleCurve.publicKey(this.serviceSecret) as ServiceKey;
    this.clientKey = nobleCurve.publicKey(this.clientSecret) as ClientKey;
    for (const [i, shape] of options.paths.entries()) {
      const wire = new Wire(i, [CLIENT, SERVICE], { ...CLEAN_WIRE, mtuBytes: 100_000, ...shape }, this.random);
      this.paths.push(new SimPath(wire));
    }
    this.offered = options.paths.map((_, i) => i);
    this.layers = [this.newLayer(CLIENT), this.newLayer(SERVICE)];
    this.layers[SERVICE].listen(this.service, this.serviceSecret, this.serviceOwner);
    this.session = this.connect();
  }

  get wires(): Wire[] {
    return this.paths.map(({ wire }) => wire);
  }

  get serviceSession(): Session {
    if (this.serviceOwner.session === undefined) throw new Error('the service has no session');
    return this.serviceOwner.session;
  }

  /** Another session of the same client with the service. */
  connect(): Session {
    const session = this.layers[CLIENT].connect(
      {
        service: this.service,
        clientSecret: this.clientSecret,
        routeCount: this.options.routeCount ?? this.paths.length,
        paths: () => this.offered.map(pathOf),
        events: this.clientOwner,
      },
      this.now,
    );
    this.settle();
    return session;
  }

  /** The service's process dies and starts again, knowing nothing. `tell`: the routes fail at the last relay. */
  restartService(tell: boolean): void {
    this.layers[SERVICE] = this.newLayer(SERVICE);
    this.layers[SERVICE].listen(this.service, this.serviceSecret, this.serviceOwner);
    for (const route of [...this.routes.values()]) {
      if (!route.open || !tell) this.forget(route);
      else this.fail(route, 'no-such-link');
    }
  }

  /** Cuts a path: what is on it and what comes later is lost. */
  cut(path: number): void {
    this.wires[path].up = false;
  }

  mend(path: number): void {
    this.wires[path].up = true;
  }

  /** The route layer at the client learns that every route on this path failed. */
  failPath(path: number, reason = 'no-such-link'): void {
    for (const route of [...this.routes.values()]) {
      if (route.path !== path || !route.open) continue;
      route.open = false;
      this.layers[CLIENT].routeFailed(route.handles[CLIENT], { hop: 1, reason }, this.now);
    }
    this.settle();
  }

  at(delayMs: number, run: () => void): void {
    this.heap.add(this.now + delayMs, run);
  }

  /** Runs until `untilMs` of virtual time. */
  runTo(untilMs: number): void {
    this.settle();
    for (;;) {
      const at = Math.min(this.heap.nextAt(), ...this.nextTick);
      if (at > untilMs) break;
      this.now = Math.max(this.now, at);
      if (this.heap.nextAt() <= this.now) this.heap.take().run();
      this.settle();
    }
    this.now = untilMs;
  }

  run(ms: number): void {
    this.runTo(this.now + ms);
  }

  /** Lets both layers act until nothing is due now. */
  settle(): void {
    for (const end of [CLIENT, SERVICE] as const) {
      const layer = this.layers[end];
      let turns = 0;
      do {
        layer.wake(this.now);
        layer.drain(this.now);
        if (++turns > 50) throw new Error(`layer ${end} is always due`);
      } while (layer.nextWakeAt() <= this.now);
      this.nextTick[end] = layer.nextWakeAt();
    }
  }

  /** A raw route message for one end's newest open route, as a relay could forge it. */
  forge(to: End, message: Uint8Array): void {
    for (const route of [...this.routes.values()].reverse()) {
      const handle = route.handles[to];
      if (!route.open || handle === undefined) continue;
      this.layers[to].message(handle, message.slice(), this.now);
      this.settle();
      return;
    }
    throw new Error('no route is open');
  }

  private newLayer(end: End): BundleLayer {
    return new BundleLayer({
      curve: nobleCurve,
      cipher: this.cipher,
      random: new SeededRandom(this.options.seed ?? 1, `layer ${end} at ${this.now}`),
      routes: this.portOf(end),
      drops: this.drops[end],
      log: silentLog,
      wallMs: () => this.wallStartMs + this.now,
      ...(this.options.tuning && { tuning: this.options.tuning }),
      ...(this.options.windowTuning && { windowTuning: this.options.windowTuning }),
    });
  }

  private portOf(end: End): RoutePort {
    return {
      open: (path, setup) => this.open(path, setup),
      send: (handle, message) => this.send(end, handle, message),
      close: (handle) => this.close(end, handle),
    };
  }

  private open(path: NodeKey[], setup: RouteSetup): RouteHandle | string {
    const index = path[0][1];
    if (!this.offered.includes(index)) return 'no-such-link';
    this.routesOpened.push({ ...setup, hello: setup.hello.slice() });
    const handle = this.nextHandle++ as RouteHandle;
    const route: SimRoute = { path: index, handles: [handle, undefined], open: true, arrived: false };
    this.routes.set(handle, route);
    this.carry(route, CLIENT, SETUP_BYTES, () => {
      if (route.arrived) return;
      route.arrived = true;
      const far = this.nextHandle++ as RouteHandle;
      route.handles[SERVICE] = far;
      this.routes.set(far, route);
      const answer = this.layers[SERVICE].incoming(far, setup, this.now);
      if (answer === 'accept') return;
      this.routes.delete(far);
      route.handles[SERVICE] = undefined;
      this.carry(route, SERVICE, FAILURE_BYTES, () => this.fail(route, answer));
    });
    return handle;
  }

  private send(from: End, handle: RouteHandle, message: Uint8Array): boolean {
    this.tap?.(from, message);
    if (this.blocked[from]) return false;
    const route = this.routes.get(handle);
    if (route === undefined || !route.open) return true;
    if (this.filter !== undefined && !this.filter(from, message)) return true;
    const copy = message.slice();
    this.carry(route, from, copy.length, () => {
      const to = from === CLIENT ? SERVICE : CLIENT;
      const there = route.handles[to];
      if (there !== undefined) this.layers[to].message(there, copy, this.now);
    });
    return true;
  }

  private close(end: End, handle: RouteHandle): void {
    const route = this.routes.get(handle);
    if (route === undefined || !route.open) return;
    this.carry(route, end, FAILURE_BYTES, () => {
      if (!route.open) return;
      route.open = false;
      const to = end === CLIENT ? SERVICE : CLIENT;
      const there = route.handles[to];
      if (there !== undefined) this.layers[to].routeClosed(there, 'teardown', this.now);
    });
  }

  private fail(route: SimRoute, reason: string): void {
    if (!route.open) return;
    route.open = false;
    this.layers[CLIENT].routeFailed(route.handles[CLIENT], { hop: 2, reason }, this.now);
  }

  private forget(route: SimRoute): void {
    route.handles[SERVICE] = undefined;
  }

  /** Runs `arrive` when `bytes` sent from `from` have come through; never when they are lost. */
  private carry(route: SimRoute, from: End, bytes: number, arrive: () => void): void {
    const path = this.paths[route.path];
    for (const at of path.wire.arrivals(from, bytes, this.now)) {
      const reordered = path.wire.shape.reorder > 0 || path.wire.shape.jitterMs > 0;
      const inOrderAt = reordered ? at : Math.max(at, path.latest[from]);
      path.latest[from] = inOrderAt;
      this.heap.add(inOrderAt, () => {
        // A cut takes what is on the way with it.
        if (path.wire.up) arrive();
      });
    }
  }
}

/** The node keys of a path: only their difference matters. */
export function pathOf(index: number): NodeKey[] {
  const relay = new Uint8Array(33).fill(2);
  relay[1] = index;
  const gateway = new Uint8Array(33).fill(3);
  return [relay as NodeKey, gateway as NodeKey];
}

function secretOf(name: string): SecretKey {
  return sha256(new TextEncoder().encode(name)) as SecretKey;
}

/** A message of `bytes` that begins with its number, u32 big-endian. */
export function numbered(number: number, bytes: number): Uint8Array {
  const message = new Uint8Array(bytes);
  new DataView(message.buffer).setUint32(0, number);
  return message;
}

export function numberOf(message: Uint8Array): number {
  return new DataView(message.buffer, message.byteOffset).getUint32(0);
}

/**
 * A sender that keeps `session`'s queue filled for as long as `untilMs`, as one TCP connection with enough data would:
 * numbered messages of `bytes`, offered every millisecond until the queue has `backlogBytes`. Returns its counter.
 */
export function saturate(
  pair: RoutePair,
  session: () => Session,
  untilMs: number,
  { bytes = 1_400, backlogBytes = 200_000 } = {},
): { sent: number } {
  const counter = { sent: 0 };
  const fill = () => {
    while (session().status(pair.now).queueBytes < backlogBytes) {
      if (!session().send(numbered(counter.sent, bytes), pair.now)) break;
      counter.sent += 1;
    }
    if (pair.now < untilMs) pair.at(1, fill);
  };
  pair.at(0, fill);
  return counter;
}

/** The longest time without a message after `fromMs`. */
export function longestPause(received: readonly Received[], fromMs: number, untilMs: number): number {
  let longest = 0;
  let last = fromMs;
  for (const { at } of received) {
    if (at < fromMs || at > untilMs) continue;
    longest = Math.max(longest, at - last);
    last = at;
  }
  return Math.max(longest, untilMs - last);
}

export function numbersOf(received: readonly Received[]): number[] {
  return received.map(({ bytes }) => numberOf(bytes));
}
