/**
 * How fast a link may send, and how much may be under way on it. Growing delay is congestion, loss alone is not: what lies below
 * is a modem with a queue that can't be seen, and radio that loses at random.
 *
 *   rate = carried x (1 + (target - queue) / (4 rounds))
 *
 * `carried` is how fast datagrams arrive over there while a queue stands: what the link carries (BBR, Cardwell et al. 2017). Since the
 * peer's clock tells when they arrived, neither lost ACKs nor datagrams lost on the way nor a queue on the way back have a part in it.
 * `queue` is what stood in the last round (queue-delay.ts). `target` is what should stand: a small part of a datagram, since a call waits
 * for all of it; a little more the lower the rate, which shares a bottleneck evenly as FAST TCP's fixed number of packets does (Wei et al.
 * 2006), and where much is lost; and what is only noise. The rate settles where the target stands.
 *
 * States:
 *   steady     a queue stands: the formula above
 *   climbing   less than half of the target stands and the rate is used up: after three rounds the rate exceeds what is carried, by twice as
 *              much every other round, up to double (Copa's velocity, Arun and Balakrishnan 2018). A new link begins like that, until
 *              two rounds in a row find a queue that less comes out of than went in, or one far above the target: slow start. Until then it
 *              keeps the rate it has reached while less is sent
 *   draining   half of what is carried until the queue must be empty, then what is carried until a datagram tells the base of all delays
 *
 * Timers: a round lasts a round trip, 15 ms and 4 samples at least; a queue far above the target ends it early. Draining starts 5 s after the
 * last one (40 round trips on long paths) if the link is busy; or when a queue does not shrink though less was sent than arrived:
 * then there is none, and the path itself has become longer. A link that is not busy learns its base without. Nothing sent for 10 s: a new link.
 *
 * What a full queue drops is at first no more than chance: until it is more, a full round raises `carried` only as far as what got through proves.
 *
 * Where a round is long beside the bottleneck's queue, as on a path of 2 s with a queue of 20 ms, a burst overflows the queue and the shortest transit
 * of the round finds it empty all the same. So a round in which some samples in a row waited and something was lost ends a climb, and proves what got through.
 *
 * The window bounds what a link that falls silent has under way: half again as much as the rate needs, and some;
 * more where much is lost, since ACKs are lost as well. Loss: see overload.ts.
 */
import { NEVER } from '../../base/env.ts';
import type { CongestionTuning } from './congestion-tuning.ts';
import { Overload } from './overload.ts';
import { QueueDelay } from './queue-delay.ts';
import { StuckQueue } from './stuck-queue.ts';

/** The climb of a new link: beyond the rounds that any climb takes to its most. */
const NEW_LINK_ROUNDS = 1_000;
const ROUND_TRIP_SMOOTHING = 1 / 8;
/** No bottleneck sends faster than it was sent to for long; where it seems so, the path has just become shorter. */
const ARRIVAL_OVER_SENDING = 1.5;
/** The queue of a round tells little about the wire beyond this many targets: then what arrives is exactly what is carried. */
const CLEAR_QUEUE = 2;
/** A bottleneck that a new link has climbed past passes on less than this; what a busy processor delays comes all the same (as in RFC 9406, section 4.2). */
const KEPT_UP = 0.85;
/** Targets of queue that end a round early. */
const URGENT_QUEUE = 4;
/** Average differences between waits: what is longer than others by more is no noise. */
const BURST_NOISE = 4;
/** How long the rate must have been used up. */
const USED_ROUND_TRIPS = 0.5;
/** Worse links get no wider window. */
const LEAST_SHARE_COUNTED = 0.4;

/** Of a datagram that arrived. */
export interface Arrival {
  /** All bytes given to `onSent` up to and with it. */
  readonly total: number;
  readonly bytes: number;
  readonly sentAt: number;
  /** Without the delay of the ACK. */
  readonly roundTripMs: number;
}

