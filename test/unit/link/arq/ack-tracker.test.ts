import { describe, expect, test } from 'vitest';
import { NEVER } from '../../../../src/base/env.ts';
import { SeededRandom } from '../../../../src/base/seeded-random.ts';
import { AckTracker, ASKS_ACK, ASKS_ACK_AT_ONCE, ASKS_NOTHING } from '../../../../src/link/arq/ack-tracker.ts';
import { MAX_RANGES, RangeBlocks } from '../../../../src/wire/ack-ranges.ts';

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

/** An ACK leaves now in the datagram with this counter. */
function leave(tracker: AckTracker, counter: number, now: number): void {
  tracker.sent(false, now);
  tracker.left(counter, ROUND_TRIP_MS, now);
}

/** The peer acknowledges these of our counters. */
function hear(tracker: AckTracker, ...counters: number[]): void {
  const blocks = new RangeBlocks();
  blocks.count = counters.length;
  blocks.high.set(counters);
  blocks.low.set(counters);
  tracker.heard(blocks);
}

const ROUND_TRIP_MS = 10;

describe('an ACK does not repeat', () => {
  test('what one said that was itself acknowledged', () => {
    const tracker = new AckTracker(1);
    arrive(tracker, 0, 2, 4);
    leave(tracker, 100, 0);
    arrive(tracker, 6);
    leave(tracker, 103, 5);
    arrive(tracker, 8);
    hear(tracker, 102, 101, 99);
    expect(pairsOf(tracker).length).toBe(5);
    hear(tracker, 104, 100);
    expect(pairsOf(tracker)).toEqual([
      [8, 8],
      [6, 6],
    ]);
    hear(tracker, 103);
    expect(pairsOf(tracker)).toEqual([[8, 8]]);
    hear(tracker, 103, 100);
    expect(pairsOf(tracker)).toEqual([[8, 8]]);
  });

  test('anything but the largest when all is known', () => {
    const tracker = new AckTracker(1);
    arrive(tracker, 0, 1, 2);
    leave(tracker, 7, 0);
    hear(tracker, 7);
    expect(pairsOf(tracker)).toEqual([[2, 2]]);
  });

  test('what one said three round trips and 100 ms ago', () => {
    const tracker = new AckTracker(1);
    arrive(tracker, 0, 2);
    leave(tracker, 1, 0);
    arrive(tracker, 4);
    leave(tracker, 2, 129);
    expect(pairsOf(tracker).length).toBe(3);
    leave(tracker, 3, 132);
    expect(pairsOf(tracker)).toEqual([[4, 4]]);
  });

  test('but says what came late, until that is known too', () => {
    const tracker = new AckTracker(1);
    arrive(tracker, 0, 2, 4, 6);
    leave(tracker, 1, 0);
    hear(tracker, 1);
    arrive(tracker, 3);
    expect(pairsOf(tracker)).toEqual([
      [6, 6],
      [4, 3],
    ]);
    leave(tracker, 2, 10);
    hear(tracker, 2);
    expect(pairsOf(tracker)).toEqual([[6, 6]]);
  });

  test('more than it must where the ACK that was acknowledged is long forgotten', () => {
    const tracker = new AckTracker(1);
    for (let i = 0; i < 65; i++) {
      arrive(tracker, 2 * i);
      // As far apart as those that are remembered, and all within the time.
      leave(tracker, i, (i * 130) / 64);
    }
    const before = pairsOf(tracker);
    hear(tracker, 0);
    expect(pairsOf(tracker)).toEqual(before);
    hear(tracker, 63);
    expect(pairsOf(tracker)).toEqual([[128, 128]]);
  });
});

