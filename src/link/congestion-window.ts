/**
 * How fast a link may send, and how much may be under way on it. Growing delay is congestion, loss alone is not: what lies below
 * is a modem with a queue that can't be seen, and radio that loses at random.
 *
 *   rate = carried x (1 + (target - queue) / (4 rounds))
 *
 * `carried` is how fast datagrams arrive over there while a queue stands (the peer's clock tells, so neither lost ACKs nor lost
 * datagrams nor a queue on the way back have a part in it): that is what the link carries, as in BBR. `queue` is the standing
 * queue of the last round (queue-delay.ts), `target` what should stand there: a fixed number of bytes, which shares a bottleneck
 * evenly (FAST TCP, Wei et al. 2006), and what is only noise. The rate settles where `target` stands in the queue, and is
 * corrected over four rounds, since what is sent now shows a round later.
 *
 * States:
 *   steady    a queue stands: the formula above
 *   climbing  less than half of the target stands, and the rate was used up: each round `climb` more, doubling from round to
 *             round to twice the rate (Copa's velocity, Arun and Balakrishnan 2018). A new link begins with doubling: slow start
 *   draining  half of what is carried, until the queue must be empty, so that the base of all delays is seen again
 *
 * Timers: a round lasts a round trip, 10 ms and 4 samples at least; a queue far above the target ends it at once. Draining starts
 * 10 s after the last one (40 round trips on long paths) when the link was busy all the time, or when a queue did not shrink for 4 rounds
 * although less was sent than arrived (then the path itself is longer now). An idle or half-used link learns its base without.
 *
 * The window only bounds what a link that fell silent has under way: twice what the rate needs. Loss counts in overload.ts.
 */
import { NEVER } from '../base/env.ts';
import type { CongestionTuning } from './congestion-tuning.ts';
import { Overload } from './overload.ts';
import { QueueDelay } from './queue-delay.ts';

export class CongestionWindow {
  private readonly tuning: CongestionTuning;
  private delay = new QueueDelay();
  private overload: Overload;
  /** What may be sent, and what the link is known to carry; bytes a millisecond. */
  private rate = 0;
  private carried = 0;
  private climb = 0;
  private climbFrom = 0;
  private smoothedRoundTrip = 0;
  private lastQueue = 0;
  private sentBytes = 0;
  private lastSentAt: number;
  private ackedInRound = 0;
  private roundStartedAt = 0;
  /** The round ends when what was sent before it has arrived. */
  private roundEndTotal = 0;
  private roundRate = 0;
  private lastRoundRate = 0;
  /** The arrival that ended the last round. */
  private markTotal = -1;
  private markSentAt = 0;
  private markTransit = 0;
  private baseSeenAt = 0;
  private stuckRounds = 0;
  private stuckQueue = 0;
  private carriedUnstuck = 0;
  private drainEmptyAt = NEVER;
  private carriedBeforeTest = 0;

  constructor(tuning: CongestionTuning, now: number) {
    this.tuning = tuning;
    this.lastSentAt = now;
    this.overload = new Overload(tuning, now);
    this.restart(now);
  }

  /** Bytes that may be under way: sent, neither acknowledged nor deemed lost. */
  get bytes(): number {
    const { windowRoundTrips, windowSlackMs, windowMinBytes } = this.tuning;
    return Math.max(windowMinBytes, this.rate * (windowRoundTrips * this.delay.leastRoundTripMs + windowSlackMs));
  }

  /** The pace, bytes a millisecond. */
  get rateBytesPerMs(): number {
    return this.draining ? this.carried * this.tuning.drainShare : this.rate;
  }

  /** The standing queue of our direction in the last round, ms. */
  get queueMs(): number {
    return this.lastQueue;
  }

  /** Smoothed; 0 before the first sample. */
  get roundTripMs(): number {
    return this.smoothedRoundTrip;
  }

  get debug(): string {
    return `rate ${(this.rate / 125).toFixed(2)} carried ${(this.carried / 125).toFixed(2)} q ${this.lastQueue.toFixed(2)} target ${this.targetMs().toFixed(2)} noise ${this.delay.noiseMs.toFixed(2)} climb ${this.climb} rtt ${this.smoothedRoundTrip.toFixed(2)} drains ${this.drains} share ${this.overload.throughShare.toFixed(2)} ${JSON.stringify(this.verdicts)}`;
  }
  drains = 0;
  verdicts: any = {};

