/** Signing and checking proofs: BIP-340 over a tagged hash (docs/protocol.md section 9.5). */
import { concat } from '../base/bytes.ts';
import type { RandomSource } from '../base/env.ts';
import type { NodeKey } from '../base/ids.ts';
import type { Curve } from '../crypto/curve.ts';
import { type Identity, signDigest } from '../crypto/identity.ts';
import { taggedHash } from '../crypto/tagged-hash.ts';
import {
  encodeUnsignedProof,
  PROOF_TAG,
  type Proof,
  parseProof,
  proofSignature,
  proofStatement,
} from '../wire/proof.ts';

const proofHash = taggedHash(PROOF_TAG);

/** What `prober` says of a node that it has just reached; `time` in Unix seconds. */
export function signProof(
  curve: Curve,
  prober: Identity,
  random: RandomSource,
  said: { readonly node: NodeKey; readonly family: 4 | 6; readonly time: number },
): Proof {
  const unsigned = encodeUnsignedProof(prober.key, said.family, said.time);
  const signature = signDigest(curve, random, prober, proofHash(proofStatement(said.node, unsigned)));
  return parseProof(concat(unsigned, signature))!;
}

/** Whether the prober that a proof names signed it, for this node. */
export function isProofSigned(curve: Curve, node: NodeKey, proof: Proof): boolean {
  return curve.verify(proof.prober, proofHash(proofStatement(node, proof.bytes)), proofSignature(proof));
}