describe('an ACK that is cut to so many blocks', () => {
  test('has the newest, and says whether they answer all that asked since the last one', () => {
    const tracker = new AckTracker(1);
    const blocks = new RangeBlocks();
    const answersAll = (most: number) => {
      tracker.fill(blocks);
      blocks.count = Math.min(blocks.count, most);
      return tracker.answersAll(blocks);
    };
    tracker.arrived(0, ASKS_ACK, 0);
    tracker.sent(false, 0);
    arrive(tracker, 2);
    tracker.arrived(4, ASKS_ACK, 1);
    arrive(tracker, 6, 8);
    expect([answersAll(2), blocks.count]).toEqual([false, 2]);
    expect([answersAll(3), blocks.high[0], blocks.low[2]]).toEqual([true, 8, 4]);
    tracker.sent(true, 2);
    expect(answersAll(1)).toBe(true);
    tracker.arrived(3, ASKS_ACK, 3);
    expect([answersAll(2), answersAll(3)]).toEqual([false, true]);
    expect(pairsOf(tracker)).toEqual([
      [8, 8],
      [6, 6],
      [4, 2],
      [0, 0],
    ]);
  });

  test('has told nothing for good, though it is acknowledged', () => {
    const tracker = new AckTracker(1);
    arrive(tracker, 0, 2, 4);
    tracker.sent(true, 0);
    tracker.left(7, ROUND_TRIP_MS, 0);
    hear(tracker, 7);
    expect(pairsOf(tracker).length).toBe(3);
    leave(tracker, 8, 1);
    hear(tracker, 8);
    expect(pairsOf(tracker)).toEqual([[4, 4]]);
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
    tracker.sent(false, 11);
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
    tracker.sent(false, 12);
    tracker.arrived(2, ASKS_ACK, 20);
    expect(tracker.dueAt).toBe(20);
    tracker.sent(false, 20);
    tracker.arrived(1, ASKS_ACK, 30);
    expect(tracker.dueAt).toBe(30);
  });

  test('no sooner than 1 ms behind the last, but at once where somebody waits', () => {
    const tracker = new AckTracker(1);
    arrive(tracker, 0);
    tracker.sent(false, 20);
    tracker.arrived(1, ASKS_ACK, 20.1);
    tracker.arrived(2, ASKS_ACK, 20.2);
    expect(tracker.dueAt).toBe(21);
    tracker.arrived(3, ASKS_ACK_AT_ONCE, 20.3);
    expect(tracker.dueAt).toBe(20.3);
  });

  test('as far apart as it is told, but at once where somebody waits', () => {
    const tracker = new AckTracker(1);
    tracker.arrived(0, ASKS_ACK, 10);
    tracker.sent(false, 10);
    tracker.spacingMs = 8;
    tracker.arrived(1, ASKS_ACK, 11);
    expect(tracker.dueAt).toBe(19);
    tracker.arrived(2, ASKS_ACK, 12);
    expect(tracker.dueAt).toBe(18);
    tracker.arrived(3, ASKS_ACK_AT_ONCE, 13);
    expect(tracker.dueAt).toBe(13);
  });

  test('8 ms after the first that asks where a datagram is about to take it along, 2 ms where somebody waits', () => {
    const tracker = new AckTracker(1);
    expect(tracker.latestAt).toBe(NEVER);
    arrive(tracker, 0);
    tracker.arrived(2, ASKS_ACK, 10);
    tracker.arrived(4, ASKS_ACK, 11);
    expect([tracker.dueAt, tracker.latestAt]).toEqual([10, 18]);
    tracker.arrived(5, ASKS_ACK_AT_ONCE, 11.5);
    tracker.arrived(6, ASKS_ACK_AT_ONCE, 12);
    tracker.arrived(8, ASKS_ACK, 12.1);
    expect(tracker.latestAt).toBe(13.5);
    tracker.sent(false, 11.7);
    expect(tracker.latestAt).toBe(NEVER);
  });

  test('with the arrival of the largest counter, not of the last', () => {
    const tracker = new AckTracker(1);
    tracker.arrived(5, ASKS_ACK, 10);
    tracker.arrived(4, ASKS_ACK, 11);
    expect(tracker.largestAt).toBe(10);
  });
});
