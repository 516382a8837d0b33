import { describe, expect, it } from 'vitest';
import { StuckQueue } from '../../../../src/link/congestion/stuck-queue.ts';

describe('a queue', () => {
  it('is stuck when sending less does not shrink it', () => {
    const queue = new StuckQueue();
    expect(queue.isStuck(40)).toBe(false);
    queue.spared(15);
    expect(queue.isStuck(40)).toBe(false);
    queue.spared(10);
    expect(queue.isStuck(39)).toBe(true);
  });

  it('is not stuck while it shrinks by half of what was spared', () => {
    const queue = new StuckQueue();
    queue.isStuck(40);
    queue.spared(24);
    expect(queue.isStuck(27)).toBe(false);
    queue.spared(24);
    expect(queue.isStuck(14)).toBe(false);
  });

  it('is judged anew after there was none', () => {
    const queue = new StuckQueue();
    queue.isStuck(10);
    queue.spared(20);
    queue.reset();
    expect(queue.isStuck(10)).toBe(false);
  });
});
