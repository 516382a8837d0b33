/**
 * The routes that begin or end at this node: messages are cut into the store where they are sent, and put together where
 * they arrive (docs/protocol.md section 3).
 */
import { assert } from '../base/assert.ts';
import { wipe } from '../base/bytes.ts';
import type { RouteHandle } from '../base/ids.ts';
import { REAL_TIME, RELIABLE, SENT_ONCE } from '../base/traffic-class.ts';
import type { Piece } from '../link/piece.ts';
import type { Intake } from './buffers/intake.ts';
import type { MemoryShare } from './buffers/memory-share.ts';
import { FLAG_LAST, FLAG_TTL, type PieceStore } from './buffers/piece-store.ts';
import type { RouteBuffer } from './buffers/route-buffer.ts';
import type { Flows } from './flows.ts';
import { NONE } from './id-index.ts';
import { MAX_MESSAGE_BYTES } from './protocol-limits.ts';
import { type Arrival, createInbox, type Inbox, type Reassembler } from './reassembly.ts';
import type { RouteEvents } from './route-ports.ts';
import { type RouteTable, TOWARDS_DESTINATION } from './route-table.ts';

export interface End {
  readonly handle: RouteHandle;
  readonly slot: number;
  /** The half that looks at the neighbour. */
  readonly half: number;
  /** At the origin: one a hop. Empty at the destination. */
  readonly sharedSecrets: readonly Uint8Array[];
  readonly inbox: Inbox;
  /** Number of the next message to send. */
  nextMessage: number;
  /** Its owner closed it: it lasts until what he sent before has left, and tells him nothing any more. */
  isClosed: boolean;
}

/** No room, or the route is gone. */
export const NOT_SENT = -1;

export class RouteEnds {
  private readonly table: RouteTable;
  private readonly flows: Flows;
  private readonly store: PieceStore;
  private readonly share: MemoryShare;
  private readonly reassembler: Reassembler;
  private readonly events: RouteEvents;
  private readonly ends = new Map<number, End>();
  /** Records of the message that is being cut. */
  private readonly cut: number[] = [];
  private beginning = 0;

  constructor(o: {
    table: RouteTable;
    flows: Flows;
    store: PieceStore;
    share: MemoryShare;
    reassembler: Reassembler;
    events: RouteEvents;
  }) {
    this.table = o.table;
    this.flows = o.flows;
    this.store = o.store;
    this.share = o.share;
    this.reassembler = o.reassembler;
    this.events = o.events;
  }

  get size(): number {
    return this.ends.size;
  }

  /** Routes that begin here. */
  get origins(): number {
    return this.beginning;
  }

  /** The class and delivery of the slot are set. */
  add(handle: RouteHandle, half: number, sharedSecrets: readonly Uint8Array[]): void {
    const slot = half >> 1;
    const late = this.table.classOf(slot) === REAL_TIME ? 'real-time' : 'bulk';
    const inbox = createInbox(this.table.deliveryOf(slot) === SENT_ONCE ? 'once' : late);
    this.ends.set(handle, { handle, slot, half, sharedSecrets, inbox, nextMessage: 0, isClosed: false });
    if ((half & 1) === TOWARDS_DESTINATION) this.beginning++;
  }

  /** Undefined at a relay. */
  ofSlot(slot: number): End | undefined {
    return this.ends.get(this.table.handleOf(slot));
  }

  /** Undefined when it is gone or closed. */
  get(route: RouteHandle): End | undefined {
    const end = this.ends.get(route);
    return end?.isClosed ? undefined : end;
  }

  remove(end: End): void {
    if ((end.half & 1) === TOWARDS_DESTINATION) this.beginning--;
    this.ends.delete(end.handle);
    this.reassembler.empty(end.inbox);
    for (const secret of end.sharedSecrets) wipe(secret);
  }

