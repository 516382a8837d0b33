import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../../src/base/seeded-random.ts';
import { FLOW_BUCKETS, FlowQueue } from '../../../../src/bundle/queue/flow-queue.ts';
import { type MessageCopy, MessagePool } from '../../../../src/bundle/queue/message-pool.ts';
import { numbered, numberOf } from '../route-pair.ts';

const timing = { targetMs: 60, intervalMs: 120, urgentMs: 750 };

class Bench {
  readonly pool = new MessagePool(16 << 20);
  readonly queue: FlowQueue;
  marked: number[] = [];
  private readonly addedAt = new Map<MessageCopy, number>();

  constructor({ queueBytes = 1 << 20, queueMessages = 1_000, queueMs = 1_000, marks = false } = {}) {
    this.queue = new FlowQueue(this.pool, { queueBytes, queueMessages, queueMs }, timing, (bytes) => {
      if (marks) this.marked.push(numberOf(bytes));
      return marks;
    });
  }

  add(flow: number, number: number, bytes: number, now = 0): void {
    const copy = this.pool.take(numbered(number, bytes))!;
    this.addedAt.set(copy, now);
    this.queue.add(copy, flow, now);
  }

  waitedMs(copy: MessageCopy, now: number): number {
    return now - this.addedAt.get(copy)!;
  }

  take(now = 0): number | undefined {
    const copy = this.queue.take(now);
    if (copy === undefined) return undefined;
    const number = numberOf(copy.buffer);
    this.pool.release(copy);
    return number;
  }
}

