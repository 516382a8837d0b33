import { describe, expect, it } from 'vitest';
import { DeliveryRate } from '../../../../src/link/congestion/delivery-rate.ts';

describe('delivery rate', () => {
  it('finds a steady rate within half a second', () => {
    const meter = new DeliveryRate(0);
    for (let now = 1; now <= 500; now++) meter.add(1_000, now);
    expect(meter.bytesPerMs(500)).toBeGreaterThan(980);
    expect(meter.bytesPerMs(500)).toBeLessThan(1_010);
  });

  it('does not care whether bytes come in bunches', () => {
    const meter = new DeliveryRate(0);
    for (let now = 20; now <= 1_000; now += 20) meter.add(20_000, now);
    expect(meter.bytesPerMs(1_000)).toBeGreaterThan(900);
    expect(meter.bytesPerMs(1_000)).toBeLessThan(1_100);
  });

  it('falls to nothing by itself', () => {
    const meter = new DeliveryRate(0);
    for (let now = 1; now <= 500; now++) meter.add(1_000, now);
    expect(meter.bytesPerMs(600)).toBeLessThan(500);
    expect(meter.bytesPerMs(2_000)).toBeLessThan(1);
  });
});
