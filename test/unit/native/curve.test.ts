/** libsecp256k1 against the reference in TypeScript: same answers on everything, wrong input included. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nobleCurve } from '../../../src/crypto/noble-curve.ts';
import { loadNative } from '../../../src/native/index.ts';

const native = loadNative();
const HAS_CURVE = 'datapath' in native && native.datapath.curve.name === 'libsecp256k1';

/** The group's order n, big-endian. */
const ORDER = Uint8Array.from(Buffer.from('fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141', 'hex'));
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const secrets = bytes(32).filter((secret) => nobleCurve.isSecret(secret));
/** Half of all x have a point; so about half of these are one. */
const points = fc.tuple(fc.constantFrom(2, 3), bytes(32)).map(([prefix, x]) => Uint8Array.of(prefix, ...x));
/** Wrong prefixes and lengths, the point at infinity, the uncompressed encoding. */
const oddPoints = fc.oneof(
  fc.uint8Array({ maxLength: 70 }),
  fc.tuple(fc.nat(255), bytes(32)).map(([prefix, x]) => Uint8Array.of(prefix, ...x)),
  fc.tuple(fc.constantFrom(4, 6, 7), bytes(64)).map(([prefix, xy]) => Uint8Array.of(prefix, ...xy)),
);
const FEW = { numRuns: 60 };

describe.skipIf(!HAS_CURVE)('the libsecp256k1 curve', () => {
  if ('missing' in native) return;
  const { curve } = native.datapath;

  it('gives the same public keys, shared secrets and products', () => {
    fc.assert(
      fc.property(secrets, points, (secret, point) => {
        expect(curve.publicKey(secret)).toEqual(nobleCurve.publicKey(secret));
        expect(curve.ecdh(secret, point)).toEqual(nobleCurve.ecdh(secret, point));
        expect(curve.multiply(point, secret)).toEqual(nobleCurve.multiply(point, secret));
        const own = nobleCurve.publicKey(secret);
        expect(curve.ecdh(secret, own)).toEqual(nobleCurve.ecdh(secret, own));
        expect(curve.multiply(own, secret)).toEqual(nobleCurve.multiply(own, secret));
      }),
      FEW,
    );
  });

  it('gives the same signatures and the same verdicts', () => {
    fc.assert(
      fc.property(secrets, bytes(32), bytes(32), fc.nat(511), (secret, digest, auxiliary, flip) => {
        const signature = curve.sign(secret, digest, auxiliary);
        expect(signature).toEqual(nobleCurve.sign(secret, digest, auxiliary));
        const key = curve.publicKey(secret);
        expect(curve.verify(key, digest, signature)).toBe(true);
        signature[flip >> 3] ^= 1 << (flip & 7);
        expect(curve.verify(key, digest, signature)).toBe(false);
        expect(nobleCurve.verify(key, digest, signature)).toBe(false);
      }),
      FEW,
    );
  });

  it('agrees on what is a point', () => {
    fc.assert(
      fc.property(fc.oneof(points, oddPoints), secrets, bytes(64), (point, secret, signature) => {
        expect(curve.isPoint(point)).toBe(nobleCurve.isPoint(point));
        expect(curve.ecdh(secret, point)).toEqual(nobleCurve.ecdh(secret, point));
        expect(curve.multiply(point, secret)).toEqual(nobleCurve.multiply(point, secret));
        expect(curve.verify(point, secret, signature)).toBe(nobleCurve.verify(point, secret, signature));
      }),
      { numRuns: 200 },
    );
  });

  it('agrees on what is a secret, and asserts it where one is used', () => {
    const below = ORDER.slice();
    below[31]--;
    const one = new Uint8Array(32);
    one[31] = 1;
    const point = nobleCurve.publicKey(one);
    for (const good of [one, below]) {
      expect(curve.isSecret(good)).toBe(true);
      expect(curve.publicKey(good)).toEqual(nobleCurve.publicKey(good));
      expect(curve.ecdh(good, point)).toEqual(nobleCurve.ecdh(good, point));
    }
    for (const bad of [
      ORDER,
      new Uint8Array(32),
      new Uint8Array(32).fill(255),
      new Uint8Array(31),
      new Uint8Array(33),
    ]) {
      expect(curve.isSecret(bad)).toBe(false);
      expect(nobleCurve.isSecret(bad)).toBe(false);
      expect(() => curve.publicKey(bad)).toThrow();
      expect(() => curve.ecdh(bad, point)).toThrow();
      expect(() => curve.multiply(point, bad)).toThrow();
      expect(() => curve.sign(bad, one, one)).toThrow();
    }
  });
});
