/**
 * Skycoin addresses (docs/protocol.md section 1): what a person reads and types for a node.
 *
 *   base58( ripemd160(sha256(sha256(key))) 20 | version 00 1 | first 4 bytes of sha256(of those 21) 4 )
 */
import { ripemd160 } from '@noble/hashes/legacy.js';
import { equal } from '../base/bytes.ts';
import { decodeBase58, encodeBase58 } from './base58.ts';
import { sha256 } from './hash.ts';

export const ADDRESS_HASH_BYTES = 20;
const VERSION = 0;
const CHECKSUM_AT = ADDRESS_HASH_BYTES + 1;
const ADDRESS_BYTES = CHECKSUM_AT + 4;

/** 20 bytes: stands for the key (33 bytes) where the key itself need not be known. */
export function addressHash(key: Uint8Array): Uint8Array {
  return ripemd160(sha256(sha256(key)));
}

/** The address of a 33-byte key as text. */
export function addressOf(key: Uint8Array): string {
  return addressText(addressHash(key));
}

/** The address of an address hash (20 bytes) as text. */
export function addressText(hash: Uint8Array): string {
  const bytes = new Uint8Array(ADDRESS_BYTES);
  bytes.set(hash);
  bytes[ADDRESS_HASH_BYTES] = VERSION;
  bytes.set(checksum(bytes), CHECKSUM_AT);
  return encodeBase58(bytes);
}

/** The address hash (20 bytes), or undefined when the text is no address: bad digit, length, version or checksum. */
export function parseAddress(text: string): Uint8Array | undefined {
  const bytes = decodeBase58(text, ADDRESS_BYTES);
  if (bytes === undefined || bytes[ADDRESS_HASH_BYTES] !== VERSION) return undefined;
  if (!equal(bytes.subarray(CHECKSUM_AT), checksum(bytes))) return undefined;
  return bytes.slice(0, ADDRESS_HASH_BYTES);
}

function checksum(bytes: Uint8Array): Uint8Array {
  return sha256(bytes.subarray(0, CHECKSUM_AT)).subarray(0, 4);
}
