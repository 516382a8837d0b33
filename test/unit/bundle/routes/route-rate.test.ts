import { describe, expect, it } from 'vitest';
import { RouteRate } from '../../../../src/bundle/routes/route-rate.ts';

/** Reports of `bytes` every 10 ms from `from` to `to`, with more under way. */
function deliver(rate: RouteRate, bytes: number, from: number, to: number): void {
  for (let now = from; now <= to; now += 10) rate.delivered(bytes, false, 0, now);
}

describe('the rate of a route', () => {
  it('is what it delivered at best while it was kept busy', () => {
    const rate = new RouteRate();
    deliver(rate, 2_000, 0, 1_000);
    deliver(rate, 10_000, 1_010, 1_200);
    deliver(rate, 1_000, 1_210, 3_000);
    expect(rate.bytesPerMs).toBeGreaterThan(800);
    expect(rate.bytesPerMs).toBeLessThan(1_050);
  });

  it('is not learnt from messages that leave it idle', () => {
    const rate = new RouteRate();
    for (let now = 0; now < 2_000; now += 100) {
      rate.delivered(20_000, false, 0, now);
      rate.delivered(20_000, true, 0, now + 1);
    }
    expect(rate.bytesPerMs).toBe(0);
  });

  it('is not learnt from less than it was taken to carry, while nothing waits', () => {
    const rate = new RouteRate();
    for (let now = 0; now <= 2_000; now += 10) rate.delivered(500, false, 51, now);
    expect(rate.bytesPerMs).toBe(0);
    for (let now = 2_010; now <= 4_000; now += 10) rate.delivered(520, false, 51, now);
    expect(rate.bytesPerMs).toBeCloseTo(52, 0);
  });

  it('of a slow route is counted over long enough that single messages do not matter', () => {
    const rate = new RouteRate();
    for (let now = 0; now <= 5_000; now += 9) rate.delivered(1_400, false, 0, now);
    expect(rate.bytesPerMs).toBeCloseTo(1_400 / 9, 0);
  });

  it('is forgotten in 5 to 10 s of use', () => {
    const rate = new RouteRate();
    deliver(rate, 10_000, 0, 1_000);
    deliver(rate, 500, 1_010, 12_000);
    expect(rate.bytesPerMs).toBeLessThan(60);
  });
});
