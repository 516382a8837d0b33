import { describe, expect, it } from 'vitest';
import { toHex } from '../../../src/base/bytes.ts';
import { disjointPaths } from '../../../src/graph/disjoint-paths.ts';
import { LOWEST_LATENCY } from '../../../src/graph/path-strategy.ts';
import { WayRound } from '../../../src/graph/way-round.ts';
import { type Edge, graphFrom, keyOf, namesOf } from './drawn-graph.ts';

/** Paths from node 0 to `to` without its own links to `avoided`. */
function search(edges: readonly Edge[], to: number, avoided: readonly number[]): number[][] {
  const names = new Set(avoided.map((number) => toHex(keyOf(number))));
  const graph = new WayRound(graphFrom(edges), keyOf(0), names);
  return disjointPaths(graph, keyOf(0), keyOf(to), 4, LOWEST_LATENCY).map(namesOf);
}

describe('the way round a link', () => {
  const square: Edge[] = [
    [0, 1],
    [0, 2],
    [1, 2],
    [0, 3],
    [2, 3],
  ];

  it('is every path but the link itself', () => {
    expect(search(square, 1, [1])).toEqual([[2, 1]]);
    expect(search(square, 2, [2])).toEqual([
      [1, 2],
      [3, 2],
    ]);
  });

  it('leaves out the other links of this node that have to be gone round, which would go round in a circle', () => {
    expect(search(square, 2, [1, 2])).toEqual([[3, 2]]);
    expect(search(square, 1, [1, 2])).toEqual([[3, 2, 1]]);
    expect(search(square, 1, [1, 2, 3])).toEqual([]);
  });

  it('leaves out links anywhere that work in one direction only', () => {
    const edges: Edge[] = [
      [0, 1],
      [0, 2],
      [2, 1, 1, 'detour'],
      [0, 3],
      [3, 1, 9],
    ];
    expect(search(edges, 1, [1])).toEqual([[3, 1]]);
    expect(search(edges.slice(0, 3), 1, [1])).toEqual([]);
  });

  it('tells of a path that was found before whether a link of it is left out now', () => {
    const edges: Edge[] = [
      [0, 1],
      [0, 2],
      [2, 1, 1, 'detour'],
      [0, 3],
    ];
    const graph = new WayRound(graphFrom(edges), keyOf(0), new Set([toHex(keyOf(1))]));
    const hasDetour = (...path: number[]): boolean => graph.hasDetour(path.map(keyOf));
    expect(hasDetour(0, 2, 1)).toBe(true);
    expect(hasDetour(0, 1)).toBe(true);
    expect(hasDetour(0, 2)).toBe(false);
    // Gone altogether is no detour.
    expect(hasDetour(0, 3, 1)).toBe(false);
  });

  it('does not come back through this node over the link that it goes round', () => {
    const graph = new WayRound(graphFrom(square), keyOf(0), new Set([toHex(keyOf(1))]));
    expect(graph.linksOf(1).map(({ key }) => namesOf([key])[0])).toEqual([2]);
    expect(graph.linksOf(0).map(({ key }) => namesOf([key])[0])).toEqual([2, 3]);
  });
});
