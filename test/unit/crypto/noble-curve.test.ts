import { expect, test } from 'vitest';
import { fromHex, toHex } from '../../../src/base/bytes.ts';
import { nobleCurve as curve } from '../../../src/crypto/noble-curve.ts';

const ORDER = fromHex('fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141')!;
const ONE = fromHex('01'.padStart(64, '0'))!;
const GENERATOR = fromHex('0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798')!;
const secret = new Uint8Array(32).fill(3);
const key = curve.publicKey(secret);
const digest = new Uint8Array(32).fill(9);
const auxiliary = new Uint8Array(32);

test('scalars are those of [1, n-1], 32 bytes long', () => {
  const largest = ORDER.slice();
  largest[31] -= 1;
  expect([ONE, largest].map(curve.isSecret)).toEqual([true, true]);
  const refused = [new Uint8Array(32), ORDER, new Uint8Array(32).fill(0xff), ONE.slice(1), new Uint8Array(33).fill(1)];
  expect(refused.map(curve.isSecret)).toEqual(refused.map(() => false));
});

test('one times the generator is the generator', () => {
  expect(curve.publicKey(ONE)).toEqual(GENERATOR);
  expect(curve.multiply(GENERATOR, ONE)).toEqual(GENERATOR);
});

test.each([
  ['empty', new Uint8Array(0)],
  ['infinity', new Uint8Array(1)],
  ['33 zeros', new Uint8Array(33)],
  ['of prefix 04', Uint8Array.of(4, ...GENERATOR.subarray(1))],
  ['of prefix 05', Uint8Array.of(5, ...GENERATOR.subarray(1))],
  ['without a root', Uint8Array.of(2, ...new Uint8Array(32))],
  ['of x beyond the field', Uint8Array.of(2, ...new Uint8Array(32).fill(0xff))],
  ['cut short', GENERATOR.subarray(0, 32)],
])('a point %s is refused', (_, point) => {
  expect(curve.isPoint(point)).toBe(false);
  expect(curve.ecdh(secret, point)).toBeUndefined();
  expect(curve.multiply(point, secret)).toBeUndefined();
  expect(curve.verify(point, digest, new Uint8Array(64))).toBe(false);
});

test('both ends of a Diffie-Hellman agree', () => {
  const other = new Uint8Array(32).fill(5);
  expect(curve.ecdh(secret, curve.publicKey(other))).toEqual(curve.ecdh(other, key));
});

test('a secret that is no scalar is a programmer error', () => {
  expect(() => curve.ecdh(new Uint8Array(32), GENERATOR)).toThrow('a scalar in [1, n-1]');
  expect(() => curve.publicKey(ORDER)).toThrow('a scalar in [1, n-1]');
});

test('a signature is BIP-340 (its test vector 0)', () => {
  const vectorKey = curve.publicKey(fromHex('03'.padStart(64, '0'))!);
  expect(toHex(vectorKey.subarray(1))).toBe('f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9');
  const signature = curve.sign(fromHex('03'.padStart(64, '0'))!, new Uint8Array(32), auxiliary);
  expect(toHex(signature)).toBe(
    'e907831f80848d1069a5371b402410364bdf1c5f8307b0084c55f1ce2dca821525f66a4a85ea8b71e482a74f382d2ce5ebeee8fdb2172f477df4900d310536c0',
  );
  expect(curve.verify(vectorKey, new Uint8Array(32), signature)).toBe(true);
});

test('a signature verifies for its own key and digest only', () => {
  const signature = curve.sign(secret, digest, auxiliary);
  expect(curve.verify(key, digest, signature)).toBe(true);
  expect(curve.verify(GENERATOR, digest, signature)).toBe(false);
  expect(curve.verify(key, auxiliary, signature)).toBe(false);
  expect(curve.verify(key, digest.subarray(1), signature)).toBe(false);
  for (const at of [0, 31, 32, 63]) {
    const changed = signature.slice();
    changed[at] ^= 1;
    expect(curve.verify(key, digest, changed)).toBe(false);
  }
  expect(curve.verify(key, digest, new Uint8Array(64).fill(0xff))).toBe(false);
  expect(curve.verify(key, digest, signature.subarray(1))).toBe(false);
});
