/**
 * The way of pieces through this node (docs/protocol.md section 3.3): in over a link, into the buffer of the next hop or
 * to the end of the route, out when the next link asks, forgotten when the next hop has them. And the way of room, against
 * it: bytes that are kept no more are given back by CREDIT to the neighbour they came from.
 *
 * Hot path: a piece that passes allocates nothing but a view of its bytes; test/bench/route-forward.ts measures it.
 */
import type { Drops } from '../base/drops.ts';
import type { LinkId } from '../base/ids.ts';
import { REAL_TIME, RELIABLE, SENT_ONCE } from '../base/traffic-class.ts';
import { type FrameSource, NO_ROOM, NOTHING, type OutgoingFrame, type OutgoingRun } from '../link/frame-source.ts';
import { createPiece, type Piece } from '../link/piece.ts';
import { LIMIT_FRAME_BYTES } from '../wire/frames.ts';
import { LARGEST_PIECE_BYTES } from './buffers/block-memory.ts';
import type { PieceStore } from './buffers/piece-store.ts';
import type { Room } from './buffers/room.ts';
import type { RouteBuffer } from './buffers/route-buffer.ts';
import type { Flows } from './flows.ts';
import { ID_BYTES, NONE } from './id-index.ts';
import type { Neighbour, Neighbours } from './neighbours.ts';
import type { RouteEnds } from './route-ends.ts';
import { NO_PORT, type RouteTable } from './route-table.ts';
import type { RouteTuning } from './tuning.ts';

/** Tokens of CREDIT and BLOCKED begin here; those of pieces are below. */
const LIMIT_TOKENS = 2 ** 52;
/** A CREDIT's token says which of so many it was. */
const CREDIT_NUMBERS = 256;

/** Pieces of unknown routes. */
export interface UnknownPieces {
  /** False when there is no place for it. */
  park(from: Neighbour, piece: Piece, now: number): boolean;
}

export class Forwarding implements FrameSource {
  pieces = 0;
  bytes = 0;
  private readonly table: RouteTable;
  private readonly neighbours: Neighbours;
  private readonly flows: Flows;
  private readonly store: PieceStore;
  private readonly ends: RouteEnds;
  private readonly unknown: UnknownPieces;
  private readonly drops: Drops;
  private readonly tuning: RouteTuning;
  /** Of pieces in a row, those that are looked at. */
  private readonly part = createPiece();

  constructor(o: {
    table: RouteTable;
    neighbours: Neighbours;
    flows: Flows;
    store: PieceStore;
    ends: RouteEnds;
    unknown: UnknownPieces;
    drops: Drops;
    tuning: RouteTuning;
  }) {
    this.table = o.table;
    this.neighbours = o.neighbours;
    this.flows = o.flows;
    this.store = o.store;
    this.ends = o.ends;
    this.unknown = o.unknown;
    this.drops = o.drops;
    this.tuning = o.tuning;
  }

  /** A piece, or a GONE, that came in over a link. False: there is no room, and it must not be acknowledged. */
  data(link: LinkId, piece: Piece, now: number): boolean {
    const from = this.neighbours.ofLink(link);
    if (from === undefined) {
      this.drops.count('route-link-unknown');
      return true;
    }
    const { table } = this;
    const half = table.findIncoming(from.port, piece.buffer, piece.routeIdAt);
    if (half === NONE) return this.unknown.park(from, piece, now);
    const slot = half >> 1;
    table.touch(slot, now);
    piece.realTime = table.classOf(slot) === REAL_TIME;
    const room = this.flows.room(half, now);
    return piece.sequences === 1 ? this.one(room, from, piece, now) : this.several(room, from, piece, now);
  }

  /** The next hop has room for so many bytes of the route under this id. */
  credit(link: LinkId, buffer: Uint8Array, routeIdAt: number, limit: number, now: number): void {
    const from = this.neighbours.ofLink(link);
    const half = from === undefined ? NONE : this.table.findOutgoing(from.port, buffer, routeIdAt);
    if (half === NONE) return this.drops.count('route-credit-unknown-id');
    const outgoing = this.flows.buffer(half, now);
    if (limit <= outgoing.limit) return;
    outgoing.limit = limit;
    this.flows.update(outgoing, now);
  }

  /** The hop before has something of the route under this id, and no room: it may have missed the last CREDIT. */
  blocked(link: LinkId, buffer: Uint8Array, routeIdAt: number, _limit: number, now: number): void {
    const from = this.neighbours.ofLink(link);
    const half = from === undefined ? NONE : this.table.findIncoming(from.port, buffer, routeIdAt);
    if (from === undefined || half === NONE) return this.drops.count('route-blocked-unknown-id');
    if (this.table.classOf(half >> 1) === REAL_TIME) return this.drops.count('route-blocked-real-time');
    const room = this.flows.room(half, now);
    room.bound.pressed = true;
    this.flows.oweCredit(room, from);
  }

