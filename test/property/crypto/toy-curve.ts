/**
 * The curve port with Diffie-Hellman in a group that is far too small (integers modulo 2^61 - 1): no security, but a
 * thousand times as fast, so that a key schedule can be run through ten thousand epochs.
 */
import { fromHex, toHex } from '../../../src/base/bytes.ts';
import { sha256 } from '../../../src/crypto/hash.ts';
import { nobleCurve } from '../../../src/crypto/noble-curve.ts';

const MODULUS = 2n ** 61n - 1n;
const GENERATOR = 37n;
const KEY_BYTES = 33;

export const toyCurve: typeof nobleCurve = {
  ...nobleCurve,
  publicKey: (secret) => encode(power(GENERATOR, secret)),
  ecdh: (secret, point) => {
    const base = BigInt(`0x${toHex(point)}`);
    return point.length === KEY_BYTES && base > 0n && base < MODULUS ? sha256(encode(power(base, secret))) : undefined;
  },
};

function encode(value: bigint): Uint8Array {
  return fromHex(value.toString(16).padStart(2 * KEY_BYTES, '0'))!;
}

function power(base: bigint, secret: Uint8Array): bigint {
  let result = 1n;
  for (let exponent = BigInt(`0x${toHex(secret)}`) % (MODULUS - 1n); exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * base) % MODULUS;
    base = (base * base) % MODULUS;
  }
  return result;
}
