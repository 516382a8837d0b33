import { describe, expect, it } from 'vitest';
import type { RandomSource } from '../../../src/base/env.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { KeyedHash } from '../../../src/crypto/keyed-hash.ts';

const WORD = 0xffff_ffffn;

/** HalfSipHash-c-d as its paper has it, on big integers: slow, and plain to read. */
function halfSipHash(c: number, d: number, key: readonly [bigint, bigint], message: Uint8Array): number {
  let [v0, v1, v2, v3] = [key[0], key[1], 0x6c796765n ^ key[0], 0x74656462n ^ key[1]];
  const left = (x: bigint, by: bigint): bigint => ((x << by) | (x >> (32n - by))) & WORD;
  const round = (): void => {
    v0 = (v0 + v1) & WORD;
    v1 = left(v1, 5n) ^ v0;
    v0 = left(v0, 16n);
    v2 = (v2 + v3) & WORD;
    v3 = left(v3, 8n) ^ v2;
    v0 = (v0 + v3) & WORD;
    v3 = left(v3, 7n) ^ v0;
    v2 = (v2 + v1) & WORD;
    v1 = left(v1, 13n) ^ v2;
    v2 = left(v2, 16n);
  };
  const padded = new Uint8Array(4 * Math.floor(message.length / 4) + 4);
  padded.set(message);
  padded[padded.length - 1] = message.length;
  const view = new DataView(padded.buffer);
  for (let at = 0; at < padded.length; at += 4) {
    const m = BigInt(view.getUint32(at, true));
    v3 ^= m;
    for (let i = 0; i < c; i++) round();
    v0 ^= m;
  }
  v2 ^= 0xffn;
  for (let i = 0; i < d; i++) round();
  return Number(v1 ^ v3);
}

function fixed(key: readonly number[]): RandomSource {
  return { fill: (bytes) => bytes.set(key) };
}

describe('the keyed hash', () => {
  it('is held against a reference that gives the published values of HalfSipHash-2-4', () => {
    // vectors_hsip32 of github.com/veorq/SipHash: key 00..07, messages of 0, 1 and 2 bytes 00, 01.
    const key = [0x03020100n, 0x07060504n] as const;
    const values = [0, 1, 2].map((length) =>
      halfSipHash(
        2,
        4,
        key,
        Uint8Array.from({ length }, (_, i) => i),
      ),
    );
    const bytes = [0x5b9f35a9, 0xb85a4727, 0x03a662fa];
    expect(values).toEqual(bytes);
  });

  it('is HalfSipHash-1-3 of the word and the id', () => {
    const random = new SeededRandom(1, 'hash');
    for (let i = 0; i < 200; i++) {
      const key = new Uint8Array(8);
      random.fill(key);
      const message = new Uint8Array(20);
      random.fill(message);
      const keyView = new DataView(key.buffer);
      const words = [BigInt(keyView.getUint32(0)), BigInt(keyView.getUint32(4))] as const;
      const word = new DataView(message.buffer).getUint32(0, true);
      const hash = new KeyedHash(fixed([...key])).hash(word, message, 4);
      expect(hash).toBe(halfSipHash(1, 3, words, message));
    }
  });
});