  next(link: LinkId, roomBytes: number, now: number, frame: OutgoingFrame): number {
    const neighbour = this.neighbours.ofLink(link);
    if (neighbour === undefined) return NOTHING;
    const { scheduler } = neighbour;
    const record = scheduler.next(roomBytes, neighbour.measures.frameBytes, now, frame);
    if (record < 0) return record;
    frame.routeId = this.table.outIds;
    frame.routeIdAt = this.store.half[record] * ID_BYTES;
    return this.store.tokenOf(record);
  }

  nextRun(link: LinkId, frameBytes: number, most: number, now: number, run: OutgoingRun): number {
    const neighbour = this.neighbours.ofLink(link);
    const buffer = neighbour?.scheduler.nextRun(frameBytes, most, now, run);
    if (buffer === undefined) return 0;
    run.routeId = this.table.outIds;
    run.routeIdAt = buffer.half * ID_BYTES;
    return run.count;
  }

  nextControl(link: LinkId, roomBytes: number, _now: number, frame: OutgoingFrame): number {
    const neighbour = this.neighbours.ofLink(link);
    if (neighbour === undefined) return NOTHING;
    const { limitFrames } = neighbour;
    for (let due = limitFrames.first(); due !== NONE; due = limitFrames.first()) {
      if (roomBytes < LIMIT_FRAME_BYTES) return NO_ROOM;
      limitFrames.shift();
      const half = due >> 1;
      // The route may have gone since, and another have taken its place.
      if (this.table.portOf(half) !== neighbour.port) continue;
      const filled = (due & 1) === 0 ? this.fillCredit(neighbour, half, frame) : this.fillBlocked(half, frame);
      if (filled !== NONE) return LIMIT_TOKENS + (half * CREDIT_NUMBERS + filled) * 2 + (due & 1);
    }
    return NOTHING;
  }

  acked(_link: LinkId, tokens: Float64Array, count: number, now: number): void {
    const { store, flows } = this;
    let buffer: RouteBuffer | undefined;
    let freedBytes = 0;
    for (let i = 0; i < count; i++) {
      const record = tokens[i] >= LIMIT_TOKENS ? NONE : store.recordOf(tokens[i]);
      if (record === NONE) continue;
      if (store.half[record] !== buffer?.half) {
        this.freed(buffer, freedBytes, now);
        buffer = flows.bufferIfLive(store.half[record]);
        freedBytes = 0;
      }
      freedBytes += buffer?.acked(record, now) ?? 0;
    }
    this.freed(buffer, freedBytes, now);
    this.tellWidened(now);
  }

  lost(_link: LinkId, token: number, now: number): void {
    if (token >= LIMIT_TOKENS) {
      this.limitLost(token - LIMIT_TOKENS);
      return;
    }
    const record = this.store.recordOf(token);
    if (record === NONE) return;
    const buffer = this.flows.bufferIfLive(this.store.half[record]);
    if (buffer === undefined) return;
    buffer.lost(record, now);
    this.flows.update(buffer, now);
    this.tellWidened(now);
  }

  wake(now: number): void {
    this.flows.wake(now);
    this.tellWidened(now);
  }

  /** The next hop has so many bytes of the buffer. */
  private freed(buffer: RouteBuffer | undefined, bytes: number, now: number): void {
    if (buffer === undefined) return;
    buffer.free(bytes, now);
    this.flows.update(buffer, now);
  }

  private one(room: Room, from: Neighbour, piece: Piece, now: number): boolean {
    const look = room.window.look(piece.sequence);
    if (look === 'taken') return true;
    if (look === 'beyond') return this.refuse('route-sequence-beyond');
    if (!piece.realTime && room.received + piece.length > room.limit) return this.refuse('route-beyond-credit');
    if (!piece.gone && (piece.length === 0 || piece.length > LARGEST_PIECE_BYTES)) {
      this.drops.count('route-piece-length');
      room.take(piece.sequence, 1, 0, now);
      return true;
    }
    return this.keep(room, from, piece, now);
  }

  /**
   * Pieces in a row. A whole message arrives as it is; else as many together as a block takes, or one by one where not all
   * of them are new or there is no room for all. False when one was refused.
   */
  private several(room: Room, from: Neighbour, piece: Piece, now: number): boolean {
    const { sequences, eachBytes, realTime } = piece;
    const fits = realTime || room.received + piece.length <= room.limit;
    const together = fits && eachBytes <= LARGEST_PIECE_BYTES && room.window.isNew(piece.sequence, sequences);
    const isWhole = piece.offset === 0 && piece.last && this.table.portOf(room.half ^ 1) === NO_PORT;
    if (together && isWhole) return this.keep(room, from, piece, now);
    const { part } = this;
    const { blocks } = this.store;
    Object.assign(part, piece);
    for (let done = 0; done < sequences; done += part.sequences) {
      const left = piece.length - done * eachBytes;
      const blockBytes = together ? blocks.partOf(left) : eachBytes;
      part.sequences = blockBytes >= left ? sequences - done : Math.floor(blockBytes / eachBytes);
      const isLast = done + part.sequences === sequences;
      part.sequence = (piece.sequence + done) >>> 0;
      part.offset = piece.offset + done * eachBytes;
      part.start = piece.start + done * eachBytes;
      part.length = isLast ? piece.length - done * eachBytes : part.sequences * eachBytes;
      part.last = isLast && piece.last;
      const kept = together ? this.keep(room, from, part, now) : this.one(room, from, part, now);
      if (!kept) return false;
    }
    return true;
  }

