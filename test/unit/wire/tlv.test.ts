import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../../src/base/bytes.ts';
import { encodeBigSize, encodeTlv, parseTlv, readBigSize } from '../../../src/wire/tlv.ts';

/** From BOLT-1, appendix A, as far as numbers stay below 2^53. */
const BIGSIZE: [number, string][] = [
  [0, '00'],
  [252, 'fc'],
  [253, 'fd00fd'],
  [65_535, 'fdffff'],
  [65_536, 'fe00010000'],
  [4_294_967_295, 'feffffffff'],
  [4_294_967_296, 'ff0000000100000000'],
];

/** BOLT-1, appendix A: not in the shortest form, or cut short. */
const NOT_BIGSIZE = [
  'fd00fc',
  'fe0000ffff',
  'ff00000000ffffffff',
  'fd00',
  'feffff',
  'ffffffffff',
  '',
  'fd',
  'fe',
  'ff',
];

describe('bigsize', () => {
  it.each(BIGSIZE)('writes and reads %d as %s', (value, hex) => {
    expect(toHex(encodeBigSize(value))).toBe(hex);
    expect(readBigSize(fromHex(hex)!, 0)).toEqual({ value, end: hex.length / 2 });
  });

  it.each(NOT_BIGSIZE)('refuses "%s"', (hex) => {
    expect(readBigSize(fromHex(hex)!, 0)).toBeUndefined();
  });

  it('refuses numbers that JavaScript would round', () => {
    expect(readBigSize(fromHex('ffffffffffffffffff')!, 0)).toBeUndefined();
  });
});

describe('a TLV stream', () => {
  it('reads what was written', () => {
    const fields = [
      { type: 2, value: Uint8Array.of(1, 2) },
      { type: 7, value: new Uint8Array(0) },
      { type: 300, value: new Uint8Array(260).fill(3) },
    ];
    expect(parseTlv(encodeTlv(fields))).toEqual(fields);
    expect(parseTlv(new Uint8Array(0))).toEqual([]);
  });

  it.each([
    ['types that fall', '04000200'],
    ['a type twice', '02000200'],
    ['a length beyond the end', '0203ffff'],
    ['a type without a length', '02'],
    ['a length that is not in its shortest form', '02fd0001ff'],
  ])('is refused with %s', (_, hex) => {
    expect(parseTlv(fromHex(hex)!)).toBeUndefined();
  });
});
