/**
 * Puts messages together from their pieces at an end of a route (docs/protocol.md section 3). Pieces come in any order and
 * cut anywhere. Every message ends once: whole, or lost; what comes of it later is known and ignored. A message that is
 * missing a piece waits for it, since a hop repeats what was lost and says GONE of what it gave up.
 *
 * Pieces wait in the piece store. Limits: a route that is sent once has at most 8 unfinished messages and 256 KiB, one in
 * real time 256 KiB, others a fair share of the memory. Over a limit, or when there is no memory, the message begun first is lost.
 *
 * A message in one piece is not copied. A message in several pieces allocates only what its notes need.
 */
import type { Drops } from '../base/drops.ts';
import type { Piece } from '../link/piece.ts';
import type { MemoryShare } from './buffers/memory-share.ts';
import { FLAG_LAST, PieceList, type PieceStore } from './buffers/piece-store.ts';
import { SequenceWindow, WINDOW_NUMBERS } from './buffers/sequence-window.ts';
import { NONE } from './id-index.ts';
import { MAX_MESSAGE_BYTES, UNFINISHED_BYTES_PER_ROUTE, UNFINISHED_PER_ROUTE } from './protocol-limits.ts';
import type { RouteTuning } from './tuning.ts';

export type InboxKind = 'once' | 'real-time' | 'bulk';

/** What one end of a route has begun to receive. Made by `createInbox`, touched by the Reassembler only. */
export interface Inbox {
  /** `once`: what was lost is lost. `real-time`: what is late is lost. `bulk`: everything comes. */
  readonly kind: InboxKind;
  /** Messages that ended. */
  readonly ended: SequenceWindow;
  /** By number, begun first first. */
  readonly unfinished: Map<number, Unfinished>;
  /** What they cost. */
  bytes: number;
}

export function createInbox(kind: InboxKind): Inbox {
  return { kind, ended: new SequenceWindow(0), unfinished: new Map(), bytes: 0 };
}

interface Unfinished {
  readonly message: number;
  /** By offset, apart from each other. */
  readonly pieces: PieceList;
  held: number;
  /** Length of the message, once its last piece is here. */
  total: number;
}

/** `full`: there is no memory for the piece now. `ended`: its message had ended before. */
export type Arrival = 'whole' | 'kept' | 'ended' | 'full';

const UNKNOWN = -1;

export class Reassembler {
  /** The message that the last `put` made whole: a view, valid until the piece goes or `put` is called again. */
  message: Uint8Array = new Uint8Array(0);
  /** Numbers of messages of the inbox of the last `put` that were lost by it. Whoever reads them empties the list. */
  readonly lost: number[] = [];
  private readonly store: PieceStore;
  private readonly share: MemoryShare;
  private readonly tuning: RouteTuning;
  private readonly drops: Drops;
  private readonly scratch = new Uint8Array(MAX_MESSAGE_BYTES);
  private count = 0;

  constructor(store: PieceStore, share: MemoryShare, tuning: RouteTuning, drops: Drops) {
    this.store = store;
    this.share = share;
    this.tuning = tuning;
    this.drops = drops;
  }

  get unfinished(): number {
    return this.count;
  }

  put(inbox: Inbox, piece: Piece): Arrival {
    const end = piece.offset + piece.length;
    if (piece.length === 0 || end > MAX_MESSAGE_BYTES) {
      this.drops.count('route-piece-length');
      return 'ended';
    }
    if (this.endedBefore(inbox, piece.message)) return 'ended';
    const known = inbox.unfinished.get(piece.message);
    if (piece.offset === 0 && piece.last) {
      if (known !== undefined) this.discard(inbox, known);
      inbox.ended.take(piece.message);
      this.message = piece.buffer.subarray(piece.start, end + piece.start);
      return 'whole';
    }
    const unfinished = known ?? this.begin(inbox, piece.message);
    const trouble = this.contradiction(unfinished, piece, end);
    if (trouble !== undefined) {
      this.drops.count(trouble);
      this.lose(inbox, unfinished);
      return 'kept';
    }
    if (!this.insert(inbox, unfinished, piece, end)) {
      if (unfinished.pieces.count === 0) this.discard(inbox, unfinished);
      return 'full';
    }
    if (piece.last) unfinished.total = end;
    if (unfinished.held === unfinished.total) {
      this.join(unfinished);
      this.discard(inbox, unfinished);
      inbox.ended.take(piece.message);
      return 'whole';
    }
    this.bound(inbox);
    return 'kept';
  }

  /** A piece of this message was given up. True when that ends it. */
  gone(inbox: Inbox, message: number): boolean {
    if (this.endedBefore(inbox, message)) return false;
    const unfinished = inbox.unfinished.get(message);
    if (unfinished !== undefined) this.discard(inbox, unfinished);
    inbox.ended.take(message);
    return true;
  }

