/**
 * Data that arrived before the set-up of its route: datagrams overtake each other, and an origin sends data right
 * behind the set-up. It waits here for 2 s (docs/protocol.md section 5). One parking place a link; pieces are
 * copied.
 */
import { NEVER } from '../../base/env.ts';
import type { Piece } from '../../link/piece.ts';
import { ID_BYTES } from '../id-index.ts';
import { PARKED_BYTES_PER_ID, PARKED_IDS_PER_LINK, PARKED_MS } from '../protocol-limits.ts';

interface Waiting {
  readonly id: Uint8Array;
  readonly since: number;
  readonly pieces: Piece[];
  bytes: number;
}

export class Parking {
  private readonly pieceOverheadBytes: number;
  /** Oldest first. */
  private waiting: Waiting[] = [];

  constructor(pieceOverheadBytes: number) {
    this.pieceOverheadBytes = pieceOverheadBytes;
  }

  get bytes(): number {
    return this.waiting.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** `full`: the id has its 64 KiB, or the link its 16 ids; the piece is not kept. */
  put(piece: Piece, now: number): 'parked' | 'full' {
    const id = piece.buffer.subarray(piece.routeIdAt, piece.routeIdAt + ID_BYTES);
    let place = this.find(id);
    if (place === undefined) {
      if (this.waiting.length >= PARKED_IDS_PER_LINK) return 'full';
      place = { id: id.slice(), since: now, pieces: [], bytes: 0 };
      this.waiting.push(place);
    }
    const cost = (piece.gone ? 0 : piece.length) + this.pieceOverheadBytes;
    if (place.bytes + cost > PARKED_BYTES_PER_ID) return 'full';
    place.bytes += cost;
    place.pieces.push(copyOf(piece));
    return 'parked';
  }

  /** The pieces that waited for this id (16 bytes), in the order in which they came. They wait no more. */
  take(id: Uint8Array): Piece[] {
    const place = this.find(id);
    if (place === undefined) return [];
    this.waiting.splice(this.waiting.indexOf(place), 1);
    return place.pieces;
  }

  /** An id that waited for too long, with how many pieces it held; they are gone. Undefined when there is none. */
  expire(now: number): { id: Uint8Array; pieces: number } | undefined {
    if (this.waiting.length === 0 || now < this.nextExpiryAt()) return undefined;
    const { id, pieces } = this.waiting.shift()!;
    return { id, pieces: pieces.length };
  }

  nextExpiryAt(): number {
    return this.waiting.length === 0 ? NEVER : this.waiting[0].since + PARKED_MS;
  }

  private find(id: Uint8Array): Waiting | undefined {
    return this.waiting.find((place) => place.id.every((byte, i) => byte === id[i]));
  }
}

/** The id and the bytes of a piece in memory of their own. */
function copyOf(piece: Piece): Piece {
  const bytes = piece.gone ? 0 : piece.length;
  const buffer = new Uint8Array(ID_BYTES + bytes);
  buffer.set(piece.buffer.subarray(piece.routeIdAt, piece.routeIdAt + ID_BYTES));
  buffer.set(piece.buffer.subarray(piece.start, piece.start + bytes), ID_BYTES);
  return { ...piece, buffer, routeIdAt: 0, start: ID_BYTES };
}
