/**
 * ChaCha20-Poly1305 (RFC 8439) one message at a time, on @noble/ciphers: handshakes, and the reference cipher. The
 * data path goes through the cipher port instead.
 */
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { assert } from '../base/assert.ts';
import { TAG_BYTES } from './cipher.ts';

export const KEY_BYTES = 32;
export const NONCE_BYTES = 12;

/** Writes 00 00 00 00 || counter as u64 little-endian; the counter comes as two words of 32 bits. */
export function writeNonce(nonce: Uint8Array, high: number, low: number): void {
  nonce.fill(0, 0, 4);
  for (let i = 0; i < 4; i++) {
    nonce[4 + i] = low >>> (8 * i);
    nonce[8 + i] = high >>> (8 * i);
  }
}

/** The nonce of a small counter (below 2^32): handshakes count a few messages. */
export function nonceOf(counter: number): Uint8Array {
  const nonce = new Uint8Array(NONCE_BYTES);
  writeNonce(nonce, 0, counter);
  return nonce;
}

/** Ciphertext and tag (16) of one message; `key` is 32 bytes, `nonce` any 12. */
export function seal(key: Uint8Array, nonce: Uint8Array, associated: Uint8Array, plaintext: Uint8Array): Uint8Array {
  return chacha20poly1305(key, nonce, associated).encrypt(plaintext);
}

/** The plaintext, or undefined when the tag is wrong or the message too short to hold one. */
export function open(
  key: Uint8Array,
  nonce: Uint8Array,
  associated: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | undefined {
  // Checked here because the library answers these with the same exception as a wrong tag.
  assert(key.length === KEY_BYTES && nonce.length === NONCE_BYTES, 'key of 32 bytes, nonce of 12');
  if (sealed.length < TAG_BYTES) return undefined;
  try {
    return chacha20poly1305(key, nonce, associated).decrypt(sealed);
  } catch {
    return undefined;
  }
}
