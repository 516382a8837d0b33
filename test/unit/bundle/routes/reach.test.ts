/** How far Bulk reaches. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FAR_SHARE, Reach, type ReachRoute } from '../../../../src/bundle/routes/reach.ts';

const SKEW_MS = 200;

/** A route that was seen to carry `bytesPerMs`, or, where that is 0, is guessed to carry 5. */
function route(settledMs: number, bytesPerMs: number, mayCarryBulk = true): ReachRoute {
  return { mayCarryBulk, timing: { settledMs }, rate: { bytesPerMs }, bytesPerMs: bytesPerMs || 5 };
}

function limitOf(...live: ReachRoute[]): number {
  return new Reach(SKEW_MS).limitMs(live);
}

describe('the reach of Bulk', () => {
  it('is the window of the fastest route, whatever lies beyond is not known to carry', () => {
    expect(limitOf(route(10, 100))).toBe(210);
    expect(limitOf(route(10, 0), route(600, 0))).toBe(210);
    expect(limitOf(route(10, 0), route(600, 6))).toBe(210);
  });

  it('goes on to the end of a later window whose routes carry a quarter more', () => {
    expect(limitOf(route(10, 100), route(600, 124))).toBe(210);
    expect(limitOf(route(10, 100), route(600, 125))).toBe(800);
    expect(limitOf(route(10, 60), route(90, 60), route(600, 80), route(790, 80))).toBe(800);
    expect(limitOf(route(10, 60), route(90, 60), route(600, 80), route(810, 80))).toBe(210);
  });

  it('counts what lies in both windows in both', () => {
    expect(limitOf(route(10, 32), route(88, 68), route(230, 57))).toBe(288);
  });

  it('comes back when the later window carries less than the near one', () => {
    const reach = new Reach(SKEW_MS);
    const late = (bytesPerMs: number) => reach.limitMs([route(10, 100), route(600, bytesPerMs)]);
    expect([100, 130, 110, 100, 99, 110, 125].map(late)).toEqual([210, 800, 800, 800, 210, 210, 800]);
    expect(reach.isFar).toBe(true);
  });

  it('leaves out what may carry no Bulk', () => {
    expect(limitOf(route(10, 100), route(600, 300, false))).toBe(210);
    expect(limitOf(route(10, 100, false), route(600, 50))).toBe(800);
  });

  it('never leaves out the fastest window, nor carries less than a window of others would but for the share it has to be better by', () => {
    const routes = fc.array(
      fc.record({ ms: fc.integer({ min: 1, max: 1_500 }), bytesPerMs: fc.integer({ min: 1, max: 1_000 }) }),
      { minLength: 1, maxLength: 8 },
    );
    fc.assert(
      fc.property(routes, (drawn) => {
        const live = drawn.map(({ ms, bytesPerMs }) => route(ms, bytesPerMs));
        const limitMs = limitOf(...live);
        const carried = (fromMs: number, toMs: number) =>
          drawn.reduce((sum, { ms, bytesPerMs }) => sum + (ms >= fromMs && ms <= toMs ? bytesPerMs : 0), 0);
        expect(limitMs).toBeGreaterThanOrEqual(Math.min(...drawn.map(({ ms }) => ms)) + SKEW_MS);
        const most = Math.max(...drawn.map(({ ms }) => carried(ms, ms + SKEW_MS)));
        expect(carried(0, limitMs) * FAR_SHARE).toBeGreaterThanOrEqual(most);
      }),
    );
  });
});
