import { expect, test } from 'vitest';
import { RoundTrip } from '../../../../src/link/arq/round-trip.ts';

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

test('a token counts once, and not at all when it was never sent or eighty others followed it', () => {
  const roundTrip = new RoundTrip(200);
  const first = roundTrip.ping(0);
  expect(roundTrip.pong(first, 1)).toBe(true);
  expect(roundTrip.pong(first, 1)).toBe(false);
  for (const token of [0, -1, 99, 2 ** 60, Number.NaN]) expect(roundTrip.pong(token, 1)).toBe(false);
  const tokens = Array.from({ length: 81 }, (_, i) => roundTrip.ping(i));
  expect(tokens.map((token) => roundTrip.pong(token, 100))).toEqual([false, ...new Array(80).fill(true)]);
});

test('the variation follows RFC 6298, and a way that changed has a least round trip of its own', () => {
  const roundTrip = new RoundTrip(200);
  expect(roundTrip.variationMs).toBe(100);
  roundTrip.sample(40);
  expect(roundTrip.variationMs).toBe(20);
  roundTrip.sample(80);
  expect([roundTrip.smoothedMs, roundTrip.variationMs]).toEqual([45, 25]);
  roundTrip.restart();
  expect(roundTrip.leastMs).toBe(45);
  roundTrip.sample(85);
  expect([roundTrip.smoothedMs, roundTrip.leastMs]).toEqual([50, 50]);
  roundTrip.sample(0);
  expect(roundTrip.leastMs).toBe(0.01);
});
