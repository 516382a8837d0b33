import { describe, expect, it } from 'vitest';
import { Codel } from '../../../../src/bundle/queue/codel.ts';

const timing = { targetMs: 100, intervalMs: 400, urgentMs: 750 };
const BACKLOG_BYTES = 100_000;

/** When the first is condemned of messages that leave each 10 ms and have waited as long as told. */
function firstWord(codel: Codel, waitedMs: (now: number) => number, from = 0): number | undefined {
  for (let now = from; now < from + 5_000; now += 10) {
    if (codel.condemns(waitedMs(now), BACKLOG_BYTES, timing, now)) return now - from;
  }
  return undefined;
}

describe('CoDel', () => {
  it('speaks when the wait has been longer than the target for an interval', () => {
    expect(firstWord(new Codel(), () => 99)).toBeUndefined();
    expect(firstWord(new Codel(), () => 100)).toBe(400);
    expect(firstWord(new Codel(), () => 749)).toBe(400);
  });

  it('speaks after a quarter of the interval where the wait is urgent, and never at once', () => {
    expect(firstWord(new Codel(), () => 750)).toBe(100);
    expect(firstWord(new Codel(), () => 5_000)).toBe(100);
  });

  it('counts the interval from when the wait became long, not from when it became urgent', () => {
    expect(firstWord(new Codel(), (now) => 500 + 5 * now)).toBe(100);
    expect(firstWord(new Codel(), (now) => (now < 250 ? 200 : 800))).toBe(250);
  });

  it('forgets a wait that was short for one message, and one in which nothing else waited', () => {
    expect(firstWord(new Codel(), (now) => (now === 300 ? 50 : 200))).toBe(710);
    const codel = new Codel();
    for (let now = 0; now < 2_000; now += 10) expect(codel.condemns(900, 1_500, timing, now)).toBe(false);
    codel.emptied();
    expect(firstWord(codel, () => 200, 2_000)).toBe(400);
  });
});
