/**
 * What it costs to know the network: so many nodes, each linked with four others on average (a ring and as many links again at random), are
 * switched on within a second. Measured: until every node knows every other; what records and their acknowledgements then cost each node a
 * second, over the time in which every record is renewed once; until every node knows that a link is gone. Everybody is within 10 hops, so everybody hears of everybody.
 *
 * What a record's bytes say is held once for all nodes (world/shared-reader.ts), so 3,000 nodes with nine million records fit one process; `heldBytesPerRecord` is what each
 * adds. `discovery-scale 100 300` runs these sizes only.
 */
import { parentPort, Worker, workerData } from 'node:worker_threads';
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { toHex } from '../../src/base/bytes.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { GRAPH_TUNING } from '../../src/graph/tuning.ts';
import { heldBytes } from '../fuzz/harness/heap.ts';
import { FloodWorld } from './world/flood-world.ts';

export const about = 'convergence and control traffic of networks of 100, 300, 1,000 and 3,000 nodes';
export const takes = '7 min without 3,000, hours with it, gate 10 s';
export const gate = true;

const SIZES = [100, 300, 1_000, 3_000];
/** For the largest. */
const HEAP_MB = 12_000;
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
  const resourceLimits = { maxOldGenerationSizeMb: HEAP_MB };
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
  const pairs = new Set<string>();
  for (let i = 0; i < nodes; i++) pairs.add([i, (i + 1) % nodes].sort((a, b) => a - b).join());
  while (pairs.size < 2 * nodes) {
    const [a, b] = [random.integer(nodes), random.integer(nodes)];
    if (a !== b) pairs.add([a, b].sort((x, y) => x - y).join());
  }
  for (const pair of pairs) {
    const [a, b] = pair.split(',').map(Number);
    world.at(random.integer(POWER_ON_WITHIN_MS), () => world.connect(hosts[a], hosts[b]));
  }
  const isKnown = () => hosts.every(({ flood }) => flood.graph.size === nodes);
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
    links: pairs.size,
    knownMs,
    changedMs,
    heldBytesPerRecord,
    joinBytes,
    renewalMs,
    bytesPerSecond,
    messagesPerSecond,
  };
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
