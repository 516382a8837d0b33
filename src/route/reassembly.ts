/**
 * Puts messages together from their pieces at an end of a route (docs/protocol.md section 3). Pieces come in any order
 * and cut anywhere; every byte is sent once, so a piece that overlaps another spoils its message.
 *
 * Limits: 8 unfinished messages and 256 KiB a route, 1 s a message, and a number of buffers for all routes together.
 * Over a limit the oldest unfinished message goes. That keeps a flood of never-finished messages from hurting honest
 * ones, which are whole within milliseconds.
 *
 * A message in one piece is not copied. Buffers are pooled: a message in several pieces allocates only what its notes
 * need.
 */

import type { Drops } from '../base/drops.ts';
import { NEVER } from '../base/env.ts';
import type { Piece } from '../link/piece.ts';
import {
  MAX_MESSAGE_BYTES,
  UNFINISHED_BYTES_PER_ROUTE,
  UNFINISHED_MS,
  UNFINISHED_PER_ROUTE,
} from './protocol-limits.ts';
import type { RouteTuning } from './tuning.ts';

/**
 * What one end of a route has begun to receive, oldest first. Made by `createInbox`, touched by the Reassembler only.
 */
export interface Inbox {
  readonly unfinished: Unfinished[];
  bytes: number;
}

export function createInbox(): Inbox {
  return { unfinished: [], bytes: 0 };
}

interface Unfinished {
  readonly inbox: Inbox;
  readonly message: number;
  readonly since: number;
  readonly buffer: Uint8Array;
  /** [start, end) of what is here: sorted, apart from each other. */
  readonly spans: { start: number; end: number }[];
  /** Bytes here. */
  held: number;
  /** Length of the message, once its last piece is here. */
  total: number | undefined;
}

export class Reassembler {
  private readonly tuning: RouteTuning;
  private readonly drops: Drops;
  /** Of all inboxes, oldest first. */
  private readonly byAge = new Set<Unfinished>();
  private readonly freeBuffers: Uint8Array[] = [];

  constructor(tuning: RouteTuning, drops: Drops) {
    this.tuning = tuning;
    this.drops = drops;
  }

  get unfinished(): number {
    return this.byAge.size;
  }

  /** The whole message when this piece completes it: a view, valid until the piece goes or `put` is called again. */
  put(inbox: Inbox, piece: Piece, now: number): Uint8Array | undefined {
    const end = piece.offset + piece.length;
    if (piece.length === 0 || end > MAX_MESSAGE_BYTES) {
      this.drops.count('route-piece-length');
      return undefined;
    }
    if (piece.offset === 0 && piece.last) return piece.buffer.subarray(piece.start, piece.start + piece.length);

    const known = inbox.unfinished.find((candidate) => candidate.message === piece.message);
    const unfinished = known ?? this.begin(inbox, piece.message, now);
    const trouble = this.add(unfinished, piece, end);
    if (trouble !== undefined) {
      this.drops.count(trouble);
      this.discard(unfinished);
      return undefined;
    }
    if (unfinished.held === unfinished.total) {
      this.discard(unfinished);
      return unfinished.buffer.subarray(0, unfinished.total);
    }
    if (inbox.bytes > UNFINISHED_BYTES_PER_ROUTE) {
      this.drops.count('route-unfinished-bytes');
      this.discard(inbox.unfinished[0]);
    }
    return undefined;
  }

  /** The route is gone. */
  empty(inbox: Inbox): void {
    while (inbox.unfinished.length > 0) this.discard(inbox.unfinished[0]);
  }

  wake(now: number): void {
    for (const unfinished of this.byAge) {
      if (unfinished.since + UNFINISHED_MS > now) return;
      this.drops.count('route-unfinished-expired');
      this.discard(unfinished);
    }
  }

  nextWakeAt(): number {
    if (this.byAge.size === 0) return NEVER;
    const [oldest] = this.byAge;
    return oldest.since + UNFINISHED_MS;
  }

  private begin(inbox: Inbox, message: number, now: number): Unfinished {
    if (inbox.unfinished.length >= UNFINISHED_PER_ROUTE) {
      this.drops.count('route-unfinished-messages');
      this.discard(inbox.unfinished[0]);
    }
    if (this.byAge.size >= this.tuning.maxUnfinishedInAll) {
      this.drops.count('route-unfinished-in-all');
      const [oldest] = this.byAge;
      this.discard(oldest);
    }
    const buffer = this.freeBuffers.pop() ?? new Uint8Array(MAX_MESSAGE_BYTES);
    const unfinished: Unfinished = { inbox, message, since: now, buffer, spans: [], held: 0, total: undefined };
    inbox.unfinished.push(unfinished);
    this.byAge.add(unfinished);
    return unfinished;
  }

  /** Copies a piece to its place. The name of the drop when piece and message don't go together. */
  private add(unfinished: Unfinished, piece: Piece, end: number): string | undefined {
    const { spans } = unfinished;
    const endOfAll = spans.length === 0 ? 0 : spans[spans.length - 1].end;
    if (piece.last) {
      if (unfinished.total !== undefined || endOfAll > end) return 'route-piece-beyond-last';
      unfinished.total = end;
    } else if (unfinished.total !== undefined && end > unfinished.total) return 'route-piece-beyond-last';

    // Pieces mostly come in order, so the place is looked for from the back.
    let after = spans.length;
    while (after > 0 && spans[after - 1].start >= end) after--;
    const before = after - 1;
    if (before >= 0 && spans[before].end > piece.offset) return 'route-piece-overlap';
    const joinsBefore = before >= 0 && spans[before].end === piece.offset;
    const joinsAfter = after < spans.length && spans[after].start === end;
    if (joinsBefore) {
      spans[before].end = joinsAfter ? spans[after].end : end;
      if (joinsAfter) spans.splice(after, 1);
    } else if (joinsAfter) spans[after].start = piece.offset;
    else if (spans.length >= this.tuning.maxSpans) return 'route-message-scattered';
    else spans.splice(after, 0, { start: piece.offset, end });

    unfinished.buffer.set(piece.buffer.subarray(piece.start, piece.start + piece.length), piece.offset);
    unfinished.held += piece.length;
    unfinished.inbox.bytes += piece.length;
    return undefined;
  }

  private discard(unfinished: Unfinished): void {
    const { inbox } = unfinished;
    inbox.unfinished.splice(inbox.unfinished.indexOf(unfinished), 1);
    inbox.bytes -= unfinished.held;
    this.byAge.delete(unfinished);
    this.freeBuffers.push(unfinished.buffer);
  }
}
