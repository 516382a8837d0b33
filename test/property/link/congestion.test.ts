import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CONGESTION_TUNING } from '../../../src/link/congestion/congestion-tuning.ts';
import { CongestionWindow } from '../../../src/link/congestion/congestion-window.ts';
import { Pacer } from '../../../src/link/congestion/pacer.ts';
import { Bottleneck, Simulation } from '../../helpers/bottleneck.ts';

describe('congestion window', () => {
  it('uses any line without filling its queue, whatever rate, delay and loss it has', () => {
    const lines = fc.record({
      seed: fc.nat(1_000),
      mbps: fc.constantFrom(2, 5, 10, 30, 100),
      delayMs: fc.constantFrom(0.5, 2, 10, 40),
      lossOut: fc.constantFrom(0, 0.01, 0.1, 0.4),
      lossBack: fc.constantFrom(0, 0.1, 0.4),
    });
    fc.assert(
      fc.property(lines, ({ seed, mbps, delayMs, lossOut, lossBack }) => {
        const simulation = new Simulation(seed);
        const bottleneck = new Bottleneck(mbps, 1_000_000);
        simulation.flow(bottleneck, { delayMs, lossOut, lossBack });
        simulation.run(6_000);
        const before = bottleneck.passedBytes;
        let queueMs = 0;
        for (let at = 6_000; at < 18_000; at += 10) {
          simulation.run(at);
          queueMs += bottleneck.queueMs(at) / 1_200;
        }
        // Nearly always all of it; a test for overload may take a second or two of these twelve.
        expect(bottleneck.passedBytes - before).toBeGreaterThan(0.75 * 12_000 * bottleneck.bytesPerMs);
        expect(queueMs).toBeLessThan(4 * (1_452 / bottleneck.bytesPerMs) + 5 + delayMs / 4);
      }),
      { numRuns: 40 },
    );
  });

  it('never gives a rate or a window that is no number, whatever it is told', () => {
    const sane = fc.double({ min: 0, max: 1e6, noNaN: true });
    const calls = fc.array(
      fc.record({
        kind: fc.constantFrom('sent', 'sent quietly', 'arrival', 'acked', 'lost', 'restart'),
        bytes: fc.integer({ min: 1, max: 65_535 }),
        gapMs: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 20_000, noNaN: true })),
        transitMs: fc.double({ min: -1e9, max: 1e9, noNaN: true }),
        roundTripMs: sane,
      }),
      { maxLength: 300 },
    );
    fc.assert(
      fc.property(calls, (steps) => {
        const window = new CongestionWindow(CONGESTION_TUNING, 0);
        const pacer = new Pacer(CONGESTION_TUNING);
        let now = 0;
        let total = 0;
        for (const { kind, bytes, gapMs, transitMs, roundTripMs } of steps) {
          now += gapMs;
          if (kind === 'sent' || kind === 'sent quietly') {
            total += bytes;
            window.onSent(bytes, kind === 'sent', now);
            pacer.sent(bytes, window.rateBytesPerMs, window.burstBytes, window.restMs, now);
          } else if (kind === 'arrival') window.onArrival({ total, bytes, sentAt: now, roundTripMs }, transitMs, now);
          else if (kind === 'acked') window.onAcked(bytes, now);
          else if (kind === 'lost') window.onLost(bytes, now);
          else window.restart(now);
          expect(window.rateBytesPerMs).toBeGreaterThan(0);
          expect(window.rateBytesPerMs).toBeLessThanOrEqual(CONGESTION_TUNING.maxRateBytesPerMs);
          expect(window.bytes).toBeGreaterThan(0);
          expect(Number.isFinite(window.bytes) && Number.isFinite(pacer.mayAt(now))).toBe(true);
        }
      }),
    );
  });
});
