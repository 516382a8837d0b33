/** What the link layer needs for a neighbour that it can't reach directly; wired in `node`. */
import type { NodeKey } from '../../base/ids.ts';

export interface BackChannelPort {
  /**
   * Wants a way to the peer over other links. The endpoint to send to, the same one as long as it is wanted; or
   * undefined: no such way is known now, and nothing is kept. May be called again.
   */
  open(peer: NodeKey, now: number): Uint8Array | undefined;
  /** It is not wanted any more. */
  close(peer: NodeKey, now: number): void;
}

/** Of a node on its own: there is no way round. */
export const NO_BACK_CHANNELS: BackChannelPort = { open: () => undefined, close: () => undefined };
