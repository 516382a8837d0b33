/** What a link layer tells its user. Handlers may send at once; they never call back into `receive`, `wake` or `drain`. */
import type { LinkId, NodeKey } from '../base/ids.ts';
import type { Piece } from './piece.ts';

export interface LinkEvents {
  /** The neighbour proved that it holds the session's keys: send. */
  linkUp(link: LinkId, peer: NodeKey, now: number): void;
  /**
   * Nothing more goes through, and what the peer knew of routes over this link is gone. Reasons: `silent`,
   * `closed by peer`, `replaced` (a new handshake was completed: `linkUp` follows at once), `removed`, `stopped`.
   */
  linkDown(link: LinkId, peer: NodeKey, reason: LinkDownReason, now: number): void;
  /** A piece of a message of a route. The piece is valid during the call. */
  data(link: LinkId, piece: Piece, now: number): void;
  /** A whole message of a channel. The view is valid during the call. */
  channelMessage(link: LinkId, channel: number, message: Uint8Array, now: number): void;
}

export type LinkDownReason = 'silent' | 'closed by peer' | 'replaced' | 'removed' | 'stopped';
