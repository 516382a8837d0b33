/**
 * The AEAD vectors of the hardware benches, in one file that C++ reads without effort: RFC 8439 section 2.8.2, the valid and
 * invalid ones of Wycheproof that the device can take, and texts of every length sealed by the TypeScript reference.
 *
 *   count u32 | each: name length u32, name, valid u32, associated u32, text u32, key 32, nonce 12, associated, plaintext,
 *   ciphertext, tag 16; little-endian
 *
 *   node scripts/hw/vectors.ts OUT [longest every-length text, default 2048]
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromHex as decodeHex } from '../../src/base/bytes.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { seal } from '../../src/crypto/aead.ts';
import { TAG_BYTES } from '../../src/crypto/cipher.ts';
import { PROJECT_ROOT } from '../named-runs.ts';

interface AeadVector {
  readonly set: string;
  readonly valid: boolean;
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
  readonly associated: Uint8Array;
  readonly text: Uint8Array;
  readonly sealed: Uint8Array;
  readonly tag: Uint8Array;
}

interface Wycheproof {
  readonly testGroups: readonly {
    readonly ivSize: number;
    readonly tests: readonly {
      readonly key: string;
      readonly iv: string;
      readonly aad: string;
      readonly msg: string;
      readonly ct: string;
      readonly tag: string;
      readonly result: string;
    }[];
  }[];
}

const PUBLISHED = 'test/vectors/published/wycheproof-chacha20-poly1305.json';
const NONCE_BITS = 96;
const SUNSCREEN =
  "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";

function fromHex(text: string): Uint8Array {
  const bytes = decodeHex(text);
  if (bytes === undefined) throw new Error(`no hex: ${text}`);
  return bytes;
}

function make(set: string, key: Uint8Array, nonce: Uint8Array, associated: Uint8Array, text: Uint8Array): AeadVector {
  const both = seal(key, nonce, associated, text);
  const sealed = both.subarray(0, text.length);
  return { set, valid: true, key, nonce, associated, text, sealed, tag: both.subarray(text.length) };
}

function rfc8439(): AeadVector {
  const key = Uint8Array.from({ length: 32 }, (_, i) => 0x80 + i);
  const nonce = fromHex('070000004041424344454647');
  const vector = make('RFC 8439', key, nonce, fromHex('50515253c0c1c2c3c4c5c6c7'), new TextEncoder().encode(SUNSCREEN));
  if (Buffer.from(vector.tag).toString('hex') !== '1ae10b594f09e26a7e902ecbd0600691') throw new Error('not RFC 8439');
  return vector;
}

function wycheproof(): AeadVector[] {
  const file = JSON.parse(readFileSync(join(PROJECT_ROOT, PUBLISHED), 'utf8')) as Wycheproof;
  return file.testGroups
    .filter(({ ivSize }) => ivSize === NONCE_BITS)
    .flatMap(({ tests }) => tests)
    .map(({ key, iv, aad, msg, ct, tag, result }) => ({
      set: 'Wycheproof',
      valid: result === 'valid',
      key: fromHex(key),
      nonce: fromHex(iv),
      associated: fromHex(aad),
      text: fromHex(msg),
      sealed: fromHex(ct),
      tag: fromHex(tag),
    }));
}

function everyLength(longest: number): AeadVector[] {
  const random = new SeededRandom(8439, 'every length');
  const bytes = (count: number) => {
    const out = new Uint8Array(count);
    random.fill(out);
    return out;
  };
  const one = (set: string, length: number, associated: number) =>
    make(set, bytes(32), bytes(12), bytes(associated), bytes(length));
  const all = Array.from({ length: longest + 1 }, (_, length) => one('every length', length, length % 17));
  // All ones press hardest on the carries of the MAC.
  const ones = [16, 64, 256, 2048].map((length) =>
    make(
      'ones',
      new Uint8Array(32).fill(0xff),
      bytes(12),
      new Uint8Array(16).fill(0xff),
      new Uint8Array(length).fill(0xff),
    ),
  );
  return [
    ...all,
    ...ones,
    one('1420', 1420, 16),
    one('datagram', 1420, 16),
    one('64 KiB', 65_536, 16),
    one('64 KiB', 65_521, 9),
  ];
}

function encode(vectors: readonly AeadVector[]): Buffer {
  const parts: Uint8Array[] = [];
  const number = (value: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    parts.push(bytes);
  };
  number(vectors.length);
  for (const { set, valid, key, nonce, associated, text, sealed, tag } of vectors) {
    const name = new TextEncoder().encode(set);
    number(name.length);
    parts.push(name);
    number(valid ? 1 : 0);
    number(associated.length);
    number(text.length);
    if (tag.length !== TAG_BYTES || sealed.length !== text.length) throw new Error(`a vector of ${set} is misshapen`);
    parts.push(key, nonce, associated, text, sealed, tag);
  }
  return Buffer.concat(parts);
}

const [out, longest = '2048'] = process.argv.slice(2);
if (out === undefined) throw new Error('where to?');
const vectors = [rfc8439(), ...wycheproof(), ...everyLength(Number(longest))];
writeFileSync(out, encode(vectors));
process.stdout.write(`${vectors.length} vectors\n`);
