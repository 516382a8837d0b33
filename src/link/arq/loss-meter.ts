/**
 * The share of our datagrams that the link loses, smoothed over periods of 64 datagrams, or of a second where there are
 * fewer. A datagram that was taken for lost and arrived after all is taken back.
 */

const PERIOD_DATAGRAMS = 64;
const PERIOD_MS = 1_000;
/** Fewer say nothing. */
const PERIOD_LEAST_DATAGRAMS = 8;
const SMOOTHING = 1 / 4;

export class LossMeter {
  private acked = 0;
  private lost = 0;
  private periodEndsAt: number;
  private smoothed: number | undefined;

  constructor(now: number) {
    this.periodEndsAt = now + PERIOD_MS;
  }

  /** 0 to 1; undefined before the first period. */
  get share(): number | undefined {
    return this.smoothed;
  }

  /** Another path, of which nothing is known. */
  restart(): void {
    this.acked = 0;
    this.lost = 0;
    this.smoothed = undefined;
  }

  onAcked(now: number): void {
    this.acked += 1;
    this.settle(now);
  }

  onLost(now: number): void {
    this.lost += 1;
    this.settle(now);
  }

  /** One that was counted as lost has arrived. */
  onLate(now: number): void {
    this.lost -= 1;
    this.acked += 1;
    this.settle(now);
  }

  private settle(now: number): void {
    const count = this.acked + this.lost;
    if (count < PERIOD_DATAGRAMS && (now < this.periodEndsAt || count < PERIOD_LEAST_DATAGRAMS)) return;
    const share = Math.max(0, this.lost) / count;
    this.smoothed = this.smoothed === undefined ? share : this.smoothed + (share - this.smoothed) * SMOOTHING;
    // A period in which more was taken back than lost makes the next one better.
    this.lost = Math.min(0, this.lost);
    this.acked = 0;
    this.periodEndsAt = now + PERIOD_MS;
  }
}
