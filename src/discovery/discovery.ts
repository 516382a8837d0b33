/**
 * Finds neighbours on the segments of this box (docs/protocol.md section 9): calls beacons into each, hears those of others, and
 * begins handshakes. What a beacon says is worth no more than one handshake, which proves it or not.
 *
 * A stranger's beacon costs this node, at most: reading it; five signatures a second and segment; two handshakes a second and
 * segment, 16 at once, each forgotten after 3 s. No beacon of a neighbour whose link is up is looked at further.
 *
 * Timers: beacon-schedule.ts says when to call, found-peers.ts when a peer that was found is forgotten.
 */
import { concat, equal, writeU16 } from '../base/bytes.ts';
import type { Drops } from '../base/drops.ts';
import { type Log, NEVER, type RandomSource, randomBytes } from '../base/env.ts';
import type { NodeKey } from '../base/ids.ts';
import { TokenBucket } from '../base/token-bucket.ts';
import { addressOf } from '../crypto/address.ts';
import type { Curve } from '../crypto/curve.ts';
import { HASH_BYTES } from '../crypto/hash.ts';
import type { Identity } from '../crypto/identity.ts';
import { taggedHash } from '../crypto/tagged-hash.ts';
import { BEACON_TAG, type Beacon, encodeUnsignedBeacon, parseBeacon, signedParts } from '../wire/beacon.ts';
import { BeaconSchedule } from './beacon-schedule.ts';
import { type FoundPeer, FoundPeers } from './found-peers.ts';
import type { BeaconPort, PeerPort } from './ports.ts';
import { isOnSegment, portOn, type Segment, type SegmentId } from './segment.ts';
import { BEACON_LIFE_MS, DISCOVERY_TUNING, type DiscoveryTuning } from './tuning.ts';

/** With whom this node links besides its configured peers: nobody, whoever shares a segment with it, or anybody. */
export type Acceptance = 'known' | 'segment' | 'any';

export interface DiscoveryOptions {
  readonly identity: Identity;
  readonly curve: Curve;
  readonly random: RandomSource;
  readonly drops: Drops;
  readonly log: Log;
  /** Unix ms. */
  readonly wallMs: () => number;
  readonly accept: Acceptance;
  readonly peers: PeerPort;
  readonly beacons: BeaconPort;
  readonly tuning?: Partial<DiscoveryTuning>;
}

interface OwnSegment {
  readonly segment: Segment;
  readonly schedule: BeaconSchedule;
  readonly verifications: TokenBucket;
  readonly tries: TokenBucket;
}

const PORT_AT = 2;
const MS_PER_SECOND = 1_000;
const beaconHash = taggedHash(BEACON_TAG);

export class Discovery {
  private readonly o: DiscoveryOptions;
  private readonly tuning: DiscoveryTuning;
  private readonly segments = new Map<SegmentId, OwnSegment>();
  private readonly found: FoundPeers;

  constructor(o: DiscoveryOptions) {
    this.o = o;
    this.tuning = { ...DISCOVERY_TUNING, ...o.tuning };
    this.found = new FoundPeers(this.tuning);
  }

  /** The segments as they are now. Who was found on one that is gone is given up at once; a renamed one is the same. */
  segmentsChanged(present: readonly Segment[], now: number): void {
    for (const { id } of [...this.segments.values()].map(({ segment }) => segment)) {
      if (!present.some((segment) => segment.id === id)) this.segmentGone(id, now);
    }
    for (const segment of present) {
      const known = this.segments.get(segment.id);
      const { verifiedPerSecond, verifiedAtOnce, triedPerSecond, triedAtOnce } = this.tuning;
      this.segments.set(segment.id, {
        segment,
        schedule: known?.schedule ?? new BeaconSchedule(this.tuning, this.o.random, now),
        verifications: known?.verifications ?? new TokenBucket(verifiedPerSecond, verifiedAtOnce),
        tries: known?.tries ?? new TokenBucket(triedPerSecond, triedAtOnce),
      });
    }
  }

