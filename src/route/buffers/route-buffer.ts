/**
 * What one direction of a route keeps at this node until the next hop has it (docs/protocol.md section 3.3). Pieces wait,
 * are sent (cut to what the datagram has room for, with the next sequence), and stay until they are acknowledged; lost
 * ones go out again before those that wait.
 *
 * A piece whose time is over becomes a GONE where it stands: with its sequence and length when it was sent, else with a
 * new sequence and nothing to count. Three reasons: its deadline; a Bulk route of whose pieces none got through for 2 s and
 * three probe timeouts; a Real Time route with more than 64 KiB waiting, which loses the oldest. A piece that is sent once
 * loses its bytes when it is sent, and becomes a GONE when it is lost.
 *
 * Hot path: allocates nothing.
 */
import { REAL_TIME, RELIABLE, SENT_ONCE, type TrafficClass } from '../../base/traffic-class.ts';
import { NO_ROOM, NOTHING, type OutgoingFrame, type OutgoingRun } from '../../link/frame-source.ts';
import { DATA_OVERHEAD_BYTES } from '../../wire/frames.ts';
import { NONE } from '../id-index.ts';
import type { Ring } from '../link-scheduler.ts';
import type { Neighbour } from '../neighbours.ts';
import {
  INITIAL_CREDIT_BYTES,
  LEAST_ROOM_BYTES,
  PERSISTENCE_MS,
  PERSISTENCE_PROBES,
  REAL_TIME_WAITING_BYTES,
  SEQUENCES_UNDER_WAY,
} from '../protocol-limits.ts';
import type { RouteTuning } from '../tuning.ts';
import { LARGEST_PIECE_BYTES } from './block-memory.ts';
import { Intake } from './intake.ts';
import { bodyBytesOf, fillFrame, frameBytesOf, overheadBytesOf } from './piece-frames.ts';
import { FLAG_AGAIN, FLAG_GONE, FLAG_LAST, FLAG_ONCE, FLAG_SENT, PieceList, type PieceStore } from './piece-store.ts';

/** Nothing for this datagram; the next one may carry a copy. */
export const NOT_IN_THIS_DATAGRAM = -3;

/** What is remembered of a buffer while its route is idle. */
export interface BufferMemory {
  readonly sequence: number;
  readonly sent: number;
  readonly limit: number;
}

export const NEW_BUFFER: BufferMemory = { sequence: 0, sent: 0, limit: INITIAL_CREDIT_BYTES };

/** Who hears what becomes of what is kept: bytes are kept no more. */
export interface BufferOwner {
  freed(buffer: RouteBuffer, bytes: number, now: number): void;
  /** In a buffer of an own route less waits to be sent. */
  begun(buffer: RouteBuffer): void;
}

export class RouteBuffer {
  /** Half of the route by which the pieces go out, and the neighbour there. */
  readonly half: number;
  readonly neighbour: Neighbour;
  readonly trafficClass: TrafficClass;
  readonly deliveryMs: number;
  /** Of a route that begins or ends at this node, not one that passes through. */
  readonly intake: Intake | undefined;
  /** Bytes that wait to be sent for the first time, and all bytes that are kept. */
  waitingBytes = 0;
  heldBytes = 0;
  /** Nothing waited at some time since the bound was last looked at: the link may have had to wait for more. */
  ranDry = false;
  /** The next sequence, the bytes of all before it, and the limit that the next hop set for these. */
  sequence: number;
  sent: number;
  limit: number;
  blockedDue = false;
  /** Since when there is something to send and no room; or +Infinity. */
  blockedAt = Number.POSITIVE_INFINITY;
  usedAt: number;
  /** The scheduler's. */
  deficit = 0;
  ring: Ring | undefined;
  nextInRing: RouteBuffer | undefined;
  previousInRing: RouteBuffer | undefined;
  forwardedPieces = 0;
  forwardedBytes = 0;
  retransmittedPieces = 0;
  gonePieces = 0;
  private readonly store: PieceStore;
  private readonly owner: BufferOwner;
  private readonly tuning: RouteTuning;
  private readonly waiting: PieceList;
  /** Sent and not acknowledged, by sequence. */
  private readonly unacked: PieceList;
  private readonly again: PieceList;
  private progressAt: number;

