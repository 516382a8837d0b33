/**
 * All pieces that this node keeps, in columns of typed arrays: a record a piece, its bytes in a block. A record is in at
 * most one list of its route (waiting to be sent, or sent and not acknowledged) and besides in the list of those to send
 * again; the lists are links in the records.
 *
 * A token names a record to the link: number and generation, so that what is said about a piece that is done with
 * touches nothing. Hot path: allocates nothing; the columns have their full size from the beginning, and the system gives
 * memory to the part that was ever used. An eighth of the memory is for records.
 */
import { assert } from '../../base/assert.ts';
import { RUN_DATAGRAMS_MAX } from '../../link/frame-source.ts';
import type { Piece } from '../../link/piece.ts';
import { NONE } from '../id-index.ts';
import { BlockMemory } from './block-memory.ts';

/** The piece that ends its message. */
export const FLAG_LAST = 1;
/** The piece was given up: no bytes, and `length` is what the next hop counts in its place. */
export const FLAG_GONE = 2;
/** The piece goes out with the time that it has left. */
export const FLAG_TTL = 4;
/** It was sent, and has a sequence. */
export const FLAG_SENT = 8;
/** It is in the list of those to send again. */
export const FLAG_AGAIN = 16;
/** Its bytes may go as soon as it was sent. */
export const FLAG_ONCE = 32;

/** A record takes 65 bytes; with one for 512 bytes of memory, pieces may be 450 bytes on average when all is full. */
const MEMORY_BYTES_PER_RECORD = 512;
const TOKEN_RECORDS = 0x40_0000;
const GENERATIONS = 0x4000_0000;

export class PieceStore {
  readonly blocks: BlockMemory;
  /** Links of the list that the piece is in. */
  readonly next: Int32Array;
  readonly previous: Int32Array;
  /** Links of the list of pieces to send again. */
  readonly nextAgain: Int32Array;
  readonly previousAgain: Int32Array;
  /** Half of the route by which the piece goes out. */
  readonly half: Int32Array;
  /** Which block holds the bytes, or NONE, and where in `bytesOf` they begin. */
  readonly block: Int32Array;
  readonly start: Uint16Array;
  readonly length: Uint16Array;
  readonly message: Uint32Array;
  readonly offset: Uint16Array;
  readonly sequence: Uint32Array;
  readonly flags: Uint8Array;
  /** Datagrams with this piece of which nothing was heard yet. */
  readonly underWay: Uint8Array;
  /** How many more datagrams are to carry it at once. */
  readonly copies: Uint8Array;
  /** Which datagram of its link carried it last. */
  readonly datagram: Uint32Array;
  /** Monotonic ms; +Infinity: none. */
  readonly deadlineAt: Float64Array;
  /** What `split` made last. */
  readonly fronts = new Int32Array(RUN_DATAGRAMS_MAX);
  private readonly generation: Uint32Array;
  private readonly maxRecords: number;
  private firstFree = NONE;
  /** Records from here on were never used. */
  private untouched = 0;
  private used = 0;

  /** `memoryBytes`: at least 128 KiB. */
  constructor(memoryBytes: number) {
    const records = Math.min(TOKEN_RECORDS, Math.ceil(memoryBytes / MEMORY_BYTES_PER_RECORD));
    this.maxRecords = records;
    this.blocks = new BlockMemory(memoryBytes - Math.ceil(memoryBytes / 8));
    this.next = new Int32Array(records);
    this.previous = new Int32Array(records);
    this.nextAgain = new Int32Array(records);
    this.previousAgain = new Int32Array(records);
    this.half = new Int32Array(records);
    this.block = new Int32Array(records);
    this.start = new Uint16Array(records);
    this.length = new Uint16Array(records);
    this.message = new Uint32Array(records);
    this.offset = new Uint16Array(records);
    this.sequence = new Uint32Array(records);
    this.flags = new Uint8Array(records);
    this.underWay = new Uint8Array(records);
    this.copies = new Uint8Array(records);
    this.datagram = new Uint32Array(records);
    this.deadlineAt = new Float64Array(records);
    this.generation = new Uint32Array(records);
  }

  /** Records in use. */
  get count(): number {
    return this.used;
  }

  /**
   * A copy of a piece of 1 to 65,535 bytes; a GONE takes a record and no bytes. NONE when there is no memory.
   */
  add(half: number, piece: Piece, deadlineAt: number): number {
    return this.put(
      half,
      piece.message,
      piece.offset,
      (piece.last ? FLAG_LAST : 0) | (piece.gone ? FLAG_GONE : 0) | (piece.ttlMs >= 0 ? FLAG_TTL : 0),
      deadlineAt,
      piece.buffer,
      piece.start,
      piece.gone ? 0 : piece.length,
    );
  }