  /** The route is gone. */
  empty(inbox: Inbox): void {
    for (const unfinished of inbox.unfinished.values()) this.discard(inbox, unfinished);
  }

  /** Also makes room for a number far ahead: what is more than 2^20 numbers behind it never comes. */
  private endedBefore(inbox: Inbox, message: number): boolean {
    const look = inbox.ended.look(message);
    if (look !== 'beyond') return look === 'taken';
    const base = (message - WINDOW_NUMBERS + 1) >>> 0;
    for (const unfinished of inbox.unfinished.values()) {
      if (((unfinished.message - base) | 0) < 0) this.lose(inbox, unfinished);
    }
    this.drops.count('route-message-skipped', inbox.ended.skipTo(base));
    return false;
  }

  private begin(inbox: Inbox, message: number): Unfinished {
    const { store } = this;
    const pieces = new PieceList(store.next, store.previous);
    const unfinished: Unfinished = { message, pieces, held: 0, total: UNKNOWN };
    inbox.unfinished.set(message, unfinished);
    this.charge(inbox, this.tuning.unfinishedCostBytes);
    this.count++;
    return unfinished;
  }

  /** Why piece and message don't go together, as the name of a drop. */
  private contradiction({ pieces, total }: Unfinished, piece: Piece, end: number): string | undefined {
    const { store } = this;
    const { tail } = pieces;
    const endOfAll = tail === NONE ? 0 : store.offset[tail] + store.length[tail];
    if (piece.last ? endOfAll > end || (total !== UNKNOWN && total !== end) : total !== UNKNOWN && end > total) {
      return 'route-piece-beyond-last';
    }
    return pieces.count >= this.tuning.maxPiecesPerMessage ? 'route-message-scattered' : undefined;
  }

  /**
   * Copies a piece to its place, without what is here already: a piece that a hop cut anew may come whole and in parts.
   * Where a part that is here lies in its middle, what is before that comes by itself. False when there is no memory.
   */
  private insert(inbox: Inbox, unfinished: Unfinished, piece: Piece, end: number): boolean {
    const { store } = this;
    const { pieces } = unfinished;
    // Pieces mostly come in order, so the place is looked for from the back.
    let before = pieces.tail;
    while (before !== NONE && store.offset[before] >= end) before = store.previous[before];
    let to = end;
    if (before !== NONE && store.offset[before] + store.length[before] >= end) {
      to = store.offset[before];
      before = store.previous[before];
    }
    const from = before === NONE ? piece.offset : Math.max(piece.offset, store.offset[before] + store.length[before]);
    if (from >= to) return true;
    const at = piece.start + from - piece.offset;
    let record = store.put(0, piece.message, from, FLAG_LAST, 0, piece.buffer, at, to - from);
    while (record === NONE) {
      const [first] = inbox.unfinished.values();
      if (first === unfinished) return false;
      this.drops.count('route-unfinished-memory');
      this.lose(inbox, first);
      record = store.put(0, piece.message, from, FLAG_LAST, 0, piece.buffer, at, to - from);
    }
    pieces.insertBehind(before, record);
    unfinished.held += to - from;
    this.charge(inbox, to - from);
    return true;
  }

  private join({ pieces }: Unfinished): void {
    const { store, scratch } = this;
    let end = 0;
    for (let record = pieces.head; record !== NONE; record = store.next[record]) {
      const start = store.start[record];
      const length = store.length[record];
      scratch.set(store.blocks.bytesOf(store.block[record]).subarray(start, start + length), end);
      end += length;
    }
    this.message = scratch.subarray(0, end);
  }

  private bound(inbox: Inbox): void {
    const share = inbox.kind === 'bulk' ? this.share.capBytes(inbox.bytes) : 0;
    const mostBytes = Math.max(UNFINISHED_BYTES_PER_ROUTE, share);
    const mostMessages = inbox.kind === 'once' ? UNFINISHED_PER_ROUTE : Number.POSITIVE_INFINITY;
    while (inbox.bytes > mostBytes || inbox.unfinished.size > mostMessages) {
      const [first] = inbox.unfinished.values();
      this.drops.count('route-unfinished');
      this.lose(inbox, first);
    }
  }

  private lose(inbox: Inbox, unfinished: Unfinished): void {
    this.discard(inbox, unfinished);
    inbox.ended.take(unfinished.message);
    this.lost.push(unfinished.message);
  }

  private discard(inbox: Inbox, unfinished: Unfinished): void {
    const { pieces, message, held } = unfinished;
    while (pieces.head !== NONE) {
      const record = pieces.head;
      pieces.remove(record);
      this.store.release(record);
    }
    inbox.unfinished.delete(message);
    this.charge(inbox, -held - this.tuning.unfinishedCostBytes);
    this.count--;
  }

  private charge(inbox: Inbox, bytes: number): void {
    inbox.bytes += bytes;
    this.share.commit(bytes);
  }
}
