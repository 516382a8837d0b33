/**
 * ACK ranges (docs/protocol.md section 6.2): which numbers up to `largest` arrived.
 *
 *   range count u8 | each: gap u16, length u16          from the largest downwards, at most 32
 *
 * A pair says that `gap` numbers below the previous block are missing and then `length` numbers arrived. The first gap
 * is 0, every other at least 1; no length is 0.
 *
 * In memory, ranges are blocks of numbers, highest first: `high[i]` and `low[i]` both arrived, and all between. On the hot
 * path: parses into a reused object, no allocation.
 */
import { readU16, writeU16 } from '../base/bytes.ts';

export const MAX_RANGES = 32;
const COUNT_BYTES = 1;
const PAIR_BYTES = 4;
const MAX_U16 = 0xffff;
/** How long the encoding of so many blocks is at most. */
export function rangesBytes(blocks: number): number {
  return COUNT_BYTES + blocks * PAIR_BYTES;
}
/** How many blocks fit so many bytes; 0 or less where none do. */
export function rangesWithin(bytes: number): number {
  return Math.min(Math.floor((bytes - COUNT_BYTES) / PAIR_BYTES), MAX_RANGES);
}
/** The longest encoding. */
export const MAX_RANGES_BYTES = rangesBytes(MAX_RANGES);

export class RangeBlocks {
  count = 0;
  readonly high = new Float64Array(MAX_RANGES);
  readonly low = new Float64Array(MAX_RANGES);
}

/**
 * Writes what fits: a block longer than a u16 says loses its lower part, and blocks below a gap wider than that are left
 * out. `blocks` holds at least one block. Returns the bytes written, at most MAX_RANGES_BYTES.
 */
export function writeRanges(out: Uint8Array, at: number, blocks: RangeBlocks): number {
  let to = at + COUNT_BYTES;
  let written = 0;
  let below = blocks.high[0] + 1;
  for (let i = 0; i < blocks.count; i++) {
    const gap = below - 1 - blocks.high[i];
    const length = Math.min(blocks.high[i] - blocks.low[i] + 1, MAX_U16);
    if (gap > MAX_U16) break;
    writeU16(out, to, gap);
    writeU16(out, to + 2, length);
    to += PAIR_BYTES;
    written += 1;
    below = blocks.high[i] - length + 1;
  }
  out[at] = written;
  return to - at;
}

/** Reads the ranges below `largest` into `into`. Returns where they end, or -1 when they are malformed. */
export function readRanges(bytes: Uint8Array, at: number, end: number, largest: number, into: RangeBlocks): number {
  into.count = 0;
  if (at >= end) return -1;
  const count = bytes[at];
  let from = at + COUNT_BYTES;
  if (count === 0 || count > MAX_RANGES || from + count * PAIR_BYTES > end) return -1;
  let below = largest + 1;
  for (let i = 0; i < count; i++, from += PAIR_BYTES) {
    const gap = readU16(bytes, from);
    const length = readU16(bytes, from + 2);
    const high = below - 1 - gap;
    const low = high - length + 1;
    if ((gap === 0) !== (i === 0) || length === 0 || low < 0) return -1;
    into.high[i] = high;
    into.low[i] = low;
    below = low;
  }
  into.count = count;
  return from;
}