  /** What is new and within its limits. */
  private keep(room: Room, from: Neighbour, piece: Piece, now: number): boolean {
    return this.table.portOf(room.half ^ 1) === NO_PORT
      ? this.arrive(room, from, piece, now)
      : this.passOn(room, from, piece, now);
  }

  private passOn(room: Room, from: Neighbour, piece: Piece, now: number): boolean {
    const { table, store, flows } = this;
    const out = room.half ^ 1;
    const to = this.neighbours.ofPort(table.portOf(out));
    if (!to.up) {
      this.drops.count('route-link-down');
      return true;
    }
    // One neighbour may fill nearly all the memory, and never all of it.
    const { blocks } = store;
    const tooMuch = from.storedBytes > this.tuning.shareFactor * (blocks.limitBytes - blocks.usedBytes);
    const record = tooMuch ? NONE : store.add(out, piece, deadlineOf(piece, table.deliveryOf(out >> 1), now));
    if (record === NONE) return this.refuse('route-memory-full');
    room.take(piece.sequence, piece.sequences, piece.length, now);
    if (piece.gone) flows.freeRoom(room, from, undefined, piece.length, now);
    else {
      from.storedBytes += piece.length;
      from.transit.received(piece.length, false);
      this.pieces += piece.sequences;
      this.bytes += piece.length;
    }
    const buffer = flows.buffer(out, now);
    buffer.append(record, now);
    flows.update(buffer, now);
    return true;
  }

  private arrive(room: Room, from: Neighbour, piece: Piece, now: number): boolean {
    const slot = room.half >> 1;
    const arrival = piece.gone ? 'ended' : this.ends.arrive(slot, piece);
    if (arrival === 'full') return this.refuse('route-memory-full');
    room.take(piece.sequence, piece.sequences, piece.length, now);
    from.transit.received(piece.length, true);
    this.flows.freeRoom(room, from, undefined, piece.length, now);
    if (piece.gone) this.ends.gone(slot, piece.message, now);
    else this.ends.deliver(slot, piece, arrival, now);
    return true;
  }

  private refuse(reason: string): boolean {
    this.drops.count(reason);
    return false;
  }

  /** Which CREDIT of its room it is, or NONE when none is due. */
  private fillCredit(to: Neighbour, half: number, frame: OutgoingFrame): number {
    const room = this.flows.roomIfLive(half);
    if (room === undefined || !room.creditDue) return NONE;
    const isTransit = this.table.portOf(half ^ 1) !== NO_PORT;
    if (isTransit && !to.transit.mayGive) {
      room.bound.heldBack = true;
      to.heldCredits.push(half);
      return NONE;
    }
    const rise = room.raise(isTransit ? to.transit.mostAtOnce : Number.POSITIVE_INFINITY);
    room.creditDue = isTransit && room.worthTelling && to.transit.holdsBack;
    if (isTransit) to.transit.give(rise);
    if (room.creditDue) {
      room.bound.heldBack = true;
      to.heldCredits.push(half);
    }
    frame.kind = 'credit';
    frame.routeId = this.table.inIds;
    frame.routeIdAt = half * ID_BYTES;
    frame.limit = room.limit;
    return room.credits % CREDIT_NUMBERS;
  }

  private fillBlocked(half: number, frame: OutgoingFrame): number {
    const buffer = this.flows.bufferIfLive(half);
    if (buffer === undefined || !buffer.blockedDue) return NONE;
    buffer.blockedDue = false;
    if (!buffer.isBlocked) return NONE;
    frame.kind = 'blocked';
    frame.routeId = this.table.outIds;
    frame.routeIdAt = half * ID_BYTES;
    frame.limit = buffer.limit;
    return 0;
  }

  /** The newest CREDIT is said again when it was lost. A lost BLOCKED is repeated in any case. */
  private limitLost(name: number): void {
    if (name % 2 !== 0) return;
    const number = Math.floor(name / 2) % CREDIT_NUMBERS;
    const half = Math.floor(name / 2 / CREDIT_NUMBERS);
    const room = this.flows.roomIfLive(half);
    if (room === undefined || room.credits % CREDIT_NUMBERS !== number) return;
    this.flows.oweCredit(room, this.neighbours.ofPort(this.table.portOf(half)));
  }

  private tellWidened(now: number): void {
    for (let buffer = this.flows.takeWidened(); buffer !== undefined; buffer = this.flows.takeWidened()) {
      this.ends.widened(buffer.half, now);
    }
  }
}

/** When the piece is over at this node. The hop before may have left out the time; then the route's own begins here. */
function deadlineOf(piece: Piece, deliveryMs: number, now: number): number {
  if (piece.ttlMs >= 0) return now + piece.ttlMs;
  const timed = deliveryMs !== RELIABLE && deliveryMs !== SENT_ONCE;
  return timed && !piece.gone ? now + deliveryMs : Number.POSITIVE_INFINITY;
}
