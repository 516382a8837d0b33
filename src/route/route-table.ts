/**
 * All routes that pass through or end at this node, in columns of typed arrays (docs/protocol.md section 5).
 *
 * A route has a slot, and a slot has two halves, one for each neighbour of the route: half `2 x slot` looks towards
 * the origin, half `2 x slot + 1` towards the destination. A half has a port (the neighbour), the id under which
 * pieces come in from there, and the id under which pieces go out to there. So a piece that comes in on a half goes
 * out on `half ^ 1`. A half without a port is this node's own end of the route.
 *
 * Two indices find a half by its incoming id (every piece) and by its outgoing id (ROUTE_UNKNOWN). The halves of a
 * port form a list, so a dead link's routes are found without looking at all others. Columns double when they are
 * full; slots never move. Look-ups allocate nothing. 151 bytes a slot and 64 in the indices: 100,000 routes take
 * 27 MiB.
 */
import { assert } from '../base/assert.ts';
import type { RandomSource } from '../base/env.ts';
import type { DeliveryMs, TrafficClass } from '../base/traffic-class.ts';
import { KeyedHash } from '../crypto/keyed-hash.ts';
import { ID_BYTES, IdIndex, NONE } from './id-index.ts';

export const TOWARDS_ORIGIN = 0;
export const TOWARDS_DESTINATION = 1;
/** The port of a half that is this node itself. */
export const NO_PORT = 0xffff;
export const SECRET_BYTES = 32;
/** Ports are numbered below this. */
export const MAX_PORTS = 0xfff0;

const INITIAL_SLOTS = 256;

interface Columns {
  /** By half: ids and ports. */
  readonly inIds: Uint8Array;
  readonly outIds: Uint8Array;
  readonly ports: Uint16Array;
  readonly inHashes: Uint32Array;
  readonly outHashes: Uint32Array;
  /** By half: list of the halves of a port. The free slots use `next` of their first half. */
  readonly next: Int32Array;
  readonly previous: Int32Array;
  /** By slot. */
  readonly secrets: Uint8Array;
  readonly handles: Float64Array;
  readonly classes: Uint8Array;
  readonly deliveries: Uint16Array;
  /** Monotonic ms; +Infinity in a free slot, which therefore never looks idle. */
  readonly usedAtMs: Float64Array;
}

function createColumns(slots: number): Columns {
  const halves = 2 * slots;
  return {
    inIds: new Uint8Array(halves * ID_BYTES),
    outIds: new Uint8Array(halves * ID_BYTES),
    ports: new Uint16Array(halves).fill(NO_PORT),
    inHashes: new Uint32Array(halves),
    outHashes: new Uint32Array(halves),
    next: new Int32Array(halves).fill(NONE),
    previous: new Int32Array(halves).fill(NONE),
    secrets: new Uint8Array(slots * SECRET_BYTES),
    handles: new Float64Array(slots),
    classes: new Uint8Array(slots),
    deliveries: new Uint16Array(slots),
    usedAtMs: new Float64Array(slots).fill(Number.POSITIVE_INFINITY),
  };
}

export class RouteTable {
  private readonly hash: KeyedHash;
  private readonly maxRoutes: number;
  private columns = createColumns(INITIAL_SLOTS);
  private slots = INITIAL_SLOTS;
  private readonly incoming = new IdIndex(2 * INITIAL_SLOTS);
  private readonly outgoing = new IdIndex(2 * INITIAL_SLOTS);
  /** First half of each port, by port. */
  private heads = new Int32Array(16).fill(NONE);
  private firstFree = NONE;
  /** Slots from here on were never used. */
  private untouched = 0;
  private used = 0;

  constructor(random: RandomSource, maxRoutes: number) {
    this.hash = new KeyedHash(random);
    this.maxRoutes = maxRoutes;
  }

  get count(): number {
    return this.used;
  }

  /** Slots there is room for without growing; `nextIdle` walks up to here. */
  get capacity(): number {
    return this.slots;
  }

  get memoryBytes(): number {
    const columns = Object.values(this.columns).reduce((sum, column) => sum + column.byteLength, 0);
    return columns + this.incoming.memoryBytes + this.outgoing.memoryBytes + this.heads.byteLength;
  }

  /**
   * A slot for a new route, both halves without a port. NONE when the table is at its limit. `handle` is 0 at a relay.
   */
  claim(handle: number, now: number): number {
    if (this.used >= this.maxRoutes) return NONE;
    let slot = this.firstFree;
    if (slot !== NONE) {
      this.firstFree = this.columns.next[2 * slot];
      this.columns.next[2 * slot] = NONE;
    } else {
      if (this.untouched === this.slots) this.grow();
      slot = this.untouched++;
    }
    this.used++;
    this.columns.handles[slot] = handle;
    this.columns.usedAtMs[slot] = now;
    return slot;
  }

  /**
   * Connects a half with a neighbour. False, and nothing changed, when one of the two ids (16 bytes each) is in use on
   * that port: nobody may take over a route by naming its id.
   */
  attach(half: number, port: number, inId: Uint8Array, outId: Uint8Array): boolean {
    assert(port < MAX_PORTS && this.columns.ports[half] === NO_PORT, 'a free half and a port');
    if (this.findIncoming(port, inId, 0) !== NONE || this.findOutgoing(port, outId, 0) !== NONE) return false;
    const { columns } = this;
    columns.inIds.set(inId, half * ID_BYTES);
    columns.outIds.set(outId, half * ID_BYTES);
    columns.ports[half] = port;
    columns.inHashes[half] = this.hash.hash(port, inId, 0);
    columns.outHashes[half] = this.hash.hash(port, outId, 0);
    this.incoming.insert(columns.inHashes[half], half);
    this.outgoing.insert(columns.outHashes[half], half);
    this.enlist(half, port);
    return true;
  }

