import { describe, expect, it } from 'vitest';
import { RouteTiming } from '../../../../src/bundle/routes/route-timing.ts';

describe('the timing of a route', () => {
  it('assumes 333 ms before it knows', () => {
    const timing = new RouteTiming();
    expect([timing.roundTripMs, timing.settledMs]).toEqual([undefined, undefined]);
    expect(timing.answerMs(35)).toBe(368);
  });

  it('follows mean and variation', () => {
    const timing = new RouteTiming();
    for (let now = 0; now < 1_000; now += 10) timing.sample(20, now);
    expect(timing.roundTripMs).toBeCloseTo(20);
    expect(timing.answerMs(35)).toBeCloseTo(55);
    for (let now = 1_000; now < 3_000; now += 10) timing.sample(now % 20 === 0 ? 100 : 300, now);
    expect(timing.roundTripMs).toBeGreaterThan(180);
    expect(timing.answerMs(35)).toBeGreaterThan(500);
  });

  it('is measured anew when the route comes up again', () => {
    const timing = new RouteTiming();
    timing.sample(1_500, 0);
    timing.restart();
    expect([timing.samples, timing.roundTripMs]).toEqual([0, 1_500]);
    timing.sample(50, 10);
    expect([timing.samples, timing.roundTripMs, timing.variationMs]).toEqual([1, 50, 25]);
  });

  it('forgets in 30 to 60 s what it could do without a full buffer', () => {
    const timing = new RouteTiming();
    for (let now = 0; now < 2_000; now += 10) timing.sample(20, now);
    for (let now = 2_000; now < 9_000; now += 10) timing.sample(400, now);
    expect(timing.settledMs).toBeLessThan(25);
    for (let now = 9_000; now < 70_000; now += 10) timing.sample(400, now);
    expect(timing.settledMs).toBeGreaterThan(390);
  });
});
