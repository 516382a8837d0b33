import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PathGraph } from '../../../src/graph/path-graph.ts';
import { Separation } from '../../../src/graph/separation.ts';
import { type Edge, graphFrom } from './drawn-graph.ts';

const NODES = 9;

/** By walking without the node. */
function isCutOff(graph: PathGraph, node: number, target: number): boolean {
  const reached = new Set([0]);
  for (const at of reached) {
    for (const { number } of graph.linksOf(at)) if (number !== node) reached.add(number);
  }
  return !reached.has(target);
}

describe('which nodes are reached over another one only', () => {
  test('is what walking around that one finds, in any graph', () => {
    const edge = fc.tuple(fc.nat({ max: NODES - 1 }), fc.nat({ max: NODES - 1 })).filter(([a, b]) => a !== b);
    const edges = fc.uniqueArray(edge, { maxLength: 14, selector: ([a, b]) => `${Math.min(a, b)} ${Math.max(a, b)}` });
    fc.assert(
      fc.property(edges, (drawn) => {
        const graph = { ...graphFrom(drawn as Edge[]), bound: NODES };
        const separation = new Separation(graph, 0);
        for (let node = 1; node < NODES; node++) {
          for (let target = 0; target < NODES; target++) {
            expect([node, target, separation.separates(node, target)]).toEqual([
              node,
              target,
              isCutOff(graph, node, target) || node === target,
            ]);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  test('is found in a line of 10,000 nodes', () => {
    const line = graphFrom(Array.from({ length: 10_000 }, (_, i): Edge => [i, i + 1]));
    const separation = new Separation(line, 0);
    expect(separation.separates(5_000, 9_999)).toBe(true);
    expect(separation.separates(5_000, 4_999)).toBe(false);
  });
});