  /** Bytes of messages that may be sent now. An empty buffer takes any message. */
  room(route: RouteHandle, now: number): number {
    const end = this.get(route);
    if (end === undefined) return 0;
    const intake = this.intakeOf(end, now);
    const { room } = intake;
    if (room < MAX_MESSAGE_BYTES) intake.want();
    return room;
  }

  /** The number of the message, or NOT_SENT. */
  send(route: RouteHandle, message: Uint8Array, now: number): number {
    assert(message.length > 0 && message.length <= MAX_MESSAGE_BYTES, 'a message has 1 to 65,535 bytes');
    const end = this.get(route);
    if (end === undefined) return NOT_SENT;
    const buffer = this.flows.buffer(end.half, now);
    const intake = this.intakeOf(end, now);
    if (intake.room < message.length || !this.cutUp(end, buffer, message, now)) {
      intake.want();
      return NOT_SENT;
    }
    const { cut } = this;
    this.share.commit(message.length);
    for (const record of cut) buffer.append(record, now);
    cut.length = 0;
    intake.put();
    const number = end.nextMessage;
    end.nextMessage = (number + 1) >>> 0;
    this.table.touch(end.slot, now);
    this.flows.update(buffer, now);
    return number;
  }

  /** Keeps a piece that was not taken before; `deliver` follows unless the answer is `full`: no memory. */
  arrive(slot: number, piece: Piece): Arrival {
    return this.reassembler.put(this.endAt(slot).inbox, piece);
  }

  /** Tells what became of the messages of this end with the piece that arrived. */
  deliver(slot: number, piece: Piece, arrival: Arrival, now: number): void {
    const end = this.endAt(slot);
    if (arrival === 'whole' && !end.isClosed)
      this.events.message(end.handle, this.reassembler.message, piece.message, now);
    this.tellLost(end, now);
  }

  /** A piece of this message was given up on its way. */
  gone(slot: number, message: number, now: number): void {
    const end = this.endAt(slot);
    if (this.reassembler.gone(end.inbox, message)) this.reassembler.lost.push(message);
    this.tellLost(end, now);
  }

  /** There is room in the buffer of this half again. */
  widened(half: number, now: number): void {
    const end = this.ofSlot(half >> 1);
    if (end !== undefined && !end.isClosed) this.events.writable(end.handle, now);
  }

  private tellLost(end: End, now: number): void {
    const { lost } = this.reassembler;
    if (lost.length === 0) return;
    for (const message of lost.splice(0)) {
      // The handler may have closed the route.
      if (this.get(end.handle) !== undefined) this.events.lost(end.handle, message, now);
    }
  }

  /** The message as records of the store, each as long as a block takes; false, and none, when there is no memory. */
  private cutUp(end: End, buffer: RouteBuffer, message: Uint8Array, now: number): boolean {
    const { store, cut } = this;
    const { deliveryMs } = buffer;
    const timed = deliveryMs !== RELIABLE && deliveryMs !== SENT_ONCE;
    const deadlineAt = timed ? now + deliveryMs : Number.POSITIVE_INFINITY;
    for (let at = 0, length = 0; at < message.length; at += length) {
      length = store.blocks.partOf(message.length - at);
      const flags = (at + length === message.length ? FLAG_LAST : 0) | (timed ? FLAG_TTL : 0);
      const record = store.put(end.half, end.nextMessage, at, flags, deadlineAt, message, at, length);
      if (record === NONE) {
        for (const part of cut) store.release(part);
        cut.length = 0;
        return false;
      }
      cut.push(record);
    }
    return true;
  }

  private intakeOf(end: End, now: number): Intake {
    const { intake } = this.flows.buffer(end.half, now);
    assert(intake !== undefined, 'what leaves an end belongs to a route of this node');
    return intake;
  }

  private endAt(slot: number): End {
    const end = this.ofSlot(slot);
    assert(end !== undefined, 'a half without a port is an end');
    return end;
  }
}
