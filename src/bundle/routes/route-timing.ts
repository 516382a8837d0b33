/**
 * How long a message and its answer take on one route, from probes and reports (RFC 6298). Over lossy hops a round trip
 * takes anything between 0.1 and 1.5 s, so the variation counts for as much as the mean.
 *
 * `settledMs` leaves out what the route's own buffer adds while it is full: the least mean of the last 30 to 60 s. By
 * it routes are compared, or a route would be left out for being used. The variation has no part in it: a route that is
 * used is sampled ten times as often as one that is only probed, and would look the steadier for it.
 *
 * A route that comes up, for the first time or after a silence, is measured anew: what was under way during the silence would
 * count that for the path.
 */
import { NEVER } from '../../base/env.ts';

/** RFC 9002 section 6.2.2: assumed before the first sample. */
const INITIAL_ROUND_TRIP_MS = 333;
/** A download keeps a route full for longer than this: then its own buffer counts, and so it does for the others. Short against changes of paths. */
const KEEP_MS = 30_000;
/** Samples of the virtual wires of a test may be 0. */
const LEAST_SAMPLE_MS = 0.01;

export class RouteTiming {
  private smoothed = 0;
  private variation = 0;
  private least = NEVER;
  private leastBefore = NEVER;
  private leastSince = 0;
  private samplesSince = 0;

  /** Smoothed; undefined before the first sample. */
  get roundTripMs(): number | undefined {
    return this.smoothed === 0 ? undefined : this.smoothed;
  }

  get variationMs(): number {
    return this.variation;
  }

  /** What an answer takes, on average, while the route's own buffer is not full; undefined before the first sample. */
  get settledMs(): number | undefined {
    const ms = Math.min(this.least, this.leastBefore);
    return ms === NEVER ? undefined : ms;
  }

  /** Samples since the route last came up. */
  get samples(): number {
    return this.samplesSince;
  }

  /** The next sample counts like the first. */
  restart(): void {
    this.samplesSince = 0;
  }

  /** How long an answer takes at most, as far as is known. `marginMs`: what the other end may wait with it. */
  answerMs(marginMs: number): number {
    return (this.roundTripMs ?? INITIAL_ROUND_TRIP_MS) + Math.max(4 * this.variation, marginMs);
  }

  /** A round trip, the other end's delay taken off. */
  sample(ms: number, now: number): void {
    const sample = Math.max(ms, LEAST_SAMPLE_MS);
    this.samplesSince += 1;
    if (this.samplesSince === 1) {
      this.smoothed = sample;
      this.variation = sample / 2;
    } else {
      this.variation += (Math.abs(this.smoothed - sample) - this.variation) / 4;
      this.smoothed += (sample - this.smoothed) / 8;
    }
    if (now - this.leastSince >= KEEP_MS) {
      this.leastBefore = this.least;
      this.least = NEVER;
      this.leastSince = now;
    }
    this.least = Math.min(this.least, this.smoothed);
  }
}
