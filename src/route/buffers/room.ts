/**
 * The room for one direction of a route at this node: which pieces were taken, and how much the neighbour may send
 * (docs/protocol.md section 3.3).
 *
 * All counts are bytes of pieces since the route's set-up, each sequence once: `freed` <= `received` <= `limit`. What lies
 * between `freed` and `limit` is promised: it stands here, is under way, or may still come. The limit never falls; it is
 * raised when CREDIT is written, to `freed` + the bound.
 */

import { INITIAL_CREDIT_BYTES } from '../protocol-limits.ts';
import type { RouteTuning } from '../tuning.ts';
import { FlowBound } from './flow-bound.ts';
import type { MemoryShare } from './memory-share.ts';
import { SequenceWindow } from './sequence-window.ts';

/** What is remembered of a room while its route is idle. */
export interface RoomMemory {
  readonly base: number;
  readonly received: number;
  readonly limit: number;
}

export const NEW_ROOM: RoomMemory = { base: 0, received: 0, limit: INITIAL_CREDIT_BYTES };

export class Room {
  /** Half of the route on which the pieces come in. */
  readonly half: number;
  readonly window: SequenceWindow;
  readonly bound: FlowBound;
  received: number;
  freed: number;
  limit: number;
  /** CREDIT is waiting to be written. */
  creditDue = false;
  /** Counts CREDITs, so that the loss of an old one is told from that of the newest. */
  credits = 0;
  /** When something last came or left. */
  usedAt: number;
  /** Undefined where nothing has to be stored: at the end of a route, and for Real Time. */
  private readonly share: MemoryShare | undefined;
  private readonly tuning: RouteTuning;

  constructor(half: number, memory: RoomMemory, share: MemoryShare | undefined, tuning: RouteTuning, now: number) {
    this.half = half;
    this.window = new SequenceWindow(memory.base);
    this.received = memory.received;
    this.freed = memory.received;
    this.limit = memory.limit;
    this.usedAt = now;
    this.bound = new FlowBound(tuning);
    this.share = share;
    this.tuning = tuning;
    share?.commit(this.promised);
  }

  /** Bytes that stand here, or that the neighbour may still send. */
  get promised(): number {
    return this.limit - this.freed;
  }

  get stored(): number {
    return this.received - this.freed;
  }

  /** Counts so many pieces in a row, or what a GONE says. */
  take(sequence: number, sequences: number, bytes: number, now: number): void {
    for (let i = 0; i < sequences; i++) this.window.take((sequence + i) >>> 0);
    this.received += bytes;
    this.usedAt = now;
    if (this.limit - this.received < this.bound.bytes / 4) this.bound.pressed = true;
  }

  /** Bytes of pieces are stored no more. */
  free(bytes: number, now: number): void {
    this.freed += bytes;
    this.usedAt = now;
    this.share?.commit(-bytes);
  }

  /** Whether enough is to be given that a CREDIT is worth its bytes: four a bound, or more often when little is left. */
  get worthTelling(): boolean {
    const { rise } = this;
    return rise >= this.bound.bytes / 4 || (rise > 0 && this.limit - this.received < this.bound.bytes / 4);
  }

  /** Raises the limit as far as bound and memory allow, by `most` at the most; returns by how much. */
  raise(most: number): number {
    const rise = Math.max(0, Math.min(most, this.rise));
    this.limit += rise;
    this.share?.commit(rise);
    this.credits++;
    return rise;
  }

  private get rise(): number {
    const rise = this.freed + this.bound.bytes - this.limit;
    if (this.share === undefined || rise <= this.share.freeBytes) return rise;
    // The least is given even then, so that routes which stand on all the memory keep nobody from going on; pieces for
    // which there really is no memory are refused.
    return Math.max(this.share.freeBytes, this.freed + this.tuning.leastBoundBytes - this.limit);
  }

  /** Undefined while there is something to keep: pieces, gaps, or a promise of memory beyond the first one. */
  get memory(): RoomMemory | undefined {
    const promisesMore = this.share !== undefined && this.promised > INITIAL_CREDIT_BYTES;
    if (this.stored > 0 || this.window.ahead > 0 || this.creditDue || promisesMore) return undefined;
    return { base: this.window.base, received: this.received, limit: this.limit };
  }

  /** The room is given up. */
  close(): void {
    this.share?.commit(-this.promised);
  }
}
