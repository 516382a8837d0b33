/**
 * Hostile beacons into the discovery of a node on two segments. Valid beacons of made-up nodes are signed on and on; they come
 * whole, copied from elsewhere, spoilt before they were signed (what a hostile node can call) and spoilt after. Some strangers finish their
 * handshake, some come unasked, some links go down; segments come and go. Neighbours seek others, say where others are, ask to be probed
 * and to probe, and bring proofs, whole and spoilt. Every other seed takes strangers from anywhere.
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { concat, fromHex, toHex, writeU16, writeU32 } from '../../src/base/bytes.ts';
import { ENDPOINT_BYTES } from '../../src/base/datagram.ts';
import { Drops } from '../../src/base/drops.ts';
import type { KeyText, NodeKey, SecretKey } from '../../src/base/ids.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { addressHash } from '../../src/crypto/address.ts';
import { createIdentity, type Identity } from '../../src/crypto/identity.ts';
import { taggedHash } from '../../src/crypto/tagged-hash.ts';
import { type Acceptance, Discovery } from '../../src/discovery/discovery.ts';
import type { PeerPort } from '../../src/discovery/ports.ts';
import type { Segment } from '../../src/discovery/segment.ts';
import { DISCOVERY_TUNING } from '../../src/discovery/tuning.ts';
import { signProof } from '../../src/graph/proof-signature.ts';
import { BEACON_TAG, encodeUnsignedBeacon } from '../../src/wire/beacon.ts';
import { encodeMeet, encodeProbe, encodeProbeMe, encodeSeek } from '../../src/wire/meeting.ts';
import { encodeProofMessage } from '../../src/wire/proof.ts';
import { RECORD_MAX_PROOFS } from '../../src/wire/record.ts';
import { fastCurve } from '../helpers/fast-curve.ts';
import { type CaseKind, type FuzzTarget, fuzz } from './harness/fuzz-loop.ts';
import { mutate, mutateInPlace, noise } from './harness/mutation.ts';

export const about =
  'spoilt, copied and invented beacons, and strangers that come and go, into the discovery of a node';
export const takes = '1 min, gate 3 s';
export const gate = true;

const NODES = 128;
const WALL_START_MS = 1_800_000_000_000;
const SEEDS = 128;
/** Whose answers may still come. */
const PROBES = 8;
/** Beacons come a hundred times as fast as signatures are checked. */
const STEP_MS = 1;
const FRESH_EVERY_CASES = 16;
const MAX_BYTES = 400;
const SEGMENT_IDS = [1, 2];
const beaconHash = taggedHash(BEACON_TAG);

export function run(context: RunContext): Promise<RunResult> {
  return fuzz({ name: 'discovery', context, target: (seed) => new DiscoveryUnderFire(seed) });
}

/** The links of the node: a peer's link comes up when the fuzzer says so. */
class Peers implements PeerPort {
  readonly states = new Map<KeyText, { readonly key: NodeKey; up: boolean }>();
  most = 0;
  /** The link of one who was removed was up. */
  removed: (key: NodeKey) => void = () => {};
  stateOf(key: NodeKey) {
    const peer = this.states.get(toHex(key));
    return peer && (peer.up ? 'up' : 'down');
  }
  add(key: NodeKey): void {
    if (this.states.has(toHex(key))) throw new Error('a peer is added twice');
    this.states.set(toHex(key), { key, up: false });
    this.most = Math.max(this.most, this.states.size);
  }
  meet(key: NodeKey): void {
    if (this.stateOf(key) !== 'down') throw new Error('one is met who is up, or no peer');
  }
  remove(key: NodeKey): void {
    const wasUp = this.stateOf(key) === 'up';
    this.states.delete(toHex(key));
    if (wasUp) this.removed(key);
  }
  endpointOf(key: NodeKey): Uint8Array | undefined {
    return this.stateOf(key) === 'up' ? ipv4Endpoint(0x01000000 + key[1]) : undefined;
  }
  probe(key: NodeKey, _endpoint: Uint8Array, answered: (now: number) => void): boolean {
    if (this.stateOf(key) !== undefined) throw new Error('a peer is probed');
    this.probes.push(answered);
    if (this.probes.length > PROBES) this.probes.shift();
    return true;
  }
  readonly probes: ((now: number) => void)[] = [];
}

class DiscoveryUnderFire implements FuzzTarget {
  readonly drops: readonly Drops[];
  private readonly curve = fastCurve();
  private readonly self: Identity;
  private readonly nodes: readonly Identity[];
  private readonly configured: NodeKey;
  private readonly peers = new Peers();
  private readonly discovery: Discovery;
  private readonly seeds: Uint8Array[] = [];
  private seedCount = 0;
  private now = 0;
  private called = 0;
  private told = 0;
  private proven = 0;
  private readonly accept: Acceptance;
  private saves = 0;