  /** Forgets a route and wipes its secret. */
  release(slot: number): void {
    assert(this.isUsed(slot), 'the slot is in use');
    this.detach(2 * slot);
    this.detach(2 * slot + 1);
    const { columns } = this;
    columns.secrets.fill(0, slot * SECRET_BYTES, (slot + 1) * SECRET_BYTES);
    columns.usedAtMs[slot] = Number.POSITIVE_INFINITY;
    columns.handles[slot] = 0;
    columns.next[2 * slot] = this.firstFree;
    this.firstFree = slot;
    this.used--;
  }

  /** The half that receives pieces from `port` under the id at `bytes[at..at+16)`, or NONE. */
  findIncoming(port: number, bytes: Uint8Array, at: number): number {
    const { inIds, ports } = this.columns;
    return this.incoming.find(this.hash.hash(port, bytes, at), port, bytes, at, inIds, ports);
  }

  /** The half that sends pieces to `port` under the id at `bytes[at..at+16)`, or NONE. */
  findOutgoing(port: number, bytes: Uint8Array, at: number): number {
    const { outIds, ports } = this.columns;
    return this.outgoing.find(this.hash.hash(port, bytes, at), port, bytes, at, outIds, ports);
  }

  /** NO_PORT when this half is the node itself. */
  portOf(half: number): number {
    return this.columns.ports[half];
  }

  /** What the set-up said of the route. */
  setPromise(slot: number, trafficClass: TrafficClass, deliveryMs: DeliveryMs): void {
    this.columns.classes[slot] = trafficClass;
    this.columns.deliveries[slot] = deliveryMs;
  }

  classOf(slot: number): TrafficClass {
    return this.columns.classes[slot] as TrafficClass;
  }

  deliveryOf(slot: number): DeliveryMs {
    return this.columns.deliveries[slot];
  }

  /** The column of incoming ids; the id of a half stands at `half x 16`. Valid until a route is added. */
  get inIds(): Uint8Array {
    return this.columns.inIds;
  }

  /** The column of outgoing ids; the id of a half stands at `half x 16`. Valid until a route is added. */
  get outIds(): Uint8Array {
    return this.columns.outIds;
  }

  /** A copy of the outgoing id of a half. */
  outIdOf(half: number): Uint8Array {
    return this.columns.outIds.slice(half * ID_BYTES, (half + 1) * ID_BYTES);
  }

  isUsed(slot: number): boolean {
    return this.columns.usedAtMs[slot] !== Number.POSITIVE_INFINITY;
  }

  handleOf(slot: number): number {
    return this.columns.handles[slot];
  }

  setSecret(slot: number, secret: Uint8Array): void {
    assert(secret.length === SECRET_BYTES, 'a shared secret is 32 bytes');
    this.columns.secrets.set(secret, slot * SECRET_BYTES);
  }

  /** View of the route's shared secret, valid until a route is added or removed. */
  secretOf(slot: number): Uint8Array {
    return this.columns.secrets.subarray(slot * SECRET_BYTES, (slot + 1) * SECRET_BYTES);
  }

  touch(slot: number, now: number): void {
    this.columns.usedAtMs[slot] = now;
  }

  /** The first slot in [from, to) without traffic since `before`, or NONE. */
  nextIdle(from: number, to: number, before: number): number {
    const { usedAtMs } = this.columns;
    for (let slot = from; slot < to; slot++) if (usedAtMs[slot] <= before) return slot;
    return NONE;
  }

  /** Any half of this port, or NONE. */
  firstOf(port: number): number {
    return port < this.heads.length ? this.heads[port] : NONE;
  }

  /** Of the incoming index: `longest` and `mean` number of entries looked at to find an id. */
  probeLengths(): { longest: number; mean: number } {
    return this.incoming.probeLengths();
  }

  private detach(half: number): void {
    const { columns } = this;
    if (columns.ports[half] === NO_PORT) return;
    this.incoming.remove(columns.inHashes[half], half);
    this.outgoing.remove(columns.outHashes[half], half);
    const next = columns.next[half];
    const previous = columns.previous[half];
    if (next !== NONE) columns.previous[next] = previous;
    if (previous !== NONE) columns.next[previous] = next;
    else this.heads[columns.ports[half]] = next;
    columns.next[half] = NONE;
    columns.previous[half] = NONE;
    columns.ports[half] = NO_PORT;
  }

  private enlist(half: number, port: number): void {
    if (port >= this.heads.length) {
      const heads = new Int32Array(2 * Math.max(port, this.heads.length)).fill(NONE);
      heads.set(this.heads);
      this.heads = heads;
    }
    const head = this.heads[port];
    this.columns.next[half] = head;
    if (head !== NONE) this.columns.previous[head] = half;
    this.heads[port] = half;
  }

  private grow(): void {
    const old = this.columns;
    const grown = createColumns(2 * this.slots);
    grown.inIds.set(old.inIds);
    grown.outIds.set(old.outIds);
    grown.ports.set(old.ports);
    grown.inHashes.set(old.inHashes);
    grown.outHashes.set(old.outHashes);
    grown.next.set(old.next);
    grown.previous.set(old.previous);
    grown.secrets.set(old.secrets);
    grown.handles.set(old.handles);
    grown.classes.set(old.classes);
    grown.deliveries.set(old.deliveries);
    grown.usedAtMs.set(old.usedAtMs);
    old.secrets.fill(0);
    this.columns = grown;
    this.slots *= 2;
    this.incoming.grow();
    this.outgoing.grow();
  }
}
