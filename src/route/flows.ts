/**
 * What flows along routes at this node: by half of a route the buffer of what goes out there, and the room for what comes
 * in there. Both are made when something first flows, and given back when nothing did for a while; what must be
 * remembered then is in dormant-flows.ts.
 *
 * One timer: at once while somebody is to be told of room; else, while anything is kept, every 25 ms, when deadlines of what waits,
 * BLOCKED, and giving up are looked after; once a second when all buffers are empty, to find those that are dormant.
 */
import { NEVER } from '../base/env.ts';
import { REAL_TIME, SENT_ONCE } from '../base/traffic-class.ts';
import type { LinkMeasures } from '../link/link-measures.ts';
import type { FlowBound, LoopMeasures } from './buffers/flow-bound.ts';
import type { MemoryShare } from './buffers/memory-share.ts';
import type { PieceStore } from './buffers/piece-store.ts';
import { Room } from './buffers/room.ts';
import { type BufferOwner, RouteBuffer } from './buffers/route-buffer.ts';
import { DormantFlows } from './dormant-flows.ts';
import type { Neighbour, Neighbours } from './neighbours.ts';
import type { LinkPort } from './route-ports.ts';
import { NO_PORT, type RouteTable } from './route-table.ts';
import type { RouteTuning } from './tuning.ts';

const DORMANCY_LOOKED_AT_MS = 1_000;

export class Flows implements BufferOwner {
  private readonly table: RouteTable;
  private readonly neighbours: Neighbours;
  private readonly links: LinkPort;
  private readonly store: PieceStore;
  private readonly share: MemoryShare;
  private readonly tuning: RouteTuning;
  private readonly dormant = new DormantFlows();
  /** By half. */
  private readonly buffers: (RouteBuffer | undefined)[] = [];
  private readonly rooms: (Room | undefined)[] = [];
  private readonly liveBuffers = new Set<RouteBuffer>();
  private readonly liveRooms = new Set<Room>();
  private readonly loop: LoopMeasures = {
    roundTripMs: 0,
    lossShare: 0,
    burstMs: 0,
    capBytes: 0,
    ranDry: false,
    isEnd: false,
  };
  /** Buffers of own routes in which there is room again for somebody who waits for it. */
  private readonly widened: RouteBuffer[] = [];
  private housekeepAt = NEVER;

  constructor(o: {
    table: RouteTable;
    neighbours: Neighbours;
    links: LinkPort;
    store: PieceStore;
    share: MemoryShare;
    tuning: RouteTuning;
  }) {
    this.table = o.table;
    this.neighbours = o.neighbours;
    this.links = o.links;
    this.store = o.store;
    this.share = o.share;
    this.tuning = o.tuning;
  }

  get memoryBytes(): number {
    return this.dormant.memoryBytes;
  }

  /** Directions of routes through which something flowed lately. */
  get live(): { readonly buffers: ReadonlySet<RouteBuffer>; readonly rooms: ReadonlySet<Room> } {
    return { buffers: this.liveBuffers, rooms: this.liveRooms };
  }

  /** Whether anything of this half waits, or is under way to the next hop. */
  keeps(half: number): boolean {
    return !(this.buffers[half]?.isEmpty ?? true);
  }

  /** A slot of the table was given to a new route. */
  begin(slot: number): void {
    const { capacity } = this.table;
    while (this.buffers.length < 2 * capacity) {
      this.buffers.push(undefined);
      this.rooms.push(undefined);
    }
    this.dormant.begin(slot, capacity);
  }

  /** The route of a slot is gone; everything that was kept of it goes. */
  end(slot: number, now: number): void {
    for (const half of [2 * slot, 2 * slot + 1]) {
      const room = this.rooms[half];
      if (room === undefined) continue;
      this.neighbours.ofPort(this.table.portOf(half)).storedBytes -= room.stored;
      room.close();
      this.liveRooms.delete(room);
      this.rooms[half] = undefined;
    }
    for (const half of [2 * slot, 2 * slot + 1]) {
      const buffer = this.buffers[half];
      if (buffer === undefined) continue;
      this.buffers[half] = undefined;
      this.liveBuffers.delete(buffer);
      buffer.clear(now);
      buffer.ring?.remove(buffer);
    }
  }

