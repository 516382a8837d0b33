import { describe, expect, it } from 'vitest';
import { NEVER } from '../../../src/base/env.ts';
import { Arrivals, MAX_BLOCKS } from '../../../src/bundle/arrivals.ts';
import { MAX_RANGES, RangeBlocks } from '../../../src/wire/ack-ranges.ts';

const TIMING = { reportMessages: 16, reportDelayMs: 5, reportLightBytes: 2_000, reportLightDelayMs: 12 };

function arrivalsOf(...sequences: number[]): Arrivals {
  const arrivals = new Arrivals();
  for (const sequence of sequences) arrivals.note(sequence, 1_400, true, sequence);
  return arrivals;
}

function listed({ count, high, low }: RangeBlocks): [number, number][] {
  return Array.from({ length: count }, (_, i) => [high[i], low[i]]);
}

function blocks(arrivals: Arrivals): [number, number][] {
  const into = new RangeBlocks();
  arrivals.newest(into);
  return listed(into);
}

describe('arrivals', () => {
  it('are one block as long as nothing is missing', () => {
    expect(blocks(arrivalsOf(0, 1, 2, 3))).toEqual([[3, 0]]);
  });

  it('open a block after a gap, and close the gap when it fills', () => {
    const arrivals = arrivalsOf(0, 1, 5, 6, 3);
    expect(blocks(arrivals)).toEqual([
      [6, 5],
      [3, 3],
      [1, 0],
    ]);
    arrivals.note(4, 1_400, true, 7);
    expect(blocks(arrivals)).toEqual([
      [6, 3],
      [1, 0],
    ]);
    arrivals.note(2, 1_400, true, 8);
    expect(blocks(arrivals)).toEqual([[6, 0]]);
  });

  it('do not change when a number comes again', () => {
    expect(blocks(arrivalsOf(4, 5, 9, 5, 9, 4))).toEqual([
      [9, 9],
      [5, 4],
    ]);
  });

  it('tell the 32 newest blocks, and the older ones in turn', () => {
    const arrivals = arrivalsOf(...Array.from({ length: 80 }, (_, i) => 2 * i));
    const from = (high: number, length: number) => Array.from({ length }, (_, i) => [high - 2 * i, high - 2 * i]);
    expect(blocks(arrivals)).toEqual(from(158, MAX_RANGES));
    const older = new RangeBlocks();
    expect(arrivals.older(older) && listed(older)).toEqual(from(94, MAX_RANGES));
    expect(arrivals.older(older) && listed(older)).toEqual(from(30, 16));
    expect(arrivals.older(older) && listed(older)).toEqual(from(94, MAX_RANGES));
    expect(arrivalsOf(0, 2).older(older)).toBe(false);
  });

  it('forget the oldest of more than 512 blocks', () => {
    const arrivals = arrivalsOf(...Array.from({ length: 600 }, (_, i) => 2 * i));
    expect(arrivals.blockCount).toBe(MAX_BLOCKS);
    arrivals.note(1, 1_400, true, 0);
    expect(arrivals.blockCount).toBe(MAX_BLOCKS);
  });

  it('find the place of any number among many blocks', () => {
    const arrivals = arrivalsOf(...Array.from({ length: 100 }, (_, i) => 2 * i));
    for (let i = 0; i < 99; i++) arrivals.note((2 * i * 37 + 1) % 198, 1_400, true, 0);
    expect(blocks(arrivals)).toEqual([[198, 0]]);
  });

  it('call for a report 5 ms after the first, or at once after 16', () => {
    const arrivals = new Arrivals();
    expect(arrivals.dueAt(TIMING, 0)).toBe(NEVER);
    arrivals.note(0, 1_400, true, 10);
    arrivals.note(1, 1_400, true, 12);
    expect(arrivals.dueAt(TIMING, 12)).toBe(15);
    for (let i = 2; i < 16; i++) arrivals.note(i, 1_400, true, 13);
    expect(arrivals.dueAt(TIMING, 13)).toBe(13);
    arrivals.reported();
    expect(arrivals.dueAt(TIMING, 13)).toBe(NEVER);
  });

  it('waits longer while there is little to tell', () => {
    const arrivals = new Arrivals();
    arrivals.note(0, 1_400, true, 10);
    expect(arrivals.dueAt(TIMING, 10)).toBe(22);
    arrivals.note(1, 600, true, 11);
    expect(arrivals.dueAt(TIMING, 11)).toBe(15);
    arrivals.reported();
    arrivals.note(2, 600, true, 20);
    expect(arrivals.dueAt(TIMING, 20)).toBe(32);
  });

  it('call for no report when all that came was control', () => {
    const arrivals = new Arrivals();
    arrivals.note(0, 1_400, false, 10);
    expect(arrivals.dueAt(TIMING, 100)).toBe(NEVER);
    expect(arrivals.hasNews(100)).toBe(true);
    expect(arrivals.hasNews(210)).toBe(false);
  });

  it('tell at once what was asked, and of control five times a second', () => {
    const arrivals = new Arrivals();
    arrivals.note(0, 1_400, true, 10);
    expect(arrivals.hasNews(10)).toBe(true);
    arrivals.told(false, 11);
    expect(arrivals.hasNews(11)).toBe(false);
    arrivals.note(1, 40, false, 12);
    arrivals.note(2, 40, false, 200);
    expect(arrivals.hasNews(210)).toBe(false);
    expect(arrivals.hasNews(211)).toBe(true);
    arrivals.told(false, 211);
    arrivals.note(3, 1_400, true, 212);
    expect(arrivals.hasNews(212)).toBe(true);
  });

  it('need no report of their own after another that comes as soon, but for the third time', () => {
    const arrivals = new Arrivals();
    const dueAfter = (inTime: boolean, at: number) => {
      arrivals.note(at, 1_400, true, at);
      arrivals.told(inTime, at);
      return arrivals.dueAt(TIMING, at);
    };
    expect(dueAfter(true, 10)).toBe(NEVER);
    expect(dueAfter(true, 20)).toBe(NEVER);
    expect(dueAfter(true, 30)).toBe(42);
    arrivals.reported();
    expect(dueAfter(true, 50)).toBe(NEVER);
    arrivals.reported();
    expect(dueAfter(false, 60)).toBe(72);
  });

  it('say how long ago the largest came', () => {
    const arrivals = new Arrivals();
    arrivals.note(7, 1_400, true, 100);
    arrivals.note(3, 1_400, true, 104);
    expect(arrivals.delayMs(106)).toBe(6);
  });
});
