import { describe, expect, it } from 'vitest';
import { IngressQueue } from '../../../src/bundle/ingress-queue.ts';
import { MessagePool } from '../../../src/bundle/message-pool.ts';
import { numbered, numberOf } from './route-pair.ts';

const limits = { queueBytes: 10_000, queueMessages: 100, queueSojournMs: 100 };

function queueOf(overrides: Partial<typeof limits> = {}) {
  const pool = new MessagePool(1 << 20);
  return { pool, queue: new IngressQueue(pool, { ...limits, ...overrides }) };
}

function takeNumbers(queue: IngressQueue): number[] {
  const numbers: number[] = [];
  for (let copy = queue.take(); copy !== undefined; copy = queue.take()) numbers.push(numberOf(copy.buffer));
  return numbers;
}

describe('ingress queue', () => {
  it('gives out in the order of arrival, also when it had to grow', () => {
    const { queue } = queueOf({ queueMessages: 1_000, queueBytes: 100_000 });
    for (let i = 0; i < 40; i++) queue.offer(numbered(i, 8), 0);
    for (let i = 0; i < 30; i++) queue.take();
    for (let i = 40; i < 240; i++) queue.offer(numbered(i, 8), 0);
    expect(takeNumbers(queue)).toEqual(Array.from({ length: 210 }, (_, i) => i + 30));
  });

  it('drops what arrives beyond its bytes', () => {
    const { queue } = queueOf();
    let taken = 0;
    while (queue.offer(numbered(taken, 1_000), 0)) taken += 1;
    expect(taken).toBe(10);
    expect(queue.drops).toBe(1);
    expect(queue.bytes).toBe(10_000);
  });

  it('drops what arrives beyond its number of messages', () => {
    const { queue } = queueOf();
    for (let i = 0; i < 100; i++) expect(queue.offer(numbered(i, 4), 0)).toBe(true);
    expect(queue.offer(numbered(100, 4), 0)).toBe(false);
  });

  it('drops what arrives while the oldest has waited too long', () => {
    const { queue } = queueOf();
    queue.offer(numbered(0, 4), 0);
    expect(queue.offer(numbered(1, 4), 100)).toBe(true);
    expect(queue.offer(numbered(2, 4), 100.1)).toBe(false);
    queue.take();
    expect(queue.offer(numbered(3, 4), 100.1)).toBe(true);
  });

  it('drops when the pool is exhausted', () => {
    const queue = new IngressQueue(new MessagePool(256), limits);
    expect(queue.offer(numbered(0, 4), 0)).toBe(true);
    expect(queue.offer(numbered(1, 4), 0)).toBe(false);
    expect(queue.drops).toBe(1);
  });

  it('puts back to the front beyond its bounds, and counts the wait anew', () => {
    const { queue } = queueOf({ queueMessages: 2 });
    queue.offer(numbered(0, 4), 0);
    queue.offer(numbered(1, 4), 0);
    const first = queue.take()!;
    queue.offer(numbered(2, 4), 0);
    queue.putBack(first, 90);
    expect(queue.length).toBe(3);
    expect(first.queuedAt).toBe(90);
    expect(takeNumbers(queue)).toEqual([0, 1, 2]);
  });

  it('gives all it holds back to the pool', () => {
    const { pool, queue } = queueOf();
    for (let i = 0; i < 9; i++) queue.offer(numbered(i, 4), 0);
    queue.clear();
    expect(pool.used).toBe(0);
    expect(queue.bytes).toBe(0);
  });
});