  /** What came to the beacons' group and port. `endpoint` is where from. */
  receive(id: SegmentId, endpoint: Uint8Array, bytes: Uint8Array, now: number): void {
    const { drops, peers, identity } = this.o;
    const on = this.segments.get(id);
    if (on === undefined) return drops.count('beacon-segment');
    const beacon = parseBeacon(bytes);
    if (typeof beacon === 'string') return drops.count(beacon);
    if (!isOnSegment(on.segment, endpoint)) return drops.count('beacon-off-segment');
    if (equal(beacon.node, identity.key)) return drops.count('beacon-own');
    const state = peers.stateOf(beacon.node);
    if (state === 'up') return;
    if (state === undefined && !this.wants(beacon)) return drops.count('beacon-stranger');
    if (Math.abs(beacon.time * MS_PER_SECOND - this.o.wallMs()) > BEACON_LIFE_MS) return drops.count('beacon-time');
    if (!on.verifications.take(now)) return drops.count('beacon-verify-rate');
    if (!this.isSigned(beacon.node, bytes)) return drops.count('beacon-signature');
    if (!on.tries.take(now)) return drops.count('beacon-try-rate');
    const peerEndpoint = endpoint.slice();
    writeU16(peerEndpoint, PORT_AT, beacon.port);
    if (state === 'down') return peers.meet(beacon.node, peerEndpoint, now);
    if (!this.makePlace(id, true, now)) return drops.count('beacon-crowded');
    this.found.add(beacon.node, id, now);
    peers.add(beacon.node, peerEndpoint);
    this.o.log.write('debug', 'beacon', { peer: addressOf(beacon.node), interface: on.segment.name });
  }

  /**
   * A node that is no peer has finished a handshake: whether it becomes one. The link layer adds it then, and says when the
   * link is up.
   */
  admits(key: NodeKey, endpoint: Uint8Array, now: number): boolean {
    const { accept } = this.o;
    if (accept === 'known') return false;
    const on = this.segmentOf(endpoint);
    if (on === undefined && accept !== 'any') return false;
    if (!this.makePlace(on?.segment.id, false, now)) return false;
    this.found.add(key, on?.segment.id, now);
    return true;
  }

  linkUp(key: NodeKey): void {
    this.found.linkUp(key);
  }

  linkDown(key: NodeKey, now: number): void {
    this.found.linkDown(key, now);
    for (const { schedule } of this.segments.values()) schedule.hurry(now);
  }

  /** Everybody that nobody configured. */
  *peers(): Iterable<FoundPeer & { readonly name: string | undefined }> {
    for (const peer of this.found.values()) {
      const on = peer.segment === undefined ? undefined : this.segments.get(peer.segment);
      yield { ...peer, name: on?.segment.name };
    }
  }

  wake(now: number): void {
    for (const peer of [...this.found.values()]) if (now >= peer.until) this.forget(peer, now);
  }

  nextWakeAt(): number {
    let at = this.found.nextDueAt();
    for (const { segment, schedule } of this.segments.values()) {
      at = Math.min(at, portOn(segment) === undefined ? NEVER : schedule.nextDueAt);
    }
    return at;
  }

  /** Calls the beacons that are due. */
  drain(now: number): void {
    for (const { segment, schedule } of this.segments.values()) {
      const port = portOn(segment);
      if (port !== undefined && schedule.take(now)) this.o.beacons.send(segment.id, this.signedBeacon(port));
    }
  }

  /** Whether to begin a handshake with a stranger. */
  private wants(beacon: Beacon): boolean {
    return this.o.accept !== 'known' && beacon.takesStrangers;
  }

  private segmentOf(endpoint: Uint8Array): OwnSegment | undefined {
    for (const on of this.segments.values()) if (isOnSegment(on.segment, endpoint)) return on;
    return undefined;
  }

  private segmentGone(id: SegmentId, now: number): void {
    this.segments.delete(id);
    for (const peer of [...this.found.values()]) if (peer.segment === id) this.forget(peer, now);
  }

  private makePlace(segment: SegmentId | undefined, trying: boolean, now: number): boolean {
    const place = this.found.placeFor(segment, trying);
    if (place === undefined) return false;
    if (place !== 'free') this.forget(place, now);
    return true;
  }

  private forget(peer: FoundPeer, now: number): void {
    this.found.remove(peer.key);
    this.o.peers.remove(peer.key, now);
  }

  private signedBeacon(port: number): Uint8Array {
    const { identity, curve, random, wallMs, accept } = this.o;
    const time = Math.floor(wallMs() / MS_PER_SECOND);
    const unsigned = encodeUnsignedBeacon({ node: identity.key, port, time, takesStrangers: accept !== 'known' });
    const signature = curve.sign(identity.secret, beaconHash(unsigned), randomBytes(random, HASH_BYTES));
    return concat(unsigned, signature);
  }

  private isSigned(key: NodeKey, bytes: Uint8Array): boolean {
    const { signed, signature } = signedParts(bytes);
    return this.o.curve.verify(key, beaconHash(signed), signature);
  }
}
