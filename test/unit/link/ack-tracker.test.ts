import { describe, expect, test } from 'vitest';
import { NEVER } from '../../../src/base/env.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { AckTracker, ASKS_ACK, ASKS_ACK_AT_ONCE, ASKS_NOTHING } from '../../../src/link/ack-tracker.ts';
import { MAX_RANGES, RangeBlocks } from '../../../src/wire/ack-ranges.ts';

function pairsOf(tracker: AckTracker): [number, number][] {
  const blocks = new RangeBlocks();
  tracker.fill(blocks);
  return Array.from({ length: blocks.count }, (_, i) => [blocks.high[i], blocks.low[i]]);
}

function arrive(tracker: AckTracker, ...counters: number[]): void {
  for (const counter of counters) tracker.arrived(counter, ASKS_NOTHING, 0);
}

describe('what an ACK says', () => {
  test('is the blocks of counters that arrived, from the largest downwards', () => {
    const tracker = new AckTracker(1);
    arrive(tracker, 0, 1, 2, 5, 9, 8, 33, 32, 31);
    expect(pairsOf(tracker)).toEqual([
      [33, 31],
      [9, 8],
      [5, 5],
      [2, 0],
    ]);
  });

  test('agrees with a plain set, whatever arrives in whatever order', () => {
    const random = new SeededRandom(3, 'arrivals');
    for (let round = 0; round < 20; round++) {
      const tracker = new AckTracker(1);
      const arrived = new Set<number>();
      const base = random.integer(2) * 2 ** 40;
      let next = base;
      for (let i = 0; i < 3_000; i++) {
        next += random.chance(0.02) ? 1 + random.integer(400) : 1;
        const counter = random.chance(0.1) ? Math.max(base, next - random.integer(300)) : next;
        if (random.chance(0.4)) continue;
        arrived.add(counter);
        arrive(tracker, counter);
      }
      const blocks = pairsOf(tracker);
      expect(blocks[0][0]).toBe(Math.max(...arrived));
      const lowest = blocks[blocks.length - 1][1];
      const told = new Set(blocks.flatMap(([high, low]) => Array.from({ length: high - low + 1 }, (_, i) => low + i)));
      expect(told).toEqual(new Set([...arrived].filter((counter) => counter >= lowest)));
    }
  });

  test('repeats at most 32 blocks, and none that begins 1,024 counters back', () => {
    const many = new AckTracker(1);
    for (let counter = 0; counter < 400; counter += 2) arrive(many, counter);
    expect(pairsOf(many).length).toBe(MAX_RANGES);
    const old = new AckTracker(1);
    arrive(old, 0, 2);
    for (let counter = 4; counter < 1_026; counter++) arrive(old, counter);
    expect(pairsOf(old)).toEqual([
      [1_025, 4],
      [2, 2],
    ]);
  });

  test('reaches back 8,192 counters, and not further', () => {
    const tracker = new AckTracker(1);
    for (let counter = 0; counter < 20_005; counter++) arrive(tracker, counter);
    expect(pairsOf(tracker)).toEqual([[20_004, 20_004 - 8_191]]);
    arrive(tracker, 20_004 + 10_000);
    expect(pairsOf(tracker)).toEqual([[30_004, 30_004]]);
    arrive(tracker, 30_004 - 8_192);
    arrive(tracker, 30_004 - 8_191);
    arrive(tracker, 30_005);
    expect(pairsOf(tracker)).toEqual([[30_005, 30_004]]);
  });
});

describe('an ACK is due', () => {
  test('after 2 ms, or behind the second datagram', () => {
    const tracker = new AckTracker(1);
    expect([tracker.dueAt, tracker.pending]).toEqual([NEVER, false]);
    tracker.arrived(0, ASKS_ACK, 10);
    expect([tracker.dueAt, tracker.pending]).toEqual([12, true]);
    tracker.arrived(1, ASKS_ACK, 11);
    expect(tracker.dueAt).toBe(11);
    tracker.sent(11);
    expect([tracker.dueAt, tracker.pending]).toEqual([NEVER, false]);
  });

  test('never for what does not ask', () => {
    const tracker = new AckTracker(1);
    arrive(tracker, 0, 5, 3, 9);
    expect([tracker.dueAt, tracker.pending]).toEqual([NEVER, false]);
  });

  test('at once when a counter is missing, and when a missing one comes', () => {
    const tracker = new AckTracker(1);
    tracker.arrived(0, ASKS_ACK, 10);
    tracker.sent(12);
    tracker.arrived(2, ASKS_ACK, 20);
    expect(tracker.dueAt).toBe(20);
    tracker.sent(20);
    tracker.arrived(1, ASKS_ACK, 30);
    expect(tracker.dueAt).toBe(30);
  });

  test('no sooner than 1 ms behind the last, but at once where somebody waits', () => {
    const tracker = new AckTracker(1);
    arrive(tracker, 0);
    tracker.sent(20);
    tracker.arrived(1, ASKS_ACK, 20.1);
    tracker.arrived(2, ASKS_ACK, 20.2);
    expect(tracker.dueAt).toBe(21);
    tracker.arrived(3, ASKS_ACK_AT_ONCE, 20.3);
    expect(tracker.dueAt).toBe(20.3);
  });

  test('as far apart as it is told, but at once where somebody waits', () => {
    const tracker = new AckTracker(1);
    tracker.arrived(0, ASKS_ACK, 10);
    tracker.sent(10);
    tracker.spacingMs = 8;
    tracker.arrived(1, ASKS_ACK, 11);
    expect(tracker.dueAt).toBe(19);
    tracker.arrived(2, ASKS_ACK, 12);
    expect(tracker.dueAt).toBe(18);
    tracker.arrived(3, ASKS_ACK_AT_ONCE, 13);
    expect(tracker.dueAt).toBe(13);
  });

  test('with the arrival of the largest counter, not of the last', () => {
    const tracker = new AckTracker(1);
    tracker.arrived(5, ASKS_ACK, 10);
    tracker.arrived(4, ASKS_ACK, 11);
    expect(tracker.largestAt).toBe(10);
  });
});
