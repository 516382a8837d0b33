/**
 * Two bundle layers joined by simulated routes, in virtual time:
 *
 *              ┌── path 0: rate, delay, repeated loss, a switch ──┐
 *   client ────┼── path 1 ────────────────────────────────────────┼──── service
 *              └── ...                                            ┘
 *
 * A path stands for all relays of its routes (`simulated-path.ts`).
 */
import { Drops } from '../../../src/base/drops.ts';
import type { Log } from '../../../src/base/env.ts';
import type { ClientKey, NodeKey, RouteHandle, SecretKey, ServiceKey } from '../../../src/base/ids.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { BULK, type DeliveryMs } from '../../../src/base/traffic-class.ts';
import { BundleLayer } from '../../../src/bundle/bundle-layer.ts';
import type { RoutePort, RouteSetup } from '../../../src/bundle/ports.ts';
import type { Redundancy } from '../../../src/bundle/redundancy/duplicator.ts';
import type { Session, SessionEvents } from '../../../src/bundle/session.ts';
import type { BundleTuning } from '../../../src/bundle/tuning.ts';
import type { Cipher } from '../../../src/crypto/cipher.ts';
import type { Curve } from '../../../src/crypto/curve.ts';
import { sha256 } from '../../../src/crypto/hash.ts';
import { fastCipher } from '../../helpers/fast-cipher.ts';
import { fastCurve } from '../../helpers/fast-curve.ts';
import { EventHeap } from '../../sim/world/event-heap.ts';
import { CLEAN_PATH, type PathShape, Pipe, type PipeRoute } from './simulated-path.ts';

const CLIENT = 0;
const SERVICE = 1;
type End = typeof CLIENT | typeof SERVICE;

