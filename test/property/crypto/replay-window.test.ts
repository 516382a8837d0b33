import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ReplayWindow } from '../../../src/crypto/replay-window.ts';

test('the window accepts exactly what a list of all counters ever seen would', () => {
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: -80, max: 40 }) },
    { weight: 1, arbitrary: fc.integer({ min: 40, max: 400 }) },
  );
  const start = fc.constantFrom(0, 2 ** 32 - 50, 2 ** 45);
  fc.assert(
    fc.property(start, fc.constantFrom(32, 64, 96), fc.array(step, { maxLength: 400 }), (first, bits, steps) => {
      const window = new ReplayWindow(bits);
      const seen = new Set<number>();
      let highest = -1;
      let at = first;
      for (const by of steps) {
        const counter = Math.max(0, at + by);
        const expected = !seen.has(counter) && counter > highest - bits;
        expect(window.wouldAccept(counter)).toBe(expected);
        expect(window.accept(counter)).toBe(expected);
        seen.add(counter);
        highest = Math.max(highest, counter);
        at = highest;
      }
    }),
    { numRuns: 300 },
  );
});
