/**
 * Paths that have no node in common but their ends: what a bundle of routes runs over, so that one node's failure costs
 * one route. Among all sets of as many paths, the one with the shortest round trips in sum.
 *
 * Every node but the two ends is split in two with an arc for one unit between them, and a cheapest flow is sent
 * through.
 */
import { toHex } from '../base/bytes.ts';
import type { KeyText, NodeKey } from '../base/ids.ts';
import type { GraphLink } from './graph.ts';
import { UnitFlow } from './unit-flow.ts';

/** docs/protocol.md section 5: an onion holds no more hops. */
export const MAX_PATH_HOPS = 10;

/**
 * Costs are whole numbers of the records' unit, 0.1 ms, so that sums are exact; at least one, so that fewer hops win a
 * tie.
 */
const COST_UNITS_PER_MS = 10;

/** All that a search needs of a graph. */
export interface PathGraph {
  neighbours(key: NodeKey): readonly GraphLink[];
}

interface Vertex {
  readonly key: NodeKey;
  readonly keyText: KeyText;
  readonly links: readonly GraphLink[];
}

/**
 * Up to `count` paths from `from` to `to`, shortest round trip first, each without `from`, neighbour first and
 * destination last. Fewer when there are no more; paths of more than 10 hops are left out.
 */
export function disjointPaths(graph: PathGraph, from: NodeKey, to: NodeKey, count: number): NodeKey[][] {
  const { vertices, numberOf } = reachable(graph, from);
  const target = numberOf.get(toHex(to));
  if (target === undefined || target === 0 || count < 1) return [];

  // Vertex v is entered at 2v and left at 2v + 1.
  const flow = new UnitFlow(2 * vertices.length);
  vertices.forEach(({ links }, number) => {
    if (number !== 0 && number !== target) flow.addArc(2 * number, 2 * number + 1, 0);
    if (number === target) return;
    for (const link of links) {
      const next = numberOf.get(link.keyText)!;
      if (next !== 0) flow.addArc(2 * number + 1, 2 * next, costOf(link));
    }
  });
  flow.send(1, 2 * target, count);

  const paths: { path: NodeKey[]; cost: number }[] = [];
  for (const first of flow.flowFrom(1)) {
    const path: NodeKey[] = [];
    let cost = 0;
    for (let previous = 0, at = first; ; ) {
      const number = at / 2;
      const { key, keyText } = vertices[number];
      cost += costOf(vertices[previous].links.find((link) => link.keyText === keyText)!);
      path.push(key);
      if (number === target) break;
      previous = number;
      at = flow.flowFrom(at + 1)[0];
    }
    if (path.length <= MAX_PATH_HOPS) paths.push({ path, cost });
  }
  return paths.sort((a, b) => a.cost - b.cost || a.path.length - b.path.length).map(({ path }) => path);
}

function costOf(link: GraphLink): number {
  return Math.max(1, Math.round(link.roundTripMs * COST_UNITS_PER_MS));
}

/** What can be reached from `from`, which is number 0. */
function reachable(graph: PathGraph, from: NodeKey): { vertices: Vertex[]; numberOf: Map<KeyText, number> } {
  const vertices: Vertex[] = [];
  const queue = [{ key: from, keyText: toHex(from) }];
  const numberOf = new Map<KeyText, number>([[queue[0].keyText, 0]]);
  for (let i = 0; i < queue.length; i++) {
    const { key, keyText } = queue[i];
    const links = graph.neighbours(key);
    vertices.push({ key, keyText, links });
    for (const link of links) {
      if (numberOf.has(link.keyText)) continue;
      numberOf.set(link.keyText, queue.length);
      queue.push(link);
    }
  }
  return { vertices, numberOf };
}
