import { describe, expect, it } from 'vitest';
import { CapacityProbe } from '../../../../src/route/transit/capacity-probe.ts';
import { LineCapacity } from '../../../../src/route/transit/line-capacity.ts';
import type { TransitOptions } from '../../../../src/route/transit/transit-options.ts';
import { TransitShare } from '../../../../src/route/transit/transit-share.ts';
import { ROUTE_TUNING } from '../../../../src/route/tuning.ts';
import { LinkChain } from '../link-chain.ts';

/** 20 Mb/s. */
const LINE = 2_500;

/**
 * A line that carries `LINE` bytes a millisecond, on which transit sends what it is given room for, and own traffic what it
 * wants but for what transit takes. Rates as shares of the line, by tenths of a second.
 */
class Line {
  readonly share = new TransitShare(ROUTE_TUNING);
  now = 0;
  ownWants = 0;
  transitWants = Number.POSITIVE_INFINITY;
  capacity = LINE;

  constructor(options: TransitOptions) {
    this.share.set(options, 0);
  }

  tenth(): { own: number; transit: number } {
    let [own, transit] = [0, 0];
    for (let i = 0; i < 4; i++) {
      this.now += 25;
      this.share.wake(this.now);
      let left = 25 * this.capacity;
      // Own traffic takes turns with one transit route at the other end, and fills what that leaves.
      let room = 0;
      while (room < Math.min(left, this.transitWants) && this.share.mayGive()) {
        this.share.give(1_400);
        room += 1_400;
      }
      const wants = 25 * this.ownWants;
      const mine = Math.min(wants, Math.max(left / 2, left - room));
      left -= mine;
      const theirs = Math.min(room, left);
      if (mine > 0) this.share.received(mine, true);
      if (theirs > 0) this.share.received(theirs, false);
      own += mine;
      transit += theirs;
    }
    return { own: own / (100 * LINE), transit: transit / (100 * LINE) };
  }

  /** Mean over so many tenths. */
  run(tenths: number): { own: number; transit: number } {
    let [own, transit] = [0, 0];
    for (let i = 0; i < tenths; i++) {
      const one = this.tenth();
      own += one.own / tenths;
      transit += one.transit / tenths;
    }
    return { own, transit };
  }
}

describe("transit's share of what comes in", () => {
  it('is everything while nothing of our own comes', () => {
    const line = new Line({ ownFirst: true });
    expect(line.run(20).transit).toBeGreaterThan(0.99);
  });

  it('goes to own traffic within a second when that comes, but for 3 %', () => {
    const line = new Line({ ownFirst: true });
    line.run(30);
    line.ownWants = LINE;
    line.run(10);
    expect(line.run(100).own).toBeGreaterThan(0.97);
  });

  it('is what own traffic leaves, when that does not want all', () => {
    const line = new Line({ ownFirst: true });
    line.run(30);
    line.ownWants = 0.4 * LINE;
    line.run(20);
    const { own, transit } = line.run(100);
    expect(own).toBeGreaterThan(0.39);
    expect(transit).toBeGreaterThan(0.5);
  });

  it('is everything again within a second after own traffic ended', () => {
    const line = new Line({ ownFirst: true });
    line.run(30);
    line.ownWants = LINE;
    line.run(50);
    line.ownWants = 0;
    line.run(5);
    expect(line.run(5).transit).toBeGreaterThan(0.99);
  });

  it('follows a line that becomes faster while own traffic is there', () => {
    const line = new Line({ ownFirst: true });
    line.run(30);
    line.ownWants = 0.3 * LINE;
    line.run(50);
    line.capacity = 1.4 * LINE;
    line.run(200);
    expect(line.run(50).transit).toBeGreaterThan(0.9);
  });

  it('is found on a line that own traffic alone never filled', () => {
    const line = new Line({ ownFirst: true });
    line.ownWants = 0.3 * LINE;
    line.transitWants = 0;
    line.run(600);
    line.transitWants = Number.POSITIVE_INFINITY;
    line.run(200);
    expect(line.run(100).transit).toBeGreaterThan(0.6);
  });

  it.each([
    [{ ownFirst: false, cap: { share: 0.5 } } as const, 0.5],
    [{ ownFirst: false, cap: { bytesPerMs: 0.3 * LINE } } as const, 0.3],
    [{ ownFirst: true, cap: { share: 0.5 } } as const, 0.5],
  ])('is capped as its operator says: %o', (options, most) => {
    const line = new Line(options);
    line.run(5);
    const { transit } = line.run(800);
    // Probes of a share go to all the line for a twentieth of the time.
    expect(transit).toBeLessThan(most + 0.03);
    expect(transit).toBeGreaterThan(most * 0.9);
  });
});

