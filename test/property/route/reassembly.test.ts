import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { equal } from '../../../src/base/bytes.ts';
import { Drops } from '../../../src/base/drops.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { createPiece, type Piece } from '../../../src/link/piece.ts';
import { MemoryShare } from '../../../src/route/buffers/memory-share.ts';
import { PieceStore } from '../../../src/route/buffers/piece-store.ts';
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
    // A block holds no more.
    for (let i = 0; i + 1 < edges.length; i++)
      if (edges[i + 1] - edges[i] > 9_216) edges.splice(i + 1, 0, edges[i] + 9_216);
    return { bytes, edges };
  });

function piecesOf({ message, bytes, edges }: Cut): Piece[] {
  return edges.slice(1).map((end, i) => ({
    ...createPiece(),
    buffer: bytes,
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
        const store = new PieceStore(4 * 1024 * 1024);
        const share = new MemoryShare(store.blocks.limitBytes, ROUTE_TUNING);
        const reassembler = new Reassembler(store, share, ROUTE_TUNING, drops);
        const inbox = createInbox('bulk');
        const pieces = cuts.flatMap(({ bytes, edges }, message) => piecesOf({ message, bytes, edges }));
        const order = pieces.map((piece) => ({ piece, key: random.unit() })).sort((a, b) => a.key - b.key);
        const whole = new Map<number, Uint8Array>();
        for (const { piece } of order) {
          if (reassembler.put(inbox, piece) === 'whole') whole.set(piece.message, reassembler.message.slice());
        }
        expect(drops.toJSON()).toEqual({});
        expect(whole.size).toBe(cuts.length);
        cuts.forEach(({ bytes }, i) => {
          expect(equal(whole.get(i)!, bytes)).toBe(true);
        });
        expect([inbox.bytes, store.count]).toEqual([0, 0]);
      }),
      { numRuns: 150 },
    );
  });

  it('stays within its bounds and never throws, whatever pieces come', () => {
    const wild = fc.record({
      inbox: fc.nat({ max: 2 }),
      message: fc.nat({ max: 12 }),
      offset: fc.nat({ max: 65_535 }),
      length: fc.nat({ max: 9_216 }),
      last: fc.boolean(),
    });
    const buffer = new Uint8Array(70_000);
    fc.assert(
      fc.property(fc.array(wild, { maxLength: 200 }), (pieces) => {
        const tuning = { ...ROUTE_TUNING, maxPiecesPerMessage: 4 };
        const store = new PieceStore(512 * 1024);
        const share = new MemoryShare(store.blocks.limitBytes, tuning);
        const reassembler = new Reassembler(store, share, tuning, new Drops());
        const inboxes = [createInbox('once'), createInbox('real-time'), createInbox('bulk')];
        for (const { inbox, ...rest } of pieces) {
          const arrival = reassembler.put(inboxes[inbox], { ...createPiece(), buffer, ...rest });
          if (arrival === 'whole' && reassembler.message.length > 65_535) throw new Error('message too long');
          for (const { bytes, unfinished, kind } of inboxes) {
            if (kind !== 'bulk') expect(bytes).toBeLessThanOrEqual(262_144);
            if (kind === 'once') expect(unfinished.size).toBeLessThanOrEqual(8);
            const held = [...unfinished.values()].reduce((sum, message) => sum + message.held + 256, 0);
            expect(bytes).toBe(held);
          }
          expect(share.committedBytes).toBe(inboxes.reduce((sum, { bytes }) => sum + bytes, 0));
        }
        for (const inbox of inboxes) reassembler.empty(inbox);
        expect([store.count, store.blocks.usedBytes, share.committedBytes]).toEqual([0, 0, 0]);
      }),
      { numRuns: 60 },
    );
  });
});
