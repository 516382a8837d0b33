/**
 * Puts the pieces of messages together again (docs/protocol.md section 3), for one link's channels or one end of a
 * route. Pieces come in any order; none comes twice, because a datagram is accepted once, so an overlap is a lie and
 * ends its message.
 *
 * Bounds: 8 unfinished messages, 256 KiB of buffers, 1 s from the first piece. Where a bound is reached the oldest
 * message gives way: its pieces are the likeliest to be lost. A message in one piece is handed on without a copy.
 */
import { assert } from '../base/assert.ts';
import type { Drops } from '../base/drops.ts';
import { NEVER } from '../base/env.ts';
import { MESSAGE_MAX_BYTES } from '../wire/frames.ts';
import { UNFINISHED_BYTES_MAX, UNFINISHED_LIFE_MS, UNFINISHED_MESSAGES_MAX } from './protocol-numbers.ts';

/** Holes that a message may have at once: every second datagram of the longest message at the smallest path MTU, twice over. */
export const MESSAGE_HOLES_MAX = 64;
const BUFFER_FIRST_BYTES = 4_096;
const BUFFER_MAX_BYTES = 65_536;

/** Names under which the owner counts what is given up. */
export interface ReassemblyDropNames {
  readonly overlap: string;
  readonly crowded: string;
  readonly late: string;
}

/** Received bytes as disjoint, ascending, non-adjacent [start, end) pairs. */
interface Unfinished {
  readonly channel: number;
  readonly message: number;
  readonly expiresAt: number;
  buffer: Uint8Array;
  starts: number[];
  ends: number[];
  /** Known once the piece that ends the message is here. */
  total: number | undefined;
}

export class Reassembly {
  private readonly drops: Drops;
  private readonly names: ReassemblyDropNames;
  /** Oldest first. */
  private unfinished: Unfinished[] = [];
  private bufferBytes = 0;

  constructor(drops: Drops, names: ReassemblyDropNames) {
    this.drops = drops;
    this.names = names;
  }

  /** How many messages wait for pieces. */
  get size(): number {
    return this.unfinished.length;
  }

  /** Bytes of memory that unfinished messages hold. */
  get heldBytes(): number {
    return this.bufferBytes;
  }

  /**
   * Takes one piece, copied unless it is a whole message. Gives the message that it completes: a view valid until the
   * next call. `channel` tells apart messages of the same number; a route passes 0.
   */
  add(
    channel: number,
    message: number,
    offset: number,
    last: boolean,
    bytes: Uint8Array,
    start: number,
    length: number,
    now: number,
  ): Uint8Array | undefined {
    assert(length > 0 && offset + length <= MESSAGE_MAX_BYTES, 'the codec checked the piece');
    if (offset === 0 && last) return bytes.subarray(start, start + length);
    this.wake(now);
    const found = this.unfinished.find((entry) => entry.message === message && entry.channel === channel);
    const entry = found ?? this.begin(channel, message, now);
    if (!fits(entry, offset, last, length)) {
      this.drops.count(this.names.overlap);
      this.forget(entry);
      return undefined;
    }
    this.growTo(entry, offset + length);
    for (let i = 0; i < length; i++) entry.buffer[offset + i] = bytes[start + i];
    if (last) entry.total = offset + length;
    insertRange(entry, offset, offset + length);
    if (entry.starts.length > MESSAGE_HOLES_MAX) {
      this.drops.count(this.names.overlap);
      this.forget(entry);
      return undefined;
    }
    if (entry.total === undefined || entry.starts[0] !== 0 || entry.ends[0] !== entry.total) return undefined;
    this.forget(entry);
    return entry.buffer.subarray(0, entry.total);
  }

  /** Gives up what waited too long. */
  wake(now: number): void {
    while (this.unfinished.length > 0 && now >= this.unfinished[0].expiresAt) {
      this.drops.count(this.names.late);
      this.forget(this.unfinished[0]);
    }
  }

  nextWakeAt(): number {
    return this.unfinished.length === 0 ? NEVER : this.unfinished[0].expiresAt;
  }

  private begin(channel: number, message: number, now: number): Unfinished {
    if (this.unfinished.length >= UNFINISHED_MESSAGES_MAX) this.giveWay(this.unfinished[0]);
    const entry: Unfinished = {
      channel,
      message,
      expiresAt: now + UNFINISHED_LIFE_MS,
      buffer: new Uint8Array(0),
      starts: [],
      ends: [],
      total: undefined,
    };
    this.unfinished.push(entry);
    return entry;
  }

  private growTo(entry: Unfinished, bytes: number): void {
    if (bytes <= entry.buffer.length) return;
    let size = Math.max(BUFFER_FIRST_BYTES, entry.buffer.length);
    while (size < bytes) size *= 2;
    assert(size <= BUFFER_MAX_BYTES, 'a message ends before its buffer');
    const more = size - entry.buffer.length;
    while (this.bufferBytes + more > UNFINISHED_BYTES_MAX) {
      const oldest = this.unfinished[0] === entry ? this.unfinished[1] : this.unfinished[0];
      this.giveWay(oldest);
    }
    const buffer = new Uint8Array(size);
    buffer.set(entry.buffer);
    entry.buffer = buffer;
    this.bufferBytes += more;
  }

  private giveWay(entry: Unfinished): void {
    this.drops.count(this.names.crowded);
    this.forget(entry);
  }

  private forget(entry: Unfinished): void {
    this.unfinished.splice(this.unfinished.indexOf(entry), 1);
    this.bufferBytes -= entry.buffer.length;
  }
}

/** Whether the piece lies in bytes that are still missing and agrees with the end of the message, if known. */
function fits(entry: Unfinished, offset: number, last: boolean, length: number): boolean {
  const end = offset + length;
  const reached = entry.ends.length === 0 ? 0 : entry.ends[entry.ends.length - 1];
  if (last && (entry.total !== undefined || reached > offset)) return false;
  if (entry.total !== undefined && end > entry.total) return false;
  return entry.starts.every((start, i) => end <= start || offset >= entry.ends[i]);
}

function insertRange(entry: Unfinished, start: number, end: number): void {
  const { starts, ends } = entry;
  let at = 0;
  while (at < starts.length && ends[at] < start) at++;
  // `at` is the first range that touches the new one or lies behind it.
  const touchesBefore = at < starts.length && ends[at] === start;
  if (touchesBefore) {
    ends[at] = end;
    if (at + 1 < starts.length && starts[at + 1] === end) {
      ends[at] = ends[at + 1];
      starts.splice(at + 1, 1);
      ends.splice(at + 1, 1);
    }
  } else if (at < starts.length && starts[at] === end) {
    starts[at] = start;
  } else {
    starts.splice(at, 0, start);
    ends.splice(at, 0, end);
  }
}
