import { describe, expect, it } from 'vitest';
import { FlowBound, type LoopMeasures } from '../../../../src/route/buffers/flow-bound.ts';
import { ROUTE_TUNING } from '../../../../src/route/tuning.ts';

const LOOP: LoopMeasures = {
  roundTripMs: 40,
  lossShare: 0,
  burstMs: 0,
  capBytes: 10_000_000,
  ranDry: true,
  isEnd: false,
};

/** Lets bytes leave at a rate, a piece of 1,000 bytes at a time. */
function flow(
  bound: FlowBound,
  bytesPerMs: number,
  fromMs: number,
  toMs: number,
  loop: Partial<LoopMeasures> = {},
): void {
  for (let now = fromMs; now < toMs; now += 1_000 / bytesPerMs) {
    if (bound.leave(1_000, now)) bound.look({ ...LOOP, ...loop }, now);
  }
}

describe('the bound of a buffer', () => {
  it('is one and a half loops of what leaves, and the allowance', () => {
    const bound = new FlowBound();
    flow(bound, 500, 0, 2_000);
    const loops = 500 * (1.5 * 40 + ROUTE_TUNING.boundAllowanceMs);
    expect(bound.bytes).toBeGreaterThan(0.9 * loops);
    expect(bound.bytes).toBeLessThan(1.2 * loops);
    expect(bound.rateBytesPerMs).toBeGreaterThan(450);
  });

  it('is enough for a fast link from the first look on at the end of a route, and twice the loops where that is more', () => {
    const bound = new FlowBound();
    flow(bound, 100, 0, 100, { isEnd: true });
    expect(bound.bytes).toBe(ROUTE_TUNING.endBoundBytes);
    flow(bound, 10_000, 100, 2_000, { isEnd: true });
    expect(bound.bytes).toBeGreaterThan(2 * 10_000 * 1.5 * 40);
    expect(bound.bytes).toBeLessThan(2.4 * 10_000 * 1.5 * 40);
  });

  it('is larger where pieces stay longer because they are lost', () => {
    const bound = new FlowBound();
    flow(bound, 500, 0, 2_000, { lossShare: 0.5 });
    expect(bound.bytes).toBeGreaterThan(500 * 40 * 10);
    const beyond = new FlowBound();
    flow(beyond, 500, 0, 2_000, { lossShare: 0.99 });
    expect(beyond.bytes).toBeLessThan(500 * 40 * 20);
  });

  it('is larger where a link loses in bursts', () => {
    const bound = new FlowBound();
    flow(bound, 500, 0, 2_000, { burstMs: 8 });
    const even = new FlowBound();
    flow(even, 500, 0, 2_000);
    expect(bound.bytes - even.bytes).toBeGreaterThan(0.9 * 500 * 30 * 8);
    expect(bound.bytes - even.bytes).toBeLessThan(1.1 * 500 * 30 * 8);
  });

  it('is between the least and its share of the memory, and whole bytes', () => {
    const bound = new FlowBound();
    flow(bound, 2, 0, 30_000);
    expect(bound.bytes).toBe(ROUTE_TUNING.leastBoundBytes);
    flow(bound, 333.3, 30_000, 33_000, { capBytes: 9_999 });
    expect(bound.bytes).toBe(9_999);
    flow(bound, 333.3, 33_000, 36_000);
    expect(Number.isInteger(bound.bytes)).toBe(true);
  });

  it('doubles once a round while it is used up and nothing waits behind it, and not where something does', () => {
    const [free, standing] = [new FlowBound(), new FlowBound()];
    for (let round = 1; round <= 6; round++) {
      for (const bound of [free, standing]) {
        bound.pressed = true;
        bound.leave(1_000, 40 * round);
        if (bound.leave(1_000, 40 * round + 40)) {
          bound.look({ ...LOOP, ranDry: bound === free }, 40 * round + 40);
        }
      }
    }
    expect(free.bytes).toBeGreaterThan(8 * 16_384);
    expect(standing.bytes).toBeLessThan(16_384);
  });

  it('grows by half a round on a path of seconds, on which all of it leaves at once and then nothing for long', () => {
    const bound = new FlowBound();
    const loop = { ...LOOP, roundTripMs: 4_000, capBytes: 1e9 };
    for (let now = 0; now < 100_000; now += 4_000) {
      if (bound.leave(bound.bytes, now)) bound.look(loop, now);
    }
    expect(bound.bytes).toBeGreaterThan(16_384 * 1.4 ** 22);
    const full = bound.bytes;
    if (bound.leave(bound.bytes / 2, 104_000)) bound.look(loop, 104_000);
    expect(bound.bytes).toBeGreaterThan(0.8 * full);
  });

  it('doubles after a round that ran dry where much is lost, or where the buffer never was anything but dry', () => {
    for (const loop of [
      { ...LOOP, lossShare: 0.1 },
      { ...LOOP, ranDry: true },
    ]) {
      const bound = new FlowBound();
      bound.pressed = true;
      bound.leave(1_000, 40);
      bound.leave(1_000, 80);
      bound.look(loop, 80);
      expect(bound.bytes).toBe(2 * 16_384);
    }
  });

  it('grows by half of what it needs, after two rounds that ran dry, where the buffer was full before', () => {
    const bound = new FlowBound();
    flow(bound, 500, 0, 2_000, { ranDry: false });
    const needed = bound.bytes;
    const growth = [2_000, 2_040, 2_080, 2_120].map((from) => {
      bound.pressed = true;
      flow(bound, 500, from, from + 40);
      return bound.bytes / needed;
    });
    expect(growth[0]).toBeLessThan(1.2);
    expect(growth.at(-1)).toBeGreaterThan(1.3);
    expect(growth.at(-1)).toBeLessThan(1.7);
  });

  it('is not made small by a pause', () => {
    const bound = new FlowBound();
    flow(bound, 500, 0, 2_000);
    const before = bound.bytes;
    flow(bound, 500, 5_000, 5_100);
    expect(bound.bytes).toBeGreaterThan(0.8 * before);
  });
});
