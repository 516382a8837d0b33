/**
 * What keeps a node silent and cheap towards strangers (docs/protocol.md section 2.1): mac1 proves that a sender knows
 * the receiver's key, a cookie that it owns its source address.
 */
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { assert } from '../base/assert.ts';
import { utf8 } from '../base/bytes.ts';
import { hmac, sha256 } from './hash.ts';

export const MAC_BYTES = 16;
export const COOKIE_BYTES = 16;
export const COOKIE_NONCE_BYTES = 24;
export const SEALED_COOKIE_BYTES = 32;

const MAC1_LABEL = utf8('skywire/1 mac1');
const COOKIE_LABEL = utf8('skywire/1 cookie');

/** 32 bytes. `key` (33) is the responder's node key, in RESPONSE the initiator's ephemeral key. */
export function mac1Key(key: Uint8Array): Uint8Array {
  return sha256(MAC1_LABEL, key);
}

/** The first 16 bytes of HMAC-SHA-256: mac1, mac2, and the cookie itself. */
export function mac16(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  return hmac(key, bytes).slice(0, MAC_BYTES);
}

/** The key (32) that seals cookies of the responder with this node key. */
export function cookieKey(nodeKey: Uint8Array): Uint8Array {
  return sha256(COOKIE_LABEL, nodeKey);
}

/** Seals a cookie (16) to whoever sent the INIT with this mac1; `nonce` is 24 random bytes. Gives 32 bytes. */
export function sealCookie(key: Uint8Array, nonce: Uint8Array, mac1: Uint8Array, cookie: Uint8Array): Uint8Array {
  assert(cookie.length === COOKIE_BYTES && nonce.length === COOKIE_NONCE_BYTES, 'cookie of 16 bytes, nonce of 24');
  return xchacha20poly1305(key, nonce, mac1).encrypt(cookie);
}

/** The cookie (16), or undefined when it is not an answer to the INIT with this mac1. */
export function openCookie(
  key: Uint8Array,
  nonce: Uint8Array,
  mac1: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | undefined {
  if (sealed.length !== SEALED_COOKIE_BYTES || nonce.length !== COOKIE_NONCE_BYTES) return undefined;
  try {
    return xchacha20poly1305(key, nonce, mac1).decrypt(sealed);
  } catch {
    return undefined;
  }
}
