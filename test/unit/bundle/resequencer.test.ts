import { describe, expect, it } from 'vitest';
import { NEVER } from '../../../src/base/env.ts';
import { MessagePool } from '../../../src/bundle/queue/message-pool.ts';
import { Resequencer } from '../../../src/bundle/resequencer.ts';
import { numbered, numberOf } from './route-pair.ts';

const limits = {
  reorderMessages: 16,
  reorderBytes: 4_000,
  gapMinMs: 50,
  gapResendMs: 400,
  gapMaxMs: 2_000,
  gapSentOnceMaxMs: 200,
  gapMarginMs: 20,
};

class Bench {
  readonly pool: MessagePool;
  readonly delivered: number[] = [];
  readonly resequencer: Resequencer;
  onDeliver: ((number: number) => void) | undefined;
  /** The next message number of each route. */
  private readonly numbers = [0, 0, 0, 0];

  constructor({ routes = 2, poolBytes = 1 << 20, repeats = true } = {}) {
    this.pool = new MessagePool(poolBytes);
    this.resequencer = new Resequencer(limits, 4, this.pool, (bytes) => {
      this.delivered.push(numberOf(bytes));
      this.onDeliver?.(numberOf(bytes));
    });
    for (let slot = 0; slot < routes; slot++) this.resequencer.routeOpened(slot, repeats);
  }

  come(slot: number, now: number, ...sequences: number[]): void {
    for (const sequence of sequences) this.bring(slot, this.numbers[slot]++, sequence, now);
  }

  /** Message `number` of the route brings this; `back`: to the one before it in its flow. */
  bring(slot: number, number: number, sequence: number, now: number, { bytes = 100, back = 1 } = {}): void {
    this.resequencer.accept(slot, number, sequence, back, numbered(sequence, bytes), now);
  }

  /** The route's next message brings this, of a flow that others' messages lie between. */
  comeFrom(slot: number, now: number, sequence: number, back: number): void {
    this.bring(slot, this.numbers[slot]++, sequence, now, { back });
  }
}

