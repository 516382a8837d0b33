import { expect, test } from 'vitest';
import { concat, fromHex, toHex, utf8 } from '../../../src/base/bytes.ts';
import { hkdf, hmac, sha256 } from '../../../src/crypto/hash.ts';

test('SHA-256 over parts is SHA-256 over them joined (FIPS 180-4 example)', () => {
  const expected = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  expect(toHex(sha256(utf8('abc')))).toBe(expected);
  expect(toHex(sha256(utf8('a'), new Uint8Array(0), utf8('bc')))).toBe(expected);
});

test('HMAC over parts is HMAC over them joined (RFC 4231 case 2)', () => {
  const expected = '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843';
  expect(toHex(hmac(utf8('Jefe'), utf8('what do ya want for nothing?')))).toBe(expected);
  expect(toHex(hmac(utf8('Jefe'), utf8('what do ya want '), utf8('for nothing?')))).toBe(expected);
});

test('HKDF cuts the output of RFC 5869 into keys (RFC 5869 case 3: no salt, no info)', () => {
  const okm = '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8';
  const keys = hkdf(new Uint8Array(0), fromHex('0b'.repeat(22))!, 2);
  expect(keys.map((key) => key.length)).toEqual([32, 32]);
  expect(toHex(concat(...keys)).slice(0, okm.length)).toBe(okm);
});

test('wiping one HKDF key leaves the others', () => {
  const [first, second] = hkdf(new Uint8Array(0), utf8('ikm'), 2);
  const before = toHex(second);
  new Uint8Array(first.buffer).fill(0);
  expect(toHex(second)).toBe(before);
});
