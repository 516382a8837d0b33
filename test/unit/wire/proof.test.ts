import fc from 'fast-check';
import { expect, test } from 'vitest';
import { concat } from '../../../src/base/bytes.ts';
import type { NodeKey } from '../../../src/base/ids.ts';
import {
  encodeProofMessage,
  encodeUnsignedProof,
  PROOF_BYTES,
  parseProof,
  parseProofMessage,
  proofSignature,
  proofStatement,
} from '../../../src/wire/proof.ts';

const [prober, node] = [2, 3].map((fill) => new Uint8Array(33).fill(fill) as NodeKey);
const unsigned = encodeUnsignedProof(prober, 6, 1_800_000_000);
const signature = new Uint8Array(64).fill(0xaa);
const bytes = concat(unsigned, signature);

test('a proof reads as it was written, and says for whom it is only in what is signed', () => {
  expect(parseProof(bytes)).toEqual({ prober, family: 6, time: 1_800_000_000, bytes });
  expect(bytes.length).toBe(PROOF_BYTES);
  expect(proofSignature(parseProof(bytes)!)).toEqual(signature);
  expect(proofStatement(node, unsigned)).toEqual(concat(node, unsigned));
  expect(proofStatement(node, bytes)).toEqual(concat(node, unsigned));
});

test('a proof of another length or of no family is none', () => {
  expect(parseProof(bytes.subarray(1))).toBeUndefined();
  expect(parseProof(concat(bytes, bytes))).toBeUndefined();
  expect(parseProof(bytes.map((byte, i) => (i === 33 ? 5 : byte)))).toBeUndefined();
});

test('PROOF names the node and holds the proof', () => {
  const message = encodeProofMessage(node, parseProof(bytes)!);
  expect(message[0]).toBe(0x0b);
  expect(parseProofMessage(message)).toEqual({ node, proof: parseProof(bytes) });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (any) => {
      expect(parseProofMessage(any)?.proof.bytes.length ?? PROOF_BYTES).toBe(PROOF_BYTES);
    }),
  );
});