describe('flow queue', () => {
  it('lets flows take turns by bytes', () => {
    const bench = new Bench();
    for (let i = 0; i < 20; i++) bench.add(1, 100 + i, 1_500);
    for (let i = 0; i < 20; i++) bench.add(2, 200 + i, 500);
    const taken = Array.from({ length: 16 }, () => bench.take()!);
    const large = taken.filter((number) => number < 200);
    expect(large.length).toBeGreaterThanOrEqual(3);
    expect(large.length).toBeLessThanOrEqual(5);
  });

  it('puts a flow that just began before those that wait', () => {
    const bench = new Bench();
    for (let i = 0; i < 20; i++) bench.add(1, 100 + i, 1_500);
    for (let i = 0; i < 5; i++) bench.take();
    bench.add(2, 7, 100);
    expect(bench.take()).toBe(7);
  });

  it('does not let a flow that comes again and again starve the others', () => {
    const bench = new Bench();
    for (let i = 0; i < 50; i++) bench.add(1, 100 + i, 1_500);
    let others = 0;
    for (let i = 0; i < 40; i++) {
      bench.add(2, 7, 1_500);
      if (bench.take() !== 7) others += 1;
    }
    expect(others).toBeGreaterThan(15);
  });

  it('keeps the order within a flow, over 1,024 buckets', () => {
    const bench = new Bench({ queueMessages: 10_000, queueBytes: 8 << 20 });
    const random = new SeededRandom(3, 'flows');
    const next = new Map<number, number>();
    for (let i = 0; i < 5_000; i++) {
      const flow = random.integer(300);
      const number = next.get(flow) ?? 0;
      next.set(flow, number + 1);
      bench.add(flow * FLOW_BUCKETS + flow, (flow << 16) | number, 100 + random.integer(1_300));
    }
    const seen = new Map<number, number>();
    for (let taken = bench.take(); taken !== undefined; taken = bench.take()) {
      expect(taken & 0xffff).toBe(seen.get(taken >>> 16) ?? 0);
      seen.set(taken >>> 16, (taken & 0xffff) + 1);
    }
    expect(seen).toEqual(next);
    expect([bench.queue.length, bench.queue.bytes, bench.pool.used]).toEqual([0, 0, 0]);
  });

  it('drops the oldest of the longest flow when it is full of bytes or messages', () => {
    const bench = new Bench({ queueBytes: 10_000, queueMessages: 12 });
    for (let i = 0; i < 9; i++) bench.add(1, 100 + i, 1_000);
    bench.add(2, 7, 500);
    bench.add(3, 8, 800);
    expect(bench.queue.drops).toBe(1);
    for (let i = 0; i < 3; i++) bench.add(4, 9, 4);
    expect(bench.queue.length).toBe(12);
    expect(bench.queue.drops).toBe(2);
    const taken = Array.from({ length: 12 }, () => bench.take());
    expect(taken.filter((number) => number! >= 100)).toEqual([102, 103, 104, 105, 106, 107, 108]);
  });

  it('drops nothing while the wait is short or has not been long for an interval', () => {
    const bench = new Bench();
    for (let now = 0; now < 1_000; now += 10) {
      bench.add(1, now, 1_000, now);
      bench.add(1, now, 1_000, now);
      if (now >= 50) bench.take(now);
      if (now >= 50) bench.take(now);
    }
    expect(bench.queue.drops).toBe(0);
    const late = new Bench();
    for (let i = 0; i < 10; i++) late.add(1, i, 1_000);
    expect([late.take(100), late.take(200), late.take(219)]).toEqual([0, 1, 2]);
    // The wait was first seen to be long at 100 ms: an interval later the next one goes.
    expect(late.take(220)).toBe(4);
    expect(late.queue.drops).toBe(1);
  });

  it('goes on with what is left of a message of which a part was dropped', () => {
    const pool = new MessagePool(16 << 20);
    const limits = { queueBytes: 1 << 20, queueMessages: 1_000, queueMs: 1_000 };
    const queue = new FlowQueue(pool, limits, timing, (bytes) => bytes.length - 100);
    for (let i = 0; i < 20; i++) queue.add(pool.take(numbered(i, 1_500))!, 1, 0);
    const lengths: number[] = [];
    for (let now = 100; now < 1_000; now += 50) lengths.push(queue.take(now)?.length ?? 0);
    expect(queue.drops).toBeGreaterThan(1);
    expect(lengths.filter((length) => length === 1_400)).toHaveLength(queue.drops);
    expect(queue.marks).toBe(0);
  });

  it('marks in place of dropping where the message can be marked', () => {
    const bench = new Bench({ marks: true });
    for (let i = 0; i < 40; i++) bench.add(1, i, 1_000);
    const taken = Array.from({ length: 40 }, (_, i) => bench.take(100 + 20 * i));
    expect(taken).toEqual(Array.from({ length: 40 }, (_, i) => i));
    expect(bench.queue.drops).toBe(0);
    expect(bench.queue.marks).toBe(bench.marked.length);
    expect(bench.marked[0]).toBe(6);
    // Intervals shrink with the square root of the count.
    const gaps = bench.marked.slice(1).map((number, i) => number - bench.marked[i]);
    expect(gaps[0]).toBe(6);
    expect(gaps.at(-1)).toBeLessThanOrEqual(4);
  });

  it('keeps a flood that does not answer below a second, at the full rate, and takes nothing from others', () => {
    const bench = new Bench({ queueMessages: 8_192, queueBytes: 4 << 20 });
    // Over round trips of a second CoDel alone would need a minute.
    bench.queue.timing.intervalMs = 2_000;
    // 3.7 Mb/s leave, a third more comes, and a tenth of it in another flow.
    const takesMs = 3;
    const longest = [0, 0];
    const taken = [0, 0];
    let added = 0;
    for (let tick = 0; tick < 80_000; tick++) {
      const now = tick / 4;
      if (now % 2.25 === 0) bench.add(0, 0, 1_400, now);
      if (now % 30 === 0) {
        bench.add(1, 1, 1_400, now);
        added += 1;
      }
      if (now % takesMs !== 0) continue;
      const copy = bench.queue.take(now)!;
      const flow = numberOf(copy.buffer);
      longest[flow] = Math.max(longest[flow], bench.waitedMs(copy, now));
      taken[flow] += 1;
      bench.pool.release(copy);
    }
    expect(taken[0] + taken[1]).toBeGreaterThan(0.999 * (20_000 / takesMs));
    expect(longest[0]).toBeGreaterThan(900);
    expect(longest[0]).toBeLessThanOrEqual(1_000 + takesMs);
    expect(added - taken[1]).toBeLessThanOrEqual(1);
    expect(longest[1]).toBeLessThanOrEqual(3 * takesMs);
  });

  it('keeps over an outage what waited, and the last message of each of many flows', () => {
    const bench = new Bench();
    for (let i = 0; i < 20; i++) bench.add(1, i, 1_000, i);
    bench.take(20);
    const taken = Array.from({ length: 19 }, (_, i) => bench.take(5_000 + i));
    expect(taken).toEqual(Array.from({ length: 19 }, (_, i) => i + 1));
    for (let flow = 0; flow < 20; flow++) bench.add(10 + flow, flow, 1_000, 6_000);
    const slowly = Array.from({ length: 20 }, (_, i) => bench.take(6_000 + 200 * i));
    expect(slowly).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(bench.queue.drops).toBe(0);
  });

  it('does not make up after an outage for the drops that would have been due in it', () => {
    const takenAfter = (pauseMs: number): (number | undefined)[] => {
      const bench = new Bench();
      for (let i = 0; i < 100; i++) bench.add(1, i, 1_000);
      for (let now = 100; now < 500; now += 20) bench.take(now);
      expect(bench.queue.drops).toBeGreaterThan(1);
      return Array.from({ length: 20 }, (_, i) => bench.take(500 + pauseMs + i));
    };
    expect(takenAfter(70_000)).toEqual(takenAfter(250));
  });
});