  /** What goes out on this half, which has a port. */
  buffer(half: number, now: number): RouteBuffer {
    return this.buffers[half] ?? this.createBuffer(half, now);
  }

  /** What comes in on this half, which has a port. */
  room(half: number, now: number): Room {
    return this.rooms[half] ?? this.createRoom(half, now);
  }

  /** Undefined when nothing flowed lately. */
  bufferIfLive(half: number): RouteBuffer | undefined {
    return this.buffers[half];
  }

  roomIfLive(half: number): Room | undefined {
    return this.rooms[half];
  }

  /** Something changed about what a buffer may send. */
  update(buffer: RouteBuffer, now: number): void {
    const { neighbour } = buffer;
    this.housekeepAt = Math.min(this.housekeepAt, now + this.tuning.housekeepingMs);
    if (neighbour.scheduler.update(buffer) && neighbour.up) this.links.sendable(neighbour.link);
  }

  /** Bytes that a buffer kept are kept no more: there is room for others. */
  freed(buffer: RouteBuffer, bytes: number, now: number): void {
    if (buffer.intake !== undefined) {
      const { bound } = buffer.intake;
      this.share.commit(-bytes);
      if (bound.leave(bytes, now)) this.look(bound, buffer.heldBytes, undefined, buffer, now);
      this.begun(buffer);
      return;
    }
    const half = buffer.half ^ 1;
    const room = this.rooms[half];
    if (room === undefined) return;
    const from = this.neighbours.ofPort(this.table.portOf(half));
    from.storedBytes -= bytes;
    this.freeRoom(room, from, buffer, bytes, now);
  }

  /** Less waits in the buffer of an own route: who waits for room there may be told. */
  begun(buffer: RouteBuffer): void {
    if (buffer.intake?.takeWanted()) this.widened.push(buffer);
  }

  /** What is transit changed: buffers queue up anew. */
  requeue(now: number): void {
    for (const buffer of this.liveBuffers) {
      buffer.ring?.remove(buffer);
      this.update(buffer, now);
    }
  }

  /** A buffer of an own route in which there is room again, each once; undefined: no more. */
  takeWidened(): RouteBuffer | undefined {
    return this.widened.pop();
  }

  /** Gives room back to the neighbour. `buffer`: where the bytes stood; undefined at the end of the route. */
  freeRoom(room: Room, from: Neighbour, buffer: RouteBuffer | undefined, bytes: number, now: number): void {
    room.free(bytes, now);
    if (room.bound.leave(bytes, now)) this.look(room.bound, room.promised, from, buffer, now);
    if (this.table.classOf(room.half >> 1) !== REAL_TIME && room.worthTelling) this.oweCredit(room, from);
  }

  /** A CREDIT is to be written, with whatever the limit is then. */
  oweCredit(room: Room, to: Neighbour): void {
    if (room.creditDue) return;
    room.creditDue = true;
    to.limitFrames.addCredit(room.half);
    if (to.up) this.links.sendable(to.link);
  }

  wake(now: number): void {
    if (now < this.housekeepAt) return;
    let empty = true;
    for (const buffer of this.liveBuffers) {
      this.keepBuffer(buffer, now);
      if (!buffer.isEmpty) empty = false;
    }
    for (const room of this.liveRooms) this.keepRoom(room, now);
    for (const neighbour of this.neighbours.all()) {
      if (!neighbour.transit.isActive) continue;
      empty = false;
      this.shareTransit(neighbour, now);
    }
    const live = this.liveBuffers.size + this.liveRooms.size > 0;
    this.housekeepAt = live ? now + (empty ? DORMANCY_LOOKED_AT_MS : this.tuning.housekeepingMs) : NEVER;
  }

  nextWakeAt(): number {
    return this.widened.length > 0 ? 0 : this.housekeepAt;
  }

  /** Gives transit its share of the link anew. */
  private shareTransit(neighbour: Neighbour, now: number): void {
    const { transit, heldCredits, limitFrames } = neighbour;
    if (transit.wake(now, heldCredits.length)) this.links.askLoad(neighbour.link);
    // Who came last goes first, in case that there is not enough for all.
    if (heldCredits.length > 0 && transit.mayGive)
      for (const half of heldCredits.splice(0).reverse()) limitFrames.addCredit(half);
    // What waited for either share may go on.
    if (neighbour.up) this.links.sendable(neighbour.link);
  }

