import { describe, expect, it } from 'vitest';
import { type Cipher, JOB_BAD_TAG, JOB_WORDS } from '../../../src/crypto/cipher.ts';
import { createNodeCipher } from '../../../src/crypto/node-cipher.ts';
import { cipherMbit } from '../../../src/os/cipher-speed.ts';

describe('the speed of a cipher', () => {
  it('is told in whole megabits, and no key is left behind', () => {
    const cipher = createNodeCipher();
    const slot = cipher.addKey(new Uint8Array(32));
    cipher.removeKey(slot);
    const mbit = cipherMbit(cipher);
    expect(Number.isInteger(mbit) && mbit > 0).toBe(true);
    expect(cipher.addKey(new Uint8Array(32))).toBe(slot);
  });

  it('is not told of one that does not open what it sealed', () => {
    const lying: Cipher = {
      name: 'node',
      addKey: () => 0,
      removeKey: () => undefined,
      sealBatch: () => undefined,
      openBatch: (_arena, jobs, count) => {
        jobs[(count - 1) * JOB_WORDS + 6] = JOB_BAD_TAG;
      },
    };
    expect(() => cipherMbit(lying)).toThrow('what was sealed opens');
  });
});
