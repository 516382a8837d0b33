/**
 * Hostile RECORDS and RECORDS_ACK into a RecordFlood with live links. Valid records of made-up nodes are signed on and on,
 * newer and newer; they come whole, spoilt before they were signed (what a hostile node can send) and spoilt after.
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { Drops } from '../../src/base/drops.ts';
import type { LinkId, NodeKey, SecretKey, ServiceKey } from '../../src/base/ids.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { addressHash } from '../../src/crypto/address.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import { createIdentity, type Identity } from '../../src/crypto/identity.ts';
import { signProof } from '../../src/graph/proof-signature.ts';
import { RecordFlood } from '../../src/graph/record-flood.ts';
import { signRecord } from '../../src/graph/record-signature.ts';
import { CHANNEL0_KIND, encodeRecords, encodeRecordsAck } from '../../src/wire/channel0.ts';
import type { Proof } from '../../src/wire/proof.ts';
import { encodeUnsignedRecord, type NodeRecord, RECORD_TAG, withSignature } from '../../src/wire/record.ts';
import { fastCurve } from '../helpers/fast-curve.ts';
import { type CaseKind, type FuzzTarget, fuzz } from './harness/fuzz-loop.ts';
import { mutate, mutateInPlace, noise } from './harness/mutation.ts';

export const about = 'spoilt RECORDS and RECORDS_ACK into the record flood of a node with live links';
export const takes = '40 s, gate 2 s';
export const gate = true;

const LINKS = 4;
const MEDIA = ['unknown', 'lan', 'wifi'] as const;
const NODES = 96;
/** Smaller than the number of made-up nodes, so that eviction runs too. */
const MAX_RECORDS = 64;
const WALL_START_MS = 1_700_000_000_000;
/** Four links with 30 signatures a second each: about one a case is checked. */
const STEP_MS = 8;
const FRESH_EVERY_CASES = 8;
const SEEDS = 256;
const MAX_BYTES = 8_192;

interface Seed {
  readonly link: LinkId;
  readonly message: Uint8Array;
}

export function run(context: RunContext): Promise<RunResult> {
  return fuzz({ name: 'records', context, target: (seed) => new FloodUnderFire(seed) });
}

class FloodUnderFire implements FuzzTarget {
  readonly drops: readonly Drops[];
  private readonly curve = fastCurve();
  private readonly nodes: Identity[];
  private readonly self: Identity;
  private readonly flood: RecordFlood;
  private readonly seeds: Seed[] = [];
  private seedCount = 0;
  private now = 0;
  private bytesSent = 0;
  private changes = 0;
  private mostRecords = 0;

  constructor(seed: number) {
    const random = new SeededRandom(seed, 'record flood');
    const identities = Array.from({ length: NODES + 1 }, () => {
      const secret = new Uint8Array(32);
      random.fill(secret);
      return createIdentity(this.curve, secret as SecretKey);
    });
    this.self = identities[NODES];
    this.nodes = identities.slice(0, NODES);
    const drops = new Drops();
    this.drops = [drops];
    this.flood = new RecordFlood({
      identity: this.self,
      curve: this.curve,
      random,
      drops,
      wallMs: () => WALL_START_MS + this.now,
      send: (_link, message) => {
        this.bytesSent += message.length;
        return true;
      },
      changed: () => {
        this.changes++;
      },
      tuning: { maxRecords: MAX_RECORDS },
    });
    for (let link = 0; link < LINKS; link++) this.flood.linkUp(link as LinkId, this.nodes[link].key, 0);
    for (let i = 0; i < LINKS; i++) this.makeSeed(random);
  }

  prepare(random: SeededRandom, number: number): void {
    this.now += STEP_MS;
    if (number % FRESH_EVERY_CASES === 0) this.makeSeed(random);
    if (this.flood.nextWakeAt() > this.now) return;
    this.flood.wake(this.now);
    this.flood.drain(this.now);
  }

  feed(random: SeededRandom): CaseKind {
    const seed = random.pick(this.seeds);
    const link = random.chance(0.9) ? seed.link : (random.integer(LINKS) as LinkId);
    const isNoise = random.chance(0.15);
    const message = isNoise ? noiseMessage(random) : this.mutant(random, seed);
    this.flood.receive(link, message, this.now);
    return isNoise ? 'noise' : 'mutant';
  }

  checkBounds(): void {
    const records = this.flood.graph.size;
    this.mostRecords = Math.max(this.mostRecords, records);
    if (records > MAX_RECORDS) throw new Error(`${records} records are held`);
  }