  /** As `add`, from the parts of a piece. */
  put(
    half: number,
    message: number,
    offset: number,
    flags: number,
    deadlineAt: number,
    bytes: Uint8Array,
    from: number,
    length: number,
  ): number {
    if (this.used === this.maxRecords) return NONE;
    const block = length === 0 ? NONE : this.blocks.allocate(length);
    if (block === NONE && length > 0) return NONE;
    const record = this.claim();
    this.half[record] = half;
    this.message[record] = message;
    this.offset[record] = offset;
    this.flags[record] = flags;
    this.deadlineAt[record] = deadlineAt;
    this.block[record] = block;
    this.length[record] = length;
    this.underWay[record] = 0;
    this.copies[record] = 0;
    if (block !== NONE) {
      const start = this.blocks.startOf(block);
      this.start[record] = start;
      this.blocks.bytesOf(block).set(bytes.subarray(from, from + length), start);
    }
    return record;
  }

  /** What `bytes` of the piece's front leave, as a record of its own, in no list; NONE when there is no record left. */
  cut(record: number, bytes: number): number {
    assert(bytes > 0 && bytes < this.length[record], 'a cut within the piece');
    if (this.used === this.maxRecords) return NONE;
    const rest = this.claim();
    const block = this.block[record];
    this.blocks.share(block, 1);
    this.block[rest] = block;
    this.start[rest] = this.start[record] + bytes;
    this.length[rest] = this.length[record] - bytes;
    this.offset[rest] = this.offset[record] + bytes;
    this.half[rest] = this.half[record];
    this.message[rest] = this.message[record];
    this.deadlineAt[rest] = this.deadlineAt[record];
    this.flags[rest] = this.flags[record] & (FLAG_LAST | FLAG_TTL | FLAG_ONCE);
    this.underWay[rest] = 0;
    this.copies[rest] = 0;
    this.length[record] = bytes;
    this.flags[record] &= ~FLAG_LAST;
    return rest;
  }

  /**
   * The front of a piece as `count` records of `bytes` each, in no list, which stand in `fronts` then; something is left, and keeps the
   * record. False, and none, when there are not so many records.
   */
  split(record: number, bytes: number, count: number): boolean {
    assert(bytes * count < this.length[record], 'a rest is left');
    if (this.used + count > this.maxRecords) return false;
    const block = this.block[record];
    const flags = this.flags[record] & (FLAG_TTL | FLAG_ONCE);
    const start = this.start[record];
    const offset = this.offset[record];
    this.blocks.share(block, count);
    for (let i = 0; i < count; i++) {
      const front = this.claim();
      this.block[front] = block;
      this.start[front] = start + i * bytes;
      this.length[front] = bytes;
      this.offset[front] = offset + i * bytes;
      this.half[front] = this.half[record];
      this.message[front] = this.message[record];
      this.deadlineAt[front] = this.deadlineAt[record];
      this.flags[front] = flags;
      this.underWay[front] = 0;
      this.copies[front] = 0;
      this.fronts[i] = front;
    }
    this.start[record] = start + count * bytes;
    this.length[record] -= count * bytes;
    this.offset[record] = offset + count * bytes;
    return true;
  }

  /** Frees the bytes and keeps the record. The link may still copy them in the call that it makes now. */
  dropBytes(record: number): void {
    const block = this.block[record];
    if (block === NONE) return;
    this.blocks.release(block);
    this.block[record] = NONE;
  }

  release(record: number): void {
    this.dropBytes(record);
    this.generation[record] = (this.generation[record] + 1) % GENERATIONS;
    this.flags[record] = 0;
    this.next[record] = this.firstFree;
    this.firstFree = record;
    this.used--;
  }

  tokenOf(record: number): number {
    return this.generation[record] * TOKEN_RECORDS + record;
  }

  /** The record that a token names, or NONE when it was released since. */
  recordOf(token: number): number {
    const record = token % TOKEN_RECORDS;
    if (record >= this.untouched || Math.floor(token / TOKEN_RECORDS) !== this.generation[record]) return NONE;
    return record;
  }

  private claim(): number {
    this.used++;
    let record = this.firstFree;
    if (record === NONE) record = this.untouched++;
    else this.firstFree = this.next[record];
    this.next[record] = NONE;
    this.previous[record] = NONE;
    return record;
  }
}

/** A list of records, linked in two columns of the store; a record is in a list once. */
export class PieceList {
  head = NONE;
  tail = NONE;
  count = 0;
  private readonly next: Int32Array;
  private readonly previous: Int32Array;

  constructor(next: Int32Array, previous: Int32Array) {
    this.next = next;
    this.previous = previous;
  }

  push(record: number): void {
    this.insertBehind(this.tail, record);
  }

  unshift(record: number): void {
    this.insertBehind(NONE, record);
  }

  /** `place` NONE: at the front. */
  insertBehind(place: number, record: number): void {
    const { next, previous } = this;
    const after = place === NONE ? this.head : next[place];
    previous[record] = place;
    next[record] = after;
    if (place === NONE) this.head = record;
    else next[place] = record;
    if (after === NONE) this.tail = record;
    else previous[after] = record;
    this.count++;
  }

  remove(record: number): void {
    const { next, previous } = this;
    const before = previous[record];
    const after = next[record];
    if (before === NONE) this.head = after;
    else next[before] = after;
    if (after === NONE) this.tail = before;
    else previous[after] = before;
    next[record] = NONE;
    previous[record] = NONE;
    this.count--;
  }
}
