import { describe, expect, it } from 'vitest';
import { CONGESTION_TUNING } from '../../../../src/link/congestion/congestion-tuning.ts';
import { Pacer } from '../../../../src/link/congestion/pacer.ts';

const RATE = 1_000;
const BYTES = 1_500;
const REST_MS = 1;

describe('pacer', () => {
  it('lets the first datagram go at once and the next one after the time that it takes', () => {
    const pacer = new Pacer(CONGESTION_TUNING);
    expect(pacer.mayAt(100)).toBe(100);
    pacer.sent(BYTES, RATE, 0, 0, 100);
    pacer.sent(BYTES, RATE, 0, 0, 100);
    expect(pacer.mayAt(100)).toBeCloseTo(103 - CONGESTION_TUNING.catchUpMs);
  });

  it('keeps the rate when every timer is late', () => {
    const pacer = new Pacer(CONGESTION_TUNING);
    let now = 1_000;
    let bytes = 0;
    while (now < 2_000) {
      while (pacer.mayAt(now) <= now) {
        pacer.sent(BYTES, RATE, 0, 0, now);
        bytes += BYTES;
      }
      now = pacer.mayAt(now) + 1;
    }
    expect(bytes / 1_000).toBeGreaterThan(0.99 * RATE);
    expect(bytes / 1_000).toBeLessThan(1.02 * RATE);
  });

  it('tells how many it would let go one by one', () => {
    for (const [waitMs, burst] of [
      [0, 0],
      [0.7, 0],
      [3, 0],
      [60, 14_720],
    ]) {
      const pacer = new Pacer(CONGESTION_TUNING);
      pacer.sent(BYTES, RATE, 0, 0, 100);
      const now = 100 + waitMs;
      const told = pacer.allows(BYTES, RATE, burst, 64, now);
      expect(pacer.allows(BYTES, RATE, burst, 1, now)).toBe(Math.min(1, told));
      let count = 0;
      for (; pacer.mayAt(now) <= now; count++) pacer.sent(BYTES, RATE, burst, 0, now);
      expect(told).toBe(count);
    }
  });

  it('gives no more credit for a long silence than for a short one', () => {
    const pacer = new Pacer(CONGESTION_TUNING);
    pacer.sent(BYTES, RATE, 0, 0, 0);
    let burst = 0;
    for (; pacer.mayAt(60_000) <= 60_000; burst++) pacer.sent(BYTES, RATE, 0, 0, 60_000);
    expect(burst * BYTES).toBeLessThanOrEqual(RATE * CONGESTION_TUNING.catchUpMs + 2 * BYTES);
  });

  it('lets a burst go at once after silence, and then keeps the rate', () => {
    const pacer = new Pacer(CONGESTION_TUNING);
    let burst = 0;
    for (; pacer.mayAt(1_000) <= 1_000; burst++) pacer.sent(BYTES, RATE, 10 * BYTES, 0, 1_000);
    expect(burst).toBe(11);
    let bytes = 0;
    for (let now = 1_000; now < 2_000; now++) {
      for (; pacer.mayAt(now) <= now; bytes += BYTES) pacer.sent(BYTES, RATE, 10 * BYTES, 0, now);
    }
    expect(bytes / 1_000).toBeLessThan(1.02 * RATE);
  });

  it('rests on a fast link, so that several leave together, and keeps the rate', () => {
    const fast = 20 * RATE;
    const pacer = new Pacer(CONGESTION_TUNING);
    pacer.sent(BYTES, fast, 0, REST_MS, 0);
    let now = 1_000;
    let bytes = 0;
    let sends = 0;
    for (; now < 2_000; sends++) {
      const allowed = pacer.allows(BYTES, fast, 0, 64, now);
      let count = 0;
      for (; pacer.mayAt(now) <= now; count++) pacer.sent(BYTES, fast, 0, REST_MS, now);
      expect(count).toBe(allowed);
      bytes += count * BYTES;
      expect(pacer.mayAt(now + 0.5)).toBe(pacer.mayAt(now));
      expect(pacer.allows(BYTES, fast, 0, 64, now + 0.5)).toBe(0);
      // The timer is late.
      now = pacer.mayAt(now) + 0.5;
    }
    expect(sends).toBeLessThanOrEqual(668);
    expect(bytes / 1_000).toBeGreaterThan(0.99 * fast);
    expect(bytes / 1_000).toBeLessThan(1.02 * fast);
  });
});
