/**
 * A piece of a message of a route, as it came in a DATA frame (docs/protocol.md section 3). One object is reused for
 * all of them: it and the bytes it points at are valid during the call only.
 */
import type { DataFrame } from '../wire/frames.ts';

export interface Piece extends DataFrame {
  /** What the positions count in. */
  buffer: Uint8Array;
}

export function createPiece(): Piece {
  return { buffer: new Uint8Array(0), routeIdAt: 0, message: 0, offset: 0, last: false, start: 0, length: 0 };
}
