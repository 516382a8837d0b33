/**
 * The curve port on the addon's libsecp256k1. Agrees with `nobleCurve` on every input: what is no point gives undefined,
 * what is no scalar is a programmer error.
 */
import { assert } from '../base/assert.ts';
import type { SecretKey } from '../base/ids.ts';
import type { Curve } from '../crypto/curve.ts';
import type { CurveAddon } from './addon.ts';

const SECRET_BYTES = 32;
const POINT_BYTES = 33;
const DIGEST_BYTES = 32;
const SIGNATURE_BYTES = 64;

export function createNativeCurve(addon: CurveAddon): Curve {
  const isSecret = (bytes: Uint8Array): bytes is SecretKey => bytes.length === SECRET_BYTES && addon.isSecret(bytes);

  /** Why the addon answered with no product: the point, which is the network's doing, or else the scalar, which is ours. */
  function product(done: boolean, result: Uint8Array, scalar: Uint8Array): Uint8Array | undefined {
    if (done) return result;
    assert(isSecret(scalar), 'a scalar in [1, n-1]');
    return undefined;
  }

  return {
    name: 'libsecp256k1',
    isSecret,
    isPoint: (bytes) => bytes.length === POINT_BYTES && addon.isPoint(bytes),

    publicKey(secret) {
      const point = new Uint8Array(POINT_BYTES);
      assert(addon.publicKey(point, secret), 'a scalar in [1, n-1]');
      return point;
    },

    ecdh(secret, point) {
      const shared = new Uint8Array(DIGEST_BYTES);
      return product(point.length === POINT_BYTES && addon.ecdh(shared, secret, point), shared, secret);
    },

    multiply(point, scalar) {
      const result = new Uint8Array(POINT_BYTES);
      return product(point.length === POINT_BYTES && addon.multiply(result, point, scalar), result, scalar);
    },

    sign(secret, digest, auxiliary) {
      const signature = new Uint8Array(SIGNATURE_BYTES);
      assert(addon.sign(signature, secret, digest, auxiliary), 'a scalar in [1, n-1]');
      return signature;
    },

    verify(key, digest, signature) {
      if (key.length !== POINT_BYTES || digest.length !== DIGEST_BYTES) return false;
      return signature.length === SIGNATURE_BYTES && addon.verify(key, digest, signature);
    },
  };
}
