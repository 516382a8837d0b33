/**
 * Session datagrams of one run: a message that is longer than they are, cut into pieces of the same length, each alone in a datagram that it
 * fills. All that differs in their 46 bytes of headers (session.ts, frames.ts) are counter, sequence and offset, which go on by one, by one
 * and by the length of a piece; so one call writes all of them. On the hot path: a view a datagram.
 *
 * This is the readable one; native/core/pieces.c does the same, and test/unit/native/piece-copier.test.ts compares them.
 */
import { readU16, readU32, writeU16, writeU32 } from '../base/bytes.ts';
import { DATA_OFFSET_AT, DATA_OVERHEAD_BYTES, DATA_SEQUENCE_AT } from './frames.ts';
import { COUNTER_AT, SESSION_HEADER_BYTES } from './session.ts';

/** In front of the piece. */
export const PIECE_HEAD_BYTES = SESSION_HEADER_BYTES + DATA_OVERHEAD_BYTES;

const SEQUENCE_AT = SESSION_HEADER_BYTES + DATA_SEQUENCE_AT;
const OFFSET_AT = SESSION_HEADER_BYTES + DATA_OFFSET_AT;
const MAX_U32 = 0xffff_ffff;

export interface PieceCopier {
  /**
   * `count` datagrams of `datagramBytes`, one behind the other from `at` in `arena` on, where the headers of the first stand already. Each gets its
   * headers and a piece of `pieceBytes`; those stand one behind the other from `from` in `pieces` on. Neither overlaps the other.
   */
  lay(
    arena: Uint8Array,
    at: number,
    datagramBytes: number,
    count: number,
    pieces: Uint8Array,
    from: number,
    pieceBytes: number,
  ): void;
}

export const portablePieceCopier: PieceCopier = {
  lay(arena, at, datagramBytes, count, pieces, from, pieceBytes) {
    for (let i = 0; i < count; i++) {
      const datagram = at + i * datagramBytes;
      const piece = from + i * pieceBytes;
      if (i > 0) goOn(arena, datagram - datagramBytes, datagram, pieceBytes);
      arena.set(pieces.subarray(piece, piece + pieceBytes), datagram + PIECE_HEAD_BYTES);
    }
  },
};

/** The headers behind those at `before`. */
function goOn(arena: Uint8Array, before: number, at: number, pieceBytes: number): void {
  arena.copyWithin(at, before, before + PIECE_HEAD_BYTES);
  const low = readU32(arena, before + COUNTER_AT + 4);
  writeU32(arena, at + COUNTER_AT + 4, low + 1);
  if (low === MAX_U32) writeU32(arena, at + COUNTER_AT, readU32(arena, before + COUNTER_AT) + 1);
  writeU32(arena, at + SEQUENCE_AT, readU32(arena, before + SEQUENCE_AT) + 1);
  writeU16(arena, at + OFFSET_AT, readU16(arena, before + OFFSET_AT) + pieceBytes);
}
