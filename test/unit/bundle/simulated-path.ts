/**
 * A path of relays that store and forward, as the bundle sees it: each direction is a pipe of one rate, which takes
 * Real Time first and keeps what its routes sent until it is through.
 *
 *   route 2n   ─▶ buffer of `roomBytes` ─┐
 *   route 2n+1 ─▶ 64 KiB, oldest lost ───┴▶ rate ─▶ `hops` times: delay, tries until one gets through ─▶ far end
 *
 * Nothing is in order: a message that needs more tries is overtaken. Nothing is lost but by `lostShare`, age (Real
 * Time) or a cut that lasts for 2 s, and the far end is told which message number won't come.
 */
import type { SeededRandom } from '../../../src/base/seeded-random.ts';
import { BULK, REAL_TIME, REAL_TIME_DEADLINE_MS, type TrafficClass } from '../../../src/base/traffic-class.ts';
import type { EventHeap } from '../../sim/world/event-heap.ts';

export interface PathShape {
  /** Infinite by default. */
  readonly rateMbps: number;
  /** One way, over all hops. */
  readonly delayMs: number;
  readonly jitterMs: number;
  readonly hops: number;
  /** Of each hop: a try is lost and repeated. */
  readonly loss: number;
  /** Of messages that are given up. */
  readonly lostShare: number;
  /** What a Bulk route's buffer at its origin takes; by default what the path carries, as routes size it. */
  readonly roomBytes: number | undefined;
}

export const CLEAN_PATH: PathShape = {
  rateMbps: Number.POSITIVE_INFINITY,
  delayMs: 0,
  jitterMs: 0,
  hops: 1,
  loss: 0,
  lostShare: 0,
  roomBytes: undefined,
};

/** What each message costs on a link beside its own bytes. */
export const FRAMING_BYTES = 42;
const REAL_TIME_ROOM_BYTES = 64 * 1024;
/** An empty buffer takes any message; else this much is the least that is kept. */
const LARGEST_MESSAGE_BYTES = 65_535;
const LEAST_BOUND_BYTES = 8 * 1024;
/** A probe timeout beyond the round trip of a hop. */
const RETRY_MARGIN_MS = 5;
const PERSISTENCE_MS = 2_000;
/** The far end learns of what was given up. */
const GONE_MS = 5;

export interface Shipment {
  readonly route: PipeRoute;
  readonly bytes: number;
  readonly sentAt: number;
  arrive(): void;
  /** It will not arrive. */
  lose(): void;
}

/** One direction of a route: what it has waiting at its origin. */
export interface PipeRoute {
  readonly trafficClass: TrafficClass;
  waitingBytes: number;
  open: boolean;
  /** Set-ups go first: nothing arrives before. */
  notBefore: number;
  /** Told when there is more room. */
  writable(): void;
}

export class Pipe {
  readonly shape: PathShape;
  private readonly heap: EventHeap;
  private readonly random: SeededRandom;
  private readonly clock: { readonly now: number };
  private readonly waiting: [Shipment[], Shipment[]] = [[], []];
  /** On the way when the path was cut. */
  private parked: Shipment[] = [];
  private busy = false;
  private cut = false;
  sentBytes = 0;

  constructor(shape: PathShape, heap: EventHeap, random: SeededRandom, clock: { readonly now: number }) {
    this.shape = shape;
    this.heap = heap;
    this.random = random;
    this.clock = clock;
  }

  set up(up: boolean) {
    this.cut = !up;
    if (!up) return;
    const parked = this.parked;
    this.parked = [];
    for (const shipment of parked) this.carry(shipment);
    this.serve();
  }

  /** Bytes that a route may send now. */
  room(route: PipeRoute): number {
    if (route.waitingBytes === 0) return LARGEST_MESSAGE_BYTES;
    const bound = route.trafficClass === REAL_TIME ? REAL_TIME_ROOM_BYTES : this.roomBytes();
    return Math.max(0, bound - route.waitingBytes);
  }

