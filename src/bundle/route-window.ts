/**
 * How many bytes may be under way on one route. Growing delay is congestion, loss alone is not: what lies below is a modem
 * with a queue that can't be seen, and radio that loses at random.
 *
 *   queue = round trip - base          base: the shortest round trip of the last seconds, report delay taken off
 *
 * States:
 *   slow start   the window grows by what is delivered until the queue appears (beyond the target), then becomes what the route
 *                carries with the target in its queue
 *   steady       once a round: window <- halfway to (window x loop / (loop + queue) + rate x target), which settles where
 *                `target` milliseconds stand in the queue (FAST TCP, Wei et al. 2006, with alpha in time instead of packets)
 *   drain        half of what the route carries without a queue, so that base is seen again
 *
 * Timers: a round lasts a round trip, 20 ms at least. Drain starts when base has not been seen for 10 s, or when the queue stood
 * above twice the target for 16 rounds (then base itself has changed), and lasts two round trips, 30 ms at least.
 *
 * More than 10 % lost within 100 ms shrinks the window to what was delivered, once; when the share lost does not fall
 * with it, the loss is the radio's and is ignored for 10 s.
 */
import { NEVER } from '../base/env.ts';

export interface WindowTuning {
  readonly initialBytes: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly targetMinMs: number;
  readonly targetMaxMs: number;
  readonly targetShareOfBase: number;
  readonly roundMinMs: number;
  readonly ratePeriodMs: number;
  readonly rateDecay: number;
  readonly capFactor: number;
  readonly loopReportMaxMs: number;
  readonly baseKeepMs: number;
  readonly highRounds: number;
  readonly drainMinMs: number;
  readonly paceFromMs: number;
  readonly paceGain: number;
  readonly paceGainStart: number;
  readonly paceBurstBytes: number;
  readonly paceBurstMs: number;
  readonly lossShare: number;
  readonly lossPeriodMs: number;
  readonly lossMinMessages: number;
  readonly lossIgnoreMs: number;
}

export const WINDOW_TUNING: WindowTuning = {
  /** 16 full-size messages: one report's worth. */
  initialBytes: 23_000,
  /** Three full-size messages keep a slow route busy while one is reported. */
  minBytes: 4_500,
  /** 1 Gb/s x 33 ms, or 100 Mb/s x 330 ms. */
  maxBytes: 4 * 1024 * 1024,
  /** Below 10 ms the scheduling jitter of a busy small machine looks like a queue. */
  targetMinMs: 10,
  /** Half of the queue of a usual modem (50 ms), so that nothing is lost in it. */
  targetMaxMs: 25,
  targetShareOfBase: 0.25,
  roundMinMs: 20,
  /** Reports come in bursts of 16 messages: over 40 ms at 50 Mb/s that is an error of 9 %. */
  ratePeriodMs: 40,
  /** A higher rate counts at once, a lower one by this share a period: one slow period is more often a pause in this
   * process than a slower route. */
  rateDecay: 0.125,
  /** Of what the route carries with the target in its queue. Beyond, the delay must have been misread. */
  capFactor: 2,
  /** A report that takes longer is late, not part of the loop. */
  loopReportMaxMs: 10,
  baseKeepMs: 10_000,
  highRounds: 16,
  drainMinMs: 30,
  /** On longer round trips a window sent as one burst would overflow the queue of a modem. Shorter ones pace themselves. */
  paceFromMs: 20,
  /** Of a window a round trip: enough to fill it in spite of reports in bursts, and to double it in slow start. */
  paceGain: 1.25,
  paceGainStart: 2,
  /** A burst that no queue minds, and no timer can be finer than. */
  paceBurstBytes: 16_000,
  paceBurstMs: 2,
  lossShare: 0.1,
  lossPeriodMs: 100,
  lossMinMessages: 10,
  lossIgnoreMs: 10_000,
};

