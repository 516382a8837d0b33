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
        for (const [i, { slot, number, lost, sequence, afterMs, bytes }] of arrivals.entries()) {
          now += afterMs;
          resequencer.wake(now);
          if (!firstOf.has(sequence)) firstOf.set(sequence, i);
          if (lost) resequencer.passedOver(slot, number);
          else resequencer.accept(slot, number, sequence, numbered(firstOf.get(sequence)!, bytes), now);
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
            resequencer.accept(sequence % 2, sequence >> 1, sequence, numbered(sequence, 10), i);
            resequencer.wake(i);
          }
          expect(delivered).toEqual(Array.from({ length: 40 }, (_, i) => i));
        },
      ),
    );
  });
});
