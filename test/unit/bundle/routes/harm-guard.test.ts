import { describe, expect, it } from 'vitest';
import { NEVER } from '../../../../src/base/env.ts';
import {
  type GuardedRoute,
  HarmGuard,
  PARK_MAX_MS,
  Standing,
  TRUST_MS,
} from '../../../../src/bundle/routes/harm-guard.ts';

interface FakeRoute extends GuardedRoute {
  state: string;
  deliveredBytes: number;
}

/** Two Bulk routes whose bytes the test decides, second by second. */
class Bench {
  now = 0;
  readonly routes: FakeRoute[];
  readonly said: string[] = [];
  private readonly guard = new HarmGuard<FakeRoute>((route, parked) =>
    this.said.push(`${this.routes.indexOf(route)} ${parked ? 'parked' : 'tried'} at ${this.now / 1_000}`),
  );

  constructor(count = 2) {
    this.routes = Array.from({ length: count }, () => ({
      state: 'up',
      isRealTime: false,
      deliveredBytes: 0,
      standing: new Standing(),
    }));
    this.wake();
  }

  /** So many seconds in which the routes deliver this each. */
  run(seconds: number, deliver: (parked: boolean) => readonly number[]): void {
    for (let i = 0; i < seconds; i++) {
      const delivered = deliver(this.routes.some(({ standing }) => standing.parked));
      for (const [at, route] of this.routes.entries()) route.deliveredBytes += delivered[at];
      this.now += 1_000;
      expect(this.wake()).toBe(this.now + 1_000);
    }
  }

  wake(busy = true): number {
    return this.guard.wake(this.routes, busy, this.now);
  }
}

describe('the guard against harm', () => {
  it('leaves alone what adds up', () => {
    const bench = new Bench();
    bench.run(5, () => [100, 0]);
    bench.run(30, () => [70, 40]);
    expect(bench.said).toEqual([]);
  });

  it('leaves alone a session that sends less than its best route carries, over that one', () => {
    const bench = new Bench();
    bench.run(5, () => [100, 0]);
    bench.run(30, () => [20, 1]);
    expect(bench.said).toEqual([]);
  });

  it('parks the route with which all carry less than the best one did alone, for twice as long each time', () => {
    const bench = new Bench();
    bench.run(5, () => [100, 0]);
    bench.run(80, (parked) => (parked ? [100, 0] : [60, 20]));
    expect(bench.said).toEqual([
      '1 parked at 7',
      '1 tried at 11',
      '1 parked at 14',
      '1 tried at 22',
      '1 parked at 25',
      '1 tried at 41',
      '1 parked at 44',
      '1 tried at 76',
      '1 parked at 79',
    ]);
  });

  it('tries it again once in about a minute at least', () => {
    const bench = new Bench();
    bench.run(5, () => [100, 0]);
    bench.run(600, (parked) => (parked ? [100, 0] : [60, 20]));
    const tried = bench.said.filter((line) => line.includes('tried')).map((line) => Number(line.split(' ')[3]));
    expect(Math.max(...tried.map((at, i) => at - (tried[i - 1] ?? 0)))).toBeLessThanOrEqual(PARK_MAX_MS / 1_000 + 3);
  });

  it('trusts it for a minute when it was not to blame', () => {
    const bench = new Bench();
    bench.run(5, () => [100, 0]);
    bench.run(2, () => [60, 20]);
    expect(bench.said).toEqual(['1 parked at 7']);
    bench.run(3, () => [60, 0]);
    expect(bench.said).toEqual(['1 parked at 7', '1 tried at 10']);
    bench.run(1, () => [100, 0]);
    bench.run(TRUST_MS / 1_000 - 2, () => [60, 20]);
    bench.run(1, () => [100, 0]);
    expect(bench.said).toHaveLength(2);
    bench.run(2, () => [60, 20]);
    expect(bench.said).toEqual(['1 parked at 7', '1 tried at 10', '1 parked at 72']);
  });

  it('parks of several the one that brings least', () => {
    const bench = new Bench(3);
    bench.run(5, () => [100, 0, 0]);
    bench.run(2, () => [50, 20, 10]);
    expect(bench.said).toEqual(['2 parked at 7']);
  });

  it('takes no route for the best because it was it once', () => {
    const bench = new Bench();
    bench.run(5, () => [0, 100]);
    bench.run(20, () => [60, 20]);
    expect(bench.said).toEqual([]);
  });

  it('uses a parked route at once when no other is up', () => {
    const bench = new Bench();
    bench.run(5, () => [100, 0]);
    bench.run(2, () => [60, 20]);
    bench.routes[0].state = 'stalled';
    bench.now += 10;
    bench.wake();
    expect(bench.said).toEqual(['1 parked at 7', '1 tried at 7.01']);
  });

  it('asks for no timer while nothing is sent, and begins anew after a pause', () => {
    const bench = new Bench();
    bench.run(5, () => [100, 0]);
    bench.run(1, () => [60, 20]);
    expect(bench.wake(false)).toBe(NEVER);
    bench.now += 10_000;
    bench.wake();
    bench.run(1, () => [60, 20]);
    expect(bench.said).toEqual([]);
  });
});
