/**
 * A seeded stream of random numbers for simulations and tests (sfc32, Chris Doty-Humphrey's Small Fast Counter, from
 * PractRand). Fast, reproducible on every machine, and of no cryptographic use whatsoever.
 */
import { utf8 } from './bytes.ts';
import type { RandomSource } from './env.ts';

export class SeededRandom implements RandomSource {
  private a = 0;
  private b = 0;
  private c = 0;
  private counter = 1;

  /** Streams of one seed with different names are independent: add a stream, and the others stay as they were. */
  constructor(seed: number, name: string) {
    // FNV-1a over the name keeps substreams apart; sfc32 then needs its first 12 outputs thrown away.
    let hash = 0x811c9dc5;
    for (const byte of utf8(name)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
    this.a = seed >>> 0;
    this.b = hash;
    this.c = Math.floor(seed / 0x1_0000_0000) >>> 0;
    for (let i = 0; i < 12; i++) this.word();
  }

  /** Uniform over 32 bits. */
  word(): number {
    const sum = (this.a + this.b + this.counter++) >>> 0;
    this.a = (this.b ^ (this.b >>> 9)) >>> 0;
    this.b = (this.c + (this.c << 3)) >>> 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) >>> 0;
    return sum;
  }

  /** Uniform in [0, 1). */
  unit(): number {
    return this.word() / 0x1_0000_0000;
  }

  /** Uniform integer in [0, below). */
  integer(below: number): number {
    return Math.floor(this.unit() * below);
  }

  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.integer(items.length)];
  }

  fill(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += 4) {
      let word = this.word();
      for (let i = at; i < at + 4 && i < bytes.length; i++) {
        bytes[i] = word;
        word >>>= 8;
      }
    }
  }
}