  constructor(o: {
    half: number;
    neighbour: Neighbour;
    trafficClass: TrafficClass;
    deliveryMs: number;
    own: boolean;
    memory: BufferMemory;
    store: PieceStore;
    owner: BufferOwner;
    tuning: RouteTuning;
    now: number;
  }) {
    this.half = o.half;
    this.neighbour = o.neighbour;
    this.trafficClass = o.trafficClass;
    this.deliveryMs = o.deliveryMs;
    this.sequence = o.memory.sequence;
    this.sent = o.memory.sent;
    this.limit = o.memory.limit;
    this.store = o.store;
    this.owner = o.owner;
    this.tuning = o.tuning;
    this.intake = o.own ? new Intake(this, o.tuning) : undefined;
    this.waiting = new PieceList(o.store.next, o.store.previous);
    this.unacked = new PieceList(o.store.next, o.store.previous);
    this.again = new PieceList(o.store.nextAgain, o.store.previousAgain);
    this.progressAt = o.now;
    this.usedAt = o.now;
  }

  /** Nothing waits and nothing is under way. */
  get isEmpty(): boolean {
    return this.waiting.count + this.unacked.count === 0;
  }

  get piecesUnderWay(): number {
    return this.unacked.count;
  }

  /** Something may be sent now. */
  get isReady(): boolean {
    return this.again.count > 0 || (this.waiting.count > 0 && this.mayBegin);
  }

  /** Something waits, and only room is missing. */
  get isBlocked(): boolean {
    return this.waiting.count > 0 && this.again.count === 0 && !this.hasCredit;
  }

  get memory(): BufferMemory | undefined {
    if (!this.isEmpty) return undefined;
    return { sequence: this.sequence, sent: this.sent, limit: this.limit };
  }

  /** A record of the store, in no list, goes behind what waits. */
  append(record: number, now: number): void {
    const { store } = this;
    store.half[record] = this.half;
    if (this.onceOnLink) store.flags[record] |= FLAG_ONCE;
    const limitMs = Math.min(this.neighbour.measures.deliveryMs, RELIABLE);
    if (limitMs !== RELIABLE && limitMs !== SENT_ONCE) {
      store.deadlineAt[record] = Math.min(store.deadlineAt[record], now + limitMs);
    }
    this.waiting.push(record);
    if ((store.flags[record] & FLAG_GONE) === 0) {
      this.waitingBytes += store.length[record];
      this.heldBytes += store.length[record];
    }
    this.usedAt = now;
    if (this.trafficClass === REAL_TIME) this.shed(now);
  }

  /**
   * The next frame, at most `roomBytes` long; `datagram` numbers the datagrams of the link. Returns the record that is
   * sent, NO_ROOM, NOTHING or NOT_IN_THIS_DATAGRAM.
   */
  take(roomBytes: number, datagram: number, now: number, frame: OutgoingFrame): number {
    this.usedAt = now;
    const { again, waiting } = this;
    let pending = NOTHING;
    if (again.count > 0) {
      const record = this.repeatable(roomBytes, datagram, now);
      if (record >= 0) return this.repeat(record, datagram, now, frame);
      pending = record;
    }
    if (waiting.count === 0 || !this.mayBegin) return pending;
    const record = this.beginnable(roomBytes, pending !== NO_ROOM, now);
    return record >= 0 ? this.begin(record, datagram, now, frame) : record === NOTHING ? pending : record;
  }

