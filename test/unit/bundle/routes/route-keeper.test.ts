import { describe, expect, it } from 'vitest';
import { NEVER } from '../../../../src/base/env.ts';
import { RouteKeeper } from '../../../../src/bundle/routes/route-keeper.ts';
import { BUNDLE_TUNING } from '../../../../src/bundle/tuning.ts';
import { pathOf } from '../route-pair.ts';

function keeperOf(...paths: number[]): RouteKeeper {
  return new RouteKeeper(() => paths.map(pathOf), BUNDLE_TUNING);
}

describe('route keeper', () => {
  it('takes the best path that is not in use', () => {
    const keeper = keeperOf(0, 1, 2);
    expect(keeper.choose([], 0)).toEqual(pathOf(0));
    expect(keeper.choose([pathOf(0)], 0)).toEqual(pathOf(1));
    expect(keeper.choose([pathOf(2), pathOf(0)], 0)).toEqual(pathOf(1));
    expect(keeper.choose([pathOf(0), pathOf(1), pathOf(2)], 0)).toBe(NEVER);
  });

  it('doubles the wait of a path that fails from 250 ms to 5 s', () => {
    const keeper = keeperOf(0);
    const waits: number[] = [];
    for (let now = 0; waits.length < 7; ) {
      keeper.failed(pathOf(0), now);
      const retryAt = keeper.choose([], now) as number;
      waits.push(retryAt - now);
      now = retryAt;
      expect(keeper.choose([], now)).toEqual(pathOf(0));
    }
    expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]);
  });

  it('turns to another path meanwhile', () => {
    const keeper = keeperOf(0, 1);
    keeper.failed(pathOf(0), 0);
    expect(keeper.choose([], 0)).toEqual(pathOf(1));
  });

  it('forgets failures of a path that worked, and all when the graph changed', () => {
    const keeper = keeperOf(0);
    keeper.failed(pathOf(0), 0);
    keeper.failed(pathOf(0), 0);
    keeper.worked(pathOf(0));
    keeper.failed(pathOf(0), 0);
    expect(keeper.choose([], 0)).toBe(250);
    keeper.forgive();
    expect(keeper.choose([], 0)).toEqual(pathOf(0));
  });

  it('remembers no more than 32 failed paths', () => {
    const keeper = keeperOf(0, 1);
    for (let i = 0; i < 33; i++) keeper.failed(pathOf(i), 0);
    expect(keeper.choose([], 0)).toEqual(pathOf(0));
    expect(keeper.choose([pathOf(0)], 0)).toBe(250);
  });
});
