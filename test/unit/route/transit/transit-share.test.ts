import { describe, expect, it } from 'vitest';
import { LineDirection } from '../../../../src/route/transit/line-direction.ts';
import type { TransitOptions } from '../../../../src/route/transit/transit-options.ts';
import { TransitShare } from '../../../../src/route/transit/transit-share.ts';
import { ROUTE_TUNING } from '../../../../src/route/tuning.ts';
import { LinkChain } from '../link-chain.ts';

/** 20 Mb/s. */
const LINE = 2_500;
const MESSAGE_BYTES = 1_398;

/**
 * A line that carries `LINE` bytes a millisecond, on which transit sends what it is given room for, and own traffic what it
 * wants but for what transit takes; its other end answers at once. Rates as shares of the line, by tenths of a second.
 */
class Line {
  readonly share = new TransitShare({ spareMs: 0 }, ROUTE_TUNING);
  now = 0;
  ownWants = 0;
  transitWants = Number.POSITIVE_INFINITY;
  capacity = LINE;
  private spareMs = 0;

  constructor(options: TransitOptions) {
    this.share.set(options, 0);
  }

  tenth(): { own: number; transit: number } {
    let [own, transit] = [0, 0];
    for (let i = 0; i < 4; i++) {
      this.now += 25;
      const asked = this.share.wake(this.now, 1);
      let left = 25 * this.capacity;
      // Own traffic takes turns with one transit route at the other end, and fills what that leaves.
      let room = 0;
      while (room < Math.min(left, this.transitWants) && this.share.mayGive) {
        this.share.give(1_400);
        room += 1_400;
      }
      const wants = 25 * this.ownWants;
      const mine = Math.min(wants, Math.max(left / 2, left - room));
      left -= mine;
      const theirs = Math.min(room, left);
      if (mine > 0) this.share.received(mine, true);
      if (theirs > 0) this.share.received(theirs, false);
      this.spareMs += (left - theirs) / this.capacity;
      if (asked) this.share.heard({ clockUs: this.now * 1_000, spareUs: this.spareMs * 1_000 });
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
    line.run(25);
    const { transit } = line.run(800);
    expect(transit).toBeLessThan(most + 0.01);
    expect(transit).toBeGreaterThan(most * 0.9);
  });
});

describe('a direction of a line', () => {
  it('is known by what it carries while it is busy, however long it is not', () => {
    const direction = new LineDirection(ROUTE_TUNING);
    expect(direction.capacity).toBe(0);
    direction.count(300, true);
    direction.count(700, false);
    direction.look(100, 90);
    expect(direction.busyShare).toBe(0.1);
    for (let i = 0; i < 10_000; i++) direction.look(100, 100);
    expect(direction.capacity).toBe(100);
    for (let i = 0; i < 50; i++) {
      direction.count(5_000, false);
      direction.look(100, 0);
    }
    expect(direction.capacity).toBeCloseTo(50, 0);
  });

  it('is certain once it was full for long enough, until that is long ago', () => {
    const { transitCertainMs, transitForgetMs } = ROUTE_TUNING;
    const direction = new LineDirection(ROUTE_TUNING);
    const full = (ms: number): boolean => {
      for (let passed = 0; passed < ms; passed += 100) {
        direction.count(5_000, false);
        direction.look(100, 0);
      }
      return direction.isCertain;
    };
    expect(full(transitCertainMs - 100)).toBe(false);
    expect(full(100)).toBe(true);
    direction.look(transitForgetMs - 100, transitForgetMs - 100);
    expect(direction.isCertain).toBe(true);
    direction.look(100, 100);
    expect(direction.isCertain).toBe(false);
  });

  it('counts looks in a row in which it was full', () => {
    const direction = new LineDirection(ROUTE_TUNING);
    const looks = [0, 1, 0, 0].map((spareMs) => {
      direction.look(100, 2 * spareMs);
      return direction.fullLooks;
    });
    expect(looks).toEqual([1, 0, 1, 2]);
  });

  it('says whether own traffic is getting faster, and not that it is fast', () => {
    const direction = new LineDirection(ROUTE_TUNING);
    const grows = [10, 10, 10, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30].map((own) => {
      direction.count(100 * own, true);
      direction.count(100 * (100 - own), false);
      direction.look(100, 0);
      return direction.ownGrows;
    });
    expect(grows.slice(3, 9)).not.toContain(false);
    expect(grows.slice(-1)).toEqual([false]);
  });
});

