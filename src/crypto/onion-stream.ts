/**
 * What the onion and its failure return share (BOLT-4, "Key Generation" and "Pseudo Random Byte Stream"): a key for
 * each purpose from one secret, and ChaCha20 under a zero nonce as a byte stream. A key is used for one stream only.
 */
import { chacha20 } from '@noble/ciphers/chacha.js';
import { utf8 } from '../base/bytes.ts';
import { NONCE_BYTES } from './aead.ts';
import { hmac } from './hash.ts';

/** rho and mu: the onion's stream and MAC; pad: its first filling; um and ammag: MAC and stream of a failure. */
export type OnionKeyType = 'rho' | 'mu' | 'um' | 'pad' | 'ammag';

const ZERO_NONCE = new Uint8Array(NONCE_BYTES);

/** 32 bytes. */
export function onionKey(type: OnionKeyType, secret: Uint8Array): Uint8Array {
  return hmac(utf8(type), secret);
}

export function onionStream(key: Uint8Array, length: number): Uint8Array {
  return chacha20(key, ZERO_NONCE, new Uint8Array(length));
}

/** `target ^= other`, over the length of `target`; `other` is at least as long. */
export function xorInto(target: Uint8Array, other: Uint8Array): void {
  for (let i = 0; i < target.length; i++) target[i] ^= other[i];
}