  private keepBuffer(buffer: RouteBuffer, now: number): void {
    const { neighbour } = buffer;
    buffer.age(now);
    if (!buffer.isBlocked) buffer.blockedAt = NEVER;
    else if (buffer.blockedAt === NEVER) buffer.blockedAt = now;
    else if (now - buffer.blockedAt >= neighbour.measures.bulkProbeMs && !buffer.blockedDue) {
      buffer.blockedAt = now;
      buffer.blockedDue = true;
      neighbour.limitFrames.addBlocked(buffer.half);
      if (neighbour.up) this.links.sendable(neighbour.link);
    }
    neighbour.scheduler.update(buffer);
    if (buffer.ring !== undefined && neighbour.up) this.links.sendable(neighbour.link);
    const { memory } = buffer;
    if (memory === undefined || now - buffer.usedAt < this.tuning.dormantAfterMs) return;
    this.dormant.keepBuffer(buffer.half, memory);
    this.liveBuffers.delete(buffer);
    this.buffers[buffer.half] = undefined;
  }

  private keepRoom(room: Room, now: number): void {
    const { memory } = room;
    if (memory === undefined || now - room.usedAt < this.tuning.dormantAfterMs) return;
    this.dormant.keepRoom(room.half, memory);
    room.close();
    this.liveRooms.delete(room);
    this.rooms[room.half] = undefined;
  }

  private createBuffer(half: number, now: number): RouteBuffer {
    const { table, store, tuning } = this;
    const buffer = new RouteBuffer({
      half,
      neighbour: this.neighbours.ofPort(table.portOf(half)),
      trafficClass: table.classOf(half >> 1),
      deliveryMs: table.deliveryOf(half >> 1),
      own: table.portOf(half ^ 1) === NO_PORT,
      memory: this.dormant.bufferOf(half),
      store,
      owner: this,
      tuning,
      now,
    });
    this.buffers[half] = buffer;
    this.liveBuffers.add(buffer);
    this.housekeepAt = Math.min(this.housekeepAt, now + DORMANCY_LOOKED_AT_MS);
    return buffer;
  }

  private createRoom(half: number, now: number): Room {
    const { table } = this;
    const stores = table.portOf(half ^ 1) !== NO_PORT && table.classOf(half >> 1) !== REAL_TIME;
    const room = new Room(half, this.dormant.roomOf(half), stores ? this.share : undefined, this.tuning, now);
    this.rooms[half] = room;
    this.liveRooms.add(room);
    this.housekeepAt = Math.min(this.housekeepAt, now + DORMANCY_LOOKED_AT_MS);
    return room;
  }

  /** Measures the loop anew: up to `from`, and down from `buffer`, which keeps nothing when the route is sent once. */
  private look(
    bound: FlowBound,
    ownBytes: number,
    from: Neighbour | undefined,
    buffer: RouteBuffer | undefined,
    now: number,
  ): void {
    const { loop } = this;
    const down = buffer === undefined || buffer.deliveryMs === SENT_ONCE ? undefined : buffer.neighbour.measures;
    const up = from?.measures;
    loop.roundTripMs = (up?.roundTripMs ?? 0) + (down?.roundTripMs ?? 0);
    loop.lossShare = Math.max(up?.lossShare ?? 0, down?.lossShare ?? 0);
    loop.burstMs = Math.max(burstMs(up), burstMs(down));
    loop.capBytes = this.share.capBytes(ownBytes);
    loop.ranDry = buffer?.ranDry ?? true;
    loop.isEnd = buffer === undefined;
    if (buffer !== undefined) buffer.ranDry = false;
    bound.look(loop, now);
  }
}

/** How much longer than chance has it a link loses all there is, at its pace. */
function burstMs(link: LinkMeasures | undefined): number {
  if (link === undefined || link.lossBurstDatagrams === 0) return 0;
  return (link.lossBurstDatagrams * link.frameBytes) / link.paceBytesPerMs;
}
