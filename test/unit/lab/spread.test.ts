import { expect, test } from 'vitest';
import { median, percentile, spread } from '../../lab/harness/spread.ts';

const HUNDRED = Array.from({ length: 100 }, (_, index) => 100 - index);

test('a percentile is the value that so large a share does not exceed, in whatever order the values came', () => {
  expect(percentile(HUNDRED, 0.95)).toBe(95);
  expect(percentile(HUNDRED, 1)).toBe(100);
  expect(percentile(HUNDRED, 0)).toBe(1);
  expect(median([3, 1, 2])).toBe(2);
});

test('a spread of few values is made of values that occurred', () => {
  expect(spread([5, 1])).toEqual({ count: 2, p50: 1, p95: 5, p99: 5, max: 5 });
});

test('nothing measured is not a number, so no bound holds for it', () => {
  expect(percentile([], 0.5)).toBeNaN();
  expect(spread([]).p95 <= 150).toBe(false);
});