describe('resequencer', () => {
  it('delivers at once what comes in order', () => {
    const bench = new Bench();
    bench.come(0, 0, 0, 1, 2);
    expect(bench.delivered).toEqual([0, 1, 2]);
    expect(bench.resequencer.wake(0)).toBe(NEVER);
  });

  it('holds what lies ahead until the gap fills', () => {
    const bench = new Bench();
    bench.come(0, 0, 0, 2, 4);
    bench.come(1, 5, 1);
    expect(bench.delivered).toEqual([0, 1, 2]);
    bench.come(1, 6, 3);
    expect(bench.delivered).toEqual([0, 1, 2, 3, 4]);
    expect(bench.resequencer.counters).toEqual({ waiting: 0, waited: 2, lost: 0, late: 0, duplicate: 0 });
    expect(bench.pool.used).toBe(0);
  });

  it('holds no flow for another', () => {
    const bench = new Bench();
    bench.come(0, 0, 0);
    bench.comeFrom(0, 0, 3, 2);
    bench.comeFrom(0, 0, 4, 2);
    bench.comeFrom(0, 0, 5, 0);
    expect(bench.delivered).toEqual([0, 5]);
    bench.bring(1, 1, 2, 1, { back: 2 });
    expect(bench.delivered).toEqual([0, 5, 2, 4]);
    bench.bring(1, 0, 1, 2, { back: 0 });
    expect(bench.delivered).toEqual([0, 5, 2, 4, 1, 3]);
    expect(bench.resequencer.counters).toMatchObject({ waiting: 0, waited: 2, lost: 0, late: 0 });
  });

  it('keeps the order of a flow whose middle is lost, although nothing tells that its parts are one', () => {
    const bench = new Bench({ repeats: false });
    bench.come(0, 0, 0);
    // 0 ◀ 2 ◀ 3 ◀ 4 ◀ 6: 2 and 4 are missing, and what comes after 4 comes first.
    bench.comeFrom(0, 10, 6, 2);
    bench.comeFrom(1, 40, 3, 1);
    expect(bench.resequencer.wake(40)).toBe(60);
    bench.resequencer.wake(60);
    expect(bench.delivered).toEqual([0, 3, 6]);
    expect(bench.resequencer.counters).toMatchObject({ waiting: 0, lost: 3 });
  });

  it('lets one message wait behind another, and delivers a second that names it at once', () => {
    const bench = new Bench();
    bench.comeFrom(0, 0, 2, 2);
    bench.comeFrom(0, 0, 3, 3);
    bench.comeFrom(0, 0, 4, 2);
    bench.comeFrom(0, 0, 5, 3);
    expect(bench.delivered).toEqual([3, 5]);
    bench.comeFrom(1, 1, 0, 0);
    expect(bench.delivered).toEqual([3, 5, 0, 2, 4]);
  });

  it('gives a gap up as soon as every live route has passed it', () => {
    const bench = new Bench();
    bench.come(0, 0, 0, 3);
    expect(bench.delivered).toEqual([0]);
    bench.come(1, 1, 4);
    expect(bench.delivered).toEqual([0, 3, 4]);
    expect(bench.resequencer.counters.lost).toBe(2);
  });

  it('does not wait for a route that closed', () => {
    const bench = new Bench();
    bench.resequencer.routeClosed(1);
    bench.come(0, 0, 0, 2);
    expect(bench.delivered).toEqual([0, 2]);
  });

  it.each([
    ['sends once', 50],
    ['repeats, and may have died', 400],
  ])('waits for a route that is idle and %s for %i ms', (hops, waitMs) => {
    const bench = new Bench({ repeats: hops !== 'sends once' });
    bench.come(0, 0, 0);
    bench.come(0, 10, 2);
    expect(bench.resequencer.wake(10)).toBe(10 + waitMs);
    expect(bench.resequencer.wake(9.9 + waitMs)).toBe(10 + waitMs);
    expect(bench.delivered).toEqual([0]);
    expect(bench.resequencer.wake(10 + waitMs)).toBe(NEVER);
    expect(bench.delivered).toEqual([0, 2]);
  });

  it.each([
    ['repeat', 2_000],
    ['send once', 200],
  ])('waits for the skew of the routes and a margin, and at most, where hops %s, %i ms', (hops, longestMs) => {
    const bench = new Bench({ repeats: hops === 'repeat' });
    bench.resequencer.setRouteSkew(hops === 'repeat' ? 480 : 80);
    bench.come(0, 0, 1);
    expect(bench.resequencer.wake(0)).toBe(hops === 'repeat' ? 500 : 100);
    bench.resequencer.setRouteSkew(5_000);
    expect(bench.resequencer.wake(0)).toBe(longestMs);
  });

  it('waits for a message that its route may still bring, as long as hops try', () => {
    const bench = new Bench({ routes: 1 });
    bench.bring(0, 0, 0, 0);
    bench.bring(0, 2, 2, 10);
    bench.bring(0, 3, 3, 500);
    expect(bench.resequencer.wake(500)).toBe(2_010);
    bench.bring(0, 1, 1, 1_500);
    expect(bench.delivered).toEqual([0, 1, 2, 3]);
    expect(bench.resequencer.counters).toEqual({ waiting: 0, waited: 2, lost: 0, late: 0, duplicate: 0 });
  });

  it('gives up at once what its route says is lost', () => {
    const bench = new Bench({ routes: 1 });
    bench.bring(0, 0, 0, 0);
    bench.bring(0, 2, 2, 10);
    bench.resequencer.passedOver(0, 1);
    expect(bench.resequencer.wake(20)).toBe(NEVER);
    expect(bench.delivered).toEqual([0, 2]);
    expect(bench.resequencer.counters.lost).toBe(1);
  });

  it('counts the wait from when the gap was first seen, also when what waits comes backwards', () => {
    const bench = new Bench({ routes: 1 });
    bench.bring(0, 0, 0, 0);
    for (const [i, number] of [8, 7, 6, 5].entries()) bench.bring(0, number, number, 100 * i);
    expect(bench.resequencer.wake(400)).toBe(2_000);
  });

  it('learns the skew from gaps that filled', () => {
    const bench = new Bench({ repeats: false });
    bench.resequencer.setRouteSkew(75);
    bench.come(0, 0, 1);
    bench.come(1, 70, 0);
    bench.resequencer.setRouteSkew(0);
    bench.come(0, 100, 3);
    expect(bench.resequencer.wake(100)).toBe(190);
  });

  it('delivers late what it had given up, once', () => {
    const bench = new Bench({ repeats: false });
    bench.come(0, 0, 0, 2);
    bench.resequencer.wake(100);
    bench.come(1, 110, 1, 1);
    expect(bench.delivered).toEqual([0, 2, 1]);
    expect(bench.resequencer.counters).toEqual({ waiting: 0, waited: 1, lost: 0, late: 1, duplicate: 1 });
  });

  it('delivers nothing twice, held or not', () => {
    const bench = new Bench();
    bench.come(0, 0, 0, 0, 2, 2);
    bench.come(1, 1, 2, 1, 1);
    expect(bench.delivered).toEqual([0, 1, 2]);
    expect(bench.resequencer.counters.duplicate).toBe(4);
  });

  it('gives up the front when more messages wait than it has room for', () => {
    const bench = new Bench();
    bench.come(0, 0, ...Array.from({ length: 20 }, (_, i) => i + 1));
    expect(bench.delivered).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect(bench.resequencer.counters).toMatchObject({ waiting: 0, lost: 1 });
  });

  it('gives up the front when more bytes wait than it has room for', () => {
    const bench = new Bench();
    for (const sequence of [1, 2]) bench.bring(0, sequence, sequence, 0, { bytes: 1_900 });
    expect(bench.delivered).toEqual([]);
    bench.bring(0, 4, 4, 0, { bytes: 1_900 });
    expect(bench.delivered).toEqual([1, 2]);
    expect(bench.resequencer.counters).toMatchObject({ waiting: 1, lost: 1 });
  });

  it('prefers bytes to order when the pool is exhausted', () => {
    const bench = new Bench({ poolBytes: 256 });
    bench.come(0, 0, 1, 3);
    expect(bench.delivered).toEqual([1, 3]);
    bench.come(1, 0, 2, 0);
    expect(bench.delivered).toEqual([1, 3, 2, 0]);
  });

  it('survives a leap of the sequence', () => {
    const bench = new Bench();
    bench.come(0, 0, 0, 2, 2 ** 47);
    expect(bench.delivered).toEqual([0]);
    bench.resequencer.wake(3_000);
    expect(bench.delivered).toEqual([0, 2, 2 ** 47 % 2 ** 32]);
  });

  it('stops when it is closed from inside a delivery, and gives all memory back', () => {
    const bench = new Bench();
    bench.onDeliver = (number) => {
      if (number === 1) bench.resequencer.close();
    };
    bench.come(0, 0, 1, 2, 3);
    bench.come(1, 0, 0);
    expect(bench.delivered).toEqual([0, 1]);
    bench.come(1, 0, 4, 7);
    expect(bench.delivered).toEqual([0, 1]);
    expect(bench.pool.used).toBe(0);
  });
});