  constructor(seed: number) {
    const random = new SeededRandom(seed, 'discovery');
    this.nodes = Array.from({ length: NODES }, () => this.identity(random));
    this.self = this.identity(random);
    const drops = new Drops();
    this.drops = [drops];
    this.configured = this.nodes[0].key;
    this.accept = seed % 2 === 0 ? 'any' : 'segment';
    this.peers.add(this.configured);
    this.peers.removed = (key) => this.discovery.linkDown(key, this.now);
    this.discovery = new Discovery({
      identity: this.self,
      curve: this.curve,
      random,
      drops,
      log: { write: () => {} },
      wallMs: () => WALL_START_MS + this.now,
      accept: this.accept,
      peers: this.peers,
      configured: [this.configured],
      messages: { send: () => this.told++ > 0 },
      clearnet: {
        nearest: () => this.nodes.slice(1, 9).map(({ key }) => key),
        areLinked: (a, b) => a[5] === b[5],
        proven: (proofs) => {
          if (proofs.length > RECORD_MAX_PROOFS) throw new Error(`${proofs.length} proofs`);
          this.proven++;
        },
      },
      socketOf: () => 0,
      beacons: {
        send: () => {
          this.called++;
        },
      },
      memory: {
        store: {
          load: () => [],
          save: (lines) => {
            if (lines.length > DISCOVERY_TUNING.maxRemembered) throw new Error(`${lines.length} are remembered`);
            this.saves++;
          },
        },
        places: { format: toHex, parse: fromHex },
      },
    });
    this.discovery.start(0);
    this.discovery.segmentsChanged(SEGMENT_IDS.map(segment), 0);
    for (let i = 0; i < 8; i++) this.makeSeed(random);
  }

  prepare(random: SeededRandom, number: number): void {
    this.now += STEP_MS;
    if (number % FRESH_EVERY_CASES === 0) this.makeSeed(random);
    if (random.chance(0.02)) this.somethingHappens(random);
    if (this.discovery.nextWakeAt() > this.now) return;
    this.discovery.wake(this.now);
    this.discovery.drain(this.now);
  }

  feed(random: SeededRandom): CaseKind {
    if (random.chance(0.2)) return this.feedMessage(random);
    const isNoise = random.chance(0.15);
    const bytes = isNoise ? noise(random, 0, MAX_BYTES) : this.mutant(random);
    // Noise that begins as a beacon does is one in 2^32.
    const id = random.chance(0.95) ? random.pick(SEGMENT_IDS) : random.integer(8);
    const scope = random.chance(0.95) ? id : random.integer(8);
    this.discovery.receive(id, endpointOn(random, scope), bytes, this.now);
    return isNoise ? 'noise' : 'mutant';
  }

  /** What a neighbour says on its link. */
  private feedMessage(random: SeededRandom): CaseKind {
    const hashes = Array.from({ length: random.integer(4) }, () => addressHash(random.pick(this.nodes).key));
    const whole = this.someMessage(random, hashes);
    const bytes = random.chance(0.5) ? whole : mutate(random, whole, encodeSeek(hashes), MAX_BYTES);
    const neighbours = [...this.peers.states.values()].filter(({ up }) => up);
    const from = neighbours.length === 0 ? random.pick(this.nodes) : random.pick(neighbours);
    if (bytes.length > 0) this.discovery.message(from.key, bytes, this.now);
    return 'mutant';
  }

  private someMessage(random: SeededRandom, hashes: readonly Uint8Array[]): Uint8Array {
    const { key } = random.chance(0.2) ? this.self : random.pick(this.nodes);
    const place = ipv4Endpoint(random.word());
    const said = { node: key, family: 4 as const, time: Math.floor((WALL_START_MS + this.now) / 1_000) };
    const messages = [
      () => encodeSeek(hashes),
      () => encodeMeet(key, place),
      () => encodeProbeMe(),
      () => encodeProbe(key, place),
      () => encodeProofMessage(key, signProof(this.curve, random.pick(this.nodes), random, said)),
    ];
    return random.pick(messages)();
  }

  checkBounds(): void {
    const { maxFoundOnSegment, maxTrying, placesForRemembered } = DISCOVERY_TUNING;
    const maxFound = DISCOVERY_TUNING.maxFound + placesForRemembered;
    const found = [...this.discovery.peers()];
    const trying = found.filter(({ state }) => state === 'trying').length;
    if (found.length > maxFound || this.peers.states.size > maxFound + 1) throw new Error(`${found.length} were found`);
    for (const id of SEGMENT_IDS) {
      const here = found.filter(({ segment: at }) => at === id).length;
      if (here > maxFoundOnSegment + placesForRemembered) throw new Error(`${here} were found on one segment`);
    }
    if (trying > maxTrying + maxFoundOnSegment) throw new Error(`${trying} handshakes are under way`);
    if (this.peers.stateOf(this.configured) === undefined) throw new Error('a configured peer was put out');
  }

