import { describe, expect, it } from 'vitest';
import { disjointPaths } from '../../../src/graph/disjoint-paths.ts';
import { LOWEST_LATENCY } from '../../../src/graph/path-strategy.ts';
import { graphFrom, keyOf, namesOf } from './drawn-graph.ts';

/** Paths as node numbers. */
function search(edges: [number, number, number?][], from: number, to: number, count: number): number[][] {
  return disjointPaths(graphFrom(edges), keyOf(from), keyOf(to), count, LOWEST_LATENCY).map(namesOf);
}

describe('disjoint paths', () => {
  it('are found around a trap: the shortest path alone would stand in the way of any second', () => {
    //        ┌─1── 1 ──8── 2 ──8─┐
    //        0       ╲__1__╲      9      0-1-4-9 is the shortest, and cuts both of the others
    //        └─8── 3 ──8── 4 ──1─┘
    const trap: [number, number, number][] = [
      [0, 1, 1],
      [1, 2, 8],
      [2, 9, 8],
      [0, 3, 8],
      [3, 4, 8],
      [4, 9, 1],
      [1, 4, 1],
    ];
    expect(search(trap, 0, 9, 1)).toEqual([[1, 4, 9]]);
    expect(search(trap, 0, 9, 2)).toEqual([
      [1, 2, 9],
      [3, 4, 9],
    ]);
  });

  it('share no node where they need not, and no link in any case', () => {
    const hourglass: [number, number, number?][] = [
      [0, 1],
      [0, 2],
      [1, 5],
      [2, 5],
      [5, 3],
      [5, 4],
      [3, 9],
      [4, 9],
    ];
    const byHourglass = [
      [1, 5, 3, 9],
      [2, 5, 4, 9],
    ];
    expect(search(hourglass, 0, 9, 4)).toEqual(byHourglass);
    const longWay: [number, number, number?][] = [
      [0, 6, 500],
      [6, 9, 500],
    ];
    expect(search([...hourglass, ...longWay], 0, 9, 2)).toEqual([
      [1, 5, 3, 9],
      [6, 9],
    ]);
    expect(search([...hourglass, ...longWay], 0, 9, 3)).toEqual([
      [1, 5, 3, 9],
      [6, 9],
      [2, 5, 4, 9],
    ]);
  });

  it('come with the shortest round trip first, a direct link among them', () => {
    expect(
      search(
        [
          [0, 9, 30],
          [0, 1, 5],
          [1, 9, 5],
          [0, 2, 10],
          [2, 9, 5],
        ],
        0,
        9,
        5,
      ),
    ).toEqual([[1, 9], [2, 9], [9]]);
  });

  it('prefer fewer hops where round trips are too short to tell', () => {
    expect(
      search(
        [
          [0, 1, 0],
          [1, 2, 0],
          [2, 9, 0],
          [0, 3, 0],
          [3, 9, 0],
        ],
        0,
        9,
        1,
      ),
    ).toEqual([[3, 9]]);
  });

  it('are as many as asked for, or as there are', () => {
    const fan: [number, number][] = [1, 2, 3, 4].flatMap((i): [number, number][] => [
      [0, i],
      [i, 9],
    ]);
    expect([0, 1, 2, 4, 8].map((count) => search(fan, 0, 9, count).length)).toEqual([0, 1, 2, 4, 4]);
  });

  it('do not exist to a node that is not linked, not known, or is oneself', () => {
    expect(search([[0, 1]], 0, 9, 2)).toEqual([]);
    expect(
      search(
        [
          [0, 1],
          [8, 9],
        ],
        0,
        9,
        2,
      ),
    ).toEqual([]);
    expect(search([[0, 1]], 0, 0, 2)).toEqual([]);
    expect(search([[8, 9]], 0, 9, 2)).toEqual([]);
  });

  it('have at most 10 hops', () => {
    const chain = (length: number): [number, number][] => Array.from({ length }, (_, i) => [i, i + 1]);
    expect(search(chain(10), 0, 10, 1)[0].length).toBe(10);
    expect(search(chain(11), 0, 11, 1)).toEqual([]);
  });
});