  /**
   * The next pieces of a long one, each a datagram of its own that it fills, with the same result as `take` once for each: at most `most`,
   * fewer where room or sequences end. 0 where anything else is next; `datagram` is the first's.
   */
  takeRun(frameBytes: number, most: number, datagram: number, now: number, run: OutgoingRun): number {
    const { store, waiting, unacked } = this;
    const first = waiting.head;
    if (first === NONE || this.again.count > 0 || this.trafficClass === REAL_TIME) return 0;
    if ((store.flags[first] & ~FLAG_LAST) !== 0 || now >= store.deadlineAt[first]) return 0;
    const eachBytes = frameBytes - DATA_OVERHEAD_BYTES;
    const spanned = unacked.head === NONE ? 0 : (this.sequence - store.sequence[unacked.head]) >>> 0;
    const count = Math.min(
      most,
      Math.floor((store.length[first] - 1) / eachBytes),
      Math.floor((this.limit - this.sent) / eachBytes),
      SEQUENCES_UNDER_WAY - spanned,
    );
    if (count <= 0 || eachBytes > LARGEST_PIECE_BYTES) return 0;
    run.sequence = this.sequence;
    run.message = store.message[first];
    run.offset = store.offset[first];
    run.buffer = store.blocks.bytesOf(store.block[first]);
    run.start = store.start[first];
    run.eachBytes = eachBytes;
    if (!store.split(first, eachBytes, count)) return 0;
    if (unacked.count === 0) this.progressAt = now;
    for (let i = 0; i < count; i++) {
      const record = store.fronts[i];
      store.sequence[record] = (run.sequence + i) >>> 0;
      store.flags[record] |= FLAG_SENT;
      store.underWay[record] = 1;
      store.datagram[record] = (datagram + i) >>> 0;
      unacked.push(record);
      run.tokens[i] = store.tokenOf(record);
    }
    this.sequence = (run.sequence + count) >>> 0;
    this.sent += count * eachBytes;
    this.forwardedPieces += count;
    this.forwardedBytes += count * eachBytes;
    this.waitingBytes -= count * eachBytes;
    this.usedAt = now;
    if (this.intake !== undefined) this.owner.begun(this);
    return count;
  }

  /** A datagram with this record arrived. Returns the bytes that are kept no more: `free` is for them. */
  acked(record: number, now: number): number {
    const { store } = this;
    this.progressAt = now;
    this.usedAt = now;
    if ((store.flags[record] & FLAG_AGAIN) !== 0) this.again.remove(record);
    this.unacked.remove(record);
    const bytes = store.block[record] === NONE ? 0 : store.length[record];
    store.release(record);
    return bytes;
  }

  /** So many bytes are kept no more. */
  free(bytes: number, now: number): void {
    if (bytes === 0) return;
    this.heldBytes -= bytes;
    this.owner.freed(this, bytes, now);
  }

  /** A datagram with this record was lost. */
  lost(record: number, now: number): void {
    const { store } = this;
    if (store.underWay[record] > 0) store.underWay[record]--;
    const flags = store.flags[record];
    if (store.underWay[record] > 0 || (flags & FLAG_AGAIN) !== 0) return;
    if (store.block[record] === NONE || now >= store.deadlineAt[record]) this.giveUp(record, now);
    store.copies[record] = 0;
    this.sendAgain(record);
  }

  /** What time does to a buffer; called every `housekeepingMs` while it holds anything. */
  age(now: number): void {
    const { store, unacked } = this;
    for (
      let record = this.waiting.head;
      record !== NONE && now >= store.deadlineAt[record];
      record = store.next[record]
    ) {
      this.giveUp(record, now);
    }
    for (let record = this.again.head; record !== NONE; record = store.nextAgain[record]) {
      if (now >= store.deadlineAt[record]) this.giveUp(record, now);
    }
    if (unacked.count > 0 && this.trafficClass !== REAL_TIME && now - this.progressAt >= this.patienceMs) {
      for (let record = unacked.head; record !== NONE; record = store.next[record]) this.giveUp(record, now);
      this.progressAt = now;
    }
  }

  /** The route is gone: nothing is kept. */
  clear(now: number): void {
    const { store } = this;
    for (const list of [this.waiting, this.unacked]) {
      while (list.head !== NONE) {
        const record = list.head;
        list.remove(record);
        if ((store.flags[record] & FLAG_AGAIN) !== 0) this.again.remove(record);
        store.release(record);
      }
    }
    const bytes = this.heldBytes;
    this.waitingBytes = 0;
    if (bytes > 0) this.free(bytes, now);
  }

  /** How long pieces are tried of which none gets through. */
  private get patienceMs(): number {
    return Math.max(PERSISTENCE_MS, PERSISTENCE_PROBES * this.neighbour.measures.bulkProbeMs);
  }

  private get onceOnLink(): boolean {
    return this.deliveryMs === SENT_ONCE || this.neighbour.measures.deliveryMs === SENT_ONCE;
  }

  /** The next piece may get a sequence. */
  private get mayBegin(): boolean {
    return this.hasCredit && !this.spansAll;
  }

