/** Reads a file of test/vectors/published. */
import { readFileSync } from 'node:fs';
import { assert } from '../../src/base/assert.ts';
import { fromHex } from '../../src/base/bytes.ts';

export function readPublished<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`published/${name}`, import.meta.url), 'utf8'));
}

/** Bytes of a hex string, with or without 0x in front. */
export function hex(text: string): Uint8Array {
  const bytes = fromHex(text.replace(/^0x/, ''));
  assert(bytes !== undefined, 'a hex string');
  return bytes;
}
