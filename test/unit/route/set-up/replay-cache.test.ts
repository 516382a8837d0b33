import { describe, expect, it } from 'vitest';
import { ReplayCache } from '../../../../src/route/set-up/replay-cache.ts';

const digest = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);

describe('the replay cache', () => {
  it('knows what it has seen for at least 120 s, whenever it came', () => {
    for (const at of [0, 1, 60_000, 119_999, 120_000]) {
      const cache = new ReplayCache(10);
      cache.remember(digest(1), 0);
      cache.remember(digest(2), at);
      for (const later of [1, 60_000, 119_999]) expect(cache.remember(digest(2), at + later)).toBe('known');
    }
  });

  it('forgets after 240 s at the latest', () => {
    const cache = new ReplayCache(10);
    cache.remember(digest(1), 0);
    expect(cache.remember(digest(2), 240_000)).toBe('new');
    expect(cache.size).toBe(1);
    expect(cache.remember(digest(1), 240_001)).toBe('new');
  });

  it('takes nothing more when it is full, and forgets nothing for it', () => {
    const cache = new ReplayCache(2);
    expect([1, 2, 3].map((fill) => cache.remember(digest(fill), 0))).toEqual(['new', 'new', 'full']);
    expect(cache.remember(digest(1), 0)).toBe('known');
    expect(cache.remember(digest(3), 120_000)).toBe('new');
    expect(cache.remember(digest(2), 120_000)).toBe('known');
  });
});
