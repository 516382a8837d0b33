/** What discovery needs of its siblings and of the system; wired in `node` and `daemon`. */
import type { NodeKey } from '../base/ids.ts';
import type { Proof } from '../wire/proof.ts';
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
  /** Where a peer is heard; undefined while its link is down. */
  endpointOf(key: NodeKey): Uint8Array | undefined;
  /** Finds out whether a node that is no peer answers there; `answered` is called when it does. False: too many are asked already. */
  probe(key: NodeKey, endpoint: Uint8Array, answered: (now: number) => void): boolean;
}

/** Who is reached from the internet. */
export interface ClearnetPort {
  /** As others proved it, the nearest first. */
  nearest(now: number): readonly NodeKey[];
  /** Whether two nodes say that they are linked. */
  areLinked(a: NodeKey, b: NodeKey): boolean;
  /** What others proved of this node: for its record. */
  proven(proofs: readonly Proof[]): void;
}

/** Messages of channel 0 to the neighbours. */
export interface MessagePort {
  /** False: the link is down, or full. */
  send(to: NodeKey, message: Uint8Array): boolean;
}

/** How the system writes an endpoint so that it is found again after a restart, when interfaces have other numbers. No spaces in it. */
export interface PlacePort {
  /** undefined: it is of no use after a restart. */
  format(endpoint: Uint8Array): string | undefined;
  /** undefined: it is damaged, or not at this box now. */
  parse(place: string): Uint8Array | undefined;
}

/** Lines that outlive the process. */
export interface PeerStore {
  load(): string[];
  save(lines: string[]): void;
}

export interface BeaconPort {
  /** Calls a beacon into a segment; what can't be sent now is lost. */
  send(segment: SegmentId, beacon: Uint8Array): void;
}
