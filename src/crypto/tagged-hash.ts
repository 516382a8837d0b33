/** BIP-340's tagged hash: keeps signatures over one kind of thing from being taken for another's. */
import { concat, utf8 } from '../base/bytes.ts';
import { sha256 } from './hash.ts';

/** A function that gives SHA-256(SHA-256(tag) twice || bytes). */
export function taggedHash(tag: string): (bytes: Uint8Array) => Uint8Array {
  const hash = sha256(utf8(tag));
  const prefix = concat(hash, hash);
  return (bytes) => sha256(prefix, bytes);
}
