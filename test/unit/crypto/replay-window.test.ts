import { expect, test } from 'vitest';
import { REPLAY_WINDOW_BITS, ReplayWindow } from '../../../src/crypto/replay-window.ts';

test('a counter is taken once, in any order', () => {
  const window = new ReplayWindow();
  for (const counter of [3, 0, 2, 1, 8000]) expect(window.accept(counter)).toBe(true);
  for (const counter of [3, 0, 2, 1, 8000]) {
    expect(window.wouldAccept(counter)).toBe(false);
    expect(window.accept(counter)).toBe(false);
  }
});

test('asking changes nothing', () => {
  const window = new ReplayWindow();
  expect(window.wouldAccept(5_000_000)).toBe(true);
  expect(window.accept(0)).toBe(true);
});

test('the window reaches back exactly 8,192 counters', () => {
  const window = new ReplayWindow();
  const highest = 1_000_003;
  window.accept(highest);
  expect(window.wouldAccept(highest - REPLAY_WINDOW_BITS)).toBe(false);
  expect(window.accept(highest - REPLAY_WINDOW_BITS + 1)).toBe(true);
  expect(window.accept(highest - REPLAY_WINDOW_BITS + 1)).toBe(false);
});

test('a jump over the whole window forgets what was in it and keeps the floor', () => {
  const window = new ReplayWindow(64);
  for (let counter = 0; counter < 64; counter++) window.accept(counter);
  expect(window.accept(10_000)).toBe(true);
  for (let counter = 10_000 - 63; counter < 10_000; counter++) expect(window.accept(counter)).toBe(true);
  expect(window.accept(63)).toBe(false);
});

test('counters beyond 32 bits work like small ones', () => {
  const window = new ReplayWindow();
  const start = 2 ** 40 - 5;
  for (let i = 0; i < 100; i += 2) expect(window.accept(start + i)).toBe(true);
  for (let i = 0; i < 99; i++) expect(window.wouldAccept(start + i)).toBe(i % 2 === 1);
  expect(window.accept(Number.MAX_SAFE_INTEGER)).toBe(true);
  expect(window.accept(Number.MAX_SAFE_INTEGER)).toBe(false);
});

test.each([-1, 0.5, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY])('%d is no counter', (counter) => {
  expect(new ReplayWindow().accept(counter)).toBe(false);
});
