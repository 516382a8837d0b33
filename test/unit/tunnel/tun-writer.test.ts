import { describe, expect, test } from 'vitest';
import { TunWriter } from '../../../src/tunnel/tun-writer.ts';
import { TUN_BATCH_BYTES, TUN_BATCH_PACKETS } from '../../../src/tunnel/tuning.ts';
import { MemoryTun } from './packets.ts';

describe('a TUN writer', () => {
  test('hands packets over at flush, in order, and nothing twice', () => {
    const tun = new MemoryTun();
    const writer = new TunWriter(tun);
    writer.append(Uint8Array.of(9, 1, 2, 9), 1, 2);
    writer.append(Uint8Array.of(3), 0, 1);
    expect(tun.packets).toEqual([]);
    writer.flush();
    writer.flush();
    expect(tun.packets).toEqual([Uint8Array.of(1, 2), Uint8Array.of(3)]);
    expect(tun.writes).toBe(1);
  });

  test('hands a batch over by itself when it holds as many packets as it can', () => {
    const tun = new MemoryTun();
    const writer = new TunWriter(tun);
    for (let i = 0; i <= TUN_BATCH_PACKETS; i++) writer.append(Uint8Array.of(i), 0, 1);
    expect(tun.packets).toHaveLength(TUN_BATCH_PACKETS);
  });

  test('hands a batch over by itself when it holds as many bytes as it can', () => {
    const tun = new MemoryTun();
    const writer = new TunWriter(tun);
    const large = new Uint8Array(60_000);
    const fitting = Math.floor(TUN_BATCH_BYTES / large.length);
    for (let i = 0; i < fitting; i++) writer.append(large, 0, large.length);
    expect(tun.packets).toHaveLength(0);
    writer.append(large, 0, large.length);
    expect(tun.packets).toHaveLength(fitting);
  });

  test('takes packets that are written in place, shorter than the room asked for', () => {
    const tun = new MemoryTun();
    const writer = new TunWriter(tun);
    const at = writer.reserve(100);
    writer.arena[at] = 7;
    writer.commit(1);
    writer.append(Uint8Array.of(8), 0, 1);
    writer.flush();
    expect(tun.packets).toEqual([Uint8Array.of(7), Uint8Array.of(8)]);
  });
});
