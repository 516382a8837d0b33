import { describe, expect, it } from 'vitest';
import { SpareTime } from '../../../../src/link/congestion/spare-time.ts';

describe('spare time', () => {
  it('is all but what datagrams take', () => {
    const spare = new SpareTime();
    spare.lacked(100);
    expect(spare.totalMs).toBe(100);
    spare.sent(1_500, 500, 100);
    spare.sent(1_500, 500, 100);
    spare.lacked(104);
    spare.lacked(110);
    spare.lacked(110);
    expect(spare.totalMs).toBe(104);
  });

  it('is not what passes while something waits to be sent', () => {
    const spare = new SpareTime();
    spare.sent(1_500, 500, 0);
    // Nobody said that there was nothing: the window was full, or the process away.
    spare.sent(1_500, 500, 50);
    spare.lacked(60);
    expect(spare.totalMs).toBe(7);
  });

  it('comes again soon after more was sent than the link seemed to carry', () => {
    const spare = new SpareTime();
    for (let now = 0; now < 1_000; now++) spare.sent(1_000, 500, now);
    spare.lacked(1_100);
    expect(spare.totalMs).toBeCloseTo(51);
  });
});
