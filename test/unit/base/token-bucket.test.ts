import { describe, expect, it } from 'vitest';
import { TokenBucket } from '../../../src/base/token-bucket.ts';

describe('a token bucket', () => {
  it('lets a burst through, then its rate', () => {
    const bucket = new TokenBucket(10, 3);
    expect([0, 0, 0, 0].map((now) => bucket.take(now))).toEqual([true, true, true, false]);
    expect([99, 100, 101, 200].map((now) => bucket.take(now))).toEqual([false, true, false, true]);
  });

  it('gathers no more than its burst while it rests', () => {
    const bucket = new TokenBucket(10, 2);
    bucket.take(0);
    expect([100_000, 100_000, 100_000].map((now) => bucket.take(now))).toEqual([true, true, false]);
  });
});
