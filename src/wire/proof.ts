/**
 * What a node says of another one that it found to answer from the internet: a proof (docs/protocol.md section 9.5).
 *
 *   proof   prober's node key 33 | family u8, 4 or 6 | Unix seconds u32 | signature 64: BIP-340 by the prober over
 *           SHA-256(SHA-256("skywire/1 proof") twice || node key 33 of whom it proves || the 38 bytes before)
 *   PROOF   0b | node key 33 of whom it proves | proof 102          message of channel 0
 *
 * The signature is made and checked in src/graph; here are only its bytes.
 */
import { concat, readU32, writeU32 } from '../base/bytes.ts';
import type { NodeKey } from '../base/ids.ts';
import { CHANNEL0_KIND } from './channel0.ts';

export const PROOF_TAG = 'skywire/1 proof';
export const PROOF_BYTES = 102;

const KEY_BYTES = 33;
const FAMILY_AT = KEY_BYTES;
const TIME_AT = FAMILY_AT + 1;
const SIGNATURE_AT = TIME_AT + 4;
const NODE_AT = 1;
const PROOF_AT = NODE_AT + KEY_BYTES;

export interface Proof {
  readonly prober: NodeKey;
  /** With which protocol the node was reached. */
  readonly family: 4 | 6;
  /** Unix seconds. */
  readonly time: number;
  /** All of it, as signed. */
  readonly bytes: Uint8Array;
}

export function encodeUnsignedProof(prober: NodeKey, family: 4 | 6, time: number): Uint8Array {
  const out = new Uint8Array(SIGNATURE_AT);
  out.set(prober);
  out[FAMILY_AT] = family;
  writeU32(out, TIME_AT, time);
  return out;
}

/** A copy; undefined when the length or the family is wrong. */
export function parseProof(bytes: Uint8Array): Proof | undefined {
  const family = bytes[FAMILY_AT];
  if (bytes.length !== PROOF_BYTES || (family !== 4 && family !== 6)) return undefined;
  const copy = bytes.slice();
  return { prober: copy.slice(0, KEY_BYTES) as NodeKey, family, time: readU32(copy, TIME_AT), bytes: copy };
}

/** What the prober signs, of an unsigned proof or a whole one. */
export function proofStatement(node: NodeKey, proof: Uint8Array): Uint8Array {
  return concat(node, proof.subarray(0, SIGNATURE_AT));
}

export function proofSignature(proof: Proof): Uint8Array {
  return proof.bytes.subarray(SIGNATURE_AT);
}

export function encodeProofMessage(node: NodeKey, proof: Proof): Uint8Array {
  return concat(Uint8Array.of(CHANNEL0_KIND.proof), node, proof.bytes);
}

/** Undefined when the proof is not one. */
export function parseProofMessage(message: Uint8Array): { readonly node: NodeKey; readonly proof: Proof } | undefined {
  const proof = parseProof(message.subarray(PROOF_AT));
  return proof && { node: message.slice(NODE_AT, PROOF_AT) as NodeKey, proof };
}
