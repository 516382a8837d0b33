/**
 * HalfSipHash-1-3 (Aumasson and Bernstein) of a 32-bit word and 16 bytes, to 32 bits: places route ids in the route
 * table and the flows of packets in their queues.
 *
 * A stranger picks route ids. With a hash that he can compute he would pick ten thousand that fall into one place and
 * turn each look-up into a walk; with a secret key he can't. Hot path: no allocation.
 */
import { readU32 } from '../base/bytes.ts';
import { type RandomSource, randomBytes } from '../base/env.ts';

const KEY_BYTES = 8;
/** Message length (4 + 16 bytes) in the top byte of the closing block. */
const CLOSING_BLOCK = 20 << 24;
const COMPRESSION_ROUNDS = 1;
const FINAL_ROUNDS = 3;

export class KeyedHash {
  private readonly key0: number;
  private readonly key1: number;

  constructor(random: RandomSource) {
    const key = randomBytes(random, KEY_BYTES);
    this.key0 = readU32(key, 0);
    this.key1 = readU32(key, 4);
  }

  /** `bytes[at..at+16)` and `word`, to an unsigned 32-bit number. */
  hash(word: number, bytes: Uint8Array, at: number): number {
    let v0 = this.key0;
    let v1 = this.key1;
    let v2 = 0x6c796765 ^ this.key0;
    let v3 = 0x74656462 ^ this.key1;
    // Blocks: the word, four words of the id (little-endian, as SipHash reads), the closing block, then finalization.
    for (let block = 0; block < 7; block++) {
      let m = 0;
      if (block === 0) m = word;
      else if (block < 5) {
        const from = at + 4 * (block - 1);
        m = bytes[from] | (bytes[from + 1] << 8) | (bytes[from + 2] << 16) | (bytes[from + 3] << 24);
      } else if (block === 5) m = CLOSING_BLOCK;
      else v2 ^= 0xff;
      v3 ^= m;
      for (let rounds = block === 6 ? FINAL_ROUNDS : COMPRESSION_ROUNDS; rounds > 0; rounds--) {
        v0 = (v0 + v1) | 0;
        v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
        v0 = (v0 << 16) | (v0 >>> 16);
        v2 = (v2 + v3) | 0;
        v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
        v0 = (v0 + v3) | 0;
        v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
        v2 = (v2 + v1) | 0;
        v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
        v2 = (v2 << 16) | (v2 >>> 16);
      }
      v0 ^= m;
    }
    return (v1 ^ v3) >>> 0;
  }
}
