/**
 * Random networks under random faults: loss, duplication, reorder, partitions, crashes with restart. Safety is checked at
 * every step, then the faults stop, and the laptop must reach the internet again and keep reaching it.
 *
 *   0 .. 10 s   the network forms            10 .. 30 s  faults
 *   30 .. 45 s  recovery                     45 .. 50 s  every second packet of the laptop's must come back at least
 */

import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { MARKER } from './world/internet.ts';
import { Network, type NetworkOptions } from './world/network.ts';

export const about =
  '200 random networks with loss, partition, crash and restart: safe at every step, converge after the faults';
export const takes = '15 min, gate 1 min';
export const gate = true;

const NETWORKS = 200;
const GATE_NETWORKS = 8;
const FORMED_MS = 10_000;
const FAULTS_END_MS = 30_000;
const RECOVERED_MS = 45_000;
const END_MS = 50_000;
const PACKET_EVERY_MS = 20;
/** What a node may hold in simulation; reaching it would be growth without bound. */
const MAX_ROUTES_OF_A_NODE = 2_000;

interface Outcome {
  readonly seed: number;
  readonly hash: string;
  readonly sent: number;
  readonly returned: number;
  readonly lateShare: number;
}

export function run(context: RunContext): RunResult {
  const only = context.args[0] === undefined ? undefined : Number(context.args[0]);
  const count = context.gate ? GATE_NETWORKS : NETWORKS;
  const seeds = only === undefined ? Array.from({ length: count }, (_, i) => i + 1) : [only];
  const outcomes: Outcome[] = [];
  for (const seed of seeds) {
    try {
      outcomes.push(simulate(seed));
    } catch (error) {
      context.log(`seed ${seed} failed: ${String(error)}`);
      context.log(`replay: npm run sim -- random-networks ${seed}`);
      return { pass: false, seed, networks: outcomes.length, reason: String(error) };
    }
    if (outcomes.length % 10 === 0) context.log(`${outcomes.length} of ${seeds.length} networks`);
  }
  const replayed = simulate(seeds[0]);
  const sameTrace = replayed.hash === outcomes[0].hash;
  return {
    pass: sameTrace,
    networks: outcomes.length,
    packets: sum(outcomes.map(({ sent }) => sent)),
    returned: sum(outcomes.map(({ returned }) => returned)),
    worst_share_after_faults: Math.min(...outcomes.map(({ lateShare }) => lateShare)),
    replay_same_trace: sameTrace,
    trace: outcomes[0].hash,
  };
}

function simulate(seed: number): Outcome {
  const random = new SeededRandom(seed, 'shape of the network');
  const network = new Network(randomShape(seed, random));
  const { world, laptop } = network;
  world.watch = refusePlaintext;
  network.bootAll();
  for (let at = 1_000; at < END_MS; at += PACKET_EVERY_MS) {
    const bytes = 60 + random.integer(1_200);
    world.at(at, () => network.send(bytes));
  }
  scheduleFaults(network, random);
  const step = (): void => checkBounds(network);
  world.run(RECOVERED_MS, step);
  const before = { sent: laptop.sent, returned: laptop.returned };
  world.run(END_MS, step);
  const sentLate = laptop.sent - before.sent;
  const lateShare = sentLate === 0 ? 0 : (laptop.returned - before.returned) / sentLate;
  if (lateShare < 0.5) {
    throw new Error(`not converged: ${laptop.returned - before.returned} of ${sentLate} packets came back at the end`);
  }
  return { seed, hash: world.traceHash(), sent: laptop.sent, returned: laptop.returned, lateShare };
}

/** A ring of 4 to 8 nodes with chords: at least two disjoint paths between any two. */
function randomShape(seed: number, random: SeededRandom): NetworkOptions {
  const nodes = 4 + random.integer(5);
  const order = Array.from({ length: nodes }, (_, i) => i);
  for (let i = nodes - 1; i > 0; i--) {
    const j = random.integer(i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  const pairs = order.map((a, i) => [a, order[(i + 1) % nodes]] as const);
  const chords = random.integer(3);
  for (let i = 0; i < chords; i++) {
    const a = random.integer(nodes);
    const b = random.integer(nodes);
    if (a !== b && !pairs.some(([x, y]) => (x === a && y === b) || (x === b && y === a))) pairs.push([a, b] as const);
  }
  const wires = pairs.map(([a, b]) => ({
    a,
    b,
    shape: {
      delayMs: 1 + random.integer(30),
      jitterMs: random.integer(5),
      loss: random.pick([0, 0, 0.01, 0.05]),
      duplication: random.pick([0, 0.02]),
      reorder: random.pick([0, 0.02]),
      rateMbps: random.pick([2, 10, 100]),
      mtuBytes: random.pick([1472, 1472, 1400, 1252]),
    },
  }));
  return { seed, nodes, wires, routeCount: 1 + random.integer(3) };
}

/** Crashes with restart, wires cut and mended, bursts of loss; all of it over by FAULTS_END_MS. */
function scheduleFaults(network: Network, random: SeededRandom): void {
  const { world } = network;
  const faults = 3 + random.integer(6);
  for (let i = 0; i < faults; i++) {
    const from = FORMED_MS + random.unit() * (FAULTS_END_MS - FORMED_MS - 1_000);
    const until = Math.min(from + 500 + random.unit() * 8_000, FAULTS_END_MS);
    const kind = random.pick(['crash', 'cut', 'loss'] as const);
    if (kind === 'crash') {
      const index = random.integer(network.places.length);
      world.at(from, () => network.crash(index));
      world.at(until, () => {
        if (!world.isUp(index)) world.boot(index);
      });
      continue;
    }
    const wire = random.pick(world.wires);
    const { shape } = wire;
    world.at(from, () => {
      if (kind === 'cut') wire.up = false;
      else wire.shape = { ...shape, loss: 0.4 };
    });
    world.at(until, () => {
      wire.up = true;
      wire.shape = shape;
    });
  }
}

function checkBounds(network: Network): void {
  for (const { node, name } of network.places) {
    const status = node?.routes.status();
    if (status !== undefined && status.relayed > MAX_ROUTES_OF_A_NODE)
      throw new Error(`${name} holds ${status.relayed} routes`);
  }
}

function refusePlaintext(datagram: Uint8Array): void {
  if (Buffer.from(datagram.buffer, datagram.byteOffset, datagram.length).includes(Buffer.from(MARKER))) {
    throw new Error('plaintext on a wire');
  }
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
