/**
 * The curve port on @noble/secp256k1: the reference that runs everywhere. BigInt arithmetic is not constant in time;
 * where a neighbour could measure it, the addon's libsecp256k1 is the better choice.
 */
import { etc, hashes, Point, schnorr, utils } from '@noble/secp256k1';
import { assert } from '../base/assert.ts';
import type { SecretKey } from '../base/ids.ts';
import type { Curve } from './curve.ts';
import { hmac, sha256 } from './hash.ts';

// The library has no hash of its own; these two slots are how it is given one.
hashes.sha256 = (message) => new Uint8Array(sha256(message));
hashes.hmacSha256 = (key, message) => new Uint8Array(hmac(key, message));

const COMPRESSED_BYTES = 33;
const DIGEST_BYTES = 32;
const SIGNATURE_BYTES = 64;

function isSecret(bytes: Uint8Array): bytes is SecretKey {
  return utils.isValidSecretKey(bytes);
}

/** Only the compressed encoding (02 or 03, then x): keys are compared as bytes, so a point has one spelling. */
function parsePoint(bytes: Uint8Array): Point | undefined {
  if (bytes.length !== COMPRESSED_BYTES) return undefined;
  try {
    return Point.fromBytes(bytes);
  } catch {
    return undefined;
  }
}

function toScalar(bytes: Uint8Array): bigint {
  assert(isSecret(bytes), 'a scalar in [1, n-1]');
  return etc.secretKeyToScalar(bytes);
}

function multiply(point: Uint8Array, scalar: Uint8Array): Uint8Array | undefined {
  return parsePoint(point)?.multiply(toScalar(scalar)).toBytes(true);
}

export const nobleCurve: Curve = {
  name: 'noble',
  isSecret,
  isPoint: (bytes) => parsePoint(bytes) !== undefined,
  publicKey: (secret) => Point.BASE.multiply(toScalar(secret)).toBytes(true),
  multiply,

  ecdh(secret, point) {
    const product = multiply(point, secret);
    return product === undefined ? undefined : sha256(product);
  },

  sign(secret, digest, auxiliary) {
    assert(digest.length === DIGEST_BYTES && auxiliary.length === DIGEST_BYTES, 'digest and auxiliary are 32 bytes');
    return schnorr.sign(digest, secret, auxiliary);
  },

  verify(key, digest, signature) {
    if (digest.length !== DIGEST_BYTES || signature.length !== SIGNATURE_BYTES) return false;
    // BIP-340 looks at x alone. The prefix is checked too, so that whoever passes `verify` is a point.
    if (parsePoint(key) === undefined) return false;
    return schnorr.verify(signature, digest, key.subarray(1));
  },
};