  send(shipment: Shipment): void {
    const { route } = shipment;
    const queue = this.waiting[route.trafficClass];
    queue.push(shipment);
    route.waitingBytes += shipment.bytes;
    if (route.trafficClass === REAL_TIME) {
      while (route.waitingBytes > REAL_TIME_ROOM_BYTES) this.giveUp(queue.shift()!);
    }
    this.serve();
  }

  /** How long a message takes that is repeated until it is through; Real Time goes in copies where much is lost. */
  passageMs(trafficClass: TrafficClass = BULK): number {
    const { delayMs, jitterMs, hops, loss } = this.shape;
    const copies = trafficClass === BULK || loss < 0.05 ? 1 : loss <= 0.3 ? 2 : 3;
    const tryFails = loss ** copies;
    let ms = delayMs + this.random.unit() * jitterMs;
    for (let hop = 0; hop < hops; hop++) {
      while (this.random.chance(tryFails)) ms += (2 * delayMs) / hops + RETRY_MARGIN_MS;
    }
    return ms;
  }

  /** How long what waits takes to leave. */
  backlogMs(): number {
    const bytes = [...this.waiting[0], ...this.waiting[1]].reduce((sum, shipment) => sum + shipment.bytes, 0);
    return bytes / (this.shape.rateMbps * 125);
  }

  /** What the rate carries in a hop's round trip, half as much more, and its repairs, as routes size their buffers. */
  private roomBytes(): number {
    const { rateMbps, delayMs, hops, loss, roomBytes } = this.shape;
    if (roomBytes !== undefined) return roomBytes;
    if (rateMbps === Number.POSITIVE_INFINITY) return 4 << 20;
    const loopMs = (2 * delayMs) / hops + RETRY_MARGIN_MS;
    return Math.max(LEAST_BOUND_BYTES, rateMbps * 125 * loopMs * (1.5 + (8 * loss) / (1 - loss)));
  }

  private serve(): void {
    if (this.busy || this.cut) return;
    const shipment = this.waiting[REAL_TIME].shift() ?? this.waiting[BULK].shift();
    if (shipment === undefined) return;
    if (!shipment.route.open || this.isTooOld(shipment)) {
      this.giveUp(shipment);
      this.serve();
      return;
    }
    this.busy = true;
    const { rateMbps, loss } = this.shape;
    this.sentBytes += shipment.bytes;
    const takesMs = (shipment.bytes + FRAMING_BYTES) / (rateMbps * 125) / (1 - loss);
    this.heap.add(this.clock.now + takesMs, () => {
      this.busy = false;
      this.carry(shipment);
      this.release(shipment.route, shipment.bytes);
      this.serve();
    });
  }

  private isTooOld({ route, sentAt }: Shipment): boolean {
    const lifeMs = route.trafficClass === REAL_TIME ? REAL_TIME_DEADLINE_MS : PERSISTENCE_MS;
    return this.clock.now - sentAt > lifeMs && (route.trafficClass === REAL_TIME || this.cut);
  }

  private carry(shipment: Shipment): void {
    const { route } = shipment;
    const { lostShare, delayMs } = this.shape;
    const passageMs = this.passageMs(route.trafficClass);
    const late = route.trafficClass === REAL_TIME && passageMs - delayMs > REAL_TIME_DEADLINE_MS;
    const lost = late || this.random.chance(lostShare);
    const at = Math.max(this.clock.now + passageMs + (lost ? GONE_MS : 0), route.notBefore);
    this.heap.add(at, () => {
      if (!route.open) return;
      if (this.cut) this.parked.push(shipment);
      else if (lost || this.clock.now - shipment.sentAt > PERSISTENCE_MS + 2 * passageMs) shipment.lose();
      else shipment.arrive();
    });
  }

  private giveUp(shipment: Shipment): void {
    this.release(shipment.route, shipment.bytes);
    this.heap.add(this.clock.now + this.shape.delayMs + GONE_MS, () => {
      if (shipment.route.open) shipment.lose();
    });
  }

  private release(route: PipeRoute, bytes: number): void {
    route.waitingBytes -= bytes;
    if (route.open) route.writable();
  }
}
