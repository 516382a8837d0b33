import { expect, test } from 'vitest';
import { encodeLinkClass, parseLinkClass } from '../../../src/wire/link-class.ts';

test.each([
  [0, 0],
  [1, 1],
  [3, 4],
  [4, 4],
  [5, 8],
  [65_535, 65_536],
  [1_000_000, 65_536],
])('a price of %d is told as %d', (price, told) => {
  for (const medium of ['unknown', 'lan', 'wifi'] as const) {
    expect(parseLinkClass(encodeLinkClass({ medium, price }))).toEqual({ medium, price: told });
  }
});

test('any byte says something, and what has no meaning yet is unknown, or as dear as can be', () => {
  for (let byte = 0; byte < 256; byte++) {
    const said = parseLinkClass(byte);
    expect(parseLinkClass(encodeLinkClass(said))).toEqual(said);
  }
  expect(parseLinkClass(0xff)).toEqual({ medium: 'unknown', price: 65_536 });
});
