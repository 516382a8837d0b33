import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SequenceWindow, WINDOW_NUMBERS } from '../../../src/route/buffers/sequence-window.ts';

describe('the sequence window', () => {
  it('takes each number once, in whatever order they come, also over the end of u32', () => {
    const step = fc.record({ ahead: fc.oneof(fc.nat({ max: 3 }), fc.nat({ max: 5_000 })), skip: fc.nat({ max: 40 }) });
    fc.assert(
      fc.property(fc.constantFrom(0, 77, 0xffff_ff00), fc.array(step, { maxLength: 400 }), (base, steps) => {
        const window = new SequenceWindow(base);
        const taken = new Set<number>();
        let low: number = base;
        for (const { ahead, skip } of steps) {
          if (skip === 40) {
            const to = low + ahead;
            let missing = 0;
            for (let number = low; number < to; number++) if (!taken.has(number)) missing++;
            expect(window.skipTo(to >>> 0)).toBe(missing);
            low = to;
          } else {
            const number = low + ahead;
            const look = window.look(number >>> 0);
            expect(look).toBe(taken.has(number) ? 'taken' : 'new');
            if (look === 'new') window.take(number >>> 0);
            taken.add(number);
          }
          while (taken.has(low)) low++;
          expect(window.base).toBe(low >>> 0);
          expect(window.ahead).toBe([...taken].filter((number) => number > low).length);
          if (low > base) expect(window.look((low - 1) >>> 0)).toBe('taken');
        }
      }),
      { numRuns: 200 },
    );
  });

  it('tells 2^20 numbers apart and no more', () => {
    const window = new SequenceWindow(10);
    expect(window.look(10 + WINDOW_NUMBERS - 1)).toBe('new');
    expect(window.look(10 + WINDOW_NUMBERS)).toBe('beyond');
    window.take(10 + WINDOW_NUMBERS - 1);
    expect(window.look(10 + WINDOW_NUMBERS - 1)).toBe('taken');
    expect(window.look(11)).toBe('new');
  });
});
