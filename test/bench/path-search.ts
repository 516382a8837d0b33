/**
 * The graph of a large network in the memory of one node, and how long a search of disjoint paths takes in it: records as they are stored,
 * links at random besides a ring, round trips from 1 to 100 ms. Beside it the search breadth-first for who is on the internet, which every
 * hundredth node has two others' proofs of.
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { concat } from '../../src/base/bytes.ts';
import type { NodeKey } from '../../src/base/ids.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { Clearnet } from '../../src/graph/clearnet.ts';
import { disjointPaths, MAX_PATH_HOPS } from '../../src/graph/disjoint-paths.ts';
import { Graph } from '../../src/graph/graph.ts';
import { HeardRecord } from '../../src/graph/heard-record.ts';
import { LOWEST_LATENCY } from '../../src/graph/path-strategy.ts';
import { OWN, RecordStore } from '../../src/graph/record-store.ts';
import { encodeUnsignedProof, type Proof, parseProof } from '../../src/wire/proof.ts';
import { encodeUnsignedRecord, parseRecord, type RecordLink, withSignature } from '../../src/wire/record.ts';
import { heldBytes } from '../fuzz/harness/heap.ts';

export const about =
  'search of disjoint paths, and of who is on the internet, in a graph of 10,000 nodes and 50,000 links, and the memory that holds it';
export const takes = '20 s';

const NODES = 10_000;
const LINKS = 50_000;
const SEARCHES = 200;
const PATHS = [1, 2, 4, 8];
const BOUND_MS = 50;
const MIB = 1024 * 1024;
const CLEARNET_SEARCHES = 50;
const PROVEN_EVERY = 100;
const NOW_S = 1_800_000_000;

export function run(context: RunContext): RunResult {
  const random = new SeededRandom(1, 'path search');
  const before = heldBytes();
  const keys = Array.from({ length: NODES }, () => {
    const key = new Uint8Array(33);
    random.fill(key);
    return key as NodeKey;
  });
  const store = new RecordStore(NODES);
  fill(store, keys, random);
  const graph = new Graph(store);
  const linkingMs = linkAll(graph);
  const heldMib = (heldBytes() - before) / MIB;
  context.log(`${graph.size} records in ${heldMib.toFixed(1)} MiB`);
  const figures = PATHS.map((count) => searches(graph, keys, count, random));
  for (const figure of figures) context.log(JSON.stringify(figure));
  const clearnet = clearnetSearches(graph, keys, random);
  context.log(JSON.stringify(clearnet));
  const slowestMs = Math.max(clearnet.p95Ms, ...figures.map(({ p95Ms }) => p95Ms));
  return {
    pass: slowestMs < BOUND_MS,
    nodes: NODES,
    links: LINKS,
    heldMib,
    boundMs: BOUND_MS,
    linkingMs,
    figures,
    clearnet,
  };
}

/** What the first search has to do for the nodes that it comes to, and later ones where records changed. */
function linkAll(graph: Graph): number {
  const startedMs = performance.now();
  for (let node = 0; node < graph.bound; node++) graph.linksOf(node);
  return Math.round(performance.now() - startedMs);
}

function fill(store: RecordStore, keys: readonly NodeKey[], random: SeededRandom): void {
  const links: RecordLink[][] = keys.map(() => []);
  for (let i = 0; i < LINKS; i++) {
    const a = i < NODES ? i : random.integer(NODES);
    const b = i < NODES ? (i + 1) % NODES : random.integer(NODES);
    if (a === b || links[a].some(({ key }) => key === keys[b])) continue;
    const roundTripMs = 1 + random.integer(100);
    links[a].push({ key: keys[b], roundTripMs, detour: false, rateKbps: 0, lossShare: 0, medium: 'unknown', price: 0 });
    links[b].push({ key: keys[a], roundTripMs, detour: false, rateKbps: 0, lossShare: 0, medium: 'unknown', price: 0 });
  }
  for (const [i, node] of keys.entries()) {
    const proofs = i % PROVEN_EVERY === 0 ? [proofBy(random.pick(keys)), proofBy(random.pick(keys))] : [];
    const said = { node, sequence: 1, expiry: 1, services: [], proofs, links: links[i] };
    const bytes = withSignature(encodeUnsignedRecord(said), new Uint8Array(64));
    store.put({ heard: new HeardRecord(parseRecord(bytes)!, bytes), from: OWN, expiresAt: 1, hopsToGive: 1 });
  }
}

function proofBy(prober: NodeKey): Proof {
  return parseProof(concat(encodeUnsignedProof(prober, 4, NOW_S), new Uint8Array(64)))!;
}

function clearnetSearches(graph: Graph, keys: readonly NodeKey[], random: SeededRandom) {
  let found = 0;
  const times = Array.from({ length: CLEARNET_SEARCHES }, () => {
    const self = random.pick(keys);
    const startedMs = performance.now();
    found = new Clearnet(graph, self, () => NOW_S * 1_000).nearest(0).length;
    return performance.now() - startedMs;
  }).sort((a, b) => a - b);
  const at = (share: number) => Number(times[Math.floor(share * (times.length - 1))].toFixed(2));
  return { onInternet: found, p50Ms: at(0.5), p95Ms: at(0.95), worstMs: at(1) };
}

function searches(graph: Graph, keys: readonly NodeKey[], count: number, random: SeededRandom) {
  const times: number[] = [];
  let found = 0;
  let hops = 0;
  for (let i = 0; i < SEARCHES; i++) {
    const [from, to] = [random.pick(keys), random.pick(keys)];
    const startedMs = performance.now();
    const paths = disjointPaths(graph, from, to, count, LOWEST_LATENCY);
    times.push(performance.now() - startedMs);
    found += paths.length;
    hops = Math.max(hops, ...paths.map((path) => path.length));
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => Number(times[Math.floor(share * (times.length - 1))].toFixed(2));
  return {
    paths: count,
    found,
    mostHops: Math.min(hops, MAX_PATH_HOPS),
    p50Ms: at(0.5),
    p95Ms: at(0.95),
    worstMs: at(1),
  };
}
