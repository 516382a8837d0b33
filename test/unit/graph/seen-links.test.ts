import { describe, expect, test } from 'vitest';
import { disjointPaths } from '../../../src/graph/disjoint-paths.ts';
import { LOWEST_LATENCY } from '../../../src/graph/path-strategy.ts';
import { SeenLinks } from '../../../src/graph/seen-links.ts';
import { type Edge, graphFrom, keyOf, namesOf } from './drawn-graph.ts';

/**
 *   0 ──10── 1 ──1── 2 ──10── 9      1 and 2 lie: they are 300 ms apart
 *   └──30── 3 ──────30────────┘
 */
const EDGES: Edge[] = [
  [0, 1, 10],
  [1, 2, 1],
  [2, 9, 10],
  [0, 3, 30],
  [3, 9, 30],
];
const LIARS = [1, 2, 9];
const HONEST = [3, 9];
const HOUR_MS = 3_600_000;

const took = (path: number[], roundTripMs: number) => ({ path: path.map(keyOf), roundTripMs });
const best = (seen: SeenLinks) => disjointPaths(seen, keyOf(0), keyOf(9), 1, LOWEST_LATENCY).map(namesOf)[0];
const seenFrom = (edges: Edge[]) => new SeenLinks(graphFrom(edges), keyOf(0));

describe('a path that takes clearly longer than promised', () => {
  test('is not the best any more, until an hour has passed', () => {
    const seen = seenFrom(EDGES);
    expect(best(seen)).toEqual(LIARS);
    expect(seen.learn([took(LIARS, 320)], 0).map(({ path }) => namesOf(path))).toEqual([LIARS]);
    expect(best(seen)).toEqual(HONEST);
    seen.learn([took(HONEST, 60)], HOUR_MS - 1);
    expect(best(seen)).toEqual(HONEST);
    seen.learn([took(HONEST, 60)], HOUR_MS);
    expect(best(seen)).toEqual(LIARS);
  });

  test('stays the best when it is the only one, or still shorter than the others', () => {
    const seen = seenFrom([...EDGES.slice(0, 3), [0, 3, 400], [3, 9, 400]]);
    seen.learn([took(LIARS, 320)], 0);
    expect(best(seen)).toEqual(LIARS);
  });

  test('is believed again once it takes what was promised', () => {
    const seen = seenFrom(EDGES);
    seen.learn([took(LIARS, 320)], 0);
    seen.learn([took(LIARS, 25)], 10);
    expect(best(seen)).toEqual(LIARS);
    expect(seen.size).toBe(0);
  });

  test('costs no link its good name that a path with a true promise runs over, nor a link of this node', () => {
    const edges: Edge[] = [...EDGES, [3, 2, 30]];
    const seen = seenFrom(edges);
    seen.learn([took(LIARS, 320), took([3, 2, 9], 70)], 0);
    const linkOf = (from: number, to: number) => seen.linksOf(from).find(({ number }) => number === to)!.roundTripMs;
    expect([linkOf(2, 9), linkOf(3, 2), linkOf(0, 1)]).toEqual([10, 30, 10]);
    expect([linkOf(1, 2), linkOf(2, 1)]).toEqual([300, 300]);
  });
});

test('what queues and loss add to an honest path is no lie', () => {
  const seen = seenFrom(EDGES);
  expect(seen.learn([took(HONEST, 60 * 1.5 + 20)], 0)).toEqual([]);
  expect(seen.size).toBe(0);
});

test('a path over a node that is not known any more says nothing', () => {
  const seen = seenFrom(EDGES);
  expect(seen.learn([took([1, 7, 9], 900)], 0)).toEqual([]);
});

test('no more than 256 links are held against somebody, the latest', () => {
  const many: Edge[] = [[0, 1, 1]];
  for (let i = 2; i < 300; i++) many.push([1, i, 1]);
  const seen = seenFrom(many);
  for (let i = 2; i < 300; i++) seen.learn([took([1, i], 900)], i);
  expect(seen.size).toBe(256);
  expect(seen.linksOf(299)[0].roundTripMs).toBe(899);
  expect(seen.linksOf(2)[0].roundTripMs).toBe(1);
});
