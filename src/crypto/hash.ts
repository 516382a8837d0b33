/** SHA-256, HMAC-SHA-256 and HKDF (RFC 5869) as docs/protocol.md writes them. */
import { hkdf as nobleHkdf } from '@noble/hashes/hkdf.js';
import { hmac as nobleHmac } from '@noble/hashes/hmac.js';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { wipe } from '../base/bytes.ts';

export const HASH_BYTES = 32;

/** SHA-256 over the parts as if they were one byte string. */
export function sha256(...parts: Uint8Array[]): Uint8Array {
  const hash = nobleSha256.create();
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** HMAC-SHA-256 over the parts as if they were one byte string. */
export function hmac(key: Uint8Array, ...parts: Uint8Array[]): Uint8Array {
  const mac = nobleHmac.create(nobleSha256, key);
  for (const part of parts) mac.update(part);
  return mac.digest();
}

/** HKDFn of docs/protocol.md: RFC 5869 with empty info, cut into `n` keys of 32 bytes, each in memory of its own. */
export function hkdf(salt: Uint8Array, ikm: Uint8Array, n: number): Uint8Array[] {
  const bytes = nobleHkdf(nobleSha256, ikm, salt, undefined, n * HASH_BYTES);
  const keys: Uint8Array[] = [];
  for (let i = 0; i < n; i++) keys.push(bytes.slice(i * HASH_BYTES, (i + 1) * HASH_BYTES));
  wipe(bytes);
  return keys;
}