export class CongestionWindow {
  private readonly tuning: CongestionTuning;
  private delay = new QueueDelay();
  private overload: Overload;
  /** What may be sent and what is carried, bytes a millisecond. */
  private rate = 0;
  private carried = 0;
  private smoothedRoundTrip = 0;
  private lastQueueMs = 0;
  private sentBytes = 0;
  private lastSentAt: number;
  /** Rounds in a row with less than half of the target. */
  private lowRounds = 0;
  /** Whether the last round had. */
  private wasLow = false;
  private climbFrom = 0;
  /** The round under way: it ends when what was sent before it has arrived. */
  private roundStartedAt = 0;
  private roundEndTotal = 0;
  private roundRate = 0;
  private lastRoundRate = 0;
  /** In this round, and in those before it, older ones counting less. */
  private acked = 0;
  private lost = 0;
  private ackedBefore = 0;
  private lostBefore = 0;
  /** The arrival that ended the last round; total -1: there was none. */
  private markTotal = -1;
  private markSentAt = 0;
  private markTransit = 0;
  /** Rounds that began before this do not believe that nothing is lost. */
  private losslessFrom = 0;
  private readonly stuckQueue = new StuckQueue();
  /** What was carried before a full queue stood. */
  private carriedBeforeFull = 0;
  private baseLearntAt = 0;
  /** While draining: when the queue must be empty. */
  private emptyAt = NEVER;
  private emptying = false;
  private carriedBeforeTest = 0;
  /** A queue was seen while the rate was used up: what the link is known to carry is what it can carry. */
  private bounded = false;

  constructor(tuning: CongestionTuning, now: number) {
    this.tuning = tuning;
    this.lastSentAt = now;
    this.overload = new Overload(tuning, now);
    this.restart(now);
  }

  /** Bytes that may be under way: sent, neither acknowledged nor deemed lost. */
  get bytes(): number {
    const { windowRoundTrips, windowSlackMs, windowSlackBytes, windowLossFactor } = this.tuning;
    const through = Math.max(this.overload.usualShare, LEAST_SHARE_COUNTED);
    const slackMs = windowSlackMs * (1 + (windowLossFactor * (1 - through)) / through);
    return windowSlackBytes + this.rate * (windowRoundTrips * this.delay.leastRoundTripMs + slackMs);
  }

  /** The pace, bytes a millisecond. */
  get rateBytesPerMs(): number {
    return this.emptying ? this.carried * this.tuning.drainShare : this.rate;
  }

  /** What the link is known to carry, bytes a millisecond. It falls only while the link is busy. */
  get carriedBytesPerMs(): number {
    return this.carried;
  }

  /** What may leave at once after silence, beyond what makes up for late timers. */
  get burstBytes(): number {
    return this.bounded ? 0 : this.tuning.burstBytes;
  }

  /** How long a sender rests between two sends, ms. */
  get restMs(): number {
    const { restMs, restLeastBytes, restMostBytes, restRoundTrips } = this.tuning;
    if (this.rate * restMs < restLeastBytes) return 0;
    return Math.min(restMs, restMostBytes / this.rate, restRoundTrips * this.delay.leastRoundTripMs);
  }

  /** The standing queue of our direction in the last round, ms. */
  get queueMs(): number {
    return this.lastQueueMs;
  }

  /** Smoothed; 0 before the first sample. */
  get roundTripMs(): number {
    return this.smoothedRoundTrip;
  }

  /** The path changed: nothing is known any more. */
  restart(now: number): void {
    this.delay = new QueueDelay();
    this.overload = new Overload(this.tuning, now);
    this.carried = this.tuning.initialRateBytesPerMs;
    this.carriedBeforeFull = this.carried;
    this.lowRounds = NEW_LINK_ROUNDS;
    this.wasLow = true;
    this.bounded = false;
    this.climbFrom = now;
    this.smoothedRoundTrip = 0;
    this.lastQueueMs = 0;
    this.stuckQueue.reset();
    this.losslessFrom = 0;
    this.markTotal = -1;
    this.baseLearntAt = now;
    this.emptyAt = NEVER;
    this.emptying = false;
    this.setRate(this.carried);
  }

