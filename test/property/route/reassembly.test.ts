import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { equal } from '../../../src/base/bytes.ts';
import { Drops } from '../../../src/base/drops.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import type { Piece } from '../../../src/link/piece.ts';
import { createInbox, Reassembler } from '../../../src/route/reassembly.ts';
import { ROUTE_TUNING } from '../../../src/route/tuning.ts';

interface Cut {
  readonly message: number;
  readonly bytes: Uint8Array;
  readonly edges: number[];
}

/**
 * A message's bytes, and where they are cut: each piece may have been cut again on the way, which is just more edges.
 */
const cut = fc
  .record({ length: fc.integer({ min: 1, max: 65_535 }), seed: fc.nat(), cuts: fc.array(fc.nat(), { maxLength: 40 }) })
  .map(({ length, seed, cuts }) => {
    const bytes = new Uint8Array(length);
    new SeededRandom(seed, 'bytes').fill(bytes);
    const edges = [...new Set([0, length, ...cuts.map((at) => at % length)])].sort((a, b) => a - b);
    return { bytes, edges };
  });

function piecesOf({ message, bytes, edges }: Cut): Piece[] {
  return edges.slice(1).map((end, i) => ({
    buffer: bytes,
    routeIdAt: 0,
    message,
    offset: edges[i],
    last: end === bytes.length,
    start: edges[i],
    length: end - edges[i],
  }));
}

describe('putting messages together', () => {
  it('gives back every message, however it was cut and in whatever order the pieces of up to three came', () => {
    fc.assert(
      fc.property(fc.array(cut, { minLength: 1, maxLength: 3 }), fc.nat(), (cuts, seed) => {
        const random = new SeededRandom(seed, 'order');
        const drops = new Drops();
        const reassembler = new Reassembler(ROUTE_TUNING, drops);
        const inbox = createInbox();
        const pieces = cuts.flatMap(({ bytes, edges }, message) => piecesOf({ message, bytes, edges }));
        const order = pieces.map((piece) => ({ piece, key: random.unit() })).sort((a, b) => a.key - b.key);
        const whole = new Map<number, Uint8Array>();
        for (const { piece } of order) {
          const message = reassembler.put(inbox, piece, 0);
          if (message !== undefined) whole.set(piece.message, message.slice());
        }
        expect(drops.toJSON()).toEqual({});
        expect(whole.size).toBe(cuts.length);
        cuts.forEach(({ bytes }, i) => {
          expect(equal(whole.get(i)!, bytes)).toBe(true);
        });
        expect(inbox.bytes).toBe(0);
      }),
      { numRuns: 150 },
    );
  });

  it('stays within its bounds and never throws, whatever pieces come', () => {
    const wild = fc.record({
      inbox: fc.nat({ max: 2 }),
      message: fc.nat({ max: 12 }),
      offset: fc.nat({ max: 65_535 }),
      length: fc.nat({ max: 70_000 }),
      last: fc.boolean(),
    });
    const buffer = new Uint8Array(70_000);
    fc.assert(
      fc.property(fc.array(wild, { maxLength: 200 }), (pieces) => {
        const reassembler = new Reassembler({ ...ROUTE_TUNING, maxUnfinishedInAll: 12, maxSpans: 4 }, new Drops());
        const inboxes = Array.from({ length: 3 }, createInbox);
        for (const { inbox, ...rest } of pieces) {
          const message = reassembler.put(inboxes[inbox], { buffer, routeIdAt: 0, start: 0, ...rest }, 0);
          if (message !== undefined && message.length > 65_535) throw new Error('message too long');
          for (const { bytes, unfinished } of inboxes) {
            expect(bytes).toBeLessThanOrEqual(262_144);
            expect(bytes).toBe(unfinished.reduce((sum, { held }) => sum + held, 0));
            expect(unfinished.length).toBeLessThanOrEqual(8);
          }
          expect(reassembler.unfinished).toBeLessThanOrEqual(12);
        }
      }),
      { numRuns: 60 },
    );
  });
});
