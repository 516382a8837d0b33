import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessagePool } from '../../../src/bundle/queue/message-pool.ts';
import { Resequencer } from '../../../src/bundle/resequencer.ts';
import { BUNDLE_TUNING } from '../../../src/bundle/tuning.ts';
import { numbered, numberOf } from '../../unit/bundle/route-pair.ts';

const anyArrival = fc.record({
  slot: fc.nat(2),
  number: fc.oneof(fc.nat(60), fc.nat(3_000), fc.constantFrom(2 ** 31, 2 ** 32 - 1)),
  lost: fc.boolean(),
  back: fc.oneof(fc.nat(4), fc.nat(60), fc.nat(0xffff)),
  sequence: fc.oneof(fc.nat(60), fc.nat(3_000), fc.constantFrom(2 ** 40, 2 ** 48 - 1)),
  afterMs: fc.constantFrom(0, 0, 1, 30, 300),
  bytes: fc.constantFrom(4, 300, 60_000),
});

describe('resequencer', () => {
  it('delivers each sequence once at most, and holds no more than its bounds', () => {
    fc.assert(
      fc.property(fc.array(anyArrival, { maxLength: 300 }), (arrivals) => {
        const pool = new MessagePool(40 << 20);
        const delivered = new Set<number>();
        const resequencer = new Resequencer(BUNDLE_TUNING, 3, pool, (bytes) => {
          expect(delivered.has(numberOf(bytes))).toBe(false);
          delivered.add(numberOf(bytes));
        });
        for (let slot = 0; slot < 3; slot++) resequencer.routeOpened(slot, slot < 2);
        let now = 0;
        // The message carries which arrival it was: a sequence that is accepted twice shows as two arrivals of it.
        const firstOf = new Map<number, number>();
        for (const [i, { slot, number, lost, sequence, back, afterMs, bytes }] of arrivals.entries()) {
          now += afterMs;
          resequencer.wake(now);
          if (!firstOf.has(sequence)) firstOf.set(sequence, i);
          if (lost) resequencer.passedOver(slot, number);
          else resequencer.accept(slot, number, sequence, back, numbered(firstOf.get(sequence)!, bytes), now);
          expect(resequencer.counters.waiting).toBeLessThanOrEqual(BUNDLE_TUNING.reorderMessages);
          expect(pool.used).toBeLessThanOrEqual(2 * BUNDLE_TUNING.reorderBytes);
        }
        resequencer.wake(now + 3_000);
        expect(resequencer.counters.waiting).toBe(0);
        expect(pool.used).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  it('delivers a shuffled stream whole and in order when it may wait', () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray(
          Array.from({ length: 40 }, (_, i) => i),
          { minLength: 40 },
        ),
        (order) => {
          const delivered: number[] = [];
          const resequencer = new Resequencer(BUNDLE_TUNING, 2, new MessagePool(1 << 20), (bytes) =>
            delivered.push(numberOf(bytes)),
          );
          resequencer.routeOpened(0, true);
          resequencer.routeOpened(1, true);
          for (const [i, sequence] of order.entries()) {
            resequencer.accept(sequence % 2, sequence >> 1, sequence, 1, numbered(sequence, 10), i);
            resequencer.wake(i);
          }
          expect(delivered).toEqual(Array.from({ length: 40 }, (_, i) => i));
        },
      ),
    );
  });

  it('keeps the order of every flow, and holds no message whose own flow has come', () => {
    const anyMessage = fc.record({
      flow: fc.nat(3),
      slot: fc.nat(2),
      delayMs: fc.oneof(fc.nat(20), fc.nat(400)),
      lost: fc.integer({ min: 0, max: 9 }).map((one) => one === 0),
    });
    fc.assert(
      fc.property(fc.array(anyMessage, { maxLength: 200 }), fc.boolean(), (messages, repeats) => {
        const delivered: number[] = [];
        const resequencer = new Resequencer(BUNDLE_TUNING, 3, new MessagePool(1 << 20), (bytes) =>
          delivered.push(numberOf(bytes)),
        );
        for (let slot = 0; slot < 3; slot++) resequencer.routeOpened(slot, repeats);
        const come = new Set<number>();
        const newest = [-1, -1, -1, -1];
        let passed = 0;
        const check = () => {
          const { late } = resequencer.counters;
          for (; passed < delivered.length; passed++) {
            const { flow } = messages[delivered[passed]];
            // What comes late, after it was given up, is the only thing that goes back.
            if (delivered[passed] < newest[flow]) expect(late).toBeGreaterThan(0);
            if (late === 0) newest[flow] = delivered[passed];
          }
          const isWhole = [true, true, true, true];
          for (const [i, { flow }] of messages.entries()) {
            isWhole[flow] &&= come.has(i);
            if (isWhole[flow]) expect(delivered).toContain(i);
          }
        };
        for (const { i, at, number, back } of arrivalsOf(messages)) {
          resequencer.wake(at);
          check();
          if (back === undefined) resequencer.passedOver(messages[i].slot, number);
          else {
            come.add(i);
            resequencer.accept(messages[i].slot, number, i, back, numbered(i, 10), at);
          }
          check();
        }
        resequencer.wake(10_000);
        check();
        expect([...delivered].sort((a, b) => a - b)).toEqual([...come].sort((a, b) => a - b));
      }),
      { numRuns: 150 },
    );
  });
});

interface Message {
  readonly flow: number;
  readonly slot: number;
  readonly delayMs: number;
  readonly lost: boolean;
}

/** The messages, one sent each millisecond, as they arrive or (`back` undefined) as their route tells that they are lost. */
function arrivalsOf(messages: readonly Message[]) {
  const numbers = [0, 0, 0];
  const newest: (number | undefined)[] = [undefined, undefined, undefined, undefined];
  return messages
    .map(({ flow, slot, delayMs, lost }, i) => {
      const before = newest[flow];
      newest[flow] = i;
      const back = before === undefined ? 0 : i - before;
      return { i, at: i + delayMs, number: numbers[slot]++, back: lost ? undefined : back };
    })
    .sort((a, b) => a.at - b.at);
}
