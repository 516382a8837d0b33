import { expect, test } from 'vitest';
import {
  agoText,
  bitRateText,
  bytesText,
  countText,
  durationText,
  millisecondsText,
  percentText,
  roundTripText,
} from '../../../src/cli/units.ts';

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.00 kB'],
  [9995, '10.0 kB'],
  [999_499, '999 kB'],
  [999_500, '1.00 MB'],
  [1_234_567_890, '1.23 GB'],
  [2 ** 53, '9.01 PB'],
  [1e19, '10000 PB'],
])('%d bytes are %s', (bytes, text) => {
  expect(bytesText(bytes)).toBe(text);
});

test.each([
  [0, '0.00 ms'],
  [0.412, '0.41 ms'],
  [12.34, '12.3 ms'],
  [420.4, '420 ms'],
  [999.6, '1.00 s'],
  [4200, '4.20 s'],
])('%d ms are %s', (ms, text) => {
  expect(millisecondsText(ms)).toBe(text);
});

test.each([
  [0, '0 s'],
  [59.9, '59 s'],
  [61, '1 min 1 s'],
  [11_533, '3 h 12 min'],
  [86_400 * 5 + 3700, '5 d 1 h'],
])('%d seconds are %s', (seconds, text) => {
  expect(durationText(seconds)).toBe(text);
});

test.each([
  [12, 'just now'],
  [312, '0.3 s ago'],
  [9949, '9.9 s ago'],
  [12_000, '12 s ago'],
  [11_533_000, '3 h 12 min ago'],
])('%d ms are %s', (ms, text) => {
  expect(agoText(ms)).toBe(text);
});

test.each([
  [0, '0 b/s'],
  [999.4, '999 b/s'],
  [2_310_000, '2.31 Mb/s'],
  [999_600, '1.00 Mb/s'],
])('%d bits a second are %s', (rate, text) => {
  expect(bitRateText(rate)).toBe(text);
});

test.each([
  [0, '0 %'],
  [0.0042, '0.42 %'],
  [0.00996, '1.0 %'],
  [0.042, '4.2 %'],
  [0.0996, '10 %'],
  [1, '100 %'],
])('a share of %d is %s', (share, text) => {
  expect(percentText(share)).toBe(text);
});

test('a round trip that is not known is a dash', () => {
  expect([roundTripText(null), roundTripText(0.412)]).toEqual(['-', '0.41 ms']);
});

test('counts know their plural', () => {
  expect([countText(0, 'route'), countText(1, 'route'), countText(2, 'route')]).toEqual([
    '0 routes',
    '1 route',
    '2 routes',
  ]);
});
