import { describe, expect, it } from 'vitest';
import { Drops } from '../../../src/base/drops.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { createPiece, type Piece } from '../../../src/link/piece.ts';
import { MemoryShare } from '../../../src/route/buffers/memory-share.ts';
import { PieceStore } from '../../../src/route/buffers/piece-store.ts';
import { createInbox, type Inbox, Reassembler } from '../../../src/route/reassembly.ts';
import { ROUTE_TUNING, type RouteTuning } from '../../../src/route/tuning.ts';

const MIB = 1024 * 1024;
const content = new Uint8Array(65_535);
new SeededRandom(3, 'content').fill(content);

/** Bytes [from, to) of a message of `length` bytes with the content above. */
function piece(message: number, from: number, to: number, length = 65_535): Piece {
  const buffer = Uint8Array.of(0, 0, ...content.subarray(from, to));
  return { ...createPiece(), buffer, message, offset: from, last: to === length, start: 2, length: to - from };
}

interface Bench {
  readonly reassembler: Reassembler;
  readonly drops: Drops;
  readonly store: PieceStore;
  readonly share: MemoryShare;
}

function create(tuning: Partial<RouteTuning> = {}, memoryBytes = 8 * MIB): Bench {
  const all = { ...ROUTE_TUNING, ...tuning };
  const drops = new Drops();
  const store = new PieceStore(memoryBytes);
  const share = new MemoryShare(store.blocks.limitBytes, all);
  return { reassembler: new Reassembler(store, share, all, drops), drops, store, share };
}

/** The message that a piece makes whole. */
function put({ reassembler }: Bench, inbox: Inbox, next: Piece): Uint8Array | undefined {
  return reassembler.put(inbox, next) === 'whole' ? reassembler.message.slice() : undefined;
}

function expectNothingHeld({ reassembler, store, share }: Bench, inbox: Inbox): void {
  expect([reassembler.unfinished, inbox.bytes, store.count, store.blocks.usedBytes]).toEqual([0, 0, 0, 0]);
  expect(share.committedBytes).toBe(0);
}