describe('what a line is known to carry', () => {
  const looks = (capacity: LineCapacity, rates: readonly number[], count: number, heldBack = false): number => {
    for (let i = 0; i < count; i++) capacity.add(rates[i % rates.length], heldBack);
    return capacity.bytesPerMs;
  };

  it('is what a full line carries, whatever single readings say', () => {
    const capacity = new LineCapacity();
    expect(looks(capacity, [105, 95, 100, 100], 200)).toBeGreaterThan(99);
    expect(capacity.bytesPerMs).toBeLessThan(103);
  });

  it('falls when the line carries less, and neither when transit was held back nor when nobody used the line', () => {
    const capacity = new LineCapacity();
    looks(capacity, [100], 50);
    expect(looks(capacity, [60], 1_000, true)).toBeGreaterThan(99);
    expect(looks(capacity, [1], 1_000)).toBeGreaterThan(99);
    expect(looks(capacity, [85], 40)).toBeLessThan(87);
    expect(looks(capacity, [40], 600)).toBeLessThan(46);
  });

  it('rises with what is carried in any case', () => {
    const capacity = new LineCapacity();
    looks(capacity, [50], 20);
    expect(looks(capacity, [102], 1, true)).toBeCloseTo(100);
  });
});

describe('a probe of what a line carries', () => {
  const { transitProbeLooks, transitProbeShare, transitProbeFirstLooks } = ROUTE_TUNING;
  const looks = (probe: CapacityProbe, capacity: number, count: number, wanted = true): void => {
    for (let i = 0; i < count; i++) probe.look(capacity, wanted, 400);
  };

  it('is made when somebody has wanted more for a while, and not before', () => {
    const probe = new CapacityProbe(ROUTE_TUNING);
    looks(probe, 100, 1_000, false);
    looks(probe, 100, transitProbeFirstLooks - 1);
    expect(probe.share).toBe(0);
    looks(probe, 100, 1);
    expect(probe.share).toBe(transitProbeShare);
  });

  it('is followed by a bolder one as long as it finds more, and then by a longer pause', () => {
    const probe = new CapacityProbe(ROUTE_TUNING);
    looks(probe, 100, transitProbeFirstLooks);
    looks(probe, 110, transitProbeLooks);
    expect(probe.share).toBe(2 * transitProbeShare);
    looks(probe, 111, transitProbeLooks);
    expect(probe.share).toBe(0);
    looks(probe, 111, 2 * transitProbeFirstLooks - 1);
    expect(probe.share).toBe(0);
    looks(probe, 111, 1);
    expect(probe.share).toBe(transitProbeShare);
  });
});

describe('a node whose own traffic goes first', () => {
  it('has its download, and transit takes the rest of the line, over real links', () => {
    // far ── near ── end: what far sends to end passes through near, what it sends to near is near's own.
    const chain = new LinkChain(3, 3, { bytesPerMs: 2_500, queueBytes: 64_000, delayMs: 5, loss: 0 });
    chain.run(1_500);
    const [far, near, end] = chain.nodes;
    chain.reshape({ bytesPerMs: 12_500 });
    Object.assign(chain.wire(0, 1), { bytesPerMs: 2_500 });
    near.routes.setTransit({ ownFirst: true }, chain.now);
    const own = chain.openTo(1);
    const through = [0, 1, 2, 3].map(() => chain.openTo(2));
    const message = new Uint8Array(1_398);
    let ownOn = false;
    const fill = (): void => {
      for (const route of through) while (far.routes.send(route, message, chain.now) >= 0);
      while (ownOn && far.routes.send(own, message, chain.now) >= 0);
    };
    chain.onWritable = fill;
    fill();
    /** Shares of the line in the next so many ms. */
    const measure = (ms: number): { own: number; transit: number } => {
      const before = [near.arrived.length, end.arrived.length];
      chain.run(ms);
      const share = (node: typeof near, was: number) => ((node.arrived.length - was) * 1_500) / (ms * 2_500);
      return { own: share(near, before[0]), transit: share(end, before[1]) };
    };
    chain.run(2_000);
    expect(measure(1_000).transit).toBeGreaterThan(0.9);
    ownOn = true;
    fill();
    chain.run(1_500);
    const both = measure(3_000);
    expect(both.own).toBeGreaterThan(0.9);
    ownOn = false;
    chain.run(1_000);
    expect(measure(1_000).transit).toBeGreaterThan(0.85);
  });
});
