/** What discovery needs of its siblings and of the system; wired in `node` and `daemon`. */
import type { NodeKey } from '../base/ids.ts';
import type { SegmentId } from './segment.ts';

/** The links of this node. */
export interface PeerPort {
  /** undefined: no peer. */
  stateOf(key: NodeKey): 'up' | 'down' | undefined;
  /** A new peer, at an endpoint or, when there is none, wherever it comes from. */
  add(key: NodeKey, endpoint: Uint8Array | undefined): void;
  /** A peer whose link is down may be there: a handshake begins if none is under way there. */
  meet(key: NodeKey, endpoint: Uint8Array, now: number): void;
  remove(key: NodeKey, now: number): void;
}

export interface BeaconPort {
  /** Calls a beacon into a segment; what can't be sent now is lost. */
  send(segment: SegmentId, beacon: Uint8Array): void;
}
