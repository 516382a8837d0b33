import { describe, expect, test } from 'vitest';
import { equal } from '../../../src/base/bytes.ts';
import { Drops } from '../../../src/base/drops.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { UNFINISHED_BYTES_MAX, UNFINISHED_MESSAGES_MAX } from '../../../src/link/protocol-numbers.ts';
import { MESSAGE_HOLES_MAX, Reassembly } from '../../../src/link/reassembly.ts';

function create() {
  const drops = new Drops();
  const reassembly = new Reassembly(drops, { overlap: 'overlap', crowded: 'crowded', late: 'late' });
  const add = (message: number, offset: number, length: number, last = false, now = 0) =>
    reassembly.add(0, message, offset, last, new Uint8Array(length).fill(offset % 251), 0, length, now);
  return { drops, reassembly, add };
}

describe('reassembly', () => {
  test('hands a message in one piece on without a copy', () => {
    const { reassembly } = create();
    const bytes = Uint8Array.of(9, 1, 2, 3, 9);
    const message = reassembly.add(0, 1, 0, true, bytes, 1, 3, 0);
    expect(message).toEqual(Uint8Array.of(1, 2, 3));
    expect(message?.buffer).toBe(bytes.buffer);
  });

  test('puts pieces together in any order', () => {
    const random = new SeededRandom(5, 'order');
    for (let round = 0; round < 50; round++) {
      const { reassembly, drops } = create();
      const whole = new Uint8Array(1 + random.integer(65_535));
      random.fill(whole);
      const cuts = new Set([0, whole.length]);
      for (let i = random.integer(40); i > 0; i--) cuts.add(random.integer(whole.length));
      const edges = [...cuts].sort((x, y) => x - y);
      const pieces = edges.slice(1).map((end, i) => [edges[i], end]);
      pieces.sort(() => random.unit() - 0.5);
      const results = pieces.map(([start, end]) =>
        reassembly.add(0, 7, start, end === whole.length, whole, start, end - start, 0),
      );
      expect(results.slice(0, -1).every((result) => result === undefined)).toBe(true);
      expect(equal(results.at(-1)!, whole)).toBe(true);
      expect([reassembly.size, reassembly.heldBytes, drops.toJSON()]).toEqual([0, 0, {}]);
    }
  });

  test('keeps messages and channels apart', () => {
    const { reassembly } = create();
    const [x, y] = [new Uint8Array(4).fill(1), new Uint8Array(4).fill(2)];
    expect(reassembly.add(1, 5, 0, false, x, 0, 2, 0)).toBeUndefined();
    expect(reassembly.add(2, 5, 0, false, y, 0, 2, 0)).toBeUndefined();
    expect(reassembly.add(2, 5, 2, true, y, 2, 2, 0)).toEqual(y);
    expect(reassembly.add(1, 5, 2, true, x, 2, 2, 0)).toEqual(x);
  });

  test.each([
    ['overlaps at its end', [0, 10], [9, 5]],
    ['overlaps at its start', [10, 10], [5, 6]],
    ['is there already', [0, 10], [0, 10]],
    ['lies inside another', [0, 10], [3, 2]],
  ])('ends a message whose piece %s', (_what, first, second) => {
    const { add, drops, reassembly } = create();
    add(1, first[0], first[1]);
    add(1, second[0], second[1]);
    expect([drops.get('overlap'), reassembly.size]).toEqual([1, 0]);
  });

  test('ends a message whose pieces disagree about its end', () => {
    const { add, drops } = create();
    add(1, 10, 10, true);
    add(1, 20, 5);
    expect(drops.get('overlap')).toBe(1);
    add(2, 10, 10);
    add(2, 5, 5, true);
    expect(drops.get('overlap')).toBe(2);
    add(3, 10, 10, true);
    add(3, 5, 5, true);
    expect(drops.get('overlap')).toBe(3);
  });

  test('holds 8 messages: the oldest gives way', () => {
    const { add, drops, reassembly } = create();
    for (let message = 0; message <= UNFINISHED_MESSAGES_MAX; message++) add(message, 0, 10);
    expect([drops.get('crowded'), reassembly.size]).toEqual([1, UNFINISHED_MESSAGES_MAX]);
    expect(add(1, 10, 5, true)?.length).toBe(15);
    expect(add(0, 10, 5, true)).toBeUndefined();
  });

  test('holds 256 KiB: the oldest gives way', () => {
    const { add, drops, reassembly } = create();
    for (let message = 0; message < 6; message++) {
      add(message, 60_000, 1_000);
      expect(reassembly.heldBytes).toBeLessThanOrEqual(UNFINISHED_BYTES_MAX);
    }
    expect(drops.get('crowded')).toBe(2);
  });

  test('lets the next oldest give way when the oldest itself grows', () => {
    const { add, drops, reassembly } = create();
    add(0, 0, 10);
    for (let message = 1; message <= 3; message++) add(message, 60_000, 1_000);
    add(4, 0, 10);
    add(0, 60_000, 1_000);
    expect(drops.get('crowded')).toBe(1);
    expect(reassembly.heldBytes).toBeLessThanOrEqual(UNFINISHED_BYTES_MAX);
    add(0, 61_000, 10, true);
    expect(add(0, 10, 59_990)?.length).toBe(61_010);
  });

  test('holds 64 ranges of a message, and no more', () => {
    const { add, drops } = create();
    for (let i = 0; i < MESSAGE_HOLES_MAX; i++) add(1, 2 * i, 1);
    expect(drops.get('overlap')).toBe(0);
    add(1, 2 * MESSAGE_HOLES_MAX, 1);
    expect(drops.get('overlap')).toBe(1);
  });

  test('gives a message up 1 s after its first piece', () => {
    const { add, drops, reassembly } = create();
    add(1, 0, 10, false, 0);
    add(1, 10, 10, false, 900);
    expect(reassembly.nextWakeAt()).toBe(1_000);
    reassembly.wake(1_000);
    expect([drops.get('late'), reassembly.size, reassembly.heldBytes]).toEqual([1, 0, 0]);
    expect(reassembly.nextWakeAt()).toBe(Number.POSITIVE_INFINITY);
  });
});