  /** The path changed: nothing is known any more. */
  restart(now: number): void {
    this.delay = new QueueDelay();
    this.overload = new Overload(this.tuning, now);
    this.carried = this.tuning.initialRateBytesPerMs;
    this.carriedUnstuck = this.carried;
    this.climb = this.tuning.climbMost;
    this.climbFrom = now;
    this.stuckRounds = 0;
    this.drainEmptyAt = NEVER;
    this.markTotal = -1;
    this.baseSeenAt = now;
    this.setRate(this.carried);
  }

  /** A datagram left that the peer must acknowledge. */
  onSent(bytes: number, now: number): void {
    if (now - this.lastSentAt > this.tuning.baseKeepMs) this.restart(now);
    this.lastSentAt = now;
    this.sentBytes += bytes;
  }

  /**
   * The newest datagram that arrived was acknowledged for the first time. `sentTotal`: all bytes given to `onSent` up to and with it;
   * `transitMs`: its way by the two clocks (peer-clock.ts); `roundTripMs`: without the delay of the ACK.
   */
  onArrival(sentTotal: number, sentAt: number, transitMs: number, roundTripMs: number, now: number): void {
    const { roundSamples, roundMinMs } = this.tuning;
    this.smoothedRoundTrip += (roundTripMs - this.smoothedRoundTrip) * (this.smoothedRoundTrip === 0 ? 1 : 1 / 8);
    this.delay.sample(transitMs, roundTripMs);
    if (this.markTotal < 0) return this.startRound(sentTotal, sentAt, transitMs, now);
    if (sentAt >= this.drainEmptyAt) return this.endDrain(sentTotal, sentAt, transitMs, now);
    if (this.delay.roundSamples < roundSamples) return;
    const over = sentTotal >= this.roundEndTotal && now - this.roundStartedAt >= roundMinMs;
    const urgent = !this.draining && this.delay.packMs > 4 * this.targetMs() + roundMinMs;
    if (over || urgent) this.endRound(sentTotal, sentAt, transitMs, now);
  }

  onAcked(bytes: number, now: number): void {
    this.ackedInRound += bytes;
    this.overload.count(bytes, 0);
    this.judgeLoss(now);
  }

  onLost(bytes: number, now: number): void {
    this.overload.count(0, bytes);
    this.judgeLoss(now);
  }

  private get draining(): boolean {
    return this.drainEmptyAt !== NEVER;
  }

  private targetMs(): number {
    const { queueBytes, noiseShare, roundTripShare } = this.tuning;
    return queueBytes / this.carried + noiseShare * this.delay.noiseMs + roundTripShare * this.delay.leastRoundTripMs;
  }

  private startRound(sentTotal: number, sentAt: number, transitMs: number, now: number): void {
    this.markTotal = sentTotal;
    this.markSentAt = sentAt;
    this.markTransit = transitMs;
    this.roundStartedAt = now;
    this.roundEndTotal = this.sentBytes;
    this.ackedInRound = 0;
    this.lastRoundRate = this.roundRate;
    this.roundRate = this.rateBytesPerMs;
    this.delay.startRound();
  }

  private endRound(sentTotal: number, sentAt: number, transitMs: number, now: number): void {
    const bytes = sentTotal - this.markTotal;
    const sentMs = Math.max(sentAt - this.markSentAt, 0.001);
    const arrivedMs = Math.max(sentMs + transitMs - this.markTransit, 0.001);
    const roundMs = now - this.roundStartedAt;
    const queueMs = Math.max(this.delay.roundMs, this.delay.packMs);
    const targetMs = this.targetMs();
    const used = bytes / sentMs >= this.tuning.usedShare * Math.min(this.roundRate, this.lastRoundRate);
    this.lastQueue = queueMs;
    if (!this.draining) {
      // Behind a full queue datagrams are lost before it: only those that got through tell its rate.
      const throughRate = (1.5 * this.ackedInRound) / this.overload.throughShare / roundMs;
      this.learnCarried(used, queueMs / targetMs, bytes / sentMs, Math.min(bytes / arrivedMs, throughRate));
      this.steer(used, queueMs, targetMs, roundMs, now);
      this.watchBase(used, queueMs, targetMs, now);
    }
    this.startRound(sentTotal, sentAt, transitMs, now);
  }