  private get hasCredit(): boolean {
    if (this.trafficClass === REAL_TIME) return true;
    const { store } = this;
    const head = this.waiting.head;
    if ((store.flags[head] & FLAG_GONE) !== 0) return true;
    const credit = this.limit - this.sent;
    const { frameBytes } = this.neighbour.measures;
    if (credit >= Math.min(store.length[head], frameBytes - overheadBytesOf(store, head))) return true;
    // More comes when what stands at the next hop has gone on, and then it is enough for any piece but a long one. Cut, a piece
    // costs a header, often a datagram, and its rest is cut again.
    return store.length[head] > LEAST_ROOM_BYTES && this.unacked.count === 0 && credit >= this.tuning.leastPieceBytes;
  }

  private get spansAll(): boolean {
    const oldest = this.unacked.head;
    return oldest !== NONE && (this.sequence - this.store.sequence[oldest]) >>> 0 >= SEQUENCES_UNDER_WAY;
  }

  /** Of the records to send again one that fits; the first is made to fit where the whole datagram is too short for it. */
  private repeatable(roomBytes: number, datagram: number, now: number): number {
    const { store, again } = this;
    let result = NOT_IN_THIS_DATAGRAM;
    let record = again.head;
    for (let looks = this.tuning.piecesLookedAt; record !== NONE && looks > 0; looks--) {
      if (now >= store.deadlineAt[record]) this.giveUp(record, now);
      if (store.copies[record] === 0 || store.datagram[record] !== datagram) {
        if (frameBytesOf(store, record) <= roomBytes) return record;
        if (roomBytes >= this.neighbour.measures.frameBytes && this.narrow(record, roomBytes)) return record;
        result = NO_ROOM;
      }
      record = store.nextAgain[record];
    }
    return result;
  }

  /**
   * The first of what waits. Where a datagram is begun it goes in any case, or what fits would overtake it for ever; the rest of
   * a datagram is for whatever fits as it is, near the front. What fits an empty datagram is never cut to fill one up: its rest
   * would not fill the next, which is filled by another cut, and so at each hop, until all goes in crumbs, each with a header.
   * Nor is the front of what is long: from a datagram of its own on it goes in full ones, which leave and arrive as one run.
   */
  private beginnable(roomBytes: number, mayCut: boolean, now: number): number {
    const { store, waiting, tuning } = this;
    const { frameBytes } = this.neighbour.measures;
    const whole = roomBytes >= frameBytes;
    const credit = this.trafficClass === REAL_TIME ? Number.POSITIVE_INFINITY : this.limit - this.sent;
    let record = waiting.head;
    for (let looks = whole ? 1 : tuning.piecesLookedAt; record !== NONE && looks > 0; looks--) {
      if (now >= store.deadlineAt[record]) this.giveUp(record, now);
      const bytes = bodyBytesOf(store, record);
      if (overheadBytesOf(store, record) + bytes <= roomBytes && bytes <= credit && bytes <= LARGEST_PIECE_BYTES)
        return record;
      record = store.next[record];
    }
    const first = waiting.head;
    const fitsAlone = frameBytesOf(store, first) <= frameBytes;
    if (!whole && (!mayCut || fitsAlone || store.length[first] > tuning.aloneFrames * frameBytes)) return NO_ROOM;
    const bytes = Math.min(roomBytes - overheadBytesOf(store, first), credit, LARGEST_PIECE_BYTES);
    if (bytes < tuning.leastPieceBytes && !whole) return NO_ROOM;
    const rest = store.cut(first, bytes);
    if (rest === NONE) return NOTHING;
    waiting.insertBehind(first, rest);
    return first;
  }

  /** Sends a record again, or once more to another datagram. */
  private repeat(record: number, datagram: number, now: number, frame: OutgoingFrame): number {
    const { store } = this;
    if (store.copies[record] > 0) store.copies[record]--;
    else {
      this.retransmittedPieces++;
      store.copies[record] = this.copiesBeside(record);
    }
    if (store.copies[record] === 0) {
      this.again.remove(record);
      store.flags[record] &= ~FLAG_AGAIN;
    }
    this.leave(record, datagram, now, frame);
    return record;
  }

