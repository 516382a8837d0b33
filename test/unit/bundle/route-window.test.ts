import { describe, expect, it } from 'vitest';
import { RouteWindow, WINDOW_TUNING } from '../../../src/bundle/route-window.ts';

const MESSAGE_BYTES = 1_431;

/**
 * A window over a modelled bottleneck: what is sent waits in a queue served at `bytesPerMs`, and is reported `baseMs` after it
 * left it. Each step is a millisecond.
 */
class Bottleneck {
  readonly window = new RouteWindow(WINDOW_TUNING, 0);
  now = 0;
  bytesPerMs: number;
  baseMs: number;
  queueBytes = 0;
  delivered = 0;
  lossShare = 0;
  private flight = 0;
  private credit = 0;
  private lossCredit = 0;
  private readonly arrivals: { at: number; sentAt: number; lost: boolean }[] = [];
  private readonly waiting: number[] = [];

  constructor(mbps: number, baseMs: number) {
    this.bytesPerMs = mbps * 125;
    this.baseMs = baseMs;
  }

  run(ms: number): void {
    for (const end = this.now + ms; this.now < end; this.now++) this.step();
  }

  private step(): void {
    const { window, now } = this;
    while (this.arrivals.length > 0 && this.arrivals[0].at <= now) {
      const { sentAt, lost } = this.arrivals.shift()!;
      this.flight -= MESSAGE_BYTES;
      if (lost) window.lost();
      else {
        window.sample(now - sentAt, 0, now);
        window.delivered(MESSAGE_BYTES);
        this.delivered += MESSAGE_BYTES;
      }
    }
    window.reportCame(1);
    window.wake(now);
    while (this.flight < window.bytes) {
      this.waiting.push(now);
      this.flight += MESSAGE_BYTES;
    }
    window.sawLimit();
    this.credit = Math.min(this.credit + this.bytesPerMs, this.bytesPerMs + MESSAGE_BYTES);
    while (this.waiting.length > 0 && this.credit >= MESSAGE_BYTES) {
      this.credit -= MESSAGE_BYTES;
      this.lossCredit += this.lossShare;
      const lost = this.lossCredit >= 1;
      if (lost) this.lossCredit -= 1;
      this.arrivals.push({ at: now + this.baseMs, sentAt: this.waiting.shift()!, lost });
    }
    this.queueBytes = this.waiting.length * MESSAGE_BYTES;
  }

  get queueMs(): number {
    return this.queueBytes / this.bytesPerMs;
  }

  /** Share of the bottleneck's rate over the next `ms`. */
  share(ms: number): number {
    const before = this.delivered;
    this.run(ms);
    return (this.delivered - before) / (ms * this.bytesPerMs);
  }
}

describe('route window', () => {
  it.each([
    [50, 1],
    [50, 20],
    [5, 30],
    [200, 10],
    [20, 200],
  ])('fills %i Mb/s at %i ms and keeps its queue near the target', (mbps, baseMs) => {
    const bottleneck = new Bottleneck(mbps, baseMs);
    bottleneck.run(6_000);
    expect(bottleneck.share(2_000)).toBeGreaterThan(0.97);
    expect(bottleneck.queueMs).toBeLessThan(40);
  });

  it('follows when the route becomes slower and faster', () => {
    const bottleneck = new Bottleneck(50, 10);
    bottleneck.run(3_000);
    bottleneck.bytesPerMs /= 5;
    bottleneck.run(3_000);
    expect(bottleneck.queueMs).toBeLessThan(60);
    bottleneck.bytesPerMs *= 5;
    bottleneck.run(3_000);
    expect(bottleneck.share(1_000)).toBeGreaterThan(0.95);
  });

  it('finds a longer base when the path changes', () => {
    const bottleneck = new Bottleneck(20, 5);
    bottleneck.run(3_000);
    bottleneck.baseMs = 80;
    bottleneck.run(8_000);
    expect(bottleneck.share(1_000)).toBeGreaterThan(0.95);
  });

  it('finds base again and again over a minute without losing the rate', () => {
    const bottleneck = new Bottleneck(50, 5);
    bottleneck.run(2_000);
    expect(bottleneck.share(60_000)).toBeGreaterThan(0.97);
    expect(bottleneck.queueMs).toBeLessThan(25);
  });

  it('takes random loss for what it is', () => {
    const bottleneck = new Bottleneck(20, 10);
    bottleneck.lossShare = 0.3;
    bottleneck.run(6_000);
    expect(bottleneck.share(2_000)).toBeGreaterThan(0.6);
  });

  it('does not grow while it is not used', () => {
    const window = new RouteWindow(WINDOW_TUNING, 0);
    for (let now = 0; now < 5_000; now += 10) {
      window.sample(10, 0, now);
      window.delivered(MESSAGE_BYTES);
      window.wake(now);
    }
    expect(window.bytes).toBe(WINDOW_TUNING.initialBytes);
  });

  it('stays within its bounds', () => {
    const window = new RouteWindow(WINDOW_TUNING, 0);
    for (let now = 0; now < 60_000; now += 10) {
      window.sawLimit();
      window.sample(10, 0, now);
      for (let i = 0; i < 1_000; i++) window.delivered(MESSAGE_BYTES);
      window.wake(now);
    }
    expect(window.bytes).toBeLessThanOrEqual(WINDOW_TUNING.maxBytes);
    for (let i = 0; i < 100; i++) window.refused();
    expect(window.bytes).toBe(WINDOW_TUNING.minBytes);
  });

  it('begins small again after a stall', () => {
    const bottleneck = new Bottleneck(50, 10);
    bottleneck.run(1_000);
    bottleneck.window.restart(bottleneck.now);
    expect(bottleneck.window.bytes).toBe(WINDOW_TUNING.initialBytes);
  });

  it('paces long round trips only', () => {
    const short = new RouteWindow(WINDOW_TUNING, 0);
    short.sample(5, 0, 0);
    expect(short.paceMs(10_000)).toBe(0);
    const long = new RouteWindow(WINDOW_TUNING, 0);
    long.sample(100, 0, 0);
    expect(long.paceMs(long.bytes)).toBeCloseTo(50);
    expect(long.paceBurstMs).toBeGreaterThan(2);
  });
});
