import { describe, expect, test } from 'vitest';
import { toHex } from '../../../src/base/bytes.ts';
import { nonceOf, seal, writeNonce } from '../../../src/crypto/aead.ts';
import { JOB_BAD_TAG, JOB_OK, JOB_WORDS, TAG_BYTES } from '../../../src/crypto/cipher.ts';
import { KEY_SLOT_LIMIT } from '../../../src/crypto/job-runner.ts';
import { createNodeCipher } from '../../../src/crypto/node-cipher.ts';
import { createReferenceCipher } from '../../../src/crypto/reference-cipher.ts';

const key = new Uint8Array(32).fill(1);
const otherKey = new Uint8Array(32).fill(2);
const HEADER_BYTES = 16;
const TEXT_BYTES = 48;
const STRIDE = HEADER_BYTES + TEXT_BYTES + TAG_BYTES;

/** `count` messages back to back, message i under counter i. */
function batch(slot: number, count: number): { arena: Uint8Array; jobs: Uint32Array } {
  const arena = new Uint8Array(count * STRIDE);
  const jobs = new Uint32Array(count * JOB_WORDS);
  for (let i = 0; i < count; i++) {
    arena.fill(i + 1, i * STRIDE, (i + 1) * STRIDE - TAG_BYTES);
    jobs.set([slot, 0, i, i * STRIDE, HEADER_BYTES, TEXT_BYTES, 0xffff, 77], i * JOB_WORDS);
  }
  return { arena, jobs };
}

test('the nonce is four zeros and the counter, little-endian', () => {
  const nonce = new Uint8Array(12).fill(0xff);
  writeNonce(nonce, 0x01020304, 0xa5060708);
  expect(toHex(nonce)).toBe('00000000080706a504030201');
  expect(toHex(nonceOf(0x0102))).toBe('000000000201000000000000');
});

describe.each([createReferenceCipher, createNodeCipher])('cipher %#', (create) => {
  test('a batch sealed in place opens in place, and the spare word is left alone', () => {
    const cipher = create();
    const { arena, jobs } = batch(cipher.addKey(key), 5);
    const plain = arena.slice();
    cipher.sealBatch(arena, jobs, 5);
    for (let i = 0; i < 5; i++) {
      const at = i * STRIDE;
      const text = plain.subarray(at + HEADER_BYTES, at + HEADER_BYTES + TEXT_BYTES);
      const header = plain.subarray(at, at + HEADER_BYTES);
      expect(arena.subarray(at, at + HEADER_BYTES)).toEqual(header);
      expect(arena.subarray(at + HEADER_BYTES, at + STRIDE)).toEqual(seal(key, nonceOf(i), header, text));
      expect([...jobs.subarray(i * JOB_WORDS + 6, (i + 1) * JOB_WORDS)]).toEqual([JOB_OK, 77]);
    }
    cipher.openBatch(arena, jobs, 5);
    for (let i = 0; i < 5; i++) {
      const [from, to] = [i * STRIDE, (i + 1) * STRIDE - TAG_BYTES];
      expect(arena.subarray(from, to)).toEqual(plain.subarray(from, to));
      expect(jobs[i * JOB_WORDS + 6]).toBe(JOB_OK);
    }
  });

  test('one bad message of a batch is named, the others open', () => {
    const cipher = create();
    const { arena, jobs } = batch(cipher.addKey(key), 5);
    cipher.sealBatch(arena, jobs, 5);
    arena[0 * STRIDE] ^= 1; // header
    arena[2 * STRIDE + HEADER_BYTES] ^= 1; // text
    arena[5 * STRIDE - 1] ^= 1; // tag
    cipher.openBatch(arena, jobs, 5);
    const results = [0, 1, 2, 3, 4].map((i) => jobs[i * JOB_WORDS + 6]);
    expect(results).toEqual([JOB_BAD_TAG, JOB_OK, JOB_BAD_TAG, JOB_OK, JOB_BAD_TAG]);
  });

  test('only the first `count` jobs are done', () => {
    const cipher = create();
    const { arena, jobs } = batch(cipher.addKey(key), 2);
    const second = arena.slice(STRIDE);
    cipher.sealBatch(arena, jobs, 1);
    expect(arena.subarray(STRIDE)).toEqual(second);
    expect(jobs[JOB_WORDS + 6]).toBe(0xffff);
  });

  test('a message of another key or counter does not open', () => {
    const cipher = create();
    const slot = cipher.addKey(key);
    const otherSlot = cipher.addKey(otherKey);
    for (const [word, value] of [
      [0, otherSlot],
      [1, 1],
      [2, 9],
    ]) {
      const { arena, jobs } = batch(slot, 1);
      cipher.sealBatch(arena, jobs, 1);
      jobs[word] = value;
      cipher.openBatch(arena, jobs, 1);
      expect(jobs[6]).toBe(JOB_BAD_TAG);
    }
  });

  test('the key is copied in, and its slot is free again once removed', () => {
    const cipher = create();
    const mine = key.slice();
    const slot = cipher.addKey(mine);
    mine.fill(0);
    const { arena, jobs } = batch(slot, 1);
    cipher.sealBatch(arena, jobs, 1);
    expect(arena.subarray(HEADER_BYTES, STRIDE)).toEqual(
      seal(key, nonceOf(0), new Uint8Array(HEADER_BYTES).fill(1), new Uint8Array(TEXT_BYTES).fill(1)),
    );
    cipher.removeKey(slot);
    expect(() => cipher.sealBatch(arena, jobs, 1)).toThrow('a key slot in use');
    expect(() => cipher.removeKey(slot)).toThrow('a key slot in use');
    expect(cipher.addKey(otherKey)).toBe(slot);
  });

  test('there are no more keys than slots', () => {
    const cipher = create();
    for (let i = 0; i < KEY_SLOT_LIMIT; i++) cipher.addKey(key);
    expect(() => cipher.addKey(key)).toThrow('a free key slot');
    cipher.removeKey(11);
    expect(cipher.addKey(key)).toBe(11);
  });
});
