import { describe, expect, it } from 'vitest';
import { MAX_RANGES, MAX_RANGES_BYTES, RangeBlocks, readRanges, writeRanges } from '../../../src/wire/ack-ranges.ts';

function blocksOf(...pairs: [high: number, low: number][]): RangeBlocks {
  const blocks = new RangeBlocks();
  for (const [high, low] of pairs) {
    blocks.high[blocks.count] = high;
    blocks.low[blocks.count] = low;
    blocks.count += 1;
  }
  return blocks;
}

function pairsOf(blocks: RangeBlocks): [number, number][] {
  return Array.from({ length: blocks.count }, (_, i) => [blocks.high[i], blocks.low[i]]);
}

describe('ACK ranges', () => {
  it('say what arrived from the largest downwards', () => {
    const out = new Uint8Array(MAX_RANGES_BYTES);
    const bytes = writeRanges(out, 0, blocksOf([10, 8], [5, 2]));
    expect([...out.subarray(0, bytes)]).toEqual([2, 0, 0, 0, 3, 0, 2, 0, 4]);
  });

  it('come back as they were written', () => {
    const out = new Uint8Array(200);
    const written = blocksOf([70_000, 69_000], [68_000, 68_000], [2_500, 0]);
    const bytes = writeRanges(out, 5, written);
    const read = new RangeBlocks();
    expect(readRanges(out, 5, out.length, 70_000, read)).toBe(5 + bytes);
    expect(pairsOf(read)).toEqual(pairsOf(written));
  });

  it('lose the lower part of a block longer than a u16, and what lies below', () => {
    const out = new Uint8Array(200);
    writeRanges(out, 0, blocksOf([100_000, 10_000], [9_000, 9_000]));
    const read = new RangeBlocks();
    readRanges(out, 0, out.length, 100_000, read);
    expect(pairsOf(read)[0]).toEqual([100_000, 100_000 - 0xffff + 1]);
    expect(pairsOf(read)[1]).toEqual([9_000, 9_000]);
  });

  it('leave out blocks below a gap wider than a u16', () => {
    const out = new Uint8Array(200);
    writeRanges(out, 0, blocksOf([200_000, 200_000], [3, 0]));
    expect(out[0]).toBe(1);
  });

  it('fit 32 blocks', () => {
    const pairs = Array.from({ length: MAX_RANGES }, (_, i): [number, number] => [1_000 - 3 * i, 1_000 - 3 * i]);
    const out = new Uint8Array(MAX_RANGES_BYTES);
    expect(writeRanges(out, 0, blocksOf(...pairs))).toBe(MAX_RANGES_BYTES);
    const read = new RangeBlocks();
    expect(readRanges(out, 0, out.length, 1_000, read)).toBe(MAX_RANGES_BYTES);
    expect(pairsOf(read)).toEqual(pairs);
  });

  it.each([
    ['no range', [0]],
    ['more than 32', [33, ...new Array(33 * 4).fill(1)]],
    ['a first gap', [1, 0, 1, 0, 1]],
    ['a later gap of 0', [2, 0, 0, 0, 1, 0, 0, 0, 1]],
    ['a length of 0', [1, 0, 0, 0, 0]],
    ['numbers below 0', [1, 0, 0, 0, 200]],
    ['a pair cut short', [1, 0, 0, 0]],
    ['nothing', []],
  ])('are refused with %s', (_, bytes) => {
    const encoded = Uint8Array.from(bytes);
    expect(readRanges(encoded, 0, encoded.length, 100, new RangeBlocks())).toBe(-1);
  });
});
