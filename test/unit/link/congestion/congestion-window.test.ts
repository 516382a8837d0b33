import { describe, expect, it } from 'vitest';
import { CONGESTION_TUNING } from '../../../../src/link/congestion/congestion-tuning.ts';
import { CongestionWindow } from '../../../../src/link/congestion/congestion-window.ts';
import { Bottleneck, type Flow, type FlowOptions, Simulation } from '../../../helpers/bottleneck.ts';

interface Line {
  readonly simulation: Simulation;
  readonly bottleneck: Bottleneck;
  readonly flow: Flow;
}

function line(mbps: number, options: Partial<FlowOptions> = {}, queueBytes = 256 * 1_024): Line {
  const simulation = new Simulation(1);
  const bottleneck = new Bottleneck(mbps, queueBytes);
  return { simulation, bottleneck, flow: simulation.flow(bottleneck, options) };
}

/** Share of the line that is used until then. */
function use({ simulation, bottleneck }: Line, untilMs: number): number {
  const from = simulation.now;
  const before = bottleneck.passedBytes;
  simulation.run(untilMs);
  return (bottleneck.passedBytes - before) / ((untilMs - from) * bottleneck.bytesPerMs);
}

/** The longest queue until then, ms. */
function longestQueue({ simulation, bottleneck }: Line, untilMs: number): number {
  let longest = 0;
  while (simulation.now < untilMs) {
    simulation.run(simulation.now + 1);
    longest = Math.max(longest, bottleneck.queueMs(simulation.now));
  }
  return longest;
}