describe('putting messages together', () => {
  it('gives a message in one piece as it is, without a copy', () => {
    const { reassembler } = create();
    const whole = piece(0, 0, 100, 100);
    expect(reassembler.put(createInbox('bulk'), whole)).toBe('whole');
    expect(reassembler.message).toEqual(content.subarray(0, 100));
    expect(reassembler.message.buffer).toBe(whole.buffer.buffer);
  });

  it.each([
    ['in order', [0, 1, 2, 3, 4, 5]],
    ['backwards', [5, 4, 3, 2, 1, 0]],
    ['in any order', [2, 0, 5, 4, 1, 3]],
  ])('puts pieces together that come %s', (_, order) => {
    const bench = create();
    const inbox = createInbox('bulk');
    const edges = [0, 9_000, 9_001, 18_000, 27_000, 27_001, 27_010];
    const results = order.map((i) => put(bench, inbox, piece(0, edges[i], edges[i + 1], 27_010)));
    expect(results.slice(0, -1).every((result) => result === undefined)).toBe(true);
    expect(results[5]).toEqual(content.subarray(0, 27_010));
    expect(bench.drops.toJSON()).toEqual({});
    expectNothingHeld(bench, inbox);
  });

  it('keeps messages of a route and of several routes apart', () => {
    const bench = create();
    const [one, two] = [createInbox('bulk'), createInbox('bulk')];
    put(bench, one, piece(0, 0, 10, 20));
    put(bench, one, piece(1, 0, 10, 20));
    put(bench, two, piece(0, 5, 20, 20));
    expect(put(bench, one, piece(1, 10, 20, 20))).toEqual(content.subarray(0, 20));
    expect(put(bench, two, piece(0, 0, 5, 20))).toEqual(content.subarray(0, 20));
    expect(bench.reassembler.unfinished).toBe(1);
  });

  it('takes bytes once that come whole and in parts, as after a path became narrower', () => {
    const bench = create();
    const inbox = createInbox('bulk');
    put(bench, inbox, piece(0, 600, 1_000, 2_000));
    expect(put(bench, inbox, piece(0, 0, 1_000, 2_000))).toBeUndefined();
    expect(put(bench, inbox, piece(0, 0, 600, 2_000))).toBeUndefined();
    expect(put(bench, inbox, piece(0, 900, 2_000, 2_000))).toEqual(content.subarray(0, 2_000));
    expect(bench.drops.toJSON()).toEqual({});
    expectNothingHeld(bench, inbox);
  });

  it('ends a message once: what comes of it later is known', () => {
    const { reassembler } = create();
    const inbox = createInbox('bulk');
    expect(reassembler.put(inbox, piece(0, 0, 10, 10))).toBe('whole');
    expect(reassembler.put(inbox, piece(0, 0, 10, 10))).toBe('ended');
    expect(reassembler.put(inbox, piece(0, 0, 5, 10))).toBe('ended');
    expect(reassembler.gone(inbox, 0)).toBe(false);
    expect(reassembler.gone(inbox, 5)).toBe(true);
    expect(reassembler.gone(inbox, 5)).toBe(false);
    expect(reassembler.put(inbox, piece(5, 0, 10, 10))).toBe('ended');
    expect(reassembler.unfinished).toBe(0);
  });

  it('forgets what came of a message when a piece of it is gone', () => {
    const bench = create();
    const inbox = createInbox('bulk');
    put(bench, inbox, piece(0, 0, 10, 20));
    expect(bench.reassembler.gone(inbox, 0)).toBe(true);
    expectNothingHeld(bench, inbox);
  });

  it('loses a message with a piece beyond its last one, or with two ends', () => {
    const bench = create();
    const inbox = createInbox('bulk');
    put(bench, inbox, piece(0, 20, 30, 30));
    put(bench, inbox, piece(0, 35, 40, 50));
    put(bench, inbox, piece(1, 20, 30, 30));
    put(bench, inbox, piece(1, 10, 20, 20));
    put(bench, inbox, piece(2, 20, 30, 40));
    put(bench, inbox, piece(2, 0, 10, 10));
    expect(bench.drops.toJSON()).toEqual({ 'route-piece-beyond-last': 2 });
    expect(bench.reassembler.lost).toEqual([0, 1]);
    expectNothingHeld(bench, inbox);
  });

  it('drops a piece without bytes and one that goes beyond 65,535', () => {
    const { reassembler, drops } = create();
    expect(reassembler.put(createInbox('bulk'), piece(0, 5, 5))).toBe('ended');
    expect(reassembler.put(createInbox('bulk'), { ...piece(0, 0, 100), offset: 65_500 })).toBe('ended');
    expect(drops.toJSON()).toEqual({ 'route-piece-length': 2 });
  });

  it('keeps at most 8 unfinished messages of a route that is sent once: the one begun first is lost', () => {
    const { reassembler, drops } = create();
    const inbox = createInbox('once');
    for (let message = 0; message < 9; message++) reassembler.put(inbox, piece(message, 0, 10, 20));
    expect(drops.toJSON()).toEqual({ 'route-unfinished': 1 });
    expect(reassembler.lost).toEqual([0]);
    expect([...inbox.unfinished.keys()]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it.each(['once', 'real-time'] as const)(
    'keeps at most 256 KiB of a route of kind "%s": the one begun first is lost',
    (kind) => {
      const { reassembler } = create();
      const inbox = createInbox(kind);
      for (let message = 0; message < 5; message++) {
        for (let at = 1; at < 60_000; at += 9_000) reassembler.put(inbox, piece(message, at, at + 9_000));
      }
      expect(inbox.bytes).toBeLessThanOrEqual(262_144);
      expect(reassembler.lost).toEqual([0]);
    },
  );

  it('keeps of any other route what its share of the memory allows', () => {
    const { reassembler, share } = create();
    const inbox = createInbox('bulk');
    for (let message = 0; message < 1_000; message++) reassembler.put(inbox, piece(message, 0, 9_000));
    expect(reassembler.lost.length).toBeGreaterThan(0);
    expect(inbox.bytes).toBeGreaterThan(0.85 * share.limitBytes);
    expect(share.committedBytes).toBeLessThanOrEqual(share.limitBytes);
  });

  it('loses the message begun first when there is no memory, and takes nothing when there is no other', () => {
    const bench = create({}, 256 * 1024);
    const { reassembler, store } = bench;
    const [inbox, other] = [createInbox('once'), createInbox('once')];
    while (store.blocks.allocate(9_216) >= 0) store.count;
    expect(reassembler.put(inbox, piece(0, 0, 5_000))).toBe('full');
    expect(reassembler.unfinished).toBe(0);
    store.blocks.release(0);
    expect(reassembler.put(other, piece(0, 0, 5_000))).toBe('kept');
    expect(reassembler.put(other, piece(1, 0, 5_000))).toBe('kept');
    expect(reassembler.lost).toEqual([0]);
    expect(bench.drops.toJSON()).toEqual({ 'route-unfinished-memory': 1 });
  });

  it('gives up a message that is in too many pieces', () => {
    const { reassembler, drops } = create({ maxPiecesPerMessage: 8 });
    const inbox = createInbox('bulk');
    for (let i = 0; i < 9; i++) reassembler.put(inbox, piece(0, 10 * i + 1, 10 * i + 5));
    expect(drops.toJSON()).toEqual({ 'route-message-scattered': 1 });
    expect(reassembler.unfinished).toBe(0);
  });

  it('goes on behind a number far ahead: what lies more than 2^20 behind is lost', () => {
    const { reassembler, drops } = create();
    const inbox = createInbox('bulk');
    reassembler.put(inbox, piece(3, 0, 10, 20));
    expect(reassembler.put(inbox, piece(5_000_000, 0, 10, 10))).toBe('whole');
    expect(reassembler.lost).toEqual([3]);
    expect(drops.get('route-message-skipped')).toBe(5_000_000 - 0x10_0000);
    expect(reassembler.put(inbox, piece(4_999_999, 0, 10, 10))).toBe('whole');
  });

  it('forgets what a closed route had begun', () => {
    const bench = create();
    const [closed, open] = [createInbox('bulk'), createInbox('bulk')];
    for (let message = 0; message < 3; message++) put(bench, closed, piece(message, 0, 10, 20));
    put(bench, open, piece(0, 0, 10, 20));
    bench.reassembler.empty(closed);
    expect([bench.reassembler.unfinished, closed.bytes, bench.store.count]).toEqual([1, 0, 1]);
  });
});
