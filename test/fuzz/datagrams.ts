/**
 * Hostile datagrams into live nodes. A small network runs on, its laptop keeps talking, and the datagrams that it sends
 * are captured, spoilt and fed to all four nodes. Everything on a wire is authenticated, so a mutant is accepted only where
 * a receiver rightly does not look (the second MAC of an INIT while it is not under load), or when it is the original
 * and overtakes it.
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { createDatagramBatch, type DatagramBatch, ENDPOINT_BYTES } from '../../src/base/datagram.ts';
import type { SeededRandom } from '../../src/base/seeded-random.ts';
import { MAC_BYTES, mac1Key, mac16 } from '../../src/crypto/mac.ts';
import { DATAGRAM_FINAL, DATAGRAM_INIT } from '../../src/wire/handshake.ts';
import { DATAGRAM_SESSION } from '../../src/wire/session.ts';
import { Network } from '../sim/world/network.ts';
import { type CaseKind, type FuzzTarget, fuzz } from './harness/fuzz-loop.ts';
import { mutate, mutateInPlace, noise } from './harness/mutation.ts';

export const about = 'noise, and captured datagrams truncated, flipped and spliced, into the nodes of a live network';
export const takes = '1 min, gate 3 s';
export const gate = true;

/** The latest of each type: those of handshakes are rare, and answers to mutants would crowd the others out. */
const CAPTURED_OF_A_TYPE = 512;
const MAX_BYTES = 1_472;
/** Where mac1 stands in the datagrams that a responder checks it in, by type. */
const MAC1_AT = new Map([
  [DATAGRAM_INIT, 62],
  [DATAGRAM_FINAL, 78],
]);
const FORMED_MS = 10_000;
const STEP_MS = 1;
const PACKET_EVERY_CASES = 250;
const PACKET_BYTES = 400;
/** Proof of life at the end: this many packets, at least half of which must come back. */
const LAST_PACKETS = 100;
const MAX_ROUTES_OF_A_NODE = 2_000;

export function run(context: RunContext): Promise<RunResult> {
  return fuzz({ name: 'datagrams', context, target: (seed) => new LiveNetwork(seed) });
}

interface Captured {
  readonly to: number;
  readonly endpoint: Uint8Array;
  readonly bytes: Uint8Array;
}

/** The latest of what came by. */
class Ring {
  private readonly items: Captured[] = [];
  private added = 0;

  add(item: Captured): void {
    this.items[this.added++ % CAPTURED_OF_A_TYPE] = item;
  }

  pick(random: SeededRandom): Captured {
    return random.pick(this.items);
  }
}

class LiveNetwork implements FuzzTarget {
  private readonly network: Network;
  private readonly captured = new Map<number, Ring>();
  private readonly mac1Keys: Uint8Array[];
  private captures = 0;
  private feeding = false;
  private readonly batch = createDatagramBatch(1, 65_536);

  constructor(seed: number) {
    const pairs = [
      [0, 1],
      [1, 3],
      [0, 2],
      [2, 3],
    ];
    const wires = pairs.map(([a, b]) => ({ a, b, shape: {} }));
    this.network = new Network({ seed, nodes: 4, wires, routeCount: 2 });
    const { world, places } = this.network;
    this.mac1Keys = places.map(({ key }) => mac1Key(key));
    this.network.bootAll();
    for (const { index } of places) this.listenAt(index);
    world.run(FORMED_MS);
    for (let i = 0; i < LAST_PACKETS; i++) this.talk();
  }

  get drops() {
    return this.network.places.map(({ node }) => node!.drops);
  }

  prepare(_random: SeededRandom, number: number): void {
    const { world } = this.network;
    if (number % PACKET_EVERY_CASES === 0) this.network.send(PACKET_BYTES);
    world.run(world.now + STEP_MS);
  }

  feed(random: SeededRandom): CaseKind {
    const { world } = this.network;
    const valid = this.pick(random);
    const isNoise = random.chance(0.2);
    const bytes = isNoise ? noise(random, 0, MAX_BYTES) : this.mutant(random, valid);
    const to = random.chance(0.9) ? valid.to : random.integer(this.network.places.length);
    const { batch } = this;
    batch.count = 1;
    batch.offsets[0] = 0;
    batch.lengths[0] = bytes.length;
    batch.arena.set(bytes);
    batch.endpoints.set(valid.endpoint);
    this.feeding = true;
    world.act(to, (machine) => machine.receive(batch, world.now));
    this.feeding = false;
    return isNoise ? 'noise' : 'mutant';
  }

  checkBounds(): void {
    const { places } = this.network;
    for (const { name, node } of places) {
      const { relayed, origin, destination } = node!.routes.status();
      const routes = relayed + origin + destination;
      if (routes > MAX_ROUTES_OF_A_NODE) throw new Error(`${name} holds ${routes} routes`);
      const linksUp = node!.links.status(this.network.world.now).filter(({ state }) => state === 'up').length;
      if (linksUp > 2) throw new Error(`${name} has ${linksUp} links to two neighbours`);
    }
  }

  finish(): Record<string, unknown> {
    const { laptop } = this.network;
    const before = laptop.returned;
    for (let i = 0; i < LAST_PACKETS; i++) this.talk();
    const returned = laptop.returned - before;
    if (returned < LAST_PACKETS / 2) throw new Error(`${returned} of ${LAST_PACKETS} packets came back at the end`);
    return {
      packets: laptop.sent,
      packets_returned: laptop.returned,
      datagrams_captured: this.captures,
    };
  }

  /** Captures what the network itself delivers to this node. */
  private listenAt(index: number): void {
    const node = this.network.places[index].node!;
    const receive = node.receive.bind(node);
    node.receive = (batch: DatagramBatch, now: number) => {
      if (!this.feeding) this.capture(index, batch);
      receive(batch, now);
    };
  }

  private capture(to: number, batch: DatagramBatch): void {
    for (let i = 0; i < batch.count; i++) {
      const bytes = batch.arena.slice(batch.offsets[i], batch.offsets[i] + batch.lengths[i]);
      const endpoint = batch.endpoints.slice(i * ENDPOINT_BYTES, (i + 1) * ENDPOINT_BYTES);
      const ring = this.captured.get(bytes[0]) ?? new Ring();
      this.captured.set(bytes[0], ring);
      ring.add({ to, endpoint, bytes });
      this.captures++;
    }
  }

  private mutant(random: SeededRandom, valid: Captured): Uint8Array {
    const other = this.pick(random).bytes;
    if (random.chance(0.5)) return mutate(random, valid.bytes, other, MAX_BYTES);
    const bytes = mutateInPlace(random, valid.bytes, other);
    if (random.chance(0.5)) this.mend(bytes, valid.to);
    return bytes;
  }

  /** A right mac1, which anybody can make who knows the receiver's key: what lies behind it is looked at then. */
  private mend(bytes: Uint8Array, to: number): void {
    const mac1At = MAC1_AT.get(bytes[0]);
    if (mac1At === undefined || bytes.length < mac1At + MAC_BYTES) return;
    bytes.set(mac16(this.mac1Keys[to], bytes.subarray(0, mac1At)), mac1At);
  }

  private pick(random: SeededRandom): Captured {
    const session = this.captured.get(DATAGRAM_SESSION);
    if (session !== undefined && random.chance(0.6)) return session.pick(random);
    return random.pick([...this.captured.values()]).pick(random);
  }

  private talk(): void {
    const { world } = this.network;
    this.network.send(PACKET_BYTES);
    world.run(world.now + 20);
  }
}
