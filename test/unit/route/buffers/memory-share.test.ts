import { describe, expect, it } from 'vitest';
import { MemoryShare } from '../../../../src/route/buffers/memory-share.ts';

const LIMIT_BYTES = 800_000;
const tuning = { shareFactor: 8, promisedShare: 0.8 };

function share(): MemoryShare {
  return new MemoryShare(LIMIT_BYTES / tuning.promisedShare, tuning);
}

describe('the share of the memory', () => {
  it('is the same for a route alone, whatever it has of it at the moment', () => {
    for (const ownBytes of [0, 1, 300_000, 790_000]) {
      const memory = share();
      memory.commit(ownBytes);
      expect(memory.capBytes(ownBytes)).toBe(Math.floor((8 / 9) * LIMIT_BYTES));
    }
  });

  it.each([2, 3, 10])('is nearly the same for %i routes that want all, whoever came first', (count) => {
    const memory = share();
    const own = new Array<number>(count).fill(0);
    for (let round = 0; round < 400; round++) {
      own.forEach((bytes, i) => {
        const now = Math.min(memory.capBytes(bytes), bytes + memory.freeBytes);
        memory.commit(now - bytes);
        own[i] = now;
      });
    }
    const fair = (LIMIT_BYTES * 8) / (8 * count + 1);
    for (const bytes of own) expect(Math.abs(bytes - fair)).toBeLessThan(0.01 * fair);
  });

  it('leaves a ninth for whoever comes next', () => {
    const memory = share();
    memory.commit(memory.capBytes(0));
    expect(memory.freeBytes).toBeGreaterThanOrEqual(LIMIT_BYTES / 9);
  });
});
