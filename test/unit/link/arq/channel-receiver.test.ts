import { describe, expect, test } from 'vitest';
import { equal } from '../../../../src/base/bytes.ts';
import { Drops } from '../../../../src/base/drops.ts';
import { SeededRandom } from '../../../../src/base/seeded-random.ts';
import { ChannelReceiver, MESSAGE_HOLES_MAX } from '../../../../src/link/arq/channel-receiver.ts';
import { UNFINISHED_MESSAGES_MAX } from '../../../../src/link/protocol-numbers.ts';

function create() {
  const drops = new Drops();
  const receiver = new ChannelReceiver(drops);
  const add = (message: number, offset: number, length: number, last = false, bytes = new Uint8Array(70_000)) =>
    receiver.add({ channel: 0, message, offset, last, start: offset, length }, bytes);
  return { drops, receiver, add };
}

describe('messages of channels', () => {
  test('in one piece are handed on without a copy, once', () => {
    const { receiver } = create();
    const bytes = Uint8Array.of(9, 1, 2, 3, 9);
    const frame = { channel: 0, message: 1, offset: 0, last: true, start: 1, length: 3 };
    const message = receiver.add(frame, bytes);
    expect(message).toEqual(Uint8Array.of(1, 2, 3));
    expect((message as Uint8Array).buffer).toBe(bytes.buffer);
    expect(receiver.add(frame, bytes)).toBe('taken');
  });

  test('are put together from pieces in any order, repeated and cut in several ways', () => {
    const random = new SeededRandom(5, 'order');
    for (let round = 0; round < 50; round++) {
      const { receiver, drops, add } = create();
      const whole = new Uint8Array(2 + random.integer(65_534));
      random.fill(whole);
      const pieces: [number, number][] = [];
      for (let cutting = 0; cutting < 2; cutting++) {
        const cuts = new Set([0, whole.length]);
        for (let i = 1 + random.integer(25); i > 0; i--) cuts.add(random.integer(whole.length));
        const edges = [...cuts].sort((x, y) => x - y);
        for (let i = 1; i < edges.length; i++) pieces.push([edges[i - 1], edges[i]]);
      }
      pieces.sort(() => random.unit() - 0.5);
      const results = pieces.map(([start, end]) => add(7, start, end - start, end === whole.length, whole));
      const messages = results.filter((result) => typeof result !== 'string');
      expect(messages.length).toBe(1);
      expect(equal(messages[0], whole)).toBe(true);
      expect([receiver.size, drops.toJSON()]).toEqual([0, {}]);
    }
  });

  test('are at most eight unfinished: a piece of one more is refused until one is done', () => {
    const { receiver, drops, add } = create();
    for (let message = 0; message < UNFINISHED_MESSAGES_MAX; message++) expect(add(message, 0, 10)).toBe('taken');
    expect(add(8, 0, 10)).toBe('refused');
    expect(drops.get('channel-crowded')).toBe(1);
    expect(add(9, 0, 10, true)).toHaveLength(10);
    expect(add(0, 10, 10, true)).toHaveLength(20);
    expect(add(8, 0, 10)).toBe('taken');
    expect(receiver.size).toBe(UNFINISHED_MESSAGES_MAX);
  });

  test.each([
    ['ends in two places', 20, true, 40, true],
    ['goes on behind its end', 20, true, 40, false],
    ['ends before what is there', 20, false, 5, true],
  ])('keep what they are when a piece says that one %s', (_what, first, firstEnds, second, secondEnds) => {
    const { drops, add } = create();
    add(1, first, 10, firstEnds);
    expect(add(1, second, 10, secondEnds)).toBe('taken');
    expect(drops.get('channel-contradicted')).toBe(1);
  });

  test('do not change channel half-way', () => {
    const { receiver, drops, add } = create();
    add(1, 0, 10);
    const frame = { channel: 5, message: 1, offset: 10, last: true, start: 0, length: 10 };
    expect(receiver.add(frame, new Uint8Array(10))).toBe('taken');
    expect(drops.get('channel-contradicted')).toBe(1);
    expect(receiver.size).toBe(1);
  });

  test('have at most so many holes', () => {
    const { drops, add } = create();
    for (let hole = 0; hole < MESSAGE_HOLES_MAX; hole++) add(1, 2 + 4 * hole, 1);
    expect(drops.get('channel-contradicted')).toBe(0);
    add(1, 2 + 4 * MESSAGE_HOLES_MAX, 1);
    expect(drops.get('channel-contradicted')).toBe(1);
  });

  test('that are older than the window are known', () => {
    const { add } = create();
    expect(add(5_000, 0, 1, true)).toHaveLength(1);
    expect(add(5_000 - 2_048, 0, 1, true)).toBe('taken');
    expect(add(5_000 - 2_047, 0, 1, true)).toHaveLength(1);
  });
});
