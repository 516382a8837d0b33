import { expect, test } from 'vitest';
import { RoundTrip } from '../../../src/link/round-trip.ts';

test('the round trip is the guess before the first sample, then smoothed', () => {
  const roundTrip = new RoundTrip(200);
  expect([roundTrip.smoothedMs, roundTrip.leastMs]).toEqual([200, 200]);
  expect(roundTrip.pong(roundTrip.ping(0), 40)).toBe(true);
  expect([roundTrip.smoothedMs, roundTrip.leastMs]).toEqual([40, 40]);
  roundTrip.pong(roundTrip.ping(100), 180);
  expect([roundTrip.smoothedMs, roundTrip.leastMs]).toEqual([45, 40]);
  roundTrip.pong(roundTrip.ping(200), 237);
  expect([roundTrip.smoothedMs, roundTrip.leastMs]).toEqual([44, 37]);
});

test('a token counts once, and not at all when it was never sent or eight others followed it', () => {
  const roundTrip = new RoundTrip(200);
  const first = roundTrip.ping(0);
  expect(roundTrip.pong(first, 1)).toBe(true);
  expect(roundTrip.pong(first, 1)).toBe(false);
  for (const token of [0, -1, 99, 2 ** 60, Number.NaN]) expect(roundTrip.pong(token, 1)).toBe(false);
  const tokens = Array.from({ length: 9 }, (_, i) => roundTrip.ping(i));
  expect(tokens.map((token) => roundTrip.pong(token, 10))).toEqual([false, ...new Array(8).fill(true)]);
});
