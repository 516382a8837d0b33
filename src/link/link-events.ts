/** What a link layer tells its user. Handlers may send at once; they never call back into `receive`, `wake` or `drain`. */
import type { LinkId, NodeKey } from '../base/ids.ts';
import type { LoadFrame } from '../wire/frames.ts';
import type { Piece } from './piece.ts';

export interface LinkEvents {
  /** The neighbour proved that it holds the session's keys: send. */
  linkUp(link: LinkId, peer: NodeKey, now: number): void;
  /**
   * Nothing more goes through, and what the peer knew of routes over this link is gone. Reasons: `silent`,
   * `closed by peer`, `replaced` (a new handshake was completed: `linkUp` follows at once), `removed`, `stopped`.
   */
  linkDown(link: LinkId, peer: NodeKey, reason: LinkDownReason, now: number): void;
  /**
   * A piece of a message of a route, or several in a row as one, or a GONE in place of one; valid during the call. The same piece may
   * come several times. False: there is no room for it, or for one of them, so its datagrams are not acknowledged and all come again.
   */
  data(link: LinkId, piece: Piece, now: number): boolean;
  /** The peer has room for `limit` bytes of this route since its set-up. The 16 bytes of the id begin at `routeIdAt`. */
  credit(link: LinkId, buffer: Uint8Array, routeIdAt: number, limit: number, now: number): void;
  /** The peer has something to send on this route and stands at this limit. */
  blocked(link: LinkId, buffer: Uint8Array, routeIdAt: number, limit: number, now: number): void;
  /** The answer to `LinkLayer.askLoad`. */
  load(link: LinkId, load: LoadFrame, now: number): void;
  /** A whole message of a channel, once. The view is valid during the call. */
  channelMessage(link: LinkId, channel: number, message: Uint8Array, now: number): void;
}

export type LinkDownReason = 'silent' | 'closed by peer' | 'replaced' | 'removed' | 'stopped';