  /**
   * Left alone, all records of others expire, also those whose own nodes signed a sequence out of all reason; then a
   * neighbour's record is taken in.
   */
  finish(): Record<string, unknown> {
    this.runIdle(200_000);
    const left = this.flood.graph.size;
    if (left > 1) throw new Error(`${left} records are held when all have expired`);
    const neighbour = this.nodes[0];
    const random = new SeededRandom(1, 'proof of life');
    const record = this.recordOf(random, neighbour);
    const entry = { hopsLeft: 4, record: signRecord(this.curve, neighbour, random, record) };
    this.flood.receive(0 as LinkId, encodeRecords([entry]), this.now);
    if (this.flood.graph.recordOf(neighbour.key)?.sequence !== record.sequence) {
      throw new Error("a neighbour's new record is not taken in any more");
    }
    return { most_records: this.mostRecords, graph_changes: this.changes, bytes_sent: this.bytesSent };
  }

  private runIdle(ms: number): void {
    const until = this.now + ms;
    for (let at = this.flood.nextWakeAt(); at <= until; at = this.flood.nextWakeAt()) {
      this.now = Math.max(this.now, at);
      this.flood.wake(this.now);
      this.flood.drain(this.now);
    }
    this.now = until;
  }

  private mutant(random: SeededRandom, seed: Seed): Uint8Array {
    if (random.chance(0.1)) return this.signedMutant(random);
    if (random.chance(0.1)) return seed.message;
    const other = random.pick(this.seeds).message;
    if (random.chance(0.7)) return mutateInPlace(random, seed.message, other);
    return mutate(random, seed.message, other, MAX_BYTES);
  }

  /** A record spoilt behind its node key, then signed rightly. */
  private signedMutant(random: SeededRandom): Uint8Array {
    const node = random.pick(this.nodes);
    const unsigned = encodeUnsignedRecord(this.recordOf(random, node));
    const keyEnd = 34;
    const rest = mutate(random, unsigned.subarray(keyEnd), unsigned, 2_500);
    const spoilt = new Uint8Array(keyEnd + rest.length);
    spoilt.set(unsigned.subarray(0, keyEnd));
    spoilt.set(rest, keyEnd);
    const tag = sha256(new TextEncoder().encode(RECORD_TAG));
    const signature = this.curve.sign(node.secret, sha256(tag, tag, spoilt), noise(random, 32, 32));
    return encodeRecords([{ hopsLeft: 1 + random.integer(4), record: withSignature(spoilt, signature) }]);
  }

  private makeSeed(random: SeededRandom): void {
    const link = random.integer(LINKS) as LinkId;
    const message = random.chance(0.7) ? this.someRecords(random) : this.someAcks(random);
    this.seeds[this.seedCount++ % SEEDS] = { link, message };
  }

  private someRecords(random: SeededRandom): Uint8Array {
    const entries = Array.from({ length: 1 + random.integer(4) }, () => {
      // Now and then one of this node itself, from the future: it must sign above it, and not for ever.
      const node = random.chance(0.02) ? this.self : random.pick(this.nodes);
      const record = signRecord(this.curve, node, random, this.recordOf(random, node));
      return { hopsLeft: 1 + random.integer(4), record };
    });
    return encodeRecords(entries);
  }

  private someAcks(random: SeededRandom): Uint8Array {
    const acks = Array.from({ length: 1 + random.integer(8) }, () => {
      const { key } = random.chance(0.2) ? this.self : random.pick(this.nodes);
      return { addressHash: addressHash(key), sequence: this.sequence() };
    });
    return encodeRecordsAck(acks);
  }

  private recordOf(random: SeededRandom, node: Identity): NodeRecord {
    const links = Array.from({ length: random.integer(6) }, () => ({
      key: random.pick(this.nodes).key,
      roundTripMs: random.integer(500),
      detour: random.chance(0.2),
      rateKbps: random.integer(1_000_000),
      lossShare: random.unit(),
      medium: random.pick(MEDIA),
      price: random.integer(100_000),
    }));
    const services = random.chance(0.2)
      ? [{ kind: 1, key: noise(random, 33, 33) as ServiceKey, advert: noise(random, 0, 12) }]
      : [];
    const expiry = Math.floor(this.sequence() / 1_000) + 120;
    const proofs = random.chance(0.2)
      ? [this.proofOf(random, random.chance(0.9) ? node : random.pick(this.nodes))]
      : [];
    return { node: node.key as NodeKey, sequence: this.sequence(), expiry, services, links, proofs };
  }

  private proofOf(random: SeededRandom, { key }: Identity): Proof {
    const time = Math.floor(this.sequence() / 1_000);
    return signProof(this.curve, random.pick(this.nodes), random, {
      node: key,
      family: random.chance(0.5) ? 4 : 6,
      time,
    });
  }

  private sequence(): number {
    return WALL_START_MS + this.now;
  }
}

/** Noise of any shape behind either kind byte. */
function noiseMessage(random: SeededRandom): Uint8Array {
  const message = noise(random, 1, 1_500);
  message[0] = random.chance(0.5) ? CHANNEL0_KIND.records : CHANNEL0_KIND.recordsAck;
  return message;
}
