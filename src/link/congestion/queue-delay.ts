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
 *
 * A datagram longer than base's may take as much longer as what the link is known to carry says. A shorter one need not be as much faster:
 * where a link carries more than is known, all of them would seem to have waited, and what is known could only fall. They count where a
 * round has no other, for what they took beyond base.
 */
import { NEVER } from '../../base/env.ts';

/** Samples in a row that must agree before a queue counts within a round. */
const PACK_SAMPLES = 4;
const NOISE_SMOOTHING = 1 / 16;

/** The shortest transit of a time, and how long the datagram was. */
interface Shortest {
  transitMs: number;
  bytes: number;
}

export class QueueDelay {
  private readonly base: Shortest = { transitMs: NEVER, bytes: 0 };
  private readonly period: Shortest = { transitMs: NEVER, bytes: 0 };
  private leastRoundTrip = NEVER;
  private periodLeastRoundTrip = NEVER;
  private roundShortest = NEVER;
  /** Of datagrams that are shorter than base's. */
  private roundShortestOfShorter = NEVER;
  private packShortest = NEVER;
  private packSamples = 0;
  private lastPack = 0;
  private roundLongest = 0;
  private lastWait = 0;
  private smoothedNoise = 0;
  private samples = 0;

  /** The shortest wait of the round under way. */
  get roundMs(): number {
    if (this.samples === 0) return 0;
    return this.roundShortest === NEVER ? this.roundShortestOfShorter : this.roundShortest;
  }

  /** The shortest wait of the last few samples. */
  get recentMs(): number {
    return this.lastPack;
  }

  /** The longest time that some samples in a row of the round under way have all waited. */
  get longestMs(): number {
    return this.roundLongest;
  }

  /** How many samples the round under way has. */
  get roundSamples(): number {
    return this.samples;
  }

  /** How much waits differ from one to the next on average: what is no queue for sure. */
  get noiseMs(): number {
    return this.smoothedNoise;
  }

  /** The shortest round trip since base was learnt. */
  get leastRoundTripMs(): number {
    return this.leastRoundTrip === NEVER ? 0 : this.leastRoundTrip;
  }

  /** A datagram of `bytes`, each of which takes the link `msPerByte`: 0 where that is not known. */
  sample(transitMs: number, bytes: number, msPerByte: number, roundTripMs: number): void {
    const first = this.base.transitMs === NEVER;
    const waitMs = waitOver(this.base, transitMs, bytes, msPerByte);
    waitOver(this.period, transitMs, bytes, msPerByte);
    if (bytes < this.base.bytes) this.add(Math.max(0, transitMs - this.base.transitMs), true);
    else {
      if (!first) this.smoothedNoise += (Math.abs(waitMs - this.lastWait) - this.smoothedNoise) * NOISE_SMOOTHING;
      this.lastWait = waitMs;
      this.add(waitMs, false);
    }
    this.leastRoundTrip = Math.min(this.leastRoundTrip, roundTripMs);
    this.periodLeastRoundTrip = Math.min(this.periodLeastRoundTrip, roundTripMs);
  }

  startRound(): void {
    this.roundShortest = NEVER;
    this.roundShortestOfShorter = NEVER;
    this.roundLongest = 0;
    this.samples = 0;
  }

  /** From here on samples count for the next `learn`. */
  startPeriod(): void {
    this.period.transitMs = NEVER;
    this.periodLeastRoundTrip = NEVER;
  }

  /** The shortest transit since `startPeriod` is what an empty path takes. Returns by how much base rose, ms. */
  learn(msPerByte: number): number {
    const { base, period } = this;
    if (period.transitMs === NEVER) return 0;
    const rise = period.transitMs - base.transitMs - (period.bytes - base.bytes) * msPerByte;
    base.transitMs = period.transitMs;
    base.bytes = period.bytes;
    this.leastRoundTrip = this.periodLeastRoundTrip;
    this.lastPack = 0;
    return rise;
  }

  private add(waitMs: number, isShorter: boolean): void {
    if (isShorter) this.roundShortestOfShorter = Math.min(this.roundShortestOfShorter, waitMs);
    else this.roundShortest = Math.min(this.roundShortest, waitMs);
    this.samples += 1;
    this.packShortest = Math.min(this.packShortest, waitMs);
    this.packSamples += 1;
    if (this.packSamples < PACK_SAMPLES) return;
    this.lastPack = this.packShortest;
    this.roundLongest = Math.max(this.roundLongest, this.lastPack);
    this.packShortest = NEVER;
    this.packSamples = 0;
  }
}

/** By how much longer a datagram took than the shortest would have, had it been of its length; the shortest itself takes 0. */
function waitOver(shortest: Shortest, transitMs: number, bytes: number, msPerByte: number): number {
  const waitMs = transitMs - shortest.transitMs - (bytes - shortest.bytes) * msPerByte;
  if (waitMs > 0) return waitMs;
  shortest.transitMs = transitMs;
  shortest.bytes = bytes;
  return 0;
}
