import { describe, expect, test } from 'vitest';
import { concat } from '../../../src/base/bytes.ts';
import type { LinkId } from '../../../src/base/ids.ts';
import { Clearnet } from '../../../src/graph/clearnet.ts';
import { Graph } from '../../../src/graph/graph.ts';
import { HeardRecord } from '../../../src/graph/heard-record.ts';
import { RecordStore } from '../../../src/graph/record-store.ts';
import { PROOF_LIFE_S } from '../../../src/graph/tuning.ts';
import { encodeUnsignedProof, type Proof, parseProof } from '../../../src/wire/proof.ts';
import { keyOf, namesOf } from './drawn-graph.ts';

const NOW_S = 1_800_000_000;
const SIGNATURE = new Uint8Array(64);
const PLAIN = { roundTripMs: 1, rateKbps: 0, lossShare: 0, detour: false, medium: 'unknown', price: 0 } as const;

function proofOf(prober: number, ageS = 0): Proof {
  return parseProof(concat(encodeUnsignedProof(keyOf(prober), 4, NOW_S - ageS), SIGNATURE))!;
}

/** The network as node 0 knows it; the signatures were checked when the records came. */
class KnownNetwork {
  readonly store = new RecordStore(100);
  nowMs = 0;
  readonly clearnet = new Clearnet(new Graph(this.store), keyOf(0), () => NOW_S * 1_000 + this.nowMs);

  constructor(edges: readonly [number, number][], proofs: Readonly<Record<number, readonly Proof[]>>) {
    for (const name of new Set(edges.flat())) {
      const links = edges.filter((edge) => edge.includes(name)).map(([a, b]) => (a === name ? b : a));
      this.tell(name, links, proofs[name] ?? []);
    }
  }

  tell(name: number, links: readonly number[], proofs: readonly Proof[]): void {
    const record = {
      ...{ node: keyOf(name), sequence: 1, expiry: 1, services: [], proofs },
      links: links.map((to) => ({ ...PLAIN, key: keyOf(to) })),
    };
    const heard = new HeardRecord(record, new Uint8Array(200).fill(name));
    this.store.put({ heard, from: 0 as LinkId, expiresAt: 1, hopsToGive: 1 });
  }

  nearest(): number[] {
    return namesOf(this.clearnet.nearest(this.nowMs));
  }
}

const RING: [number, number][] = [
  [0, 1],
  [1, 2],
  [2, 3],
  [3, 0],
];

describe('nodes on the internet', () => {
  test('are those that another one proved, the nearest first', () => {
    const network = new KnownNetwork([...RING, [2, 4]], { 2: [proofOf(1)], 3: [proofOf(2)], 4: [proofOf(3)] });
    expect(network.nearest()).toEqual([3, 2, 4]);
  });

  test('include whom this node itself reached, and never this node', () => {
    const network = new KnownNetwork(RING, { 0: [proofOf(2)], 2: [proofOf(0)] });
    expect(network.nearest()).toEqual([2]);
  });

  test('do not include who proved it himself, or had a node prove it that hangs on him alone', () => {
    const edges: [number, number][] = [...RING, [2, 8], [8, 9], [9, 8]];
    const network = new KnownNetwork(edges, { 2: [proofOf(2), proofOf(8)], 8: [proofOf(9)] });
    expect(network.nearest()).toEqual([]);
  });

  test('do not include who names a prober that nobody knows, or that is linked with nobody', () => {
    const network = new KnownNetwork(RING, { 1: [proofOf(50)], 2: [proofOf(60)] });
    network.tell(60, [1], []);
    expect(network.nearest()).toEqual([]);
  });

  test('do not include who has an old proof, or one of tomorrow', () => {
    const network = new KnownNetwork(RING, { 1: [proofOf(3, PROOF_LIFE_S)], 2: [proofOf(3, -3_600)] });
    expect(network.nearest()).toEqual([]);
    const fresh = new KnownNetwork(RING, { 1: [proofOf(3, PROOF_LIFE_S - 1)], 2: [proofOf(3, -60)] });
    expect(fresh.nearest()).toEqual([1, 2]);
  });

  test('are searched again after 10 s', () => {
    const network = new KnownNetwork(RING, {});
    expect(network.nearest()).toEqual([]);
    network.tell(2, [1, 3], [proofOf(3)]);
    network.nowMs = 9_999;
    expect(network.nearest()).toEqual([]);
    network.nowMs = 10_000;
    expect(network.nearest()).toEqual([2]);
  });
});
