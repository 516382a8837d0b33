/**
 * Random sets of routes, and what one TCP connection gets over all of them at once, beside the best of them alone: adding a
 * route must not make it slower. Each route alone carries the same connection in a network of its own, under the same seed.
 *
 *            ┌── relay 1 ──┐      2 to 8 relays; 0.5 to 16 Mb/s, 4 to 600 ms there and back, half of the wires lossy,
 *   miner ───┼── relay 2 ──┼─── gateway                            some with jitter, queues of 30 to 300 ms
 *            └── relay n ──┘
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { type Download, RouteSetNetwork } from './world/route-set.ts';
import { CLEAN_WIRE, type WireShape } from './world/wire.ts';

export const about = 'random sets of routes: one TCP connection over all of them beside the best one alone';
export const takes = '15 min, gate 1 min';

const SETS = 40;
const GATE_SETS = 5;
/** Of the best single route. */
const RATIO_LEAST = 0.97;
const ROUTE_COUNTS = [2, 2, 2, 3, 3, 4, 5, 8];
const LOSSES = [0.01, 0.03, 0.1, 0.2];
const QUEUES_MS = [30, 100, 300];
const LEAST_QUEUE_BYTES = 8_000;
const SKIP_MS = 10_000;
const MEASURED_MS = 15_000;

export function run(context: RunContext): RunResult {
  const rows = seedsOf(context).map((seed) => {
    const row = measure(seed);
    const { ratio, bundleMbit, bestMbit, sumMbit } = row;
    const figures = `bundle ${mbit(bundleMbit)}, best ${mbit(bestMbit)}, sum of all alone ${mbit(sumMbit)}`;
    context.log(`${ratio >= RATIO_LEAST ? 'ok  ' : 'FAIL'} set ${seed}: ${ratio.toFixed(3)} (${figures}) ${row.set}`);
    return row;
  });
  const sorted = rows.map(({ ratio }) => ratio).sort((a, b) => a - b);
  const ofSums = rows.map(({ bundleMbit, sumMbit }) => bundleMbit / sumMbit).sort((a, b) => a - b);
  return {
    pass: sorted[0] >= RATIO_LEAST,
    sets: rows.length,
    worst: round(sorted[0]),
    median: round(median(sorted)),
    median_of_the_sum: round(median(ofSums)),
    below: rows.filter(({ ratio }) => ratio < RATIO_LEAST).map(({ seed }) => seed),
  };
}

/** Those named on the command line, or the first ones. */
function seedsOf({ args, gate }: RunContext): number[] {
  if (args.length > 0) return args.map(Number);
  return Array.from({ length: gate ? GATE_SETS : SETS }, (_, i) => i + 1);
}

function measure(seed: number) {
  const shapes = drawSet(seed);
  const download: Download = { kind: seed % 3 === 0 ? 'reno' : 'cubic', skipMs: SKIP_MS, ms: MEASURED_MS };
  const alone = shapes.map((shape) => new RouteSetNetwork(seed, [shape]).download(download));
  const bundleMbit = new RouteSetNetwork(seed, shapes).download(download);
  const bestMbit = Math.max(...alone);
  const sumMbit = alone.reduce((sum, one) => sum + one, 0);
  const set = `${download.kind}: ${shapes.map(nameOf).join(', ')}`;
  return { seed, set, bundleMbit, bestMbit, sumMbit, ratio: bundleMbit / bestMbit };
}

function drawSet(seed: number): WireShape[] {
  const random = new SeededRandom(seed, 'route set');
  const between = (least: number, most: number): number => least * (most / least) ** random.unit();
  return Array.from({ length: random.pick(ROUTE_COUNTS) }, () => {
    const rateMbps = round(between(0.5, 16), 1);
    const delayMs = round(between(2, 300), 1);
    const loss = random.chance(0.5) ? 0 : random.pick(LOSSES);
    const jitterMs = random.chance(0.6) ? 0 : round(delayMs * random.unit() * 0.5, 1);
    const queueBytes = Math.max(LEAST_QUEUE_BYTES, Math.round(rateMbps * 125 * random.pick(QUEUES_MS)));
    return { ...CLEAN_WIRE, rateMbps, delayMs, loss, jitterMs, queueBytes };
  });
}

function nameOf({ rateMbps, delayMs, loss, jitterMs }: WireShape): string {
  const more = [loss > 0 ? ` ${100 * loss} %` : '', jitterMs > 0 ? ` jitter ${jitterMs}` : ''];
  return `${rateMbps} Mb/s ${delayMs} ms${more.join('')}`;
}

function median(sorted: readonly number[]): number {
  return sorted[Math.floor((sorted.length - 1) / 2)];
}

function mbit(value: number): string {
  return value.toFixed(2);
}

function round(value: number, digits = 3): number {
  return Number(value.toFixed(digits));
}
