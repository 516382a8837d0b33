/**
 * Puts the pieces of a link's channel messages together (docs/protocol.md section 3). Pieces come in any order and again:
 * what is not acknowledged in time is sent once more, and cut anew when the path became narrower. A message is handed on
 * once.
 *
 * Bounds: 8 unfinished messages of at most 64 KiB, as the sender has no more under way. A piece of one more is refused, so it
 * comes again. A message in one piece is handed on without a copy.
 */
import { assert } from '../../base/assert.ts';
import type { Drops } from '../../base/drops.ts';
import { ReplayWindow } from '../../crypto/replay-window.ts';
import { type ChannelFrame, MESSAGE_MAX_BYTES } from '../../wire/frames.ts';
import { UNFINISHED_MESSAGES_MAX } from '../protocol-numbers.ts';

/** Holes that a message may have at once: every second datagram of the longest message at the smallest path MTU, twice over. */
export const MESSAGE_HOLES_MAX = 64;
/** Numbers of finished messages are remembered this far back: twice what a sender keeps under way. */
const FINISHED_WINDOW = 2_048;
const BUFFER_FIRST_BYTES = 4_096;
const BUFFER_MAX_BYTES = 65_536;

/** Received bytes as disjoint, ascending, non-adjacent [start, end) pairs. */
interface Unfinished {
  readonly channel: number;
  readonly message: number;
  buffer: Uint8Array;
  starts: number[];
  ends: number[];
  /** Known once the piece that ends the message is here. */
  total: number | undefined;
}

export class ChannelReceiver {
  private readonly drops: Drops;
  private readonly finished = new ReplayWindow(FINISHED_WINDOW);
  private unfinished: Unfinished[] = [];

  constructor(drops: Drops) {
    this.drops = drops;
  }

  /** How many messages wait for pieces. */
  get size(): number {
    return this.unfinished.length;
  }

  /**
   * Takes one piece, copied unless it is a whole message. Gives the message that it completes: a view valid until the next
   * call; or what became of the piece, where `refused` must not be acknowledged.
   */
  add(frame: ChannelFrame, bytes: Uint8Array): Uint8Array | 'taken' | 'refused' {
    const { channel, message, offset, last, start, length } = frame;
    assert(length > 0 && offset + length <= MESSAGE_MAX_BYTES, 'the codec checked the piece');
    if (!this.finished.wouldAccept(message)) return 'taken';
    if (offset === 0 && last) return this.finish(message, undefined, bytes.subarray(start, start + length));
    const entry = this.unfinished.find((known) => known.message === message) ?? this.begin(channel, message);
    if (entry === undefined) return 'refused';
    if (entry.channel !== channel || !agrees(entry, offset + length, last)) {
      this.drops.count('channel-contradicted');
      return 'taken';
    }
    growTo(entry, offset + length);
    for (let i = 0; i < length; i++) entry.buffer[offset + i] = bytes[start + i];
    if (last) entry.total = offset + length;
    insertRange(entry, offset, offset + length);
    if (entry.starts[0] !== 0 || entry.ends[0] !== entry.total) return 'taken';
    return this.finish(message, entry, entry.buffer.subarray(0, entry.total));
  }

  private begin(channel: number, message: number): Unfinished | undefined {
    if (this.unfinished.length >= UNFINISHED_MESSAGES_MAX) {
      this.drops.count('channel-crowded');
      return undefined;
    }
    const entry = { channel, message, buffer: new Uint8Array(0), starts: [], ends: [], total: undefined };
    this.unfinished.push(entry);
    return entry;
  }

  private finish(message: number, entry: Unfinished | undefined, bytes: Uint8Array): Uint8Array {
    this.finished.accept(message);
    if (entry !== undefined) this.unfinished.splice(this.unfinished.indexOf(entry), 1);
    return bytes;
  }
}

/** Whether a piece that ends here agrees with the end of the message and with the bounds. */
function agrees(entry: Unfinished, end: number, last: boolean): boolean {
  if (entry.starts.length >= MESSAGE_HOLES_MAX) return false;
  const reached = entry.ends.length === 0 ? 0 : entry.ends[entry.ends.length - 1];
  if (last) return entry.total === undefined ? reached <= end : entry.total === end;
  return entry.total === undefined || end <= entry.total;
}

function growTo(entry: Unfinished, bytes: number): void {
  if (bytes <= entry.buffer.length) return;
  let size = Math.max(BUFFER_FIRST_BYTES, entry.buffer.length);
  while (size < bytes) size *= 2;
  assert(size <= BUFFER_MAX_BYTES, 'a message ends before its buffer');
  const buffer = new Uint8Array(size);
  buffer.set(entry.buffer);
  entry.buffer = buffer;
}

/** Joins [start, end) with the ranges that it touches or overlaps. */
function insertRange({ starts, ends }: Unfinished, start: number, end: number): void {
  let first = 0;
  while (first < starts.length && ends[first] < start) first++;
  let behind = first;
  while (behind < starts.length && starts[behind] <= end) behind++;
  const joined = behind > first;
  const from = joined ? Math.min(start, starts[first]) : start;
  const to = joined ? Math.max(end, ends[behind - 1]) : end;
  starts.splice(first, behind - first, from);
  ends.splice(first, behind - first, to);
}
