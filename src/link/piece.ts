/**
 * A piece of a message of a route, as it came in a DATA frame, or what stands in its place, a GONE (docs/protocol.md
 * sections 3 and 3.3). One object is reused for all of them: it and the bytes it points at are valid during the call only.
 */
import type { DataFrame } from '../wire/frames.ts';

export interface Piece extends DataFrame {
  /** What the positions count in. */
  buffer: Uint8Array;
  /** The piece was given up: `length` says how many bytes count in its place, and there are none at `start`. */
  gone: boolean;
  /** False when handed on; whoever takes the piece says true where its route is Real Time, and it is acknowledged at once. */
  realTime: boolean;
  /**
   * How many pieces in a row this is (piece-run.ts), with the sequences from `sequence` on; each but the last has `eachBytes`. A
   * GONE, and a piece with a time to live, is one.
   */
  sequences: number;
  eachBytes: number;
}

export function createPiece(): Piece {
  return {
    buffer: new Uint8Array(0),
    routeIdAt: 0,
    sequence: 0,
    message: 0,
    offset: 0,
    last: false,
    ttlMs: -1,
    start: 0,
    length: 0,
    gone: false,
    realTime: false,
    sequences: 1,
    eachBytes: 0,
  };
}
