import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { disjointPaths, MAX_PATH_HOPS } from '../../../src/graph/disjoint-paths.ts';
import { LOWEST_LATENCY } from '../../../src/graph/path-strategy.ts';
import { type Edge, graphFrom, keyOf, namesOf } from '../../unit/graph/drawn-graph.ts';

/** Graphs of up to `nodes` nodes; at most one edge between two. */
function graphs(nodes: number): fc.Arbitrary<{ edges: Edge[]; nodes: number }> {
  return fc.integer({ min: 2, max: nodes }).chain((size) => {
    const pairs = Array.from({ length: size }, (_, a) => Array.from({ length: a }, (_, b): Edge => [b, a])).flat();
    return fc
      .array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 500 })), {
        minLength: pairs.length,
        maxLength: pairs.length,
      })
      .map((choices) => ({
        nodes: size,
        edges: pairs.flatMap(([a, b], i): Edge[] => (choices[i][0] ? [[a, b, choices[i][1] / 10]] : [])),
      }));
  });
}

function roundTripOf(edges: readonly Edge[], a: number, b: number): number {
  const edge = edges.find(([x, y]) => (x === a && y === b) || (x === b && y === a));
  if (edge === undefined) throw new Error(`no edge between ${a} and ${b}`);
  return edge[2]!;
}

function costOf(edges: readonly Edge[], from: number, path: readonly number[]): number {
  return path.reduce((sum, to, i) => sum + Math.round(10 * roundTripOf(edges, i === 0 ? from : path[i - 1], to)), 0);
}

/**
 * How many node-disjoint paths there are: augmenting paths over split nodes, in the plainest form (Ford and
 * Fulkerson).
 */
function maxFlow(edges: readonly Edge[], nodes: number, from: number, to: number): number {
  const room = new Map<string, number>();
  const arcs = new Map<string, string[]>();
  const arc = (a: string, b: string): void => {
    room.set(`${a}>${b}`, 1);
    if (!room.has(`${b}>${a}`)) room.set(`${b}>${a}`, 0);
    arcs.set(a, [...(arcs.get(a) ?? []), b]);
    arcs.set(b, [...(arcs.get(b) ?? []), a]);
  };
  for (let node = 0; node < nodes; node++) arc(`in${node}`, `out${node}`);
  for (const [a, b] of edges) {
    arc(`out${a}`, `in${b}`);
    arc(`out${b}`, `in${a}`);
  }
  const augment = (at: string, seen: Set<string>): boolean => {
    if (at === `in${to}`) return true;
    seen.add(at);
    for (const next of arcs.get(at) ?? []) {
      if (seen.has(next) || room.get(`${at}>${next}`) === 0 || !augment(next, seen)) continue;
      room.set(`${at}>${next}`, room.get(`${at}>${next}`)! - 1);
      room.set(`${next}>${at}`, room.get(`${next}>${at}`)! + 1);
      return true;
    }
    return false;
  };
  let flow = 0;
  while (augment(`out${from}`, new Set([`in${from}`]))) flow++;
  return flow;
}

/** The cheapest sum of `count` node-disjoint paths, by trying all of them. */
function cheapest(edges: readonly Edge[], nodes: number, from: number, to: number, count: number): number {
  const paths: { inner: number[]; cost: number }[] = [];
  const extend = (path: number[]): void => {
    const at = path.at(-1) ?? from;
    for (let next = 0; next < nodes; next++) {
      if (
        next === from ||
        path.includes(next) ||
        !edges.some(([a, b]) => (a === at && b === next) || (a === next && b === at))
      ) {
        continue;
      }
      if (next === to) paths.push({ inner: path, cost: costOf(edges, from, [...path, to]) });
      else extend([...path, next]);
    }
  };
  extend([]);
  const choose = (first: number, left: number, used: readonly number[]): number => {
    if (left === 0) return 0;
    let best = Number.POSITIVE_INFINITY;
    for (let i = first; i < paths.length; i++) {
      const { inner, cost } = paths[i];
      if (inner.some((node) => used.includes(node))) continue;
      best = Math.min(best, cost + choose(i + 1, left - 1, [...used, ...inner]));
    }
    return best;
  };
  return choose(0, count, []);
}

describe('disjoint paths in random graphs', () => {
  it('follow links, share no node as far as the maximum flow allows, then no link as long as there is a path', () => {
    fc.assert(
      fc.property(graphs(11), fc.integer({ min: 1, max: 8 }), ({ edges, nodes }, count) => {
        const paths = disjointPaths(graphFrom(edges), keyOf(0), keyOf(nodes - 1), count, LOWEST_LATENCY).map(namesOf);
        const apart = Math.min(count, maxFlow(edges, nodes, 0, nodes - 1));
        const inner = paths.slice(0, apart).flatMap((path) => path.slice(0, -1));
        expect(new Set(inner).size).toBe(inner.length);
        const all = paths.flatMap((path) => path.slice(0, -1));
        expect(all).not.toContain(0);
        expect(all).not.toContain(nodes - 1);
        const costs = paths.map((path) => {
          expect(path.at(-1)).toBe(nodes - 1);
          expect(path.length).toBeLessThanOrEqual(MAX_PATH_HOPS);
          return costOf(edges, 0, path);
        });
        for (const part of [costs.slice(0, apart), costs.slice(apart)]) {
          expect(part).toEqual(part.toSorted((a, b) => a - b));
        }
        const used = paths.flatMap((path) => path.map((to, i) => [i === 0 ? 0 : path[i - 1], to].sort().join()));
        expect(new Set(used).size).toBe(used.length);
        const left = edges.filter(([a, b]) => !used.includes([a, b].sort().join()));
        if (paths.length < count) expect(maxFlow(left, nodes, 0, nodes - 1)).toBe(0);
        else expect(paths.length).toBe(count);
      }),
      { numRuns: 500 },
    );
  });

  it('have the shortest round trips in sum of all such sets', () => {
    fc.assert(
      fc.property(graphs(7), fc.integer({ min: 1, max: 3 }), ({ edges, nodes }, count) => {
        const paths = disjointPaths(graphFrom(edges), keyOf(0), keyOf(nodes - 1), count, LOWEST_LATENCY).map(namesOf);
        const apart = Math.min(count, maxFlow(edges, nodes, 0, nodes - 1));
        const sum = paths.slice(0, apart).reduce((total, path) => total + costOf(edges, 0, path), 0);
        expect(sum).toBe(cheapest(edges, nodes, 0, nodes - 1, apart));
      }),
      { numRuns: 300 },
    );
  });
});