  private learnCarried(used: boolean, fill: number, sentRate: number, arrivalRate: number): void {
    if (fill < 0.5) this.carried = Math.max(this.carried, Math.min(sentRate, arrivalRate));
    else if (!used) this.carried = Math.max(this.carried, arrivalRate);
    else this.carried += (arrivalRate - this.carried) * (fill > 2 ? 1 : this.tuning.carriedSmoothing);
  }

  private steer(used: boolean, queueMs: number, targetMs: number, roundMs: number, now: number): void {
    const { climbLeast, climbMost, correctionRounds, cutMost } = this.tuning;
    if (queueMs >= targetMs / 2) {
      const correction = (targetMs - queueMs) / (correctionRounds * roundMs);
      this.climb = climbLeast;
      this.setRate(this.carried * (1 + Math.max(correction, -cutMost)));
    } else if (used && now >= this.climbFrom) {
      this.setRate(this.carried * (1 + this.climb));
      this.climb = Math.min(climbMost, 2 * this.climb);
    }
  }

  private setRate(rate: number): void {
    const { minRateBytesPerMs, maxRateBytesPerMs } = this.tuning;
    this.rate = Math.min(Math.max(rate, minRateBytesPerMs), maxRateBytesPerMs);
  }

  private watchBase(used: boolean, queueMs: number, targetMs: number, now: number): void {
    const { baseKeepMs, baseKeepRoundTrips, stuckRounds } = this.tuning;
    if (queueMs <= 2 * targetMs) {
      this.stuckRounds = 0;
      this.carriedUnstuck = this.carried;
    } else {
      if (this.stuckRounds === 0) this.stuckQueue = queueMs;
      this.stuckRounds += 1;
      if (this.stuckRounds > stuckRounds) {
        this.stuckRounds = 0;
        if (queueMs > 0.75 * this.stuckQueue) return this.startDrain(queueMs, now);
      }
    }
    if (now - this.baseSeenAt < Math.max(baseKeepMs, baseKeepRoundTrips * this.smoothedRoundTrip)) return;
    if (used) return this.startDrain(queueMs, now);
    this.learnBase(now);
  }

  private startDrain(queueMs: number, now: number): void {
    const { drainShare, drainSlackBytes } = this.tuning;
    this.drains += 1;
    this.drainEmptyAt = now + (queueMs + drainSlackBytes / this.carried) / (1 - drainShare);
    this.delay.startPeriod();
  }

  private endDrain(sentTotal: number, sentAt: number, transitMs: number, now: number): void {
    this.drainEmptyAt = NEVER;
    const rise = this.learnBase(now);
    if (rise > this.targetMs()) this.carried = this.carriedUnstuck;
    this.setRate(this.carried);
    this.startRound(sentTotal, sentAt, transitMs, now);
  }

  private learnBase(now: number): number {
    const rise = this.delay.learn();
    this.delay.startPeriod();
    this.baseSeenAt = now;
    return rise;
  }

  private judgeLoss(now: number): void {
    const verdict = this.overload.judge(this.smoothedRoundTrip, now);
    if (verdict !== 'none') this.verdicts[verdict] = (this.verdicts[verdict] ?? 0) + 1;
    if (verdict === 'test') {
      this.carriedBeforeTest = this.carried;
      this.carried *= this.overload.keepShare;
      this.climbFrom = NEVER;
      this.setRate(this.carried);
    } else if (verdict === 'overload') {
      this.climbFrom = now + this.tuning.overloadHoldMs;
      this.climb = this.tuning.climbLeast;
    } else if (verdict === 'radio') {
      this.climbFrom = now;
      this.carried = this.carriedBeforeTest;
      this.setRate(this.carried);
    }
  }
}
