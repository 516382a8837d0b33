import { describe, expect, it } from 'vitest';
import { MessagePool } from '../../../../src/bundle/queue/message-pool.ts';

describe('message pool', () => {
  it('hands the same buffer out again', () => {
    const pool = new MessagePool(10_000);
    const first = pool.take(new Uint8Array(1_000).fill(1))!;
    pool.release(first);
    const second = pool.take(new Uint8Array(700).fill(2))!;
    expect(second.buffer).toBe(first.buffer);
    expect(second.length).toBe(700);
    expect(second.buffer[699]).toBe(2);
  });

  it('gives nothing out beyond its limit', () => {
    const pool = new MessagePool(4_096);
    const copies = [1, 2, 3, 4].map(() => pool.take(new Uint8Array(1_000))!);
    expect(pool.take(new Uint8Array(10))).toBeUndefined();
    expect(pool.used).toBe(4_096);
    pool.release(copies[0]);
    expect(pool.take(new Uint8Array(900))).toBeDefined();
  });

  it('lets idle buffers of other sizes go before it refuses', () => {
    const pool = new MessagePool(4_096);
    const small = [1, 2, 3, 4].map(() => pool.take(new Uint8Array(1_000))!);
    for (const copy of small) pool.release(copy);
    expect(pool.take(new Uint8Array(4_000))).toBeDefined();
    expect(pool.used).toBe(4_096);
  });

  it('crashes when a copy is released twice', () => {
    const pool = new MessagePool(4_096);
    const copy = pool.take(new Uint8Array(1))!;
    pool.release(copy);
    expect(() => pool.release(copy)).toThrow('released once');
  });
});
