/**
 * How a record of the piece store stands in a frame, DATA or GONE: how long that is, and what it says (docs/protocol.md section 3.3).
 *
 * Hot path: allocates nothing.
 */
import type { OutgoingFrame } from '../../link/frame-source.ts';
import { DATA_OVERHEAD_BYTES, DATA_TTL_BYTES, GONE_FRAME_BYTES } from '../../wire/frames.ts';
import { FLAG_GONE, FLAG_LAST, FLAG_TTL, type PieceStore } from './piece-store.ts';

/** Bytes of the frame besides the piece. */
export function overheadBytesOf(store: PieceStore, record: number): number {
  const flags = store.flags[record];
  if ((flags & FLAG_GONE) !== 0) return GONE_FRAME_BYTES;
  return (flags & FLAG_TTL) !== 0 ? DATA_OVERHEAD_BYTES + DATA_TTL_BYTES : DATA_OVERHEAD_BYTES;
}

/** Bytes of the piece in the frame: none in a GONE. */
export function bodyBytesOf(store: PieceStore, record: number): number {
  return (store.flags[record] & FLAG_GONE) !== 0 ? 0 : store.length[record];
}

export function frameBytesOf(store: PieceStore, record: number): number {
  return overheadBytesOf(store, record) + bodyBytesOf(store, record);
}

/** Fills in all but the route id. */
export function fillFrame(
  store: PieceStore,
  record: number,
  realTime: boolean,
  now: number,
  frame: OutgoingFrame,
): void {
  const flags = store.flags[record];
  frame.sequence = store.sequence[record];
  frame.message = store.message[record];
  frame.offset = store.offset[record];
  frame.length = store.length[record];
  frame.realTime = realTime;
  if ((flags & FLAG_GONE) !== 0) {
    frame.kind = 'gone';
    return;
  }
  frame.kind = 'data';
  frame.last = (flags & FLAG_LAST) !== 0;
  // What has less than a millisecond left is not over yet.
  frame.ttlMs = (flags & FLAG_TTL) === 0 ? -1 : Math.max(1, Math.floor(store.deadlineAt[record] - now));
  frame.buffer = store.blocks.bytesOf(store.block[record]);
  frame.start = store.start[record];
}
