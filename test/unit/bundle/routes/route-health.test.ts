import { describe, expect, it } from 'vitest';
import type { RouteHandle } from '../../../../src/base/ids.ts';
import { BULK, RELIABLE } from '../../../../src/base/traffic-class.ts';
import { BundleRoute } from '../../../../src/bundle/routes/bundle-route.ts';
import { RouteHealth } from '../../../../src/bundle/routes/route-health.ts';
import { BUNDLE_TUNING } from '../../../../src/bundle/tuning.ts';
import { fastCipher } from '../../../helpers/fast-cipher.ts';

const ROUND_TRIP_MS = 50;

/** A route that is up, over which data comes all the time and nothing goes but probes, each answered in ROUND_TRIP_MS. */
class Receiving {
  readonly route: BundleRoute;
  readonly probedAt: number[] = [];
  private now = 0;
  private readonly health: RouteHealth;

  constructor() {
    const origin = { handle: 1 as RouteHandle, index: 0, slot: 0, path: undefined, trafficClass: BULK } as const;
    this.route = new BundleRoute(
      { ...origin, owner: undefined as never, deliveryMs: RELIABLE, cipher: fastCipher() },
      0,
    );
    this.route.state = 'up';
    const never = () => expect.unreachable();
    this.health = new RouteHealth(BUNDLE_TUNING, 'client', {
      probe: (route, now) => {
        this.probedAt.push(now);
        route.probedAt = now;
      },
      stalled: never,
      silent: never,
    });
  }

  run(ms: number, busy: boolean): void {
    for (const end = this.now + ms; this.now < end; this.now++) {
      this.route.heardAt = this.now;
      if (this.probedAt.includes(this.now - ROUND_TRIP_MS)) this.route.timing.sample(ROUND_TRIP_MS, this.now);
      this.health.wake(this.route, busy, true, this.now);
    }
  }
}

describe('health of a route that only receives', () => {
  it('is probed often until its round trip is known, then now and then', () => {
    const receiving = new Receiving();
    receiving.run(3_000, true);
    const early = receiving.probedAt.filter((at) => at < 600).length;
    expect(early).toBeGreaterThanOrEqual(8);
    expect(early).toBeLessThan(12);
    const pauses = receiving.probedAt.slice(early + 1).map((at, i) => at - receiving.probedAt[early + i]);
    expect(pauses.length).toBeGreaterThan(2);
    for (const pause of pauses) expect(pause).toBe(BUNDLE_TUNING.measureProbeMs);
  });

  it('knows its round trip again 3 s after a probe that waited out a silence', () => {
    const receiving = new Receiving();
    receiving.run(1_000, true);
    receiving.route.timing.sample(1_500, 1_000);
    expect(receiving.route.timing.roundTripMs).toBeGreaterThan(4 * ROUND_TRIP_MS);
    receiving.run(3_000, true);
    expect(receiving.route.timing.roundTripMs).toBeLessThan(1.5 * ROUND_TRIP_MS);
  });

  it('is not probed while the session rests', () => {
    const receiving = new Receiving();
    receiving.run(1_000, false);
    const { length } = receiving.probedAt;
    receiving.run(2_000, false);
    expect(receiving.probedAt.length).toBe(length);
  });
});
