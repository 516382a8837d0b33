import { describe, expect, test } from 'vitest';
import { concat, toHex } from '../../../src/base/bytes.ts';
import type { Curve } from '../../../src/crypto/curve.ts';
import { sha256 } from '../../../src/crypto/hash.ts';
import { nobleCurve } from '../../../src/crypto/noble-curve.ts';
import { hex, readPublished } from '../published.ts';

interface EcdhCase {
  readonly tcId: number;
  readonly comment: string;
  readonly public: string;
  readonly private: string;
  readonly shared: string;
  readonly result: 'valid' | 'acceptable' | 'invalid';
}

const cases = readPublished<{ testGroups: { tests: EcdhCase[] }[] }>(
  'wycheproof-ecdh-secp256k1.json',
).testGroups.flatMap((group) => group.tests);

/** DER of a SubjectPublicKeyInfo up to the point: the named curve secp256k1 in its only canonical form. */
const UNCOMPRESSED = '3056301006072a8648ce3d020106052b8104000a034200';
const COMPRESSED = '3036301006072a8648ce3d020106052b8104000a032200';
const FIELD = 2n ** 256n - 2n ** 32n - 977n;

/** The SEC 1 point of a canonical DER key on secp256k1, or undefined. */
function pointOfDer(der: string): Uint8Array | undefined {
  if (der.startsWith(UNCOMPRESSED) && der.length === UNCOMPRESSED.length + 130) return hex(der).slice(-65);
  if (der.startsWith(COMPRESSED) && der.length === COMPRESSED.length + 66) return hex(der).slice(-33);
  return undefined;
}

/** The port knows compressed points only. Undefined when y is not a square root for x: compressing would hide that. */
function compress(point: Uint8Array): Uint8Array | undefined {
  if (point.length === 33) return point;
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((half) => BigInt(`0x${toHex(half)}`));
  if (point[0] !== 4 || (y * y - x * x * x - 7n) % FIELD !== 0n) return undefined;
  return concat(Uint8Array.of(2 + Number(y & 1n)), point.subarray(1, 33));
}

function scalarOf(one: EcdhCase): Uint8Array {
  return hex(BigInt(`0x${one.private}`).toString(16).padStart(64, '0'));
}

/** x of the product, as Wycheproof gives it; undefined when the key was refused. */
function sharedX(curve: Curve, one: EcdhCase): string | undefined {
  const point = pointOfDer(one.public);
  const compressed = point === undefined ? undefined : compress(point);
  if (compressed === undefined) return undefined;
  const product = curve.multiply(compressed, scalarOf(one));
  const shared = curve.ecdh(scalarOf(one), compressed);
  expect(shared).toEqual(product === undefined ? undefined : sha256(product));
  return product === undefined ? undefined : toHex(product.subarray(1));
}

describe.each([nobleCurve])('Wycheproof ECDH through the $name curve', (curve) => {
  test('all 473 valid cases give their shared secret', () => {
    const valid = cases.filter((one) => one.result === 'valid');
    expect(valid.length).toBe(473);
    for (const one of valid) expect([one.tcId, sharedX(curve, one)]).toEqual([one.tcId, one.shared]);
  });

  test('all 49 invalid keys are refused', () => {
    const invalid = cases.filter((one) => one.result === 'invalid');
    expect(invalid.length).toBe(49);
    for (const one of invalid) expect([one.tcId, sharedX(curve, one)]).toEqual([one.tcId, undefined]);
  });

  test('all 230 oddly encoded keys are refused or give the right secret', () => {
    const acceptable = cases.filter((one) => one.result === 'acceptable');
    expect(acceptable.length).toBe(230);
    for (const one of acceptable) expect([one.shared, undefined]).toContain(sharedX(curve, one));
    // The one that is well formed, a compressed key, is taken.
    expect(acceptable.filter((one) => sharedX(curve, one) !== undefined).map((one) => one.comment)).toEqual([
      'compressed public key',
    ]);
  });

  test('the port itself refuses every point that is not compressed, on the curve or not', () => {
    const points = cases.map((one) => pointOfDer(one.public)).filter((point) => point?.length === 65);
    expect(points.length).toBeGreaterThan(400);
    for (const point of points) {
      expect(curve.isPoint(point!)).toBe(false);
      expect(curve.multiply(point!, scalarOf(cases[0]))).toBeUndefined();
    }
  });
});
