/**
 * Neighbours that nobody configured, by key. Each came to the table by a handshake: one that this node began because of a
 * beacon, or one that the other finished.
 *
 *   trying   the handshake is under way             for 3 s, then forgotten
 *   up       there is a link
 *   lost     there was one, and it is sought again  for 60 s, then forgotten
 *
 * Bounds: 32 in all, 16 on a segment, 16 trying; 4 more of each for those that are remembered. Nobody is put out to make room for another, but the one that was lost first
 * gives way, and then one that is only tried.
 */
import { toHex } from '../base/bytes.ts';
import { NEVER } from '../base/env.ts';
import type { KeyText, NodeKey } from '../base/ids.ts';
import type { SegmentId } from './segment.ts';
import type { DiscoveryTuning } from './tuning.ts';

export type FoundState = 'trying' | 'up' | 'lost';

export interface FoundPeer {
  readonly key: NodeKey;
  /** Where it was found; undefined: not on a segment of this box. */
  readonly segment: SegmentId | undefined;
  readonly state: FoundState;
  /** Then it is forgotten. */
  readonly until: number;
}

export class FoundPeers {
  private readonly tuning: DiscoveryTuning;
  /** In the order in which they came into their state. */
  private readonly peers = new Map<KeyText, FoundPeer>();

  constructor(tuning: DiscoveryTuning) {
    this.tuning = tuning;
  }

  values(): Iterable<FoundPeer> {
    return this.peers.values();
  }

  /**
   * Whether there is a place for one more, `free` or that of another, who is to be removed for it; undefined when there is
   * none. `trying`: it has not proven anything yet.
   */
  placeFor(segment: SegmentId | undefined, trying: boolean, remembered: boolean): 'free' | FoundPeer | undefined {
    const { maxTrying, maxFound, maxFoundOnSegment, placesForRemembered } = this.tuning;
    const more = remembered ? placesForRemembered : 0;
    const all = [...this.peers.values()];
    const inReach = all.filter((peer) => peer.segment === segment);
    if (trying && all.filter(({ state }) => state === 'trying').length >= maxTrying + more) return undefined;
    const crowd = crowdOf(inReach, maxFoundOnSegment + more) ?? crowdOf(all, maxFound + more);
    if (crowd === undefined) return 'free';
    const lost = crowd.find(({ state }) => state === 'lost');
    return lost ?? (trying ? undefined : crowd.find(({ state }) => state === 'trying'));
  }

  add(key: NodeKey, segment: SegmentId | undefined, now: number): void {
    this.put({ key, segment, state: 'trying', until: now + this.tuning.tryMs });
  }

  /** False: it is none of these. */
  linkUp(key: NodeKey): boolean {
    const peer = this.peers.get(toHex(key));
    if (peer !== undefined) this.put({ ...peer, state: 'up', until: NEVER });
    return peer !== undefined;
  }

  /** False: it is none of these. */
  linkDown(key: NodeKey, now: number): boolean {
    const peer = this.peers.get(toHex(key));
    if (peer !== undefined) this.put({ ...peer, state: 'lost', until: now + this.tuning.lostMs });
    return peer !== undefined;
  }

  /** One that is being tried has as long again; nothing happens to others. */
  tryOn(key: NodeKey, now: number): void {
    const peer = this.peers.get(toHex(key));
    if (peer?.state === 'trying') this.add(key, peer.segment, now);
  }

  has(name: KeyText): boolean {
    return this.peers.has(name);
  }

  get upCount(): number {
    return [...this.peers.values()].filter(({ state }) => state === 'up').length;
  }

  remove(key: NodeKey): void {
    this.peers.delete(toHex(key));
  }

  nextDueAt(): number {
    let at = NEVER;
    for (const { until } of this.peers.values()) at = Math.min(at, until);
    return at;
  }

  private put(peer: FoundPeer): void {
    const name = toHex(peer.key);
    this.peers.delete(name);
    this.peers.set(name, peer);
  }
}

function crowdOf(peers: readonly FoundPeer[], most: number): readonly FoundPeer[] | undefined {
  return peers.length < most ? undefined : peers;
}
