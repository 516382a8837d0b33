import { expect, test } from 'vitest';
import { Silence } from '../../../src/tunnel/silence.ts';

const RESOLVER = 99;

function sentTo(...destinations: number[]): Silence {
  const silence = new Silence();
  for (const [at, destination] of destinations.entries()) silence.sent(destination, RESOLVER, at);
  return silence;
}

test('three destinations that stay silent prove it, from the first packet on', () => {
  expect(sentTo(1, 2, 3, 4).lastsMs(5_000)).toBe(5_000);
  expect(sentTo(1, 2, 2, 1).lastsMs(5_000)).toBe(0);
});

test('one host that is gone proves nothing, the resolver asked three times does', () => {
  expect(sentTo(1, 1, 1, 1, 1).lastsMs(5_000)).toBe(0);
  expect(sentTo(RESOLVER, RESOLVER).lastsMs(5_000)).toBe(0);
  expect(sentTo(RESOLVER, RESOLVER, RESOLVER).lastsMs(5_000)).toBe(5_000);
});

test('it ends with any packet that comes back', () => {
  const silence = sentTo(1, 2, 3);
  silence.heard();
  expect(silence.lastsMs(9_000)).toBe(0);
  for (const destination of [1, 2, 3]) silence.sent(destination, RESOLVER, 9_000);
  expect(silence.lastsMs(9_500)).toBe(500);
});