  /** A datagram left. `asks`: the peer must acknowledge it. What need not be acknowledged takes the link's time as well. */
  onSent(bytes: number, asks: boolean, now: number): void {
    this.sentBytes += bytes;
    if (!asks) return;
    if (now - this.lastSentAt > this.tuning.forgetMs) this.restart(now);
    this.lastSentAt = now;
    if (now >= this.emptyAt) this.emptying = false;
  }

  /** The newest datagram that arrived was acknowledged for the first time. `transitMs`: its way by the two clocks (peer-clock.ts). */
  onArrival(arrival: Arrival, transitMs: number, now: number): void {
    const { roundSamples, roundMinMs } = this.tuning;
    const { delay } = this;
    const { total, bytes, sentAt, roundTripMs } = arrival;
    const first = this.markTotal < 0;
    this.smoothedRoundTrip += (roundTripMs - this.smoothedRoundTrip) * (first ? 1 : ROUND_TRIP_SMOOTHING);
    delay.sample(transitMs, bytes, this.msPerByte(), roundTripMs);
    if (first) {
      // Before the first round trip is known, what is late is easily taken for lost.
      this.overload.excuse(now + roundTripMs);
      return this.startRound(arrival, transitMs, now);
    }
    if (sentAt >= this.emptyAt) {
      this.endDrain(now);
      return this.startRound(arrival, transitMs, now);
    }
    if (delay.roundSamples < roundSamples) return;
    if (!this.draining && delay.recentMs > URGENT_QUEUE * this.targetMs() + roundMinMs) {
      this.endRound(arrival, transitMs, delay.recentMs, now);
    } else if (total >= this.roundEndTotal && now - this.roundStartedAt >= roundMinMs) {
      this.endRound(arrival, transitMs, delay.roundMs, now);
    }
  }

  onAcked(bytes: number, now: number): void {
    this.acked += bytes;
    this.overload.count(bytes, 0);
    this.judgeLoss(now);
  }

  onLost(bytes: number, now: number): void {
    this.lost += bytes;
    this.overload.count(0, bytes);
    this.judgeLoss(now);
  }

  private get draining(): boolean {
    return this.emptyAt !== NEVER;
  }

  /** What a byte takes the bottleneck; 0 before it is known. */
  private msPerByte(): number {
    return this.bounded ? 1 / this.carried : 0;
  }

  private targetMs(): number {
    const { queueBytes, evenMs, evenBelowBytesPerMs, lossMs, noiseShare, roundTripShare } = this.tuning;
    const { hostMs, hostAboveBytesPerMs } = this.tuning;
    const { noiseMs, leastRoundTripMs } = this.delay;
    const even = evenMs * Math.max(0, Math.log2(evenBelowBytesPerMs / this.carried));
    const loss = lossMs * (1 - this.overload.usualShare);
    const lossless = this.roundStartedAt >= this.losslessFrom;
    const host = lossless ? hostMs * Math.min(1, Math.max(0, Math.log2(this.carried / hostAboveBytesPerMs))) : 0;
    const line = queueBytes / this.carried + even + loss + noiseShare * noiseMs + roundTripShare * leastRoundTripMs;
    return Math.max(host, line);
  }

  private startRound({ total, sentAt }: Arrival, transitMs: number, now: number): void {
    this.markTotal = total;
    this.markSentAt = sentAt;
    this.markTransit = transitMs;
    this.roundStartedAt = now;
    this.roundEndTotal = this.sentBytes;
    this.lastRoundRate = this.roundRate;
    this.roundRate = this.rateBytesPerMs;
    this.ackedBefore = (this.ackedBefore + this.acked) / 2;
    this.lostBefore = (this.lostBefore + this.lost) / 2;
    this.acked = 0;
    this.lost = 0;
    this.delay.startRound();
  }

