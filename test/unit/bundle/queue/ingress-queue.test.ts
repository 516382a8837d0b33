import { describe, expect, it } from 'vitest';
import { IngressQueue } from '../../../../src/bundle/queue/ingress-queue.ts';
import { MessagePool } from '../../../../src/bundle/queue/message-pool.ts';
import { numbered, numberOf } from '../route-pair.ts';

const limits = { queueBytes: 10_000, queueMessages: 100, queueMs: 1_000 };
const timing = { targetMs: 60, intervalMs: 120, urgentMs: 750 };

function queueOf({ poolBytes = 1 << 20, marks = false } = {}) {
  const pool = new MessagePool(poolBytes);
  return { pool, queue: new IngressQueue(pool, limits, timing, () => marks) };
}

function takeNumbers(queue: IngressQueue): number[] {
  const numbers: number[] = [];
  while (queue.peek(0) !== undefined) numbers.push(numberOf(queue.take().buffer));
  return numbers;
}

describe('ingress queue', () => {
  it('gives out a flow in the order of arrival', () => {
    const { queue } = queueOf();
    for (let i = 0; i < 90; i++) queue.offer(numbered(i, 8), 7, 0);
    expect(queue.length).toBe(90);
    expect(takeNumbers(queue)).toEqual(Array.from({ length: 90 }, (_, i) => i));
    expect([queue.length, queue.bytes]).toEqual([0, 0]);
  });

  it('shows the same message until it is taken, whatever comes', () => {
    const { queue } = queueOf();
    queue.offer(numbered(1, 8), 1, 0);
    expect(numberOf(queue.peek(0)!.buffer)).toBe(1);
    queue.offer(numbered(2, 8), 2, 0);
    expect(queue.length).toBe(2);
    expect(takeNumbers(queue)).toEqual([1, 2]);
  });

  it('holds no more than its bytes and messages', () => {
    const { queue } = queueOf();
    for (let i = 0; i < 40; i++) expect(queue.offer(numbered(i, 1_000), 0, 0)).toBe(true);
    expect([queue.bytes, queue.drops]).toEqual([10_000, 30]);
    for (let i = 0; i < 400; i++) queue.offer(numbered(i, 4), 0, 0);
    expect(queue.length).toBeLessThanOrEqual(100);
  });

  it('refuses when the pool is exhausted', () => {
    const { queue } = queueOf({ poolBytes: 256 });
    expect(queue.offer(numbered(0, 4), 0, 0)).toBe(true);
    expect(queue.offer(numbered(1, 4), 0, 0)).toBe(false);
    expect(queue.drops).toBe(1);
  });

  it('gives out first, in their order, what routes gave back', () => {
    const { queue, pool } = queueOf();
    for (let i = 0; i < 3; i++) queue.offer(numbered(100 + i, 4), 0, 0);
    for (const sequence of [9, 7, 3, 8]) {
      const copy = pool.take(numbered(sequence, 4))!;
      copy.sequence = sequence;
      queue.putBack(copy);
    }
    expect(queue.length).toBe(7);
    expect(takeNumbers(queue)).toEqual([3, 7, 8, 9, 100, 101, 102]);
  });

  it('drops what was sent before, and nothing else', () => {
    const { queue, pool } = queueOf();
    queue.offer(numbered(100, 4), 0, 0);
    for (const sequence of [2, 1]) queue.putBack(Object.assign(pool.take(numbered(sequence, 4))!, { sequence }));
    expect(queue.dropSent()).toBe(2);
    expect(takeNumbers(queue)).toEqual([100]);
  });

  it('gives all it holds back to the pool', () => {
    const { pool, queue } = queueOf();
    for (let i = 0; i < 9; i++) queue.offer(numbered(i, 4), i, 0);
    queue.peek(0);
    queue.putBack(Object.assign(pool.take(numbered(1, 4))!, { sequence: 1 }));
    queue.clear();
    expect([pool.used, queue.bytes, queue.length]).toEqual([0, 0, 0]);
  });
});
