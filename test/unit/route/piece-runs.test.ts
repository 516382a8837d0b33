/** Pieces in a row that came as one: at the end of a route and at a relay, beside the same ones by one. */
import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { bytesOf, openRoute, RouteNetwork, type TestNode } from './route-network.ts';

const EACH_BYTES = 1_400;

/** A route over three nodes, and the id under which `to` knows it. */
function laid(to: 'relay' | 'end') {
  const network = RouteNetwork.chain(3);
  const [a, b, c] = network.nodes;
  const route = openRoute(network, a, b, c);
  network.run(50);
  a.layer.send(route, bytesOf(100), network.now);
  network.run(50);
  const [from, into] = to === 'relay' ? [a, b] : [b, c];
  const sent = network.parcels.find((parcel) => parcel.to === into.name && parcel.piece !== undefined);
  c.messages.length = 0;
  return { network, from, into, end: c, id: sent!.piece!.buffer.slice(0, 16) };
}

/** The pieces from `first` to before `end` of a message, together. */
function inject(
  { network, from, into, id }: ReturnType<typeof laid>,
  message: Uint8Array,
  number: number,
  first: number,
  end: number,
): boolean {
  const to = Math.min(end * EACH_BYTES, message.length);
  return network.injectPiece(from, into, id, message.subarray(first * EACH_BYTES, to), {
    sequence: first + 1,
    message: number,
    offset: first * EACH_BYTES,
    last: to === message.length,
    sequences: end - first,
    eachBytes: EACH_BYTES,
  });
}

const arrived = (end: TestNode) => end.messages.map(({ bytes }) => bytes);

describe.each(['relay', 'end'] as const)('pieces in a row at the %s', (where) => {
  test('are a message, whole or in parts', () => {
    for (const cuts of [[11], [4, 11], [1, 2, 10, 11]]) {
      const bench = laid(where);
      const message = bytesOf(15_000, 3);
      let first = 0;
      for (const cut of cuts) {
        expect(inject(bench, message, 1, first, cut)).toBe(true);
        first = cut;
      }
      bench.network.run(200);
      expect(arrived(bench.end)).toEqual([message]);
    }
  });

  test('count once, whatever of them was here before', () => {
    const random = new SeededRandom(5, 'runs');
    for (let round = 0; round < 30; round++) {
      const bench = laid(where);
      const message = bytesOf(14_000, round);
      for (let i = 0; i < 6; i++) {
        const first = Math.floor(random.unit() * 10);
        inject(bench, message, 1, first, first + 1 + Math.floor(random.unit() * (10 - first)));
      }
      inject(bench, message, 1, 0, 10);
      bench.network.run(200);
      expect(arrived(bench.end)).toEqual([message]);
    }
  });

  test('are refused beyond what was promised, but for those that fit', () => {
    const bench = laid(where);
    // 16 KiB were promised, and a hundred bytes came.
    const message = bytesOf(30_000, 1);
    expect(inject(bench, message, 1, 0, 22)).toBe(false);
    expect(bench.into.drops.get('route-beyond-credit')).toBe(1);
    bench.network.run(200);
    expect(inject(bench, message, 1, 0, 22)).toBe(true);
    bench.network.run(200);
    expect(arrived(bench.end)).toEqual([message]);
  });
});
