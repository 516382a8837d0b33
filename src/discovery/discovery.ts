/**
 * Finds neighbours on the segments of this box (docs/protocol.md section 9): calls beacons into each, hears those of others, and
 * begins handshakes. What a beacon says is worth no more than one handshake, which proves it or not.
 *
 * A stranger's beacon costs this node, at most: reading it; five signatures a second and segment; two handshakes a second and
 * segment, 16 at once, each forgotten after 3 s. No beacon of a neighbour whose link is up is looked at further.
 *
 * Who was found and proved good is remembered over restarts (peer-memory.ts), called where it was, and taken in from anywhere. Whoever is
 * sought and not reached, neighbours are asked about (seeker.ts), and so is this node (introducer.ts). Who takes anybody has others prove that the
 * internet reaches it (reachability.ts; probe-broker.ts and prober.ts do the same for others), and seeks those that have.
 *
 * Timers: beacon-schedule.ts says when to call into a segment, call-schedule.ts when to call a remembered peer, seeker.ts when to ask for one,
 * found-peers.ts when a peer that was found is forgotten,
 * reachability.ts when to be probed, prober.ts when who answered is proven.
 */
import { concat, equal, fromHex, toHex, writeU16 } from '../base/bytes.ts';
import type { Drops } from '../base/drops.ts';
import { type Log, NEVER, type RandomSource } from '../base/env.ts';
import type { KeyText, NodeKey } from '../base/ids.ts';
import { TokenBucket } from '../base/token-bucket.ts';
import { addressOf } from '../crypto/address.ts';
import type { Curve } from '../crypto/curve.ts';
import { type Identity, signDigest } from '../crypto/identity.ts';
import { taggedHash } from '../crypto/tagged-hash.ts';
import { BEACON_TAG, type Beacon, encodeUnsignedBeacon, parseBeacon, signedParts } from '../wire/beacon.ts';
import { CHANNEL0_KIND } from '../wire/channel0.ts';
import type { Medium } from '../wire/link-class.ts';
import { parseNodePlace } from '../wire/meeting.ts';
import { type Proof, parseProofMessage } from '../wire/proof.ts';
import { BeaconSchedule } from './beacon-schedule.ts';
import { CallSchedule } from './call-schedule.ts';
import { Contacts } from './contacts.ts';
import { type FoundPeer, FoundPeers } from './found-peers.ts';
import { Introducer } from './introducer.ts';
import { PeerMemory } from './peer-memory.ts';
import type { BeaconPort, ClearnetPort, MessagePort, PeerPort, PeerStore, PlacePort } from './ports.ts';
import { ProbeBroker } from './probe-broker.ts';
import { Prober } from './prober.ts';
import { reachOf } from './reach.ts';
import { Reachability } from './reachability.ts';
import { Seeker } from './seeker.ts';
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
  /** Keys of the peers that stand in the configuration. */
  readonly configured: readonly NodeKey[];
  readonly messages: MessagePort;
  readonly clearnet: ClearnetPort;
  /** The socket of a family, as endpoints name it; undefined: this node has none. */
  readonly socketOf: (family: 4 | 6) => number | undefined;
  readonly beacons: BeaconPort;
  /** Without it nobody is remembered; nor is anybody where no strangers are taken. */
  readonly memory?: { readonly store: PeerStore; readonly places: PlacePort } | undefined;
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
  private readonly memory: PeerMemory | undefined;
  private readonly calls: CallSchedule;
  private readonly up = new Map<KeyText, NodeKey>();
  private readonly introducer: Introducer;
  private readonly seeker: Seeker;
  private readonly contacts: Contacts;
  private readonly prober: Prober;
  private readonly probeBroker: ProbeBroker;
  /** Undefined: strangers are not taken from anywhere, and need not know whether they could come. */
  private readonly reachability: Reachability | undefined;
  private readonly met: TokenBucket;

  constructor(o: DiscoveryOptions) {
    this.o = o;
    this.tuning = { ...DISCOVERY_TUNING, ...o.tuning };
    this.found = new FoundPeers(this.tuning);
    this.calls = new CallSchedule(this.tuning, o.random);
    const { tuning } = this;
    const endpointOf = (key: NodeKey) => o.peers.endpointOf(key);
    const { drops, messages, random, clearnet } = o;
    const isOpen = (key: NodeKey, now: number) => clearnet.nearest(now).some((open) => equal(open, key));
    this.introducer = new Introducer({ drops, messages, endpointOf, isOpen, tuning });
    this.seeker = new Seeker({ sought: (now) => this.sought(now), tell: (message) => this.tellAll(message), tuning });
    const contacts = new Contacts(tuning);
    this.contacts = contacts;
    this.prober = new Prober({ ...o, contacts, tuning });
    const areLinked = (a: NodeKey, b: NodeKey) => clearnet.areLinked(a, b);
    this.probeBroker = new ProbeBroker({ drops, random, messages, endpointOf, areLinked, tuning });
    if (o.accept === 'any') {
      const proven = (proofs: readonly Proof[]) => clearnet.proven(proofs);
      const hasSentTo = (key: NodeKey, now: number) => o.peers.stateOf(key) !== undefined || contacts.has(key, now);
      const { curve } = o;
      this.reachability = new Reachability({ self: o.identity.key, curve, drops, messages, hasSentTo, proven, tuning });
    }
    this.met = new TokenBucket(tuning.metPerSecond, tuning.metAtOnce);
    if (o.memory === undefined || o.accept === 'known') return;
    const isPoint = (key: Uint8Array) => o.curve.isPoint(key);
    this.memory = new PeerMemory({ ...o.memory, endpointOf, isPoint, wallMs: o.wallMs, tuning });
  }

  /** Reads who is remembered, and begins to call them. */
  start(now: number): void {
    const { memory } = this;
    if (memory === undefined) return;
    const unusable = memory.load();
    const names = memory.names();
    const { log } = this.o;
    if (unusable > 0) log.write('warn', 'peers-damaged', { unusable_lines: unusable, kept: names.length });
    if (names.length > 0) log.write('info', 'peers-remembered', { peers: names.length });
    this.calls.begin(names, now);
  }

  stop(now: number): void {
    this.memory?.stop(now);
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
    // Who was out of reach may be in reach now.
    const isDown = (name: KeyText): boolean => !this.found.has(name);
    this.calls.begin(this.memory?.names().filter(isDown) ?? [], now);
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
    if (!this.makePlace(id, beacon.node, true, now)) return drops.count('beacon-crowded');
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
    if (on === undefined && accept !== 'any' && !this.remembers(key)) return false;
    if (!this.makePlace(on?.segment.id, key, false, now)) return false;
    this.found.add(key, on?.segment.id, now);
    return true;
  }

  /** SEEK, MEET, PROBE_ME, PROBE or PROOF of a neighbour. */
  message(from: NodeKey, message: Uint8Array, now: number): void {
    const kind = message[0];
    if (kind === CHANNEL0_KIND.seek) this.introducer.receive(from, message, now);
    else if (kind === CHANNEL0_KIND.meet) this.meet(message, now);
    else if (kind === CHANNEL0_KIND.probeMe) this.probeBroker.ask(from, now);
    else if (kind === CHANNEL0_KIND.probe) this.prober.receive(from, message, now);
    else this.proof(from, message, now);
  }

  linkUp(key: NodeKey, now: number): void {
    this.up.set(toHex(key), key);
    this.introducer.linkUp(key);
    this.probeBroker.linkUp(key);
    this.reachability?.linkUp(key, now);
    this.seeker.changed(now);
    if (!this.found.linkUp(key)) return;
    this.memory?.linkUp(key, now);
    this.calls.remove(toHex(key));
  }

  linkDown(key: NodeKey, now: number): void {
    this.up.delete(toHex(key));
    this.introducer.linkDown(key);
    this.probeBroker.linkDown(key);
    this.reachability?.linkDown(key);
    this.seeker.changed(now);
    if (this.found.linkDown(key, now)) {
      this.memory?.linkDown(key, now);
      if (this.remembers(key)) this.calls.add(toHex(key), now);
    }
    for (const { schedule } of this.segments.values()) schedule.hurry(now);
  }

  /** What a neighbour at this endpoint is reached over. */
  mediumOf(endpoint: Uint8Array): Medium {
    return this.segmentOf(endpoint)?.segment.medium ?? 'unknown';
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
    this.memory?.wake(now);
    for (const name of this.calls.take(now)) this.call(name, now);
    this.seeker.wake(now);
    this.reachability?.wake(now);
    this.prober.wake(now);
  }

  nextWakeAt(): number {
    const { found, calls, seeker, memory } = this;
    let at = Math.min(found.nextDueAt(), calls.nextDueAt(), seeker.nextWakeAt(), memory?.nextWakeAt() ?? NEVER);
    at = Math.min(at, this.reachability?.nextWakeAt() ?? NEVER, this.prober.nextWakeAt());
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

  private remembers(key: NodeKey): boolean {
    return this.memory?.knows(toHex(key)) ?? false;
  }

  /** Begins a handshake with a remembered peer where it was. */
  private call(name: KeyText, now: number): void {
    const peer = this.memory?.find(name);
    if (peer === undefined || this.o.peers.stateOf(peer.key) !== undefined) return;
    if (this.found.upCount < this.tuning.enoughFound) this.tryAt(peer.key, peer.endpoint, now);
  }

  private tryAt(key: NodeKey, endpoint: Uint8Array, now: number): void {
    const segment = this.segmentOf(endpoint)?.segment.id;
    if (!this.makePlace(segment, key, true, now)) return;
    this.found.add(key, segment, now);
    this.o.peers.add(key, endpoint);
  }

  /** Peers of the configuration first; while more neighbours are of use, who is on the internet as others proved, then who is remembered. */
  private sought(now: number): NodeKey[] {
    const { configured, peers, accept, clearnet } = this.o;
    const isDown = (key: NodeKey) => peers.stateOf(key) !== 'up';
    if (this.found.upCount >= this.tuning.enoughFound) return configured.filter(isDown);
    const open = accept === 'any' ? clearnet.nearest(now).filter(isDown).slice(0, this.tuning.soughtOnClearnet) : [];
    const remembered = (this.memory?.names() ?? []).map((name) => fromHex(name) as NodeKey);
    return [...configured, ...open, ...remembered.filter((key) => !open.some((one) => equal(one, key)))].filter(isDown);
  }

  /** For this node, or for one that had it asked for. */
  private proof(from: NodeKey, message: Uint8Array, now: number): void {
    const { identity, drops } = this.o;
    const told = parseProofMessage(message);
    if (told === undefined) return drops.count('proof-malformed');
    if (!equal(told.node, identity.key)) return this.probeBroker.proof(from, told.node, message, now);
    if (this.reachability === undefined) return drops.count('proof-unasked');
    this.reachability.proof(from, told.proof, now);
  }

  private tellAll(message: Uint8Array): void {
    for (const key of this.up.values()) this.o.messages.send(key, message);
  }

  /** A neighbour says where somebody is who is sought. It proves nothing: a handshake does. */
  private meet(message: Uint8Array, now: number): void {
    const { drops, peers } = this.o;
    const told = parseNodePlace(message);
    if (told === undefined) return drops.count('meet-malformed');
    const { node, family, endpoint } = told;
    const socket = this.o.socketOf(family);
    if (socket === undefined || reachOf(endpoint) === 'link') return drops.count('meet-place');
    const state = peers.stateOf(node);
    if (state === 'up') return;
    if (!this.sought(now).some((key) => equal(key, node))) return drops.count('meet-unsought');
    if (!this.met.take(now)) return drops.count('meet-rate');
    endpoint[0] = socket;
    if (state === undefined) return this.tryAt(node, endpoint, now);
    this.found.tryOn(node, now);
    peers.meet(node, endpoint, now);
  }

  private segmentOf(endpoint: Uint8Array): OwnSegment | undefined {
    for (const on of this.segments.values()) if (isOnSegment(on.segment, endpoint)) return on;
    return undefined;
  }

  private segmentGone(id: SegmentId, now: number): void {
    this.segments.delete(id);
    for (const peer of [...this.found.values()]) if (peer.segment === id) this.forget(peer, now);
  }

  private makePlace(segment: SegmentId | undefined, key: NodeKey, trying: boolean, now: number): boolean {
    const place = this.found.placeFor(segment, trying, this.remembers(key));
    if (place === undefined) return false;
    if (place !== 'free') this.forget(place, now);
    return true;
  }

  private forget(peer: FoundPeer, now: number): void {
    this.found.remove(peer.key);
    this.contacts.add(peer.key, now);
    this.o.peers.remove(peer.key, now);
  }

  private signedBeacon(port: number): Uint8Array {
    const { identity, curve, random, wallMs, accept } = this.o;
    const time = Math.floor(wallMs() / MS_PER_SECOND);
    const unsigned = encodeUnsignedBeacon({ node: identity.key, port, time, takesStrangers: accept !== 'known' });
    return concat(unsigned, signDigest(curve, random, identity, beaconHash(unsigned)));
  }

  private isSigned(key: NodeKey, bytes: Uint8Array): boolean {
    const { signed, signature } = signedParts(bytes);
    return this.o.curve.verify(key, beaconHash(signed), signature);
  }
}
