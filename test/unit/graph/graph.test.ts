import { describe, expect, it } from 'vitest';
import { toHex } from '../../../src/base/bytes.ts';
import type { LinkId, NodeKey } from '../../../src/base/ids.ts';
import { addressOf } from '../../../src/crypto/address.ts';
import { Graph } from '../../../src/graph/graph.ts';
import { HeardRecord } from '../../../src/graph/heard-record.ts';
import { RecordStore } from '../../../src/graph/record-store.ts';

const keyOf = (i: number): NodeKey => new Uint8Array(33).fill(i) as NodeKey;

function graphOf(links: Record<number, Record<number, number>>, detours: readonly [number, number][] = []): Graph {
  const store = new RecordStore(100);
  for (const [from, claims] of Object.entries(links)) {
    const node = keyOf(Number(from));
    const claimed = Object.entries(claims).map(([to, roundTripMs]) => ({
      key: keyOf(Number(to)),
      roundTripMs,
      rateKbps: 0,
      lossShare: 0,
      medium: 'unknown' as const,
      price: 0,
      detour: detours.some(([a, b]) => a === Number(from) && b === Number(to)),
    }));
    const record = { node, sequence: 1, expiry: 1, services: [], links: claimed, proofs: [] };
    const heard = new HeardRecord(record, new Uint8Array(64));
    store.put({ heard, from: 0 as LinkId, expiresAt: 1, hopsToGive: 1 });
  }
  return new Graph(store);
}

describe('the graph', () => {
  it('counts a link only while both ends claim it, with the longer of their round trips', () => {
    const graph = graphOf({ 1: { 2: 5, 3: 1, 4: 1 }, 2: { 1: 7 }, 3: {} });
    expect(graph.neighbours(toHex(keyOf(1)))).toEqual([
      {
        key: keyOf(2),
        keyText: toHex(keyOf(2)),
        number: graph.numberOf(toHex(keyOf(2))),
        roundTripMs: 7,
        detour: false,
        rateKbps: 0,
        lossShare: 0,
        medium: 'unknown',
        price: 0,
      },
    ]);
    expect(graph.neighbours(toHex(keyOf(2))).map(({ roundTripMs }) => roundTripMs)).toEqual([7]);
    expect(graph.neighbours(toHex(keyOf(3)))).toEqual([]);
    expect(graph.neighbours(toHex(keyOf(9)))).toEqual([]);
  });

  it('knows a link for a detour when either end sends over other links', () => {
    const links = { 1: { 2: 5, 3: 5 }, 2: { 1: 5 }, 3: { 1: 5 } };
    const graph = graphOf(links, [[2, 1]]);
    expect(graph.neighbours(toHex(keyOf(1))).map(({ detour }) => detour)).toEqual([true, false]);
    expect(graph.neighbours(toHex(keyOf(2))).map(({ detour }) => detour)).toEqual([true]);
  });

  it('has no link of a node with itself', () => {
    expect(graphOf({ 1: { 1: 0 } }).neighbours(toHex(keyOf(1)))).toEqual([]);
  });

  it('finds a node by address and by key, if it was heard of', () => {
    const graph = graphOf({ 1: {} });
    expect(graph.find(addressOf(keyOf(1)))).toEqual(keyOf(1));
    expect(graph.find(toHex(keyOf(1)))).toEqual(keyOf(1));
    expect(graph.find(addressOf(keyOf(2)))).toBeUndefined();
    expect(graph.find(toHex(keyOf(2)))).toBeUndefined();
    expect(graph.find('no address')).toBeUndefined();
  });

  it('lists its nodes', () => {
    const graph = graphOf({ 1: {}, 2: {} });
    expect([...graph.nodes()]).toEqual([keyOf(1), keyOf(2)]);
    expect(graph.size).toBe(2);
  });
});