/** Delay samples that must agree on a queue before slow start ends. */
const RECENT_SAMPLES = 4;
/** A sample this close to base has seen it. */
const BASE_MATCH_MS = 1;

type State = 'slow-start' | 'steady' | 'drain';

export class RouteWindow {
  private readonly tuning: WindowTuning;
  private state: State = 'slow-start';
  private windowBytes: number;
  /** Smoothed round trip and its variation (RFC 6298), ms; report delay taken off. 0 before the first sample. */
  private smoothed = 0;
  private variation = 0;
  private base = NEVER;
  private baseSeenAt = 0;
  private readonly recent = new Float64Array(RECENT_SAMPLES);
  private recentCount = 0;
  /** Smoothed milliseconds between reports on this route. */
  private reportEvery = 0;
  private limited = false;
  private roundStartedAt = 0;
  private roundShortest = NEVER;
  private roundLimited = false;
  private lastRoundLimited = false;
  private roundsHigh = 0;
  private drainUntil = 0;
  /** Bytes a millisecond; 0 before the first period. */
  private rate = 0;
  private periodStartedAt = 0;
  private periodBytes = 0;
  private periodLimited = false;
  /** Of late: falls by a tenth a round. */
  private largestMessage = 0;
  private lossPeriodStartedAt = 0;
  private lossPeriodLost = 0;
  private lossPeriodDelivered = 0;
  /** The share lost before the window was last shrunk for it, and what the window was; 0 when it was not. */
  private shrunkAtShare = 0;
  private shrunkFromBytes = 0;
  private ignoreLossUntil = 0;

  constructor(tuning: WindowTuning, now: number) {
    this.tuning = tuning;
    this.windowBytes = tuning.initialBytes;
    this.startPeriods(now);
  }

  /** The window now, bytes. */
  get bytes(): number {
    return this.state === 'drain' ? this.drainBytes() : this.windowBytes;
  }

  /** Milliseconds that sending `bytes` should take; 0 where nothing needs pacing. */
  paceMs(bytes: number): number {
    if (this.smoothed < this.tuning.paceFromMs) return 0;
    const gain = this.state === 'slow-start' ? this.tuning.paceGainStart : this.tuning.paceGain;
    return (bytes * this.smoothed) / (gain * this.bytes);
  }

  /** How far ahead of its pace the route may be. */
  get paceBurstMs(): number {
    return Math.max(this.tuning.paceBurstMs, this.paceMs(this.tuning.paceBurstBytes));
  }

  /** Undefined before the first sample. */
  get roundTripMs(): number | undefined {
    return this.smoothed === 0 ? undefined : this.smoothed;
  }

  get variationMs(): number {
    return this.variation;
  }

  /** Whether messages waited for room in this round or the last. */
  get loaded(): boolean {
    return this.roundLimited || this.lastRoundLimited;
  }

  /** When `wake` wants to be called. */
  get wakeAt(): number {
    return this.state === 'drain' ? this.drainUntil : NEVER;
  }

  /** Messages wait and this route had no room: only then does what it delivered say what it can carry. */
  sawLimit(): void {
    this.limited = true;
    this.roundLimited = true;
    this.periodLimited = true;
  }

  /**
   * A round trip on this route and back, report delay taken off; `returnQueueMs` of it were spent in queues on the way back
   * (inbound-delay.ts), and are none of this window's business.
   */
  sample(roundTripMs: number, returnQueueMs: number, now: number): void {
    this.smooth(Math.max(roundTripMs, 0.01));
    if (roundTripMs <= this.base + BASE_MATCH_MS) this.baseSeenAt = now;
    this.base = Math.min(this.base, Math.max(roundTripMs, 0.01));
    // The queue on the way back is some probe's, not this report's: it may explain the excess over base, and no more.
    const ms = Math.max(roundTripMs - returnQueueMs, this.base);
    this.roundShortest = Math.min(this.roundShortest, ms);
    this.recent[this.recentCount % RECENT_SAMPLES] = ms;
    this.recentCount += 1;
    if (this.state === 'slow-start' && this.standingQueueMs() > this.targetMs()) this.endSlowStart();
  }