  /** Sends a record that waited. */
  private begin(record: number, datagram: number, now: number, frame: OutgoingFrame): number {
    const { store } = this;
    const gone = (store.flags[record] & FLAG_GONE) !== 0;
    this.waiting.remove(record);
    if (this.unacked.count === 0) this.progressAt = now;
    this.unacked.push(record);
    store.sequence[record] = this.sequence;
    store.flags[record] |= FLAG_SENT;
    this.sequence = (this.sequence + 1) >>> 0;
    this.forwardedPieces++;
    if (!gone) {
      const bytes = store.length[record];
      this.sent += bytes;
      this.forwardedBytes += bytes;
      this.waitingBytes -= bytes;
      if (this.waitingBytes === 0) this.ranDry = true;
      store.copies[record] = this.copiesBeside(record);
      if (store.copies[record] > 0) this.sendAgain(record);
    }
    this.leave(record, datagram, now, frame);
    if (!gone && (store.flags[record] & FLAG_ONCE) !== 0) {
      store.dropBytes(record);
      this.free(store.length[record], now);
    }
    if (this.intake !== undefined) this.owner.begun(this);
    return record;
  }

  private leave(record: number, datagram: number, now: number, frame: OutgoingFrame): void {
    const { store } = this;
    store.underWay[record]++;
    store.datagram[record] = datagram;
    fillFrame(store, record, this.trafficClass === REAL_TIME, now, frame);
  }

  /** Replaces a record by a GONE where it stands. */
  private giveUp(record: number, now: number): void {
    const { store } = this;
    store.deadlineAt[record] = Number.POSITIVE_INFINITY;
    if ((store.flags[record] & FLAG_GONE) !== 0) return;
    this.gonePieces++;
    store.flags[record] |= FLAG_GONE;
    store.copies[record] = 0;
    const kept = store.block[record] !== NONE;
    const bytes = store.length[record];
    store.dropBytes(record);
    if ((store.flags[record] & FLAG_SENT) === 0) {
      store.length[record] = 0;
      this.waitingBytes -= bytes;
    }
    if (kept) this.free(bytes, now);
  }

  /** Real Time at more than 64 KiB loses the oldest; of those that were lost, as many are told as there are places. */
  private shed(now: number): void {
    const { store, waiting } = this;
    for (
      let record = waiting.head;
      record !== NONE && this.waitingBytes > REAL_TIME_WAITING_BYTES;
      record = store.next[record]
    ) {
      this.giveUp(record, now);
    }
    while (waiting.count > this.tuning.realTimeWaitingPieces) {
      const oldest = waiting.head;
      this.giveUp(oldest, now);
      waiting.remove(oldest);
      store.release(oldest);
    }
  }

  private sendAgain(record: number): void {
    this.store.flags[record] |= FLAG_AGAIN;
    this.again.push(record);
  }

  /**
   * The path became narrower than a piece that was sent: its front keeps the sequence, the rest goes out as a piece of
   * its own. If the whole had arrived after all, the end gets the rest twice and takes it once.
   */
  private narrow(record: number, roomBytes: number): boolean {
    const { store } = this;
    const rest = store.cut(record, roomBytes - overheadBytesOf(store, record));
    if (rest === NONE) return false;
    const bytes = store.length[rest];
    this.waiting.unshift(rest);
    this.waitingBytes += bytes;
    // Only bytes that are counted at the next hop stay counted here: a drift the other way would eat up the room.
    this.sent -= bytes;
    return true;
  }

  /** Over a link that loses, Real Time goes out several times at once: there is no time to find the loss first. So does what is small enough. */
  private copiesBeside(record: number): number {
    if ((this.store.flags[record] & (FLAG_ONCE | FLAG_GONE)) !== 0) return 0;
    const { lossShare } = this.neighbour.measures;
    const { twoCopiesLossShare, threeCopiesLossShare, smallCopyLossShare, smallPieceBytes } = this.tuning;
    if (this.trafficClass !== REAL_TIME) {
      return lossShare >= smallCopyLossShare && this.store.length[record] <= smallPieceBytes ? 1 : 0;
    }
    if (lossShare < twoCopiesLossShare) return 0;
    return lossShare <= threeCopiesLossShare ? 1 : 2;
  }
}
