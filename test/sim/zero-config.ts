/**
 * Power on, with twenty boxes: `lab zero-config` in simulation, larger and on worse wires. Boxes on random segments with nothing but their keys, one of them a
 * gateway. Two thirds of the wires lose a tenth of all datagrams, beacons too, the others half. They find each other by beacons, link, learn the gateway from its record, and
 * every box has an address of it. Then the power fails everywhere, and when it is back no beacon arrives any more.
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { planSegments } from '../lab/harness/random-segments.ts';
import { Network } from './world/network.ts';
import type { WireShape } from './world/wire.ts';

export const about =
  'twenty boxes on random segments with nothing but keys: all online within 10 s of power-on, and again from memory';
export const takes = '5 min, gate 30 s';
export const gate = true;

const BOXES = 20;
const EXTRA_SEGMENTS = 6;
const SEEDS = 10;
const GATE_SEEDS = 1;
const ONLINE_WITHIN_MS = 10_000;
const DEADLINE_MS = 60_000;
/** A fuse that is switched on: not all of them have the same power supply. */
const POWER_ON_WITHIN_MS = 1_000;
/** Until all that linked is remembered, and written. */
const REMEMBERED_AFTER_MS = 30_000;
const GOOD: Partial<WireShape> = { delayMs: 1, loss: 0.1 };
const BAD: Partial<WireShape> = { delayMs: 5, loss: 0.5 };

export function run(context: RunContext): RunResult {
  const seeds = context.args[0] === undefined ? range(context.gate ? GATE_SEEDS : SEEDS) : [Number(context.args[0])];
  const runs = seeds.map((seed) => {
    const figures = powerOn(seed);
    context.log(JSON.stringify(figures));
    return figures;
  });
  const slowest = (times: readonly (number | undefined)[]) => Math.max(...times.map((ms) => ms ?? DEADLINE_MS));
  const slowestMs = slowest(runs.map(({ onlineMs }) => onlineMs));
  const slowestAgainMs = slowest(runs.map(({ againMs }) => againMs));
  return { pass: Math.max(slowestMs, slowestAgainMs) <= ONLINE_WITHIN_MS, slowestMs, slowestAgainMs, runs };
}

function powerOn(seed: number) {
  const random = new SeededRandom(seed, 'segments');
  const plan = planSegments(random, BOXES, EXTRA_SEGMENTS);
  // Box 0 of the plan is the gateway, which is the last node here.
  const wires = plan.flatMap((segment) => {
    const shape = random.chance(1 / 3) ? BAD : GOOD;
    return pairs(segment).map(([a, b]) => ({ a: BOXES - 1 - a, b: BOXES - 1 - b, shape }));
  });
  const options = { seed, nodes: BOXES, wires, routeCount: 2, discovers: true, everybodyMines: true };
  const network = new Network({ ...options, world: { traced: false } });
  const onlineMs = untilOnline(network, random);
  network.world.run(network.world.now + REMEMBERED_AFTER_MS);
  for (const { index } of network.places) network.crash(index);
  network.beaconsPass = false;
  const againMs = untilOnline(network, random);
  return { seed, segments: plan.length, links: wires.length, onlineMs, againMs };
}

/** Power on; after how many ms every box but the gateway had an address, counted from when the last one was switched on. */
function untilOnline({ world, places }: Network, random: SeededRandom): number | undefined {
  const from = world.now + POWER_ON_WITHIN_MS;
  for (const { index } of places) world.at(world.now + random.integer(POWER_ON_WITHIN_MS), () => world.boot(index));
  const boxes = places.slice(0, -1);
  while (world.now < from + DEADLINE_MS && boxes.some(({ leasedAt }) => leasedAt === undefined))
    world.run(world.now + 50);
  const last = boxes.map(({ leasedAt }) => leasedAt ?? Number.POSITIVE_INFINITY);
  const at = Math.max(...last);
  return Number.isFinite(at) ? Math.round(at - from) : undefined;
}

function pairs(segment: readonly number[]): [number, number][] {
  return segment.flatMap((a, i) => segment.slice(i + 1).map((b): [number, number] => [a, b]));
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}