  private smooth(ms: number): void {
    if (this.smoothed === 0) {
      this.smoothed = ms;
      this.variation = ms / 2;
    } else {
      this.variation += (Math.abs(this.smoothed - ms) - this.variation) / 4;
      this.smoothed += (ms - this.smoothed) / 8;
    }
  }

  /** A report came back on this route, `sinceLastMs` after the one before. */
  reportCame(sinceLastMs: number): void {
    const ms = Math.min(sinceLastMs, this.tuning.loopReportMaxMs);
    this.reportEvery += (ms - this.reportEvery) / 8;
  }

  /** One message of `bytes` was reported. */
  delivered(bytes: number): void {
    this.periodBytes += bytes;
    this.lossPeriodDelivered += 1;
    this.largestMessage = Math.max(this.largestMessage, bytes);
    if (this.state === 'slow-start' && this.limited) {
      this.windowBytes = Math.min(this.windowBytes + bytes, this.tuning.maxBytes);
    }
  }

  /** One message was deemed lost. */
  lost(): void {
    this.lossPeriodLost += 1;
  }

  /** The queue of our own link is full: as clear as congestion gets. */
  refused(): void {
    this.state = 'steady';
    this.setWindow(this.windowBytes * 0.7);
  }

  /** Back in service after a stall: nothing is known any more but the base. */
  restart(now: number): void {
    this.state = 'slow-start';
    this.windowBytes = this.tuning.initialBytes;
    this.rate = 0;
    this.roundsHigh = 0;
    this.recentCount = 0;
    this.startPeriods(now);
  }

  /** Call after a batch of `sample`, `delivered` and `lost`, and at `wakeAt`. */
  wake(now: number): void {
    if (this.state === 'drain' && now >= this.drainUntil) this.endDrain(now);
    if (now - this.periodStartedAt >= Math.max(this.smoothed, this.tuning.ratePeriodMs)) this.endRatePeriod(now);
    if (now - this.lossPeriodStartedAt >= Math.max(this.smoothed, this.tuning.lossPeriodMs)) this.endLossPeriod(now);
    if (now - this.roundStartedAt >= Math.max(this.smoothed, this.tuning.roundMinMs)) this.endRound(now);
    this.limited = false;
  }

  private targetMs(): number {
    const { targetMinMs, targetMaxMs, targetShareOfBase } = this.tuning;
    return Math.min(Math.max(targetMinMs, targetShareOfBase * this.base), targetMaxMs);
  }

  /** What the last samples agree on. */
  private standingQueueMs(): number {
    if (this.recentCount < RECENT_SAMPLES) return 0;
    let shortest = NEVER;
    for (const ms of this.recent) shortest = Math.min(shortest, ms);
    return shortest - this.base;
  }

  /** How long a byte is under way without a queue: it waits for its report, too. */
  private loopMs(): number {
    return (this.base === NEVER ? this.smoothed : this.base) + this.reportEvery;
  }

  /** What should stand in the queue. A single message must not look like a queue, so two always may. */
  private targetBytes(): number {
    return Math.max(this.rate * this.targetMs(), 2 * this.largestMessage);
  }

  private drainBytes(): number {
    // In a short loop the drain costs little, and half of it would still stand in the queue as one burst.
    return Math.max(this.tuning.minBytes, 0.5 * this.rate * (this.loopMs() - this.tuning.paceFromMs));
  }

  private setWindow(bytes: number): void {
    this.windowBytes = Math.min(Math.max(bytes, this.tuning.minBytes), this.tuning.maxBytes);
  }

  private endSlowStart(): void {
    this.state = 'steady';
    if (this.rate > 0) this.setWindow(Math.min(this.windowBytes, this.rate * this.loopMs() + this.targetBytes()));
  }

