/**
 * The round trip of a link in milliseconds: smoothed as RFC 6298 section 2 does, and the least ever seen. Samples come
 * from PING and PONG; a PING's token is used once, so a sample is never ambiguous.
 */

/** PINGs on the way at once; an older one is forgotten. One is sent every 500 ms at most, so this covers 4 s. */
const OUTSTANDING_MAX = 8;
const SMOOTHING = 1 / 8;

export class RoundTrip {
  private readonly initialMs: number;
  private readonly tokens = new Float64Array(OUTSTANDING_MAX);
  private readonly sentAt = new Float64Array(OUTSTANDING_MAX);
  private nextToken = 1;
  private smoothed: number | undefined;
  private least = Number.POSITIVE_INFINITY;

  /** `initialMs`: taken for the round trip until there is a sample. */
  constructor(initialMs: number) {
    this.initialMs = initialMs;
  }

  get smoothedMs(): number {
    return this.smoothed ?? this.initialMs;
  }

  /** The least sample, or the initial value before there is one. */
  get leastMs(): number {
    return this.smoothed === undefined ? this.initialMs : this.least;
  }

  /** The token for a PING that leaves now. */
  ping(now: number): number {
    const token = this.nextToken++;
    this.tokens[token % OUTSTANDING_MAX] = token;
    this.sentAt[token % OUTSTANDING_MAX] = now;
    return token;
  }

  /** A PONG came. False when its token is of no PING on the way. */
  pong(token: number, now: number): boolean {
    const slot = token % OUTSTANDING_MAX;
    if (!(token > 0) || this.tokens[slot] !== token) return false;
    this.tokens[slot] = 0;
    const sampleMs = now - this.sentAt[slot];
    this.least = Math.min(this.least, sampleMs);
    this.smoothed = this.smoothed === undefined ? sampleMs : this.smoothed + (sampleMs - this.smoothed) * SMOOTHING;
    return true;
  }
}
