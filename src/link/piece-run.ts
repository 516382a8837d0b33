/**
 * Datagrams in a row that each carry nothing but the next piece of one message: their pieces become one, in place, and what a piece
 * costs above the link is paid once for all of them (docs/performance.md). Nothing waits for it: only what one read brought is looked at.
 *
 * All pieces but the last have the same length, so that whoever needs them one by one finds them again. A piece with a time to live
 * stays alone: times of several cannot be told by one. On the hot path: allocates nothing.
 */
import { FRAME_DATA, FrameReader, ROUTE_ID_BYTES, readDataFrame } from '../wire/frames.ts';
import { createPiece, type Piece } from './piece.ts';

export class PieceRun {
  /** All that was joined. Its bytes are valid as long as those of the first datagram. */
  readonly piece: Piece = createPiece();
  private readonly reader = new FrameReader();
  private readonly next: Piece = createPiece();

  /** Frames of a datagram that others may follow; false when it carries anything else than one piece with more behind it. */
  begin(bytes: Uint8Array, framesAt: number, framesEnd: number): boolean {
    const { piece } = this;
    if (!this.read(bytes, framesAt, framesEnd, piece) || piece.last) return false;
    piece.buffer = bytes;
    piece.gone = false;
    piece.realTime = false;
    piece.sequences = 1;
    piece.eachBytes = piece.length;
    return true;
  }

  /** Whether these frames go on where the last that joined ended; `join` is for them. */
  fits(bytes: Uint8Array, framesAt: number, framesEnd: number): boolean {
    const { piece, next } = this;
    if (piece.last || piece.length !== piece.sequences * piece.eachBytes) return false;
    if (!this.read(bytes, framesAt, framesEnd, next) || next.length > piece.eachBytes) return false;
    if (next.message !== piece.message || next.offset !== piece.offset + piece.length) return false;
    if (next.sequence !== (piece.sequence + piece.sequences) >>> 0) return false;
    for (let i = 0; i < ROUTE_ID_BYTES; i++) if (bytes[next.routeIdAt + i] !== bytes[piece.routeIdAt + i]) return false;
    return true;
  }

  join(): void {
    const { piece, next } = this;
    piece.buffer.copyWithin(piece.start + piece.length, next.start, next.start + next.length);
    piece.length += next.length;
    piece.last = next.last;
    piece.sequences += 1;
  }

  /** One piece and nothing else, or false. */
  private read(bytes: Uint8Array, framesAt: number, framesEnd: number, piece: Piece): boolean {
    const { reader } = this;
    reader.begin(bytes, framesAt, framesEnd);
    if (reader.next() !== 'frame' || reader.type !== FRAME_DATA) return false;
    if (readDataFrame(bytes, reader.at, reader.length, piece) !== undefined || piece.ttlMs >= 0) return false;
    return reader.next() === 'end';
  }
}
