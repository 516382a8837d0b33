import { describe, expect, it } from 'vitest';
import { MessagePool } from '../../../../src/bundle/queue/message-pool.ts';
import { RealTimeQueue } from '../../../../src/bundle/queue/real-time-queue.ts';
import { numbered, numberOf } from '../route-pair.ts';

function queueOf(poolBytes = 1 << 20) {
  const pool = new MessagePool(poolBytes);
  return { pool, queue: new RealTimeQueue(pool, { realTimeBytes: 1_000, realTimeLifeMs: 150 }) };
}

function takeNumbers(queue: RealTimeQueue, now: number): number[] {
  const numbers: number[] = [];
  while (queue.peek(now) !== undefined) numbers.push(numberOf(queue.take().buffer));
  return numbers;
}

describe('real-time queue', () => {
  it('keeps the newest bytes', () => {
    const { queue, pool } = queueOf();
    for (let i = 0; i < 14; i++) expect(queue.offer(numbered(i, 100), false, 0)).toBe(true);
    expect([queue.bytes, queue.drops]).toEqual([1_000, 4]);
    expect(takeNumbers(queue, 0)).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
    expect(queue.bytes).toBe(0);
    expect(pool.used).toBe(10 * 256);
  });

  it('drops what is older than its life', () => {
    const { queue } = queueOf();
    queue.offer(numbered(0, 100), false, 0);
    queue.offer(numbered(1, 100), false, 100);
    expect(takeNumbers(queue, 151)).toEqual([1]);
    expect(queue.drops).toBe(1);
  });

  it('lets what comes back go first and age on', () => {
    const { queue } = queueOf();
    queue.offer(numbered(0, 100), false, 0);
    queue.peek(0);
    const copy = Object.assign(queue.take(), { sequence: 0 });
    queue.offer(numbered(1, 100), false, 50);
    queue.putBack(copy);
    expect(takeNumbers(queue, 100)).toEqual([0, 1]);
    queue.putBack(copy);
    expect(takeNumbers(queue, 200)).toEqual([]);
  });

  it('drops what was sent before when asked to, and refuses without memory', () => {
    const { queue, pool } = queueOf(512);
    queue.offer(numbered(0, 100), false, 0);
    const copy = Object.assign(queue.take(), { sequence: 0 });
    queue.offer(numbered(1, 100), false, 0);
    expect(queue.offer(numbered(2, 100), false, 0)).toBe(false);
    queue.putBack(copy);
    expect(queue.dropSent()).toBe(1);
    expect(takeNumbers(queue, 0)).toEqual([1]);
    queue.clear();
    expect(pool.used).toBe(256);
  });
});
