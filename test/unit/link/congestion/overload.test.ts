import { describe, expect, it } from 'vitest';
import { CONGESTION_TUNING } from '../../../../src/link/congestion/congestion-tuning.ts';
import { Overload, type OverloadVerdict } from '../../../../src/link/congestion/overload.ts';

const ROUND_TRIP_MS = 10;

/** Counts 1,250 bytes a millisecond, of which `share` get through, until there is a verdict or the time is up. */
class Meter {
  readonly overload = new Overload(CONGESTION_TUNING, 0);
  now = 0;

  run(share: number, ms: number): OverloadVerdict {
    for (const end = this.now + ms; this.now < end; ) {
      this.now += 1;
      this.overload.count(1_250 * share, 1_250 * (1 - share));
      const verdict = this.overload.judge(ROUND_TRIP_MS, this.now);
      if (verdict !== 'none') return verdict;
    }
    return 'none';
  }
}

describe('overload', () => {
  it('finds nothing in steady loss below a tenth', () => {
    const meter = new Meter();
    expect(meter.run(0.95, 5_000)).toBe('none');
    expect(meter.overload.usualShare).toBeLessThan(1);
  });

  it('tests with what got through when much more is lost than usual', () => {
    const meter = new Meter();
    meter.run(1, 1_000);
    expect(meter.run(0.5, 1_000)).toBe('test');
    expect(meter.overload.testRate).toBeGreaterThan(550);
    expect(meter.overload.testRate).toBeLessThan(1_100);
  });

  it('says overload when less is lost at the lower rate, and asks for patience, more each time', () => {
    const meter = new Meter();
    const holds: number[] = [];
    for (let i = 0; i < 6; i++) {
      meter.run(1, 500);
      expect(meter.run(0.5, 1_000)).toBe('test');
      expect(meter.run(1, 1_000)).toBe('overload');
      holds.push(meter.overload.holdMs);
    }
    expect(holds[1]).toBe(2 * holds[0]);
    expect(holds.at(-1)).toBe(CONGESTION_TUNING.overloadHoldMostMs);
  });

  it('says radio when as much is lost at the lower rate, and takes that for usual', () => {
    const meter = new Meter();
    meter.run(1, 500);
    expect(meter.run(0.5, 1_000)).toBe('test');
    expect(meter.run(0.5, 1_000)).toBe('radio');
    expect(meter.run(0.5, 25_000)).toBe('none');
    expect(meter.overload.usualShare).toBeCloseTo(0.5);
  });

  it('tests with less than gets through, and stays below what does', () => {
    const meter = new Meter();
    meter.run(1, 6 * CONGESTION_TUNING.lossPeriodMs);
    // A policer of 1,000 bytes a millisecond.
    expect(meter.run(0.8, 1_000)).toBe('test');
    expect(meter.overload.testRate).toBeLessThan(950);
    expect(meter.run(1, 1_000)).toBe('overload');
    expect(meter.overload.testRate).toBeGreaterThan(950);
    expect(meter.overload.testRate).toBeLessThan(1_000);
  });

  it('blames nothing on a wire that was cut: a test is called off, and nothing that was lost meanwhile counts', () => {
    const meter = new Meter();
    meter.run(1, 1_000);
    expect(meter.run(0.5, 1_000)).toBe('test');
    expect(meter.run(0, 5_000)).toBe('none');
    expect(meter.run(1, 1_000)).toBe('radio');
    meter.overload.count(0, 100_000);
    expect(meter.run(1, 5_000)).toBe('none');
    expect(meter.overload.usualShare).toBeGreaterThan(0.95);
  });

  it('tests a link that loses much now and then, in case it is overload after all', () => {
    const meter = new Meter();
    expect(meter.run(0.5, 1_000)).toBe('test');
    expect(meter.run(0.5, 1_000)).toBe('radio');
    const from = meter.now;
    expect(meter.run(0.5, 2 * CONGESTION_TUNING.lossRetestMs)).toBe('test');
    expect(meter.now - from).toBeGreaterThan(CONGESTION_TUNING.lossRetestMs);
    expect(meter.run(1, 1_000)).toBe('overload');
  });

  it('does not count what is excused', () => {
    const meter = new Meter();
    for (let i = 0; i < 100; i++) {
      meter.overload.excuse(meter.now + 20);
      expect(meter.run(0.2, 20)).toBe('none');
    }
  });

  it('tells how much less than usual got through only where it is no chance', () => {
    const { overload } = new Meter();
    expect(overload.excessShare(0, 0)).toBe(1);
    expect(overload.excessShare(95_000, 5_000)).toBe(1);
    expect(overload.excessShare(50_000, 50_000)).toBeCloseTo(0.5);
    const lossy = new Meter();
    lossy.run(0.5, 1_000);
    lossy.run(0.5, 1_000);
    expect(lossy.overload.excessShare(2_000, 8_000)).toBe(1);
    expect(lossy.overload.usualPart(2_000, 8_000)).toBeLessThan(0.5);
    expect(lossy.overload.usualPart(9_000, 1_000)).toBe(1);
    expect(lossy.overload.usualPart(0, 0)).toBe(1);
  });
});
