/**
 * Paths that have no node in common but their ends: what a bundle of routes runs over, so that one node's failure costs
 * one route. Among all sets of as many paths, the one that costs least in sum (disjoint-flow.ts).
 */
import { toHex } from '../base/bytes.ts';
import type { KeyText, NodeKey } from '../base/ids.ts';
import { DisjointFlow } from './disjoint-flow.ts';
import type { GraphLink } from './graph-link.ts';

/** docs/protocol.md section 5: an onion holds no more hops. */
export const MAX_PATH_HOPS = 10;

/**
 * Costs are whole numbers of the records' unit, 0.1 ms, so that sums are exact; at least one, so that fewer hops win a
 * tie.
 */
const COST_UNITS_PER_MS = 10;

/** All that a search needs of a graph: nodes have numbers below `bound`, which are reused. */
export interface PathGraph {
  readonly bound: number;
  numberOf(key: KeyText): number | undefined;
  keyOf(number: number): NodeKey;
  linksOf(number: number): readonly GraphLink[];
}

/**
 * Up to `count` paths from `from` to `to`, shortest round trip first, each without `from`, neighbour first and
 * destination last. Fewer when there are no more; paths of more than 10 hops are left out.
 */
export function disjointPaths(graph: PathGraph, from: NodeKey, to: NodeKey, count: number): NodeKey[][] {
  const [source, target] = [graph.numberOf(toHex(from)), graph.numberOf(toHex(to))];
  if (count < 1 || source === undefined || target === undefined || source === target) return [];
  const flow = new DisjointFlow(graph, source, target, costOf);
  flow.send(count);
  return flow
    .paths()
    .filter(({ path }) => path.length <= MAX_PATH_HOPS)
    .sort((a, b) => a.cost - b.cost || a.path.length - b.path.length)
    .map(({ path }) => path);
}

function costOf(link: GraphLink): number {
  return Math.max(1, Math.round(link.roundTripMs * COST_UNITS_PER_MS));
}
