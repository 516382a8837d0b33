import { expect, test } from 'vitest';
import { fromHex } from '../../../src/base/bytes.ts';
import { nobleCurve } from '../../../src/crypto/noble-curve.ts';
import { multiplyScalars } from '../../../src/crypto/scalar.ts';

const scalar = (text: string) => fromHex(text.padStart(64, '0'))!;
const MINUS_ONE = scalar('fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140');

test('products are taken modulo the order and padded to 32 bytes', () => {
  expect(multiplyScalars(scalar('02'), scalar('03'))).toEqual(scalar('06'));
  expect(multiplyScalars(MINUS_ONE, MINUS_ONE)).toEqual(scalar('01'));
});

test('the key of a product is the key multiplied', () => {
  const [a, b] = [new Uint8Array(32).fill(0x77), new Uint8Array(32).fill(0x99)];
  expect(nobleCurve.publicKey(multiplyScalars(a, b))).toEqual(nobleCurve.multiply(nobleCurve.publicKey(a), b));
});

test('scalars of another length are a programmer error', () => {
  expect(() => multiplyScalars(new Uint8Array(31), MINUS_ONE)).toThrow('32 bytes');
});
