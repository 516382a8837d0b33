import { describe, expect, it } from 'vitest';
import { toHex, writeU32 } from '../../../src/base/bytes.ts';
import type { LinkId, NodeKey } from '../../../src/base/ids.ts';
import { HeardRecord } from '../../../src/graph/heard-record.ts';
import { OWN, RecordStore, type StoredRecord } from '../../../src/graph/record-store.ts';

const NOBODY: ReadonlySet<string> = new Set();

function keyOf(i: number): NodeKey {
  const key = new Uint8Array(33);
  writeU32(key, 1, i);
  return key as NodeKey;
}

function put(store: RecordStore, i: number, from: number | typeof OWN, hopsToGive = 1, expiresAt = 100): StoredRecord {
  const record = { node: keyOf(i), sequence: 1, expiry: 1, services: [], links: [], proofs: [] };
  const heard = new HeardRecord(record, new Uint8Array(0));
  return store.put({ heard, from: from as LinkId, expiresAt, hopsToGive });
}

/** What happens to a newcomer: it takes the place of `evicted`, or is refused. */
function offer(store: RecordStore, i: number, from: number, hopsToGive: number, neighbours = NOBODY): string {
  const place = store.placeFor(toHex(keyOf(i)), from as LinkId, hopsToGive, neighbours);
  if (place === undefined) return 'refused';
  if (place !== 'free') store.remove(place);
  put(store, i, from, hopsToGive);
  return place === 'free' ? 'free' : place.heard.key;
}

function fill(store: RecordStore, from: number, first: number, count: number, hopsToGive = 1): void {
  for (let i = first; i < first + count; i++) expect(offer(store, i, from, hopsToGive)).toBe('free');
}

describe('a full store of records', () => {
  it('refuses a newcomer of the link that holds the most, unless one of its own was to travel less far', () => {
    const store = new RecordStore(10);
    fill(store, 1, 0, 8, 2);
    fill(store, 2, 50, 2);
    expect(offer(store, 100, 1, 2)).toBe('refused');
    expect(offer(store, 100, 1, 3)).toBe(toHex(keyOf(7)));
    expect(offer(store, 101, 1, 2)).toBe('refused');
    expect(store.size).toBe(10);
  });

  it('gives a link with fewer a place of the one with the most, down to an equal share', () => {
    const store = new RecordStore(10);
    fill(store, 1, 0, 10);
    const results = Array.from({ length: 8 }, (_, i) => offer(store, 100 + i, 2, 1));
    expect(results.filter((result) => result !== 'refused').length).toBe(5);
    expect(results.slice(5)).toEqual(['refused', 'refused', 'refused']);
  });

  it('never gives away what a link holds below an equal share, however the other one floods', () => {
    const store = new RecordStore(100);
    fill(store, 1, 0, 30);
    for (let i = 0; i < 10_000; i++) offer(store, 1_000 + i, 2, 3);
    for (let i = 0; i < 30; i++) expect(store.get(toHex(keyOf(i)))).toBeDefined();
    expect(store.size).toBe(100);
  });

  it('always has room for a neighbour, and never evicts one, nor itself', () => {
    const store = new RecordStore(4);
    put(store, 0, OWN, 4);
    const neighbours = new Set([toHex(keyOf(1)), toHex(keyOf(9))]);
    fill(store, 1, 1, 3, 1);
    expect(offer(store, 9, 2, 3, neighbours)).toBe(toHex(keyOf(3)));
    expect(offer(store, 100, 1, 4, neighbours)).toBe(toHex(keyOf(2)));
    expect(offer(store, 101, 1, 4, neighbours)).toBe('refused');
    expect(store.get(toHex(keyOf(0)))).toBeDefined();
    expect(store.get(toHex(keyOf(1)))).toBeDefined();
  });

  it('charges a node to the link that brought it first, however often another brings it again', () => {
    const store = new RecordStore(4);
    fill(store, 1, 0, 2);
    fill(store, 2, 10, 2);
    put(store, 0, 2);
    expect(store.get(toHex(keyOf(0)))?.chargedTo).toBe(1);
    expect(offer(store, 100, 2, 1)).toBe('refused');
  });
});

describe('the store of records', () => {
  it('expires what is due', () => {
    const store = new RecordStore(4);
    put(store, 1, 1, 1, 50);
    put(store, 2, 1, 1, 60);
    expect(store.expire(55).map(({ heard }) => heard.key)).toEqual([toHex(keyOf(1))]);
    expect(store.size).toBe(1);
    const { addressHash } = store.get(toHex(keyOf(2)))!.heard;
    expect(store.byAddress(addressHash)?.heard.key).toBe(toHex(keyOf(2)));
  });
});