/**
 * A TCP that fills its window (slow start, then one segment a round trip more, halved once a round trip by a drop or
 * mark) through a queue that leaves at a fixed rate; its acknowledgements take `roundTripMs` more.
 */
class GreedyTcp {
  window = 10;
  private threshold = Number.POSITIVE_INFINITY;
  private flight = 0;
  private readonly acks: { at: number; congested: boolean }[] = [];
  private calmUntil = 0;
  private readonly bench: Bench;
  private readonly flow: number;
  private readonly roundTripMs: number;

  constructor(bench: Bench, flow: number, roundTripMs: number) {
    this.bench = bench;
    this.flow = flow;
    this.roundTripMs = roundTripMs;
  }

  step(now: number): void {
    while (this.acks.length > 0 && this.acks[0].at <= now) {
      const { congested } = this.acks.shift()!;
      this.flight -= 1;
      if (congested && now >= this.calmUntil) {
        this.threshold = Math.max(2, this.window / 2);
        this.window = this.threshold;
        this.calmUntil = now + this.roundTripMs + 100;
      } else this.window += this.window < this.threshold ? 1 : 1 / this.window;
    }
    for (; this.flight < this.window; this.flight++) this.bench.add(this.flow, this.flow, 1_448, now);
  }

  left(now: number, congested: boolean): void {
    this.acks.push({ at: now + this.roundTripMs, congested });
  }
}

describe('a greedy TCP through the flow queue', () => {
  it.each([
    ['marked', true],
    ['dropped', false],
  ])('is kept near the target when %s, keeps the rate, and delays no sparse flow', (_, marks) => {
    const bench = new Bench({ marks, queueMessages: 8_192, queueBytes: 4 << 20 });
    const tcp = new GreedyTcp(bench, 1, 40);
    const waits: number[] = [];
    const sparseWaits: number[] = [];
    let leavesAt = 0;
    let left = 0;
    for (let now = 0; now < 30_000; now += 1) {
      tcp.step(now);
      if (now % 50 === 0) bench.add(2, 2, 100, now);
      // 10 Mb/s: 1.16 ms for a full-size message.
      while (leavesAt <= now) {
        const before = bench.queue.drops + bench.queue.marks;
        const copy = bench.queue.take(now);
        const congested = bench.queue.drops + bench.queue.marks - before;
        if (copy === undefined) {
          leavesAt = now + 1;
          break;
        }
        for (let i = 0; i < (marks ? 0 : congested); i++) tcp.left(now, true);
        if (numberOf(copy.buffer) === 1) {
          tcp.left(now, marks && congested > 0);
          left += 1;
          if (now > 10_000) waits.push(bench.waitedMs(copy, now));
        } else sparseWaits.push(bench.waitedMs(copy, now));
        leavesAt = Math.max(leavesAt, now - 1) + copy.length / 1_250;
        bench.pool.release(copy);
      }
    }
    waits.sort((a, b) => a - b);
    expect(left * 1.16).toBeGreaterThan(0.95 * 30_000);
    expect(waits[waits.length >> 1]).toBeLessThan(1.5 * timing.targetMs);
    expect(waits[Math.floor(0.95 * waits.length)]).toBeLessThan(3 * timing.targetMs);
    expect(Math.max(...sparseWaits)).toBeLessThan(4);
  });
});
