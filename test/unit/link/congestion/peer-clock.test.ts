import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clockUs, PeerClock } from '../../../../src/link/congestion/peer-clock.ts';

const WRAP_MS = 2 ** 32 / 1_000;

describe('peer clock', () => {
  it('tells how transits differ, whatever the offset of the clocks and wherever they wrap', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e12, noNaN: true }),
        fc.array(fc.record({ gapMs: fc.double({ min: 0, max: 600_000, noNaN: true }), transitMs: fc.nat(60_000) }), {
          minLength: 2,
          maxLength: 50,
        }),
        (offsetMs, steps) => {
          const clock = new PeerClock();
          let sentAt = 0;
          let first: number | undefined;
          for (const { gapMs, transitMs } of steps) {
            sentAt += gapMs;
            const told = clock.transitMs(clockUs(sentAt + transitMs + offsetMs), sentAt) - transitMs;
            first ??= told;
            expect(Math.abs(told - first)).toBeLessThan(0.01);
          }
        },
      ),
    );
  });

  it('writes a clock as microseconds modulo 2^32', () => {
    expect(clockUs(1.5)).toBe(1_500);
    expect(clockUs(WRAP_MS + 2)).toBeCloseTo(2_000, -1);
    expect(clockUs(10 * WRAP_MS)).toBeLessThan(2 ** 32);
  });
});
