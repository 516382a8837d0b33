/** Signing and checking records: BIP-340 over a tagged hash (docs/protocol.md section 7). */
import { concat, utf8 } from '../base/bytes.ts';
import { type RandomSource, randomBytes } from '../base/env.ts';
import type { Curve } from '../crypto/curve.ts';
import { HASH_BYTES, sha256 } from '../crypto/hash.ts';
import type { Identity } from '../crypto/identity.ts';
import {
  encodeUnsignedRecord,
  type NodeRecord,
  RECORD_TAG,
  signatureOf,
  signedPart,
  withSignature,
} from '../wire/record.ts';

const tagHash = sha256(utf8(RECORD_TAG));
const TAG_PREFIX = concat(tagHash, tagHash);

/** The bytes of a record of this node, signature included. */
export function signRecord(curve: Curve, identity: Identity, random: RandomSource, record: NodeRecord): Uint8Array {
  const unsigned = encodeUnsignedRecord(record);
  const auxiliary = randomBytes(random, HASH_BYTES);
  return withSignature(unsigned, curve.sign(identity.secret, sha256(TAG_PREFIX, unsigned), auxiliary));
}

/** Whether the bytes of a record that parsed were signed by the node key that they name. */
export function isSigned(curve: Curve, record: NodeRecord, bytes: Uint8Array): boolean {
  return curve.verify(record.node, sha256(TAG_PREFIX, signedPart(bytes)), signatureOf(bytes));
}