  /** Left alone, all whose links are down are forgotten; then a stranger is found and taken in. */
  finish(): Record<string, unknown> {
    for (const { key, up } of [...this.peers.states.values()]) if (up) this.linkDown(key);
    this.runIdle(120_000);
    if (this.peers.states.size > 1) throw new Error(`${this.peers.states.size} peers are kept`);
    const random = new SeededRandom(1, 'proof of life');
    this.discovery.segmentsChanged(SEGMENT_IDS.map(segment), this.now);
    this.discovery.receive(1, endpointOn(random, 1), this.beaconOf(random, this.nodes[5]), this.now);
    if (this.peers.stateOf(this.nodes[5].key) === undefined) throw new Error('a stranger is not found any more');
    return {
      most_peers: this.peers.most,
      beacons_called: this.called,
      messages: this.told,
      proven: this.proven,
      saves: this.saves,
    };
  }

  private runIdle(ms: number): void {
    const until = this.now + ms;
    for (let at = this.discovery.nextWakeAt(); at <= until; at = this.discovery.nextWakeAt()) {
      this.now = Math.max(this.now, at);
      this.discovery.wake(this.now);
      this.discovery.drain(this.now);
    }
    this.now = until;
  }

  private somethingHappens(random: SeededRandom): void {
    if (random.chance(0.5)) this.peers.probes.shift()?.(this.now);
    const what = random.integer(5);
    const { key } = random.pick(this.nodes);
    const peer = random.pick([...this.peers.states.values()]);
    if (what === 0 && !peer.up) {
      peer.up = true;
      this.discovery.linkUp(peer.key, this.now);
    } else if (what === 1 && peer.up) this.linkDown(peer.key);
    else if (what === 2 && this.peers.stateOf(key) === undefined) {
      if (this.discovery.admits(key, endpointOn(random, random.integer(4)), this.now)) this.peers.add(key);
    } else if (what === 3 && random.chance(0.1)) {
      this.discovery.segmentsChanged(SEGMENT_IDS.filter(() => random.chance(0.7)).map(segment), this.now);
    } else if (what === 4) this.discovery.segmentsChanged(SEGMENT_IDS.map(segment), this.now);
  }

  private linkDown(key: NodeKey): void {
    const peer = this.peers.states.get(toHex(key));
    if (peer !== undefined) peer.up = false;
    this.discovery.linkDown(key, this.now);
  }

  private mutant(random: SeededRandom): Uint8Array {
    const seed = random.pick(this.seeds);
    if (random.chance(0.2)) return seed;
    const other = random.pick(this.seeds);
    return random.chance(0.7) ? mutateInPlace(random, seed, other) : mutate(random, seed, other, MAX_BYTES);
  }

  private makeSeed(random: SeededRandom): void {
    this.seeds[this.seedCount++ % SEEDS] = this.beaconOf(random, random.pick(this.nodes));
  }

  /** Signed rightly, though what it says may be wrong. */
  private beaconOf(random: SeededRandom, node: Identity): Uint8Array {
    const time = Math.floor((WALL_START_MS + this.now) / 1_000);
    const unsigned = encodeUnsignedBeacon({ node: node.key, port: 6969, time, takesStrangers: true });
    if (random.chance(0.1)) unsigned[5 + random.integer(9)] ^= 1 << random.integer(8);
    return concat(unsigned, this.curve.sign(node.secret, beaconHash(unsigned), noise(random, 32, 32)));
  }

  private identity(random: SeededRandom): Identity {
    const secret = new Uint8Array(32);
    random.fill(secret);
    return createIdentity(this.curve, secret as SecretKey);
  }
}

function segment(id: number): Segment {
  return { id, name: `eth${id}`, medium: 'lan', ipv6: { port: 6969 }, ipv4: undefined };
}

function ipv4Endpoint(address: number): Uint8Array {
  const endpoint = new Uint8Array(ENDPOINT_BYTES);
  endpoint[1] = 4;
  writeU16(endpoint, 2, 6969);
  writeU32(endpoint, 4, address);
  return endpoint;
}

function endpointOn(random: SeededRandom, scope: number): Uint8Array {
  const endpoint = new Uint8Array(ENDPOINT_BYTES);
  endpoint[1] = 6;
  writeU16(endpoint, 4, 0xfe80);
  writeU32(endpoint, 16, random.word());
  writeU32(endpoint, 20, scope);
  return endpoint;
}
