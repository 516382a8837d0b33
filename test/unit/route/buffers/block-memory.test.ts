import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../../src/base/seeded-random.ts';
import { BlockMemory, LARGEST_PIECE_BYTES } from '../../../../src/route/buffers/block-memory.ts';
import { NONE } from '../../../../src/route/id-index.ts';

const SLAB = 65_536;

/** Allocates until there is no more. */
function fill(memory: BlockMemory, bytes: number): number[] {
  const blocks: number[] = [];
  for (let block = memory.allocate(bytes); block !== NONE; block = memory.allocate(bytes)) blocks.push(block);
  return blocks;
}

describe('block memory', () => {
  it('gives blocks that do not overlap, as many as fit', () => {
    const memory = new BlockMemory(3 * SLAB + 5);
    const blocks = fill(memory, 1_500);
    expect(blocks.length).toBe(3 * Math.floor(SLAB / 1_536));
    const places = new Set(blocks.map((block) => `${block >> 10} ${memory.startOf(block)}`));
    expect(places.size).toBe(blocks.length);
    for (const block of blocks) expect(memory.startOf(block) + 1_536).toBeLessThanOrEqual(SLAB);
    expect(memory.usedBytes).toBe(blocks.length * 1_536);
    expect(memory.limitBytes).toBe(3 * SLAB);
  });

  it('has a size for everything up to a jumbo datagram', () => {
    const memory = new BlockMemory(8 * SLAB);
    for (const [bytes, size] of [
      [1, 64],
      [64, 64],
      [65, 256],
      [1_000, 1_024],
      [1_472, 1_536],
      [8_944, LARGEST_PIECE_BYTES],
    ]) {
      const before = memory.usedBytes;
      memory.allocate(bytes);
      expect(memory.usedBytes - before).toBe(size);
    }
  });

  it('gives long blocks to messages that fill three quarters of one, as long as there are slabs', () => {
    const memory = new BlockMemory(2 * SLAB);
    expect([65_535, 49_152, 49_151, 24_576, 24_575, 9_217, 100].map((bytes) => memory.partOf(bytes))).toEqual([
      65_535,
      49_152,
      32_768,
      24_576,
      LARGEST_PIECE_BYTES,
      LARGEST_PIECE_BYTES,
      100,
    ]);
    const blocks = [memory.allocate(60_000), memory.allocate(1_000)];
    expect(memory.partOf(60_000)).toBe(LARGEST_PIECE_BYTES);
    memory.release(blocks[1]);
    expect(memory.partOf(60_000)).toBe(60_000);
  });

  it('frees a block when its last user is gone', () => {
    const memory = new BlockMemory(SLAB);
    const block = memory.allocate(100);
    memory.share(block, 1);
    memory.release(block);
    expect(memory.usedBytes).toBe(256);
    memory.release(block);
    expect(memory.usedBytes).toBe(0);
    expect(() => memory.release(block)).toThrow();
    expect(memory.allocate(100)).toBe(block);
  });

  it('gives a slab that nobody uses to another size', () => {
    const memory = new BlockMemory(2 * SLAB);
    const small = fill(memory, 64);
    expect(memory.allocate(9_000)).toBe(NONE);
    for (const block of small.slice(0, SLAB / 64)) memory.release(block);
    expect(memory.allocate(9_000)).not.toBe(NONE);
    expect(fill(memory, 9_000).length).toBe(6);
    expect(memory.allocate(64)).toBe(NONE);
  });

  it('gives a larger block where those of a size have run out', () => {
    const memory = new BlockMemory(SLAB);
    memory.allocate(1_500);
    const before = memory.usedBytes;
    expect(memory.allocate(64)).not.toBe(NONE);
    expect(memory.usedBytes - before).toBe(1_536);
  });

  it('keeps count and bytes right whatever is taken and given back', () => {
    const random = new SeededRandom(4, 'blocks');
    const memory = new BlockMemory(6 * SLAB);
    const held: { block: number; fill: number; bytes: number }[] = [];
    for (let i = 0; i < 20_000; i++) {
      if (held.length > 0 && random.chance(0.5)) {
        const at = random.integer(held.length);
        const { block, fill: byte, bytes } = held[at];
        const start = memory.startOf(block);
        const content = memory.bytesOf(block).subarray(start, start + bytes);
        if (!content.every((value) => value === byte)) throw new Error('a block was overwritten');
        memory.release(block);
        held[at] = held[held.length - 1];
        held.pop();
        continue;
      }
      const bytes = random.pick([10, 200, 900, 1_500, 9_000]);
      const block = memory.allocate(bytes);
      if (block === NONE) continue;
      const start = memory.startOf(block);
      memory.bytesOf(block).fill(i & 255, start, start + bytes);
      held.push({ block, fill: i & 255, bytes });
    }
    for (const { block } of held) memory.release(block);
    expect(memory.usedBytes).toBe(0);
  });
});
