/**
 * What stands in the queues of our direction of a link, in milliseconds, out of the transits of its datagrams (peer-clock.ts).
 *
 *   queue of a round = shortest transit of the round - base       base: the transit through empty queues
 *
 * The shortest, because a process that was away, an ACK that came in a bunch or a radio that tried twice makes transits longer
 * and never shorter: what even the shortest one waited is a standing queue (CoDel's argument, RFC 8289 section 3.1).
 *
 * `base` falls at once. It rises only by `learn`, which the window calls when the queues were empty: clocks drift apart and
 * paths change.
 */
import { NEVER } from '../../base/env.ts';

/** Samples in a row that must agree before a queue counts within a round. */
const PACK_SAMPLES = 4;
const NOISE_SMOOTHING = 1 / 16;

export class QueueDelay {
  private base = NEVER;
  private leastRoundTrip = NEVER;
  private roundShortest = NEVER;
  private packShortest = NEVER;
  private packSamples = 0;
  private lastPack = NEVER;
  private periodShortest = NEVER;
  private periodLeastRoundTrip = NEVER;
  private lastTransit = 0;
  private smoothedNoise = 0;
  private samples = 0;

  /** The shortest wait of the round under way. */
  get roundMs(): number {
    return this.roundShortest === NEVER ? 0 : this.roundShortest - this.base;
  }

  /** The shortest wait of the last few samples. */
  get recentMs(): number {
    return this.lastPack === NEVER ? 0 : this.lastPack - this.base;
  }

  /** How many samples the round under way has. */
  get roundSamples(): number {
    return this.samples;
  }

  /** How much transits differ from one to the next on average: what is no queue for sure. */
  get noiseMs(): number {
    return this.smoothedNoise;
  }

  /** The shortest round trip since base was learnt. */
  get leastRoundTripMs(): number {
    return this.leastRoundTrip === NEVER ? 0 : this.leastRoundTrip;
  }

  sample(transitMs: number, roundTripMs: number): void {
    if (this.base !== NEVER) {
      this.smoothedNoise += (Math.abs(transitMs - this.lastTransit) - this.smoothedNoise) * NOISE_SMOOTHING;
    }
    this.lastTransit = transitMs;
    this.base = Math.min(this.base, transitMs);
    this.leastRoundTrip = Math.min(this.leastRoundTrip, roundTripMs);
    this.roundShortest = Math.min(this.roundShortest, transitMs);
    this.periodShortest = Math.min(this.periodShortest, transitMs);
    this.periodLeastRoundTrip = Math.min(this.periodLeastRoundTrip, roundTripMs);
    this.samples += 1;
    this.packShortest = Math.min(this.packShortest, transitMs);
    this.packSamples += 1;
    if (this.packSamples < PACK_SAMPLES) return;
    this.lastPack = this.packShortest;
    this.packShortest = NEVER;
    this.packSamples = 0;
  }

  startRound(): void {
    this.roundShortest = NEVER;
    this.samples = 0;
  }

  /** From here on samples count for the next `learn`. */
  startPeriod(): void {
    this.periodShortest = NEVER;
    this.periodLeastRoundTrip = NEVER;
  }

  /** The shortest transit since `startPeriod` is what an empty path takes. Returns by how much base rose, ms. */
  learn(): number {
    if (this.periodShortest === NEVER) return 0;
    const rise = this.periodShortest - this.base;
    this.base = this.periodShortest;
    this.leastRoundTrip = this.periodLeastRoundTrip;
    this.lastPack = NEVER;
    return rise;
  }
}
