/** Signing and checking records: BIP-340 over a tagged hash (docs/protocol.md section 7). */
import type { RandomSource } from '../base/env.ts';
import type { Curve } from '../crypto/curve.ts';
import { type Identity, signDigest } from '../crypto/identity.ts';
import { taggedHash } from '../crypto/tagged-hash.ts';
import {
  encodeUnsignedRecord,
  type NodeRecord,
  RECORD_TAG,
  signatureOf,
  signedPart,
  withSignature,
} from '../wire/record.ts';

const recordHash = taggedHash(RECORD_TAG);

/** The bytes of a record of this node, signature included. */
export function signRecord(curve: Curve, identity: Identity, random: RandomSource, record: NodeRecord): Uint8Array {
  const unsigned = encodeUnsignedRecord(record);
  return withSignature(unsigned, signDigest(curve, random, identity, recordHash(unsigned)));
}

/** Whether the bytes of a record that parsed were signed by the node key that they name. */
export function isSigned(curve: Curve, record: NodeRecord, bytes: Uint8Array): boolean {
  return curve.verify(record.node, recordHash(signedPart(bytes)), signatureOf(bytes));
}