  private endRound(arrival: Arrival, transitMs: number, queueMs: number, now: number): void {
    const bytes = arrival.total - this.markTotal;
    const sentMs = Math.max(arrival.sentAt - this.markSentAt, 0.001);
    const arrivedMs = Math.max(sentMs + transitMs - this.markTransit, 0.001);
    const sentRate = bytes / sentMs;
    const targetMs = this.targetMs();
    // Before a full queue datagrams are lost: only those that got through tell its rate.
    const full = queueMs > CLEAR_QUEUE * targetMs;
    const share = this.overload.excessShare(this.ackedBefore + this.acked, this.lostBefore + this.lost);
    const arrivalRate = Math.min((share * bytes) / arrivedMs, ARRIVAL_OVER_SENDING * sentRate);
    const through = this.overload.usualPart(this.acked, this.lost);
    const leastRate = Math.min(arrivalRate, (through * bytes) / arrivedMs);
    const paced = sentRate >= this.tuning.usedShare * Math.min(this.roundRate, this.lastRoundRate);
    // A burst at full pace says nothing about a rate that lasts.
    const used = paced && sentMs >= USED_ROUND_TRIPS * this.delay.leastRoundTripMs;
    this.lastQueueMs = queueMs;
    if (this.lost > this.tuning.hostLossShare * (this.acked + this.lost))
      this.losslessFrom = now + this.tuning.hostRetryMs;
    if (!used || full) {
      this.overload.excuse(now + 2 * this.smoothedRoundTrip + this.tuning.roundMinMs);
    }
    if (!this.draining) {
      this.stuckQueue.spared(Math.max(0, 1 - sentRate / this.carried) * sentMs);
      const overflowed = queueMs < targetMs / 2 && leastRate < arrivalRate && this.burstWaited(targetMs);
      this.learnCarried(paced, queueMs / targetMs, sentRate, overflowed ? leastRate : arrivalRate, leastRate);
      if (overflowed) this.endClimb();
      else this.steer(used, queueMs, targetMs, arrivalRate < KEPT_UP * sentRate, now);
      if (full && this.stuckQueue.isStuck(queueMs)) this.startDrain(queueMs, now);
      else this.keepBase(used, queueMs, now);
      if (!full) {
        this.stuckQueue.reset();
        this.carriedBeforeFull = this.carried;
      }
    }
    this.startRound(arrival, transitMs, now);
  }

  /**
   * `fill`: the queue in targets. Without a queue, or a source that keeps up, what arrives is what was sent, and no bound. Before a full queue
   * `arrivalRate` counts what was lost there until that is no chance any more: it proves no more than `leastRate`, and a link that believed it
   * would fill the queue again and again.
   */
  private learnCarried(paced: boolean, fill: number, sentRate: number, arrivalRate: number, leastRate: number): void {
    if (!paced || fill < 0.5) this.carried = Math.max(this.carried, Math.min(sentRate, arrivalRate));
    else if (fill > CLEAR_QUEUE) this.carried = Math.max(leastRate, Math.min(this.carried, arrivalRate));
    else this.carried += (arrivalRate - this.carried) * this.tuning.carriedSmoothing;
  }

  /** Whether some of the round waited for longer than a pause of a process, although its shortest did not. */
  private burstWaited(targetMs: number): boolean {
    const { longestMs, noiseMs } = this.delay;
    return longestMs > Math.max(this.tuning.roundMinMs, targetMs / 2) + BURST_NOISE * noiseMs;
  }

  private endClimb(): void {
    this.lowRounds = 0;
    this.wasLow = false;
    this.bounded = true;
    this.setRate(this.carried);
  }