export interface PairOptions {
  readonly seed?: number;
  /** One for each path. */
  readonly paths: readonly Partial<PathShape>[];
  readonly routeCount?: number;
  readonly tuning?: Partial<BundleTuning>;
  readonly deliveryMs?: DeliveryMs;
  readonly redundancy?: Redundancy;
  /** The one path is a link between both ends, or so the client is told: `behind`, the service's node is another one. */
  readonly neighbours?: 'true' | 'behind';
  readonly sealsTwice?: boolean;
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
  /** Set where messages can be marked. */
  mark?: (session: Session, message: Uint8Array) => boolean | number;

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

/** One route: a handle, a pipe's route and the next message number at each end, over one path. */
interface SimRoute {
  readonly path: number;
  readonly handles: [RouteHandle, RouteHandle | undefined];
  readonly ends: readonly [PipeRoute, PipeRoute];
  readonly numbers: [number, number];
  open: boolean;
}

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
  /** Events that either end logged. */
  readonly logged: string[] = [];
  private readonly log: Log = { write: (_level, event) => this.logged.push(event) };
  /** Copies of everything sent, when wanted. */
  tap: ((from: End, message: Uint8Array) => void) | undefined;
  /** Called with each message before it is queued: returning false loses it, and the far end learns its number. */
  filter: ((from: End, message: Uint8Array) => boolean) | undefined;
  /** While true, routes of this end have no room. */
  readonly blocked = [false, false];
  readonly routesOpened: RouteSetup[] = [];
  private readonly cuts = new Set<number>();
  private readonly options: PairOptions;
  private readonly random: SeededRandom;
  private readonly cipher: Cipher = fastCipher();
  private readonly curve: Curve = fastCurve();
  /** By path, then by the end that sends. */
  readonly pipes: [Pipe, Pipe][];
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
    this.service = this.curve.publicKey(this.serviceSecret) as ServiceKey;
    this.clientKey = this.curve.publicKey(this.clientSecret) as ClientKey;
    this.pipes = options.paths.map((shape) => [this.newPipe(shape), this.newPipe(shape)]);
    this.offered = options.paths.map((_, i) => i);
    this.layers = [this.newLayer(CLIENT), this.newLayer(SERVICE)];
    this.layers[SERVICE].listen(this.service, this.serviceSecret, this.serviceOwner);
    this.session = this.connect();
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
        routeCount: this.options.routeCount ?? this.pipes.length,
        ...(this.options.deliveryMs !== undefined && { deliveryMs: this.options.deliveryMs }),
        ...(this.options.redundancy !== undefined && { redundancy: this.options.redundancy }),
        ...(this.options.sealsTwice !== undefined && { sealsTwice: this.options.sealsTwice }),
        paths: () => (this.options.neighbours === undefined ? this.offered.map(pathOf) : [[nodeKey(0)]]),
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
      else this.fail(route, 'no-such-link', 2);
    }
  }

  /** Cuts a path: what is on it goes on when it is mended within 2 s, and is given up else. */
  cut(path: number): void {
    this.cuts.add(path);
    for (const pipe of this.pipes[path]) pipe.up = false;
  }

  mend(path: number): void {
    this.cuts.delete(path);
    for (const pipe of this.pipes[path]) pipe.up = true;
  }

  /** The route layer at the client learns that every route on this path failed. */
  failPath(path: number, reason = 'no-such-link'): void {
    for (const route of [...this.routes.values()]) {
      if (route.path !== path || !route.open) continue;
      this.fail(route, reason, 1);
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

  /** A raw route message for one end's newest open Bulk route, as a relay could forge it. */
  forge(to: End, message: Uint8Array): void {
    for (const route of [...this.routes.values()].reverse()) {
      const handle = route.handles[to];
      if (!route.open || handle === undefined || route.ends[0].trafficClass !== BULK) continue;
      this.layers[to].message(handle, message.slice(), route.numbers[1 - to]++, this.now);
      this.settle();
      return;
    }
    throw new Error('no route is open');
  }

  private newLayer(end: End): BundleLayer {
    return new BundleLayer({
      curve: this.curve,
      cipher: this.cipher,
      node: nodeKey(end === SERVICE && this.options.neighbours === 'true' ? 0 : 99),
      random: new SeededRandom(this.options.seed ?? 1, `layer ${end} at ${this.now}`),
      routes: this.portOf(end),
      drops: this.drops[end],
      log: this.log,
      wallMs: () => this.wallStartMs + this.now,
      ...(this.options.tuning && { tuning: this.options.tuning }),
    });
  }

  private newPipe(shape: Partial<PathShape>): Pipe {
    return new Pipe({ ...CLEAN_PATH, ...shape }, this.heap, this.random, this);
  }

  private portOf(end: End): RoutePort {
    return {
      open: (path, setup) => this.open(path, setup),
      send: (handle, message) => this.send(end, handle, message),
      room: (handle) => this.room(end, handle),
      close: (handle) => this.close(end, handle),
    };
  }

  private open(path: NodeKey[], setup: RouteSetup): RouteHandle | string {
    const index = path[0][1];
    if (!this.offered.includes(index)) return 'no-such-link';
    this.routesOpened.push({ ...setup, hello: setup.hello.slice() });
    const handle = this.nextHandle++ as RouteHandle;
    const setupAt = this.now + this.pipes[index][CLIENT].passageMs();
    const endOf = (end: End): PipeRoute => ({
      trafficClass: setup.trafficClass,
      waitingBytes: 0,
      open: true,
      notBefore: end === CLIENT ? setupAt : 0,
      writable: () => {
        const own = route.handles[end];
        if (own !== undefined) this.layers[end].writable(own);
      },
    });
    const route: SimRoute = {
      path: index,
      handles: [handle, undefined],
      ends: [endOf(CLIENT), endOf(SERVICE)],
      numbers: [0, 0],
      open: true,
    };
    this.routes.set(handle, route);
    this.heap.add(setupAt, () => this.arrive(route, setup));
    return handle;
  }

  private arrive(route: SimRoute, setup: RouteSetup): void {
    if (!route.open || this.isCut(route)) return;
    const far = this.nextHandle++ as RouteHandle;
    route.handles[SERVICE] = far;
    this.routes.set(far, route);
    const answer = this.layers[SERVICE].incoming(far, setup, this.now);
    if (answer === 'accept') return;
    this.routes.delete(far);
    route.handles[SERVICE] = undefined;
    this.tell(route, SERVICE, () => this.fail(route, answer, 2));
  }

  private send(from: End, handle: RouteHandle, message: Uint8Array): number {
    this.tap?.(from, message);
    const route = this.routes.get(handle);
    if (this.blocked[from] || (route !== undefined && message.length > this.room(from, handle))) return -1;
    if (route === undefined || !route.open) return -1;
    const to = from === CLIENT ? SERVICE : CLIENT;
    const number = route.numbers[from]++;
    const lose = () => {
      const there = route.handles[to];
      if (there !== undefined) this.layers[to].lost(there, number);
    };
    const copy = message.slice();
    const taken = this.filter === undefined || this.filter(from, copy);
    const arrive = () => {
      const there = route.handles[to];
      if (there !== undefined) this.layers[to].message(there, copy, number, this.now);
    };
    const pipe = this.pipes[route.path][from];
    const shipment = {
      route: route.ends[from],
      bytes: copy.length,
      sentAt: this.now,
      arrive: taken ? arrive : lose,
      lose,
    };
    pipe.send(shipment);
    return number;
  }

  private room(end: End, handle: RouteHandle): number {
    const route = this.routes.get(handle);
    if (this.blocked[end] || route === undefined || !route.open) return 0;
    return this.pipes[route.path][end].room(route.ends[end]);
  }

  private close(end: End, handle: RouteHandle): void {
    const route = this.routes.get(handle);
    if (route === undefined || !route.open) return;
    this.tell(route, end, () => {
      if (!route.open) return;
      this.end(route);
      const to = end === CLIENT ? SERVICE : CLIENT;
      const there = route.handles[to];
      if (there !== undefined) this.layers[to].routeClosed(there, 'teardown', this.now);
    });
  }

  private fail(route: SimRoute, reason: string, hop: number): void {
    if (!route.open) return;
    this.end(route);
    this.layers[CLIENT].routeFailed(route.handles[CLIENT], { hop, reason }, this.now);
  }

  private end(route: SimRoute): void {
    route.open = false;
    for (const end of route.ends) end.open = false;
  }

  private forget(route: SimRoute): void {
    route.handles[SERVICE] = undefined;
  }

  private isCut(route: SimRoute): boolean {
    return this.cuts.has(route.path);
  }

  /** Tells the other end something about a route, behind what was sent before. */
  private tell(route: SimRoute, from: End, arrive: () => void): void {
    const pipe = this.pipes[route.path][from];
    this.heap.add(this.now + pipe.backlogMs() + pipe.passageMs() + 1, () => {
      if (!this.isCut(route)) arrive();
    });
  }
}

/** The node keys of a path: only their difference matters. */
export function pathOf(index: number): NodeKey[] {
  return [nodeKey(index), new Uint8Array(33).fill(3) as NodeKey];
}

/** That of a neighbour of the client, over the path with this number. */
function nodeKey(index: number): NodeKey {
  const key = new Uint8Array(33).fill(2);
  key[1] = index;
  return key as NodeKey;
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
