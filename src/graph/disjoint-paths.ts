/**
 * Paths that have no node in common but their ends: what a bundle of routes runs over, so that one node's failure costs
 * one route. Among all sets of as many paths, the one that costs least in sum (disjoint-flow.ts). Where there are fewer
 * than wanted, more that have at least no link in common, the cheapest first.
 */
import { toHex } from '../base/bytes.ts';
import type { NodeKey } from '../base/ids.ts';
import { DisjointFlow } from './disjoint-flow.ts';
import type { GraphLink } from './graph-link.ts';
import type { PathGraph } from './path-graph.ts';
import type { PathStrategy } from './path-strategy.ts';
import { WithoutLinks } from './without-links.ts';

/** docs/protocol.md section 5: an onion holds no more hops. */
export const MAX_PATH_HOPS = 10;

/**
 * Costs are whole numbers of the records' unit, 0.1 ms, so that sums are exact; at least one, so that fewer hops win a
 * tie.
 */
const COST_UNITS_PER_MS = 10;

/**
 * Up to `count` paths from `from` to `to`, each without `from`, neighbour first and destination last: those without a
 * common node, the cheapest by the strategy first, then those without a common link. Fewer when there are no more; paths of
 * more than 10 hops are left out.
 */
export function disjointPaths(
  graph: PathGraph,
  from: NodeKey,
  to: NodeKey,
  count: number,
  strategy: PathStrategy,
): NodeKey[][] {
  const [source, target] = [graph.numberOf(toHex(from)), graph.numberOf(toHex(to))];
  if (count < 1 || source === undefined || target === undefined || source === target) return [];
  const costOf = (link: GraphLink) => Math.max(1, Math.round(strategy(link) * COST_UNITS_PER_MS));
  const cheapest = (among: PathGraph, most: number): NodeKey[][] => {
    const flow = new DisjointFlow(among, source, target, costOf);
    flow.send(most);
    return flow
      .paths()
      .filter(({ path }) => path.length <= MAX_PATH_HOPS)
      .sort((a, b) => a.cost - b.cost || a.path.length - b.path.length)
      .map(({ path }) => path);
  };
  const paths = cheapest(graph, count);
  if (paths.length === count) return paths;
  const left = new WithoutLinks(graph);
  for (const path of paths) left.take([from, ...path]);
  while (paths.length < count) {
    const [path] = cheapest(left, 1);
    if (path === undefined) break;
    paths.push(path);
    left.take([from, ...path]);
  }
  return paths;
}