  private endRound(now: number): void {
    const shortest = this.roundShortest;
    const limited = this.roundLimited;
    if (shortest === NEVER) return;
    this.roundStartedAt = now;
    this.roundShortest = NEVER;
    this.roundLimited = false;
    this.lastRoundLimited = limited;
    if (this.state !== 'steady') return;
    const queueMs = Math.max(0, shortest - this.base);
    const loopMs = this.loopMs();
    const settled = (this.windowBytes * loopMs) / (loopMs + queueMs) + this.targetBytes();
    const next = this.windowBytes + 0.5 * (settled - this.windowBytes);
    this.largestMessage *= 0.9;
    // A window that was not used must not grow: nothing was learnt about it.
    if (next < this.windowBytes || limited) this.setWindow(next);
    if (this.rate > 0 && limited) {
      const cap = this.tuning.capFactor * (this.rate * loopMs + this.targetBytes());
      if (this.windowBytes > cap) this.setWindow(cap);
    }
    this.roundsHigh = queueMs * this.rate > 2 * this.targetBytes() ? this.roundsHigh + 1 : 0;
    const forgotten = limited && now - this.baseSeenAt > this.tuning.baseKeepMs;
    if (forgotten || this.roundsHigh >= this.tuning.highRounds) this.startDrain(now);
  }

  private startDrain(now: number): void {
    // The loop of before is what the window is halved from; base is then measured afresh.
    this.windowBytes = Math.max(this.windowBytes, this.tuning.minBytes);
    this.state = 'drain';
    this.roundsHigh = 0;
    this.recentCount = 0;
    this.drainUntil = now + Math.max(2 * this.smoothed, this.tuning.drainMinMs);
  }

  private endDrain(now: number): void {
    this.state = 'steady';
    if (this.recentCount > 0) {
      this.base = NEVER;
      for (let i = 0; i < Math.min(this.recentCount, RECENT_SAMPLES); i++) {
        this.base = Math.min(this.base, this.recent[i]);
      }
    }
    this.baseSeenAt = now;
    this.roundStartedAt = now;
    this.roundShortest = NEVER;
  }

  private endRatePeriod(now: number): void {
    const rate = this.periodBytes / (now - this.periodStartedAt);
    if (rate > this.rate) this.rate = rate;
    else if (this.periodLimited && this.state !== 'drain') this.rate += (rate - this.rate) * this.tuning.rateDecay;
    this.periodStartedAt = now;
    this.periodBytes = 0;
    this.periodLimited = false;
  }

  private endLossPeriod(now: number): void {
    const messages = this.lossPeriodLost + this.lossPeriodDelivered;
    const share = messages >= this.tuning.lossMinMessages ? this.lossPeriodLost / messages : 0;
    this.lossPeriodStartedAt = now;
    this.lossPeriodLost = 0;
    this.lossPeriodDelivered = 0;
    if (share <= this.tuning.lossShare) {
      if (messages >= this.tuning.lossMinMessages) this.shrunkAtShare = 0;
      return;
    }
    if (now < this.ignoreLossUntil) return;
    if (this.shrunkAtShare > 0 && share > 0.8 * this.shrunkAtShare) {
      this.setWindow(this.shrunkFromBytes);
      this.ignoreLossUntil = now + this.tuning.lossIgnoreMs;
      this.shrunkAtShare = 0;
      return;
    }
    this.shrunkAtShare = share;
    this.shrunkFromBytes = this.windowBytes;
    this.state = 'steady';
    this.setWindow(Math.min(this.windowBytes, this.rate * this.loopMs()));
  }

  private startPeriods(now: number): void {
    this.roundStartedAt = now;
    this.roundShortest = NEVER;
    this.periodStartedAt = now;
    this.periodBytes = 0;
    this.lossPeriodStartedAt = now;
    this.lossPeriodLost = 0;
    this.lossPeriodDelivered = 0;
    this.baseSeenAt = now;
  }
}
