/**
 * The round trip of a link in milliseconds: smoothed with its variation as RFC 6298 section 2 does, and the least ever seen.
 * Samples come from acknowledgements, and from PING and PONG; a PING's token is used once and a datagram's counter too, so a
 * sample is never ambiguous.
 */

/** PINGs on the way at once; an older one is forgotten. One is sent every 50 ms at most, so this covers 4 s. */
const OUTSTANDING_MAX = 80;
const SMOOTHING = 1 / 8;
const VARIATION_SMOOTHING = 1 / 4;
/** Time stands still while a batch is worked on: a sample is never zero. */
const LEAST_SAMPLE_MS = 0.01;

export class RoundTrip {
  private readonly initialMs: number;
  private readonly tokens = new Float64Array(OUTSTANDING_MAX);
  private readonly sentAt = new Float64Array(OUTSTANDING_MAX);
  private nextToken = 1;
  private smoothed = -1;
  private variation = 0;
  private least = Number.POSITIVE_INFINITY;

  /** `initialMs`: taken for the round trip until there is a sample. */
  constructor(initialMs: number) {
    this.initialMs = initialMs;
  }

  /** Whether there is a sample. */
  get isKnown(): boolean {
    return this.smoothed >= 0;
  }

  get smoothedMs(): number {
    return this.smoothed < 0 ? this.initialMs : this.smoothed;
  }

  get variationMs(): number {
    return this.smoothed < 0 ? this.initialMs / 2 : this.variation;
  }

  /** The least sample, or the initial value before there is one. */
  get leastMs(): number {
    return Math.min(this.least, this.smoothedMs);
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
    this.sample(now - this.sentAt[slot]);
    return true;
  }

  /** Something took so long to the peer and back. */
  sample(ms: number): void {
    const sampleMs = Math.max(ms, LEAST_SAMPLE_MS);
    this.least = Math.min(this.least, sampleMs);
    if (this.smoothed < 0) {
      this.smoothed = sampleMs;
      this.variation = sampleMs / 2;
      return;
    }
    this.variation += (Math.abs(sampleMs - this.smoothed) - this.variation) * VARIATION_SMOOTHING;
    this.smoothed += (sampleMs - this.smoothed) * SMOOTHING;
  }

  /** The path is another one: the least round trip is that of the next samples. */
  restart(): void {
    this.least = Number.POSITIVE_INFINITY;
  }
}
