/** Graphs for path tests, from a list of edges: two node numbers, a round trip in ms (1 when left out), a detour if any. */
import { readU16, toHex, writeU16 } from '../../../src/base/bytes.ts';
import type { NodeKey } from '../../../src/base/ids.ts';
import type { GraphLink } from '../../../src/graph/graph-link.ts';
import type { PathGraph } from '../../../src/graph/path-graph.ts';

export type Edge = [number, number, number?, 'detour'?];

export function keyOf(number: number): NodeKey {
  const key = new Uint8Array(33).fill(2);
  writeU16(key, 31, number);
  return key as NodeKey;
}

export function namesOf(path: readonly NodeKey[]): number[] {
  return path.map((key) => readU16(key, 31));
}

export function graphFrom(edges: readonly Edge[]): PathGraph {
  const links: GraphLink[][] = [];
  for (const [a, b, roundTripMs = 1, detour] of edges) {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ]) {
      links[from] ??= [];
      links[from].push({
        key: keyOf(to),
        keyText: toHex(keyOf(to)),
        number: to,
        roundTripMs,
        detour: detour !== undefined,
        rateKbps: 0,
        medium: 'unknown',
        price: 0,
        lossShare: 0,
      });
    }
  }
  const numbers = new Map(Object.keys(links).map((number) => [toHex(keyOf(Number(number))), Number(number)]));
  return {
    bound: links.length,
    numberOf: (key) => numbers.get(key),
    keyOf,
    linksOf: (number) => links[number] ?? [],
  };
}
