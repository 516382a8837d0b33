/**
 * What it costs to know the network: so many nodes, each linked with four others on average (a ring and as many links again at random), are
 * switched on within a second. Measured: until every node knows all others that records reach, 10 hops away (of 3,000 nodes 178 of nine million pairs are farther from each other); what records and
 * their acknowledgements then cost each node a second, over the time in which every record is renewed once; until every node knows that a link is gone.
 *
 * What a record's bytes say is held once for all nodes (world/shared-reader.ts), so 3,000 nodes with nine million records fit one process; `heldBytesPerRecord` is what each
 * adds. `discovery-scale 100 300` runs these sizes only.
 */
import { parentPort, Worker, workerData } from 'node:worker_threads';
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { toHex } from '../../src/base/bytes.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { GRAPH_TUNING, RECORD_HOPS } from '../../src/graph/tuning.ts';
import { heldBytes } from '../fuzz/harness/heap.ts';
import { FloodWorld } from './world/flood-world.ts';

export const about = 'convergence and control traffic of networks of 100, 300, 1,000 and 3,000 nodes';
export const takes = '7 min without 3,000, hours with it, gate 10 s';
export const gate = true;

const SIZES = [100, 300, 1_000, 3_000];
/** For the largest. What is under way for a moment shall not be taken for what stays. */
const HEAP_MB = 12_000;
const YOUNG_MB = 384;
const POWER_ON_WITHIN_MS = 1_000;
const LOOK_EVERY_MS = 100;
const DEADLINE_MS = 180_000;
/** Records that were signed while the network came together have been renewed. */
const SETTLED_MS = 75_000;
/** What others may take of the slowest uplink, 10 % of 2 Mb/s, with every record renewed. */
const BOUND_BYTES_PER_SECOND = 25_000;
const PLOT_COLUMNS = 60;

type Figure = ReturnType<typeof measure>;

export async function run(context: RunContext): Promise<RunResult> {
  const asked = context.args.map(Number);
  const sizes = asked.length > 0 ? asked : context.gate ? SIZES.slice(0, 1) : SIZES;
  const figures: Figure[] = [];
  for (const nodes of sizes) {
    const figure = await measureApart(nodes);
    context.log(JSON.stringify(figure));
    figures.push(figure);
  }
  for (const line of plot(figures)) context.log(line);
  const pass = figures.every(
    ({ knownMs, changedMs, bytesPerSecond }) =>
      knownMs !== undefined && changedMs !== undefined && bytesPerSecond < BOUND_BYTES_PER_SECOND,
  );
  return { pass, boundBytesPerSecond: BOUND_BYTES_PER_SECOND, figures };
}

/** In a heap of its own, for that of the process can't be made larger once it runs. */
function measureApart(nodes: number): Promise<Figure> {
  const resourceLimits = { maxOldGenerationSizeMb: HEAP_MB, maxYoungGenerationSizeMb: YOUNG_MB };
  const worker = new Worker(import.meta.filename, { workerData: { nodes }, resourceLimits });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

// Whoever else loads this file in a thread names no nodes.
if (workerData?.nodes !== undefined) parentPort?.postMessage(measure(workerData.nodes));

function measure(nodes: number) {
  const heldBefore = heldBytes();
  const world = new FloodWorld(1, nodes);
  const random = new SeededRandom(1, `links of ${nodes}`);
  const { hosts } = world;
  const pairs = drawLinks(nodes, random);
  for (const [a, b] of pairs) {
    world.at(random.integer(POWER_ON_WITHIN_MS), () => world.connect(hosts[a], hosts[b]));
  }
  const reached = countReached(nodes, pairs);
  const isKnown = () => hosts.every(({ flood }, i) => flood.graph.size === reached[i]);
  const knownMs = world.until(isKnown, LOOK_EVERY_MS, DEADLINE_MS);
  const heldBytesPerRecord = Math.round((heldBytes() - heldBefore) / nodes ** 2);
  const joinBytes = Math.round(world.sentBytes / nodes);
  world.run(Math.max(world.now, SETTLED_MS));
  const [bytesBefore, messagesBefore] = [world.sentBytes, world.sentMessages];
  const { renewAfterMs, renewAfterMsPerNode } = GRAPH_TUNING;
  const renewalMs = Math.max(renewAfterMs, nodes * renewAfterMsPerNode);
  world.run(world.now + renewalMs);
  const perNodeSecond = (sum: number) => Math.round((10_000 * sum) / nodes / renewalMs) / 10;
  const bytesPerSecond = perNodeSecond(world.sentBytes - bytesBefore);
  const messagesPerSecond = perNodeSecond(world.sentMessages - messagesBefore);
  const [a, b] = [hosts[0], hosts[1]];
  const [nameA, nameB] = [toHex(a.identity.key), toHex(b.identity.key)];
  world.disconnect(a, b);
  const isGone = () => hosts.every(({ flood }) => !flood.graph.neighbours(nameA).some((l) => l.keyText === nameB));
  const changedMs = world.until(isGone, LOOK_EVERY_MS, DEADLINE_MS);
  return {
    nodes,
    links: pairs.length,
    knownMs,
    changedMs,
    heldBytesPerRecord,
    joinBytes,
    renewalMs,
    bytesPerSecond,
    messagesPerSecond,
  };
}

function drawLinks(nodes: number, random: SeededRandom): [number, number][] {
  const links = new Map<string, [number, number]>();
  const add = (a: number, b: number): void => {
    const [low, high] = [Math.min(a, b), Math.max(a, b)];
    if (low !== high) links.set(`${low} ${high}`, [low, high]);
  };
  for (let i = 0; i < nodes; i++) add(i, (i + 1) % nodes);
  while (links.size < 2 * nodes) add(random.integer(nodes), random.integer(nodes));
  return [...links.values()];
}

/** For each node how many are within the hops that a record travels, itself included. */
function countReached(nodes: number, pairs: readonly [number, number][]): number[] {
  const neighbours: number[][] = Array.from({ length: nodes }, () => []);
  for (const [a, b] of pairs) {
    neighbours[a].push(b);
    neighbours[b].push(a);
  }
  return neighbours.map((_, from) => {
    const reached = new Set([from]);
    let edge = [from];
    for (let hops = 0; hops < RECORD_HOPS; hops++) {
      const next = edge.flatMap((node) => neighbours[node]).filter((node) => !reached.has(node));
      for (const node of next) reached.add(node);
      edge = [...new Set(next)];
    }
    return reached.size;
  });
}

function plot(figures: readonly Figure[]): string[] {
  const bars = (title: string, figureOf: (figure: Figure) => number): string[] => {
    const most = Math.max(...figures.map(figureOf));
    const rows = figures.map((figure) => {
      const bar = '#'.repeat(Math.max(1, Math.round((PLOT_COLUMNS * figureOf(figure)) / most)));
      return `${String(figure.nodes).padStart(6)} ${bar} ${figureOf(figure)}`;
    });
    return [title, ...rows];
  };
  return [
    ...bars('bytes a second and node', ({ bytesPerSecond }) => bytesPerSecond),
    ...bars('ms until everybody knows everybody', ({ knownMs }) => knownMs ?? DEADLINE_MS),
  ];
}
