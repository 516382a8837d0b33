import { describe, expect, it } from 'vitest';
import type { RouteHandle } from '../../../../src/base/ids.ts';
import { BULK, RELIABLE } from '../../../../src/base/traffic-class.ts';
import { MessagePool } from '../../../../src/bundle/queue/message-pool.ts';
import { BundleRoute } from '../../../../src/bundle/routes/bundle-route.ts';
import { fastCipher } from '../../../helpers/fast-cipher.ts';

const ROUND_TRIP_MS = 30;
const MESSAGE_BYTES = 1_400;

describe('a route', () => {
  const pool = new MessagePool(1 << 20);

  function routeOf(messages: number): BundleRoute {
    const origin = { handle: 1 as RouteHandle, index: 0, slot: 0, path: undefined, trafficClass: BULK } as const;
    const route = new BundleRoute(
      { ...origin, owner: undefined as never, deliveryMs: RELIABLE, cipher: fastCipher() },
      0,
    );
    for (let i = 0; i < messages; i++) route.flight.record(0, pool.take(new Uint8Array(MESSAGE_BYTES)));
    return route;
  }

  it('is not full before its round trip is known, or with what it takes within one and the delay of a report', () => {
    expect(routeOf(100).isFull).toBe(false);
    const route = routeOf(20);
    route.timing.sample(ROUND_TRIP_MS, 0);
    expect(route.flight.bytes).toBeGreaterThan(route.bytesPerMs * ROUND_TRIP_MS);
    expect(route.isFull).toBe(false);
  });

  it('is full with more than it could take if it were as fast as was guessed, and with less once it is known to be slow', () => {
    const route = routeOf(40);
    route.timing.sample(ROUND_TRIP_MS, 0);
    expect(route.isFull).toBe(true);
    const slow = routeOf(10);
    slow.timing.sample(ROUND_TRIP_MS, 0);
    expect(slow.isFull).toBe(false);
    for (let now = 0; now <= 500; now += 10) slow.rate.delivered(500, false, 0, now);
    expect(slow.bytesPerMs).toBeCloseTo(50, 0);
    expect(slow.isFull).toBe(true);
  });
});
