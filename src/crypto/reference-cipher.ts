/** The cipher port on @noble/ciphers: slow, readable, the bytes that every other back end must give. */
import { wipe } from '../base/bytes.ts';
import { open, seal } from './aead.ts';
import { type Cipher, TAG_BYTES } from './cipher.ts';
import { JobRunner, type MessageCipher } from './job-runner.ts';

export const referenceMessageCipher: MessageCipher<Uint8Array> = {
  name: 'reference',
  importKey: (key) => key.slice(),
  wipeKey: wipe,

  seal(key, nonce, arena, at, associated, text) {
    const textAt = at + associated;
    arena.set(seal(key, nonce, arena.subarray(at, textAt), arena.subarray(textAt, textAt + text)), textAt);
  },

  open(key, nonce, arena, at, associated, text) {
    const textAt = at + associated;
    const sealed = arena.subarray(textAt, textAt + text + TAG_BYTES);
    const plaintext = open(key, nonce, arena.subarray(at, textAt), sealed);
    if (plaintext === undefined) return false;
    arena.set(plaintext, textAt);
    return true;
  },
};

export function createReferenceCipher(): Cipher {
  return new JobRunner(referenceMessageCipher);
}
