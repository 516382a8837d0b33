import { describe, expect, it } from 'vitest';
import { encodeFailure, parseFailure } from '../../../src/route/route-failure.ts';

describe('a failure code', () => {
  it.each([
    ['no-such-link', 1],
    ['no-such-service', 2],
    ['expired', 3],
    ['limit', 4],
    ['next-hop-forgot', 5],
    ['refused', 6],
    ['malformed', 7],
  ] as const)('%s is %d', (name, code) => {
    expect([...encodeFailure(name)]).toEqual([0, code]);
    expect(parseFailure(Uint8Array.of(0, code, 99))).toBe(name);
  });

  it('without a name, or cut short, is unreadable', () => {
    for (const bytes of [[], [0], [0, 0], [0, 8], [1, 1]])
      expect(parseFailure(Uint8Array.from(bytes))).toBe('unreadable');
  });
});
