import { describe, expect, it } from 'vitest';
import { Drops } from '../../../src/base/drops.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import type { Piece } from '../../../src/link/piece.ts';
import { createInbox, Reassembler } from '../../../src/route/reassembly.ts';
import { ROUTE_TUNING, type RouteTuning } from '../../../src/route/tuning.ts';

const content = new Uint8Array(65_535);
new SeededRandom(3, 'content').fill(content);

/** Bytes [from, to) of a message of `length` bytes with the content above. */
function piece(message: number, from: number, to: number, length = 65_535): Piece {
  const buffer = Uint8Array.of(0, 0, ...content.subarray(from, to));
  return { buffer, routeIdAt: 0, message, offset: from, last: to === length, start: 2, length: to - from };
}

function create(tuning: Partial<RouteTuning> = {}): { reassembler: Reassembler; drops: Drops } {
  const drops = new Drops();
  return { reassembler: new Reassembler({ ...ROUTE_TUNING, ...tuning }, drops), drops };
}

describe('putting messages together', () => {
  it('gives a message in one piece as it is, without a copy', () => {
    const { reassembler } = create();
    const whole = piece(0, 0, 100, 100);
    const message = reassembler.put(createInbox(), whole, 0)!;
    expect(message).toEqual(content.subarray(0, 100));
    expect(message.buffer).toBe(whole.buffer.buffer);
  });

  it.each([
    ['in order', [0, 1, 2, 3, 4]],
    ['backwards', [4, 3, 2, 1, 0]],
    ['in any order', [2, 0, 4, 1, 3]],
  ])('puts pieces together that come %s', (_, order) => {
    const { reassembler, drops } = create();
    const inbox = createInbox();
    const edges = [0, 1_000, 1_001, 30_000, 65_534, 65_535];
    const results = order.map((i) => reassembler.put(inbox, piece(0, edges[i], edges[i + 1]), 0)?.slice());
    expect(results.slice(0, -1)).toEqual([undefined, undefined, undefined, undefined]);
    expect(results[4]).toEqual(content);
    expect(drops.toJSON()).toEqual({});
    expect([reassembler.unfinished, inbox.bytes]).toEqual([0, 0]);
  });

  it('keeps messages of a route and of several routes apart', () => {
    const { reassembler } = create();
    const [one, two] = [createInbox(), createInbox()];
    reassembler.put(one, piece(0, 0, 10, 20), 0);
    reassembler.put(one, piece(1, 0, 10, 20), 0);
    reassembler.put(two, piece(0, 5, 20, 20), 0);
    expect(reassembler.put(one, piece(1, 10, 20, 20), 0)).toEqual(content.subarray(0, 20));
    expect(reassembler.put(two, piece(0, 0, 5, 20), 0)).toEqual(content.subarray(0, 20));
    expect(reassembler.unfinished).toBe(1);
  });

  it.each([
    ['route-piece-overlap', piece(0, 9, 20, 30)],
    ['route-piece-overlap', piece(0, 0, 10, 30)],
    ['route-piece-beyond-last', piece(0, 3, 5, 5)],
  ])('drops a message that a piece spoils: %s', (reason, wrong) => {
    const { reassembler, drops } = create();
    const inbox = createInbox();
    reassembler.put(inbox, piece(0, 0, 10, 30), 0);
    expect(reassembler.put(inbox, wrong, 0)).toBeUndefined();
    expect(drops.toJSON()).toEqual({ [reason]: 1 });
    expect(reassembler.unfinished).toBe(0);
  });

  it('drops a message with a piece beyond its last one, or with two last ones', () => {
    const { reassembler, drops } = create();
    const inbox = createInbox();
    reassembler.put(inbox, piece(0, 20, 30, 30), 0);
    reassembler.put(inbox, piece(0, 35, 40, 50), 0);
    reassembler.put(inbox, piece(1, 20, 30, 30), 0);
    reassembler.put(inbox, piece(1, 10, 20, 20), 0);
    expect(drops.toJSON()).toEqual({ 'route-piece-beyond-last': 2 });
    expect(reassembler.unfinished).toBe(0);
  });

  it('drops a piece without bytes and one that goes beyond 65,535', () => {
    const { reassembler, drops } = create();
    reassembler.put(createInbox(), piece(0, 5, 5), 0);
    reassembler.put(createInbox(), { ...piece(0, 0, 100), offset: 65_500 }, 0);
    expect(drops.toJSON()).toEqual({ 'route-piece-length': 2 });
  });

  it('keeps at most 8 unfinished messages a route: the oldest goes', () => {
    const { reassembler, drops } = create();
    const inbox = createInbox();
    for (let message = 0; message < 9; message++) reassembler.put(inbox, piece(message, 0, 10, 20), 0);
    expect(reassembler.unfinished).toBe(8);
    expect(drops.toJSON()).toEqual({ 'route-unfinished-messages': 1 });
    expect(inbox.unfinished.map(({ message }) => message)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('keeps at most 256 KiB a route: the oldest goes', () => {
    const { reassembler, drops } = create();
    const inbox = createInbox();
    for (let message = 0; message < 5; message++) reassembler.put(inbox, piece(message, 1, 60_000), 0);
    expect(inbox.bytes).toBeLessThanOrEqual(262_144);
    expect(inbox.unfinished.map(({ message }) => message)).toEqual([1, 2, 3, 4]);
    expect(drops.toJSON()).toEqual({ 'route-unfinished-bytes': 1 });
  });

  it('keeps a number of unfinished messages in all: the oldest of all goes', () => {
    const { reassembler, drops } = create({ maxUnfinishedInAll: 3 });
    const inboxes = Array.from({ length: 4 }, createInbox);
    inboxes.forEach((inbox, i) => {
      reassembler.put(inbox, piece(0, 0, 10, 20), i);
    });
    expect(reassembler.unfinished).toBe(3);
    expect(inboxes[0].unfinished.length).toBe(0);
    expect(drops.toJSON()).toEqual({ 'route-unfinished-in-all': 1 });
  });

  it('gives up a message that is in too many parts', () => {
    const { reassembler, drops } = create({ maxSpans: 8 });
    const inbox = createInbox();
    for (let i = 0; i < 9; i++) reassembler.put(inbox, piece(0, 10 * i + 1, 10 * i + 5), 0);
    expect(drops.toJSON()).toEqual({ 'route-message-scattered': 1 });
    expect(reassembler.unfinished).toBe(0);
  });

  it('drops what is not whole after 1 s, and no sooner', () => {
    const { reassembler, drops } = create();
    const inbox = createInbox();
    reassembler.put(inbox, piece(0, 0, 10, 20), 100);
    reassembler.put(inbox, piece(1, 0, 10, 20), 600);
    expect(reassembler.nextWakeAt()).toBe(1_100);
    reassembler.wake(1_099);
    expect(reassembler.unfinished).toBe(2);
    reassembler.wake(1_100);
    expect(reassembler.unfinished).toBe(1);
    expect(drops.toJSON()).toEqual({ 'route-unfinished-expired': 1 });
    reassembler.wake(2_000);
    expect(reassembler.nextWakeAt()).toBe(Number.POSITIVE_INFINITY);
  });

  it('forgets what a closed route had begun', () => {
    const { reassembler } = create();
    const [closed, open] = [createInbox(), createInbox()];
    for (let message = 0; message < 3; message++) reassembler.put(closed, piece(message, 0, 10, 20), 0);
    reassembler.put(open, piece(0, 0, 10, 20), 0);
    reassembler.empty(closed);
    expect([reassembler.unfinished, closed.bytes]).toEqual([1, 0]);
  });
});