/** far ── near ── end over real links: what far sends to end passes through near, what it sends to near is near's own. */
class SharedLine {
  ownOn = false;
  transitOn = true;
  /** Bytes a millisecond. */
  ownMost = Number.POSITIVE_INFINITY;
  private readonly chain: LinkChain;
  private readonly bytesPerMs: number;
  private ownMay = 0;

  constructor(bytesPerMs: number, delayMs: number) {
    const chain = new LinkChain(3, 3, { bytesPerMs, queueBytes: 25 * bytesPerMs, delayMs, loss: 0 });
    this.chain = chain;
    this.bytesPerMs = bytesPerMs;
    chain.run(1_500);
    chain.reshape({ bytesPerMs: 5 * bytesPerMs, queueBytes: 125 * bytesPerMs });
    Object.assign(chain.wire(0, 1), { bytesPerMs, queueBytes: 25 * bytesPerMs });
    const [far] = chain.nodes;
    const own = chain.openTo(1);
    const through = [0, 1, 2, 3].map(() => chain.openTo(2));
    const message = new Uint8Array(MESSAGE_BYTES);
    chain.onWritable = () => {
      for (const route of through) while (this.transitOn && far.routes.send(route, message, chain.now) >= 0);
      while (this.ownOn && this.ownMay >= 0 && far.routes.send(own, message, chain.now) >= 0)
        this.ownMay -= MESSAGE_BYTES;
    };
    this.tick();
  }

  set(options: TransitOptions): void {
    this.chain.nodes[1].routes.setTransit(options, this.chain.now);
  }

  /** Bytes of messages a millisecond in the next so many ms. */
  measure(ms: number): { own: number; transit: number } {
    const [, near, end] = this.chain.nodes;
    const before = [near.arrived.length, end.arrived.length];
    this.chain.run(ms);
    const rate = (node: typeof near, was: number) => ((node.arrived.length - was) * MESSAGE_BYTES) / ms;
    return { own: rate(near, before[0]), transit: rate(end, before[1]) };
  }

  private tick(): void {
    const most = Math.min(this.ownMost, 2 * this.bytesPerMs);
    this.ownMay = Math.min(this.ownMay + most, 200 * most);
    this.chain.onWritable(this.chain.nodes[0]);
    this.chain.later(1, () => this.tick());
  }
}

describe('a node whose own traffic goes first, on a line of which it knows nothing', () => {
  it.each([
    [2_500, 2, 0.93],
    [2_500, 5, 0.93],
    [2_500, 7, 0.93],
    [2_500, 8, 0.93],
    [2_500, 20, 0.93],
    [1_250, 35, 0.93],
    [1_250, 5, 0.93],
    [1_250, 20, 0.93],
    [625, 5, 0.93],
    [625, 20, 0.93],
    [625, 35, 0.93],
    [625, 50, 0.9],
    // A look is eighteen datagrams here, and a few of them more or less are seen as a line that is full.
    [250, 5, 0.9],
    [250, 10, 0.9],
    [250, 20, 0.9],
    [250, 35, 0.9],
    [250, 50, 0.9],
    [6_250, 10, 0.93],
  ])('has its download, and transit takes the rest: %i bytes a ms, %i ms', (bytesPerMs, delayMs, filled) => {
    const line = new SharedLine(bytesPerMs, delayMs);
    line.set({ ownFirst: true });
    // Routes that are new grow by their round trips.
    line.measure(1_500 + 100 * delayMs);
    const alone = line.measure(1_000).transit;
    expect(alone).toBeGreaterThan(0.85 * bytesPerMs);

    line.ownOn = true;
    line.measure(1_500 + 100 * delayMs);
    expect(line.measure(3_000).own).toBeGreaterThan(0.96 * alone);

    line.ownMost = 0.3 * bytesPerMs;
    line.measure(1_000);
    const both = line.measure(3_000);
    expect(both.own).toBeGreaterThan(0.97 * line.ownMost);
    expect(both.own + both.transit).toBeGreaterThan(filled * alone);

    line.ownOn = false;
    line.measure(700);
    expect(line.measure(500).transit).toBeGreaterThan(0.9 * alone);

    line.set({ ownFirst: true, cap: { share: 0.5 } });
    line.measure(1_000);
    const capped = line.measure(3_000).transit / alone;
    expect(capped).toBeGreaterThan(0.425);
    expect(capped).toBeLessThan(0.525);
  });
});
