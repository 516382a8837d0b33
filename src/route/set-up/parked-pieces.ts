/**
 * The parking places of all neighbours: pieces whose set-up is not in yet wait; after 2 s they are given up, and the
 * neighbour is told with ROUTE_UNKNOWN (docs/protocol.md section 5).
 */
import { NEVER } from '../../base/env.ts';
import type { Piece } from '../../link/piece.ts';
import { encodeRouteUnknown } from '../../wire/channel0.ts';
import type { UnknownPieces } from '../forwarding.ts';
import type { Neighbour } from '../neighbours.ts';
import { type RouteContext, tell } from '../route-context.ts';

export class ParkedPieces implements UnknownPieces {
  private readonly context: RouteContext;
  /** Neighbours for whose unknown ids something waits. */
  private readonly waiting = new Set<Neighbour>();

  constructor(context: RouteContext) {
    this.context = context;
  }

  get bytes(): number {
    let bytes = 0;
    for (const { parking } of this.waiting) bytes += parking.bytes;
    return bytes;
  }

  park(from: Neighbour, piece: Piece, now: number): boolean {
    if (from.parking.put(piece, now) === 'full') {
      this.context.drops.count('route-parking-full');
      return false;
    }
    this.waiting.add(from);
    return true;
  }

  /** The set-up of `id` is in: what waited for it goes its way. */
  unpark(from: Neighbour, id: Uint8Array, data: (piece: Piece) => boolean): void {
    for (const piece of from.parking.take(id)) {
      // They are acknowledged: this neighbour sent more than the first credit, or all memory went in this moment.
      if (!data(piece)) this.context.drops.count('route-parked-lost');
    }
  }

  /** The link is down. */
  forget(neighbour: Neighbour): void {
    this.waiting.delete(neighbour);
  }

  wake(now: number): void {
    const { context } = this;
    for (const neighbour of this.waiting) {
      for (let given = neighbour.parking.expire(now); given !== undefined; given = neighbour.parking.expire(now)) {
        context.drops.count('route-unknown-id', given.pieces);
        if (neighbour.unknowns.take(now)) tell(context, neighbour.port, encodeRouteUnknown(given.id));
      }
      if (neighbour.parking.nextExpiryAt() === NEVER) this.waiting.delete(neighbour);
    }
  }

  nextWakeAt(): number {
    let at = NEVER;
    for (const { parking } of this.waiting) at = Math.min(at, parking.nextExpiryAt());
    return at;
  }
}
