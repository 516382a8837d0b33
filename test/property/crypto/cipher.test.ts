import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Cipher, JOB_BAD_TAG, JOB_OK, TAG_BYTES } from '../../../src/crypto/cipher.ts';
import { createNodeCipher } from '../../../src/crypto/node-cipher.ts';
import { createReferenceCipher } from '../../../src/crypto/reference-cipher.ts';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const word = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const message = fc.record({
  key: bytes(32),
  high: word,
  low: word,
  at: fc.integer({ min: 0, max: 9 }),
  associated: fc.uint8Array({ maxLength: 40 }),
  text: fc.uint8Array({ maxLength: 2000 }),
  flipped: fc.nat(),
});

function run(
  cipher: Cipher,
  job: Uint32Array,
  arena: Uint8Array,
  key: Uint8Array,
  how: 'sealBatch' | 'openBatch',
): number {
  job[0] = cipher.addKey(key);
  cipher[how](arena, job, 1);
  cipher.removeKey(job[0]);
  return job[6];
}

test('what one cipher seals the other seals alike and opens; a flipped bit anywhere is refused by both', () => {
  const [reference, fast] = [createReferenceCipher(), createNodeCipher()];
  fc.assert(
    fc.property(message, ({ key, high, low, at, associated, text, flipped }) => {
      const job = Uint32Array.of(0, high, low, at, associated.length, text.length, 0, 0);
      const plain = new Uint8Array(at + associated.length + text.length + TAG_BYTES);
      plain.set(associated, at);
      plain.set(text, at + associated.length);
      const [a, b] = [plain.slice(), plain.slice()];
      run(reference, job, a, key, 'sealBatch');
      run(fast, job, b, key, 'sealBatch');
      expect(a).toEqual(b);

      const changed = a.slice();
      changed[at + (flipped % (a.length - at))] ^= 1 << (flipped % 8);
      for (const cipher of [reference, fast]) {
        expect(run(cipher, job, changed.slice(), key, 'openBatch')).toBe(JOB_BAD_TAG);
        const opened = a.slice();
        expect(run(cipher, job, opened, key, 'openBatch')).toBe(JOB_OK);
        expect(opened.subarray(0, -TAG_BYTES)).toEqual(plain.subarray(0, -TAG_BYTES));
      }
    }),
    { numRuns: 200 },
  );
});
