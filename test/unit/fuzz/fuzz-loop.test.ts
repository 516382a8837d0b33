/** The judge of the fuzz runs must find what it is there to find. */
import { describe, expect, test } from 'vitest';
import { Drops } from '../../../src/base/drops.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { type FuzzTarget, fuzz } from '../../fuzz/harness/fuzz-loop.ts';
import { mutate, mutateInPlace } from '../../fuzz/harness/mutation.ts';

const CASES = 200;

function judge(target: Partial<FuzzTarget>, drops = new Drops()) {
  const context = { args: ['5', String(CASES)], gate: false, log: () => {}, onExit: () => {} };
  const whole: FuzzTarget = {
    drops: [drops],
    prepare: () => {},
    feed: () => {
      drops.count('link-type');
      return 'noise';
    },
    checkBounds: () => {},
    finish: () => ({}),
    ...target,
  };
  // Its thread is TypeScript, which threads of the test runner don't load.
  const startHangWatch = () => ({ begins: () => {}, stop: async () => {} });
  return fuzz({ name: 'sample', context, target: () => whole, startHangWatch });
}

describe('fuzz', () => {
  test('counts what was dropped and what was accepted', async () => {
    const drops = new Drops();
    const feed = (_random: SeededRandom, number: number) => {
      if (number % 4 === 0) drops.count('link-type', 2);
      return 'mutant' as const;
    };
    const result = await judge({ feed, prepare: () => drops.count('link-down') }, drops);
    expect(result).toMatchObject({ pass: true, cases: CASES, dropped: 50, accepted: 150, drops: { 'link-type': 100 } });
  });

  test('names seed, case and command when a case throws', async () => {
    const feed = (_random: SeededRandom, number: number) => {
      if (number === 17) throw new Error('out of range');
      return 'mutant' as const;
    };
    expect(await judge({ feed })).toMatchObject({
      pass: false,
      seed: 5,
      case: 17,
      reason: 'out of range',
      replay: 'npm run fuzz -- sample 5 18',
    });
  });

  test('fails for noise that nobody counted', async () => {
    expect(await judge({ feed: () => 'noise' })).toMatchObject({ pass: false, case: 0 });
  });

  test('fails for a table beyond its bound, and for a target that is dead at the end', async () => {
    const fail = () => {
      throw new Error('4097 records are held');
    };
    expect(await judge({ checkBounds: fail })).toMatchObject({ pass: false, case: 0 });
    expect(await judge({ finish: fail })).toMatchObject({ pass: false, case: CASES - 1 });
  });

  test('fails for a target that grows', async () => {
    const kept: Uint8Array[] = [];
    const feed = () => {
      kept.push(new Uint8Array(100_000).fill(1));
      return 'mutant' as const;
    };
    const result = await judge({ feed });
    expect(result.pass).toBe(false);
    expect(result.heap_growth_bytes).toBeGreaterThan(15_000_000);
  });
});

describe('mutations', () => {
  test('are the same under the same seed, leave the original alone, and differ from it', () => {
    const seed = new Uint8Array(200).map((_, i) => i);
    const original = seed.slice();
    const all = (name: number) => {
      const random = new SeededRandom(name, 'mutations');
      return Array.from({ length: 500 }, () => mutate(random, seed, original.subarray(0, 50), 300));
    };
    expect(all(1)).toEqual(all(1));
    expect(seed).toEqual(original);
    expect(all(2).filter((bytes) => Buffer.compare(bytes, original) !== 0).length).toBeGreaterThan(450);
    expect(all(3).every((bytes) => bytes.length <= 300)).toBe(true);
    const random = new SeededRandom(4, 'mutations');
    for (let i = 0; i < 500; i++) expect(mutateInPlace(random, seed, original).length).toBe(seed.length);
  });
});