  /** `lagged`: clearly less arrived than was sent. */
  private steer(used: boolean, queueMs: number, targetMs: number, lagged: boolean, now: number): void {
    const { correctionRounds, cutMost, climbMost } = this.tuning;
    const low = queueMs < targetMs / 2;
    if (!low) {
      // A pause of a process looks like a queue, for a round: it must not end the climb of a new link. Nor must a small queue that others made.
      const isNew = this.lowRounds >= NEW_LINK_ROUNDS;
      const tells = (used && (!isNew || lagged)) || queueMs > CLEAR_QUEUE * targetMs;
      if (!isNew || (tells && !this.wasLow)) {
        this.lowRounds = 0;
        this.bounded ||= used;
      }
      this.wasLow = !tells;
    } else if (!used) {
      // The source of a new link has just begun as well: a link that fell back to what little it sent would hold it there.
      const known = this.bounded ? this.carried : (1 + climbMost) * this.carried;
      return this.setRate(Math.min(this.rate, known));
    } else if (now < this.climbFrom) return;
    else {
      this.lowRounds += 1;
      this.wasLow = true;
    }
    const correction = (targetMs - queueMs) / (correctionRounds * (now - this.roundStartedAt));
    this.setRate(this.carried * (1 + Math.max(correction, low ? this.climb() : -1, -cutMost)));
  }

  /** By which share to exceed what is carried; below any correction while it is not time to climb. */
  private climb(): number {
    const { climbAfterRounds, climbLeast, climbMost } = this.tuning;
    const rounds = this.lowRounds - climbAfterRounds;
    return rounds <= 0 ? -1 : Math.min(climbMost, climbLeast * 2 ** (rounds >> 1));
  }

  private setRate(rate: number): void {
    const { minRateBytesPerMs, maxRateBytesPerMs } = this.tuning;
    this.rate = Math.min(Math.max(rate, minRateBytesPerMs), maxRateBytesPerMs);
  }

  private keepBase(used: boolean, queueMs: number, now: number): void {
    const { baseKeepMs, baseKeepRoundTrips } = this.tuning;
    if (now - this.baseLearntAt < Math.max(baseKeepMs, baseKeepRoundTrips * this.smoothedRoundTrip)) return;
    if (used) this.startDrain(queueMs, now);
    else this.learnBase(now);
  }

  private startDrain(queueMs: number, now: number): void {
    const { drainShare, drainSlackBytes } = this.tuning;
    this.emptyAt = now + (queueMs + drainSlackBytes / this.carried) / (1 - drainShare);
    this.emptying = true;
    this.setRate(Math.min(this.rate, this.carried));
    this.delay.startPeriod();
  }

  private endDrain(now: number): void {
    this.emptyAt = NEVER;
    this.emptying = false;
    this.stuckQueue.reset();
    // A longer path carries what the shorter one did, until it is known better.
    if (this.learnBase(now) > this.targetMs()) this.carried = this.carriedBeforeFull;
    this.setRate(this.carried);
  }

  /** Returns by how much the base rose, ms. */
  private learnBase(now: number): number {
    const rise = this.delay.learn(this.msPerByte());
    this.delay.startPeriod();
    this.baseLearntAt = now;
    return rise;
  }

  private judgeLoss(now: number): void {
    const verdict = this.overload.judge(this.smoothedRoundTrip, now);
    if (verdict === 'none') return;
    if (verdict === 'test') {
      this.carriedBeforeTest = this.carried;
      this.carried = Math.min(this.carried, this.overload.testRate);
      this.climbFrom = NEVER;
    } else if (verdict === 'overload') {
      this.carried = Math.min(this.carried, this.overload.testRate);
      this.climbFrom = now + this.overload.holdMs;
      this.lowRounds = 0;
    } else {
      this.climbFrom = now;
      this.carried = this.carriedBeforeTest;
    }
    this.setRate(this.carried);
  }
}