describe('congestion window', () => {
  it.each([
    [2, 5],
    [2, 19],
    [10, 5],
    [10, 50],
    [100, 1],
    [100, 20],
  ])('fills %i Mb/s at %i ms one way with about two datagrams in the queue', (mbps, delayMs) => {
    const busy = line(mbps, { delayMs });
    busy.simulation.run(5_000);
    expect(use(busy, 8_000)).toBeGreaterThan(0.97);
    const datagramMs = 1_452 / busy.bottleneck.bytesPerMs;
    expect(longestQueue(busy, 9_500)).toBeLessThan(3 * datagramMs + 4);
  });

  it('takes random loss for what it is, also that of ACKs', () => {
    const lossy = line(10, { lossOut: 0.5, lossBack: 0.5 });
    lossy.simulation.run(5_000);
    expect(use(lossy, 15_000)).toBeGreaterThan(0.98);
  });

  it('does not take a queue on the way back for its own', () => {
    const simulation = new Simulation(1);
    const uplink = new Bottleneck(1);
    const bottleneck = new Bottleneck(10);
    simulation.flow(uplink, { name: 'up', backVia: bottleneck });
    const flow = simulation.flow(bottleneck, { name: 'down', backVia: uplink });
    simulation.run(5_000);
    expect(use({ simulation, bottleneck, flow }, 8_000)).toBeGreaterThan(0.97);
  });

  it('does not collapse where processes are away for milliseconds', () => {
    const fast = line(600, { delayMs: 0.05, pauseEveryMs: 20 }, 1_000_000);
    fast.simulation.run(500);
    expect(use(fast, 2_000)).toBeGreaterThan(0.75);
  });

  it('follows a line that becomes slower, and empties the queue that this makes', () => {
    const changing = line(10);
    changing.simulation.run(3_000);
    changing.bottleneck.bytesPerMs /= 5;
    expect(longestQueue(changing, 4_500)).toBeLessThan(300);
    expect(longestQueue(changing, 6_000)).toBeLessThan(40);
    expect(use(changing, 8_000)).toBeGreaterThan(0.97);
  });

  it('follows a line that becomes faster', () => {
    const changing = line(2);
    changing.simulation.run(3_000);
    changing.bottleneck.bytesPerMs *= 5;
    changing.simulation.run(4_500);
    expect(use(changing, 6_500)).toBeGreaterThan(0.97);
  });

  it('knows a longer path from a queue', () => {
    const changing = line(10);
    changing.simulation.run(3_000);
    changing.flow.extraDelayMs = 75;
    changing.simulation.run(6_000);
    expect(use(changing, 8_000)).toBeGreaterThan(0.95);
  });

  it('empties a full queue at the end of a far slower line', () => {
    const changing = line(100);
    changing.simulation.run(3_000);
    changing.bottleneck.bytesPerMs /= 10;
    changing.simulation.run(5_000);
    expect(longestQueue(changing, 8_000)).toBeLessThan(20);
  });

  it.each([108, 114])(
    'does not count what a full queue drops as carried, on a line that loses a tenth anyway',
    (seed) => {
      const simulation = new Simulation(seed);
      const bottleneck = new Bottleneck(100, 1_000_000);
      simulation.flow(bottleneck, { delayMs: 40, lossOut: 0.1 });
      simulation.run(3_000);
      const dropped = bottleneck.dropped;
      simulation.run(10_000);
      expect(bottleneck.dropped).toBe(dropped);
    },
  );

  it('does not overflow the short queue of a line of a gigabit again and again', () => {
    const fast = line(1_000, { delayMs: 1, timerLateMs: 0.1, socketBytes: 8_000_000 });
    fast.simulation.run(500);
    const { passedBytes, dropped } = fast.bottleneck;
    expect(use(fast, 4_500)).toBeGreaterThan(0.97);
    const passed = (fast.bottleneck.passedBytes - passedBytes) / fast.flow.options.datagramBytes;
    expect((fast.bottleneck.dropped - dropped) / passed).toBeLessThan(0.002);
  });

  it('shares a bottleneck with another link', () => {
    const simulation = new Simulation(1);
    const bottleneck = new Bottleneck(10);
    const first = simulation.flow(bottleneck, { name: 'first' });
    simulation.run(3_000);
    const second = simulation.flow(bottleneck, { name: 'second' });
    simulation.run(15_000);
    const before = [first.deliveredBytes, second.deliveredBytes];
    simulation.run(45_000);
    const ratio = (first.deliveredBytes - before[0]) / (second.deliveredBytes - before[1]);
    expect(ratio).toBeGreaterThan(0.5);
    expect(ratio).toBeLessThan(2);
  });

  it('learns its base again while the clocks drift apart', () => {
    for (const clockSkew of [-2e-4, 2e-4]) {
      const drifting = line(10, { clockSkew });
      drifting.simulation.run(30_000);
      expect(use(drifting, 50_000)).toBeGreaterThan(0.97);
      expect(longestQueue(drifting, 52_000)).toBeLessThan(8);
    }
  });

  it('does not grow while the source sets the pace', () => {
    const easy = line(100, { offeredBytesPerMs: 200 });
    easy.simulation.run(5_000);
    const { carriedBytesPerMs } = easy.flow.window;
    easy.simulation.run(15_000);
    expect(easy.flow.window.carriedBytesPerMs).toBeLessThan(1.1 * carriedBytesPerMs);
    expect(easy.flow.window.rateBytesPerMs).toBeGreaterThan(200);
  });

  it('does not overflow the short queue of a long path again and again when its source talks in bursts', () => {
    const simulation = new Simulation(1);
    const bottleneck = new Bottleneck(20, 50_000);
    const flow = simulation.flow(bottleneck, { delayMs: 1_000, datagramBytes: 1_452, offeredBytesPerMs: 0 });
    const TALK_MS = 1_200;
    const burst = (): number => {
      const before = bottleneck.dropped;
      flow.offer(Number.POSITIVE_INFINITY);
      simulation.run(simulation.now + TALK_MS);
      flow.offer(0);
      simulation.run(simulation.now + 900);
      return bottleneck.dropped - before;
    };
    for (let i = 0; i < 40; i++) burst();
    let dropped = 0;
    let passed = -bottleneck.passedBytes;
    for (let i = 0; i < 20; i++) dropped += burst();
    passed += bottleneck.passedBytes;
    expect(passed).toBeGreaterThan(0.75 * 20 * TALK_MS * bottleneck.bytesPerMs);
    expect(dropped * 1_452).toBeLessThan(0.05 * passed);
  });

  it('sends no burst after an idle time', () => {
    const idle = line(10);
    idle.simulation.run(3_000);
    idle.flow.offer(0);
    idle.simulation.run(11_000);
    idle.flow.offer(Number.POSITIVE_INFINITY);
    expect(longestQueue(idle, 12_000)).toBeLessThan(12);
  });

  it('allows a burst until it knows the bottleneck', () => {
    const busy = line(10);
    expect(busy.flow.window.burstBytes).toBe(CONGESTION_TUNING.burstBytes);
    busy.simulation.run(2_000);
    expect(busy.flow.window.burstBytes).toBe(0);
    busy.flow.window.restart(2_000);
    expect(busy.flow.window.burstBytes).toBe(CONGESTION_TUNING.burstBytes);
  });

  it('goes on doubling after a pause that looks like a queue, and not after a queue', () => {
    for (const [lateRounds, ended] of [
      [1, false],
      [2, true],
    ] as const) {
      const window = new CongestionWindow(CONGESTION_TUNING, 0);
      let total = 0;
      let round = 0;
      const rates: number[] = [];
      for (let now = 0; round < 12; now += 1) {
        const rate = window.rateBytesPerMs;
        if (rate !== rates.at(-1)) {
          rates.push(rate);
          round += 1;
        }
        total += rate;
        window.onSent(rate, true, now);
        const lateMs = round > 4 && round <= 4 + lateRounds ? 10 : 0;
        window.onArrival({ total, bytes: 1_000, sentAt: now, roundTripMs: 10 + lateMs }, lateMs, now + 10);
      }
      expect(window.rateBytesPerMs > 50 * CONGESTION_TUNING.initialRateBytesPerMs, `${rates}`).toBe(!ended);
    }
  });

  describe('of a new link whose source has just begun as well', () => {
    /** Datagrams each millisecond at a share of the rate, late by so much: what the rate is after so many milliseconds. */
    function send(window: CongestionWindow, fromMs: number, ms: number, share: number, lateMs: number): number {
      for (let now = fromMs; now < fromMs + ms; now += 1) {
        const bytes = share * window.rateBytesPerMs;
        total += bytes;
        window.onSent(bytes, true, now);
        window.onArrival({ total, bytes: 1_000, sentAt: now, roundTripMs: 10 + lateMs }, lateMs, now + 10);
      }
      return window.rateBytesPerMs;
    }
    let total = 0;

    it('keeps the rate it had reached while less is sent', () => {
      const window = new CongestionWindow(CONGESTION_TUNING, 0);
      const reached = send(window, 0, 100, 1, 0);
      expect(reached).toBeGreaterThan(4 * CONGESTION_TUNING.initialRateBytesPerMs);
      expect(send(window, 100, 100, 0.4, 0)).toBeGreaterThanOrEqual(reached);
    });

    it('goes on doubling after a small queue in which it had no part', () => {
      const window = new CongestionWindow(CONGESTION_TUNING, 0);
      const reached = send(window, 0, 100, 1, 0);
      send(window, 100, 100, 0.4, 0.15);
      expect(send(window, 200, 100, 1, 0)).toBeGreaterThan(4 * reached);
    });

    it('goes on doubling where a busy processor makes a small queue of all that it sends, and passes everything on', () => {
      const window = new CongestionWindow(CONGESTION_TUNING, 0);
      const reached = send(window, 0, 100, 1, 0);
      send(window, 100, 60, 1, 0.25);
      expect(send(window, 160, 60, 1, 0)).toBeGreaterThan(4 * reached);
    });

    it.each([
      ["the line's queue", 12_000, false],
      ['what the ends make', 200_000, true],
    ])('takes a wait of 0.2 ms for %s at %i bytes/ms', (_, line, climbs) => {
      const window = new CongestionWindow(CONGESTION_TUNING, 0);
      let now = 0;
      for (; window.carriedBytesPerMs < line; now += 10) send(window, now, 10, 1, 0);
      send(window, now, 100, 1, 20);
      const settled = send(window, now + 100, 5, 1, 0);
      const rate = send(window, now + 105, 500, 1, 0.2);
      expect(rate > 1.1 * settled, `${rate} after ${settled}`).toBe(climbs);
    });

    it('stops doubling at a full queue, whoever made it', () => {
      const window = new CongestionWindow(CONGESTION_TUNING, 0);
      const reached = send(window, 0, 100, 1, 0);
      send(window, 100, 100, 0.4, 20);
      expect(send(window, 200, 60, 1, 0)).toBeLessThan(reached);
    });
  });

  it('is a new link after a long idle time, and after a change of path', () => {
    const idle = line(10);
    idle.simulation.run(3_000);
    const { window } = idle.flow;
    expect(window.rateBytesPerMs).toBeGreaterThan(1_000);
    window.onSent(100, true, 3_000 + CONGESTION_TUNING.forgetMs + 100);
    expect(window.rateBytesPerMs).toBe(CONGESTION_TUNING.initialRateBytesPerMs);
    const fresh = new CongestionWindow(CONGESTION_TUNING, 0);
    window.restart(20_000);
    expect(window.bytes).toBe(fresh.bytes);
  });

  it('stays within its bounds', () => {
    const window = new CongestionWindow(CONGESTION_TUNING, 0);
    let total = 0;
    for (let now = 0; now < 20_000; now += 5) {
      for (let i = 0; i < 10; i++) window.onSent(5_000_000, true, now);
      total += 50_000_000;
      window.onArrival({ total, bytes: 5_000_000, sentAt: now, roundTripMs: 1 }, 0, now + 1);
      window.onAcked(50_000_000, now + 1);
    }
    expect(window.rateBytesPerMs).toBeLessThanOrEqual(CONGESTION_TUNING.maxRateBytesPerMs);
    const stopped = new CongestionWindow(CONGESTION_TUNING, 0);
    for (let i = 1; i < 1_000; i++) {
      stopped.onSent(100, true, i * 100);
      stopped.onArrival({ total: i * 100, bytes: 100, sentAt: i * 100, roundTripMs: i * 100 }, i * 100, i * 200);
    }
    expect(stopped.rateBytesPerMs).toBeGreaterThanOrEqual(
      CONGESTION_TUNING.minRateBytesPerMs * CONGESTION_TUNING.drainShare,
    );
    expect(stopped.bytes).toBeGreaterThanOrEqual(CONGESTION_TUNING.windowSlackBytes);
  });
});
