/** Who this node is (docs/protocol.md section 1): one secret, and all that derives from it. */
import { assert } from '../base/assert.ts';
import { utf8 } from '../base/bytes.ts';
import { type RandomSource, randomBytes } from '../base/env.ts';
import type { NodeKey, SecretKey } from '../base/ids.ts';
import { addressOf } from './address.ts';
import type { Curve } from './curve.ts';
import { HASH_BYTES, hmac } from './hash.ts';

export interface Identity {
  readonly secret: SecretKey;
  readonly key: NodeKey;
  /** Skycoin address of `key`. */
  readonly address: string;
}

const GATEWAY_LABEL = utf8('skywire/gateway');

export function createIdentity(curve: Curve, secret: SecretKey): Identity {
  const key = curve.publicKey(secret) as NodeKey;
  return { secret, key, address: addressOf(key) };
}

/** BIP-340 by this node over a digest of 32 bytes. */
export function signDigest(curve: Curve, random: RandomSource, identity: Identity, digest: Uint8Array): Uint8Array {
  return curve.sign(identity.secret, digest, randomBytes(random, HASH_BYTES));
}

/** The secret of the gateway service of a node. Nobody can link its public key to the node's. */
export function gatewaySecret(curve: Curve, nodeSecret: SecretKey): SecretKey {
  const secret = hmac(GATEWAY_LABEL, nodeSecret);
  // Fails for one node secret in 2^128.
  assert(curve.isSecret(secret), 'derived gateway secret is a scalar');
  return secret;
}
