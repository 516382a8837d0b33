/** Hex: every byte, every length that is made in one piece or in several, and back. */
import { expect, test } from 'vitest';
import { fromHex, toHex } from '../../../src/base/bytes.ts';

const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, byte) => byte);

test('every byte has its two digits', () => {
  expect(toHex(EVERY_BYTE)).toBe(Buffer.from(EVERY_BYTE).toString('hex'));
});

test.each([0, 1, 33, 1_023, 1_024, 1_025, 5_000])('%i bytes come back', (length) => {
  const bytes = Uint8Array.from({ length }, (_, i) => 7 * i);
  expect(toHex(bytes)).toHaveLength(2 * length);
  expect(fromHex(toHex(bytes))).toEqual(bytes);
});

test.each(['0', '0g', ' 00', '0x00'])('%j is no hex', (text) => {
  expect(fromHex(text)).toBeUndefined();
});
