/**
 * Which datagrams arrived and which are taken for lost (docs/protocol.md section 3.3, after RFC 9002 section 6). On the hot
 * path: allocates nothing.
 *
 * Flying -> acked, or lost by one of three signs:
 * - one sent three later was acknowledged; more than three where the path was seen to reorder;
 * - one sent later was acknowledged, and it is 9/8 of a round trip old; more where the path reorders;
 * - a probe timeout: with Real Time on board `srtt + 3 ms` after it was sent. Bulk: nothing was acknowledged for
 *   `srtt + max(4 var, 2 ms) + ACK delay`; then the two oldest are taken for lost, which lets two more leave, and the timeout
 *   doubles, up to four times, until something is acknowledged. It does not where a twentieth is lost anyway: there silence is
 *   no sign of a longer way, and a run of losses ends only by datagrams that are sent. The ACK delay is the longest of late, 2 to 8 ms.
 * Once 64 were lost by timeouts and nothing was acknowledged meanwhile, the link is silent: the wire is cut, or deaf. Then nothing leaves but
 * two datagrams a probe timeout, which doubles in any case, until something is acknowledged or a PONG comes.
 * A lost one that is acknowledged after all was late: its frames are told of again, and where the first two signs were
 * wrong they become more patient, up to 128 datagrams and one round trip.
 */
import { NEVER } from '../../base/env.ts';
import type { AckFrame } from '../../wire/frames.ts';
import {
  ACK_DELAY_BESIDE_DATA_MS,
  BULK_PROBE_SLACK_MS,
  LOSS_ROUND_TRIPS,
  LOSS_THRESHOLD_DATAGRAMS,
  PATH_BASE_BYTES,
  PROBE_BACK_OFF_MAX,
  PROBE_DATAGRAMS,
  PROBE_LEAST_VARIATION_MS,
  PROBE_VARIATIONS,
  REAL_TIME_PROBE_SLACK_MS,
} from '../protocol-numbers.ts';
import { LossMeter } from './loss-meter.ts';
import { LossRuns } from './loss-runs.ts';
import type { RoundTrip } from './round-trip.ts';
import { ACKED, FLYING, LOST, type SentLog, WATCHED } from './sent-log.ts';

/** Frames that are told of in one call. */
const ACKED_TOGETHER = 128;
/** Real Time datagrams flying at once that have a timer of their own; those beyond share the one of Bulk. */
const REAL_TIME_FLYING_MAX = 1_024;
const REORDER_DATAGRAMS_MAX = 128;
/** So many in order, and patience with disorder halves. */
const ORDERLY_DATAGRAMS = 4_096;
/** From this loss on, a probe timeout does not back off. */
const LOSSY_SHARE = 0.05;
/** Radio that loses in runs of 8 each way loses 32 in a row now and then, and 64 hardly ever. */
const SILENT_LOST_DATAGRAMS = 64;
/** A lost datagram is remembered so long after it was sent: what comes later was held up by more than reordering. */
const LATE_ROUND_TRIPS = 3;
const LATE_SLACK_MS = 100;

/** Of the longest delay of an ACK, with each one: the ACKs of a second or so. */
const ACK_DELAY_KEPT = 63 / 64;

/** Who is told about the frames of a datagram. */
export interface FrameFates {
  /** The first `count` of these; the array is used again. */
  framesAcked(tokens: Float64Array, count: number, now: number): void;
  frameLost(token: number, now: number): void;
}

export class LossDetection {
  readonly log: SentLog;
  readonly meter: LossMeter;
  /** Of datagrams that any path takes: what is lost of these is not too long. */
  readonly smallMeter: LossMeter;
  readonly runs = new LossRuns();
  flyingBytes = 0;
  /** Datagrams taken for lost, and those of them that came late. */
  lostDatagrams = 0;
  lateDatagrams = 0;
  /** Datagrams longer than any path takes that were lost since one of them arrived. */
  longLostRow = 0;
  /** What the last `acknowledge` or `wake` found: for the window. */
  ackedBytes = 0;
  lostBytes = 0;
  /** The longest datagram that the last `acknowledge` found to have arrived. */
  longestAckedBytes = 0;
  /** Of the largest counter of the last `acknowledge`, when it was news and above all before: `total` is -1 where it was not. */
  readonly arrival = { total: -1, bytes: 0, sentAt: 0, roundTripMs: 0 };
  private readonly roundTrip: RoundTrip;
  private readonly fates: FrameFates;
  private readonly realTime = new Float64Array(REAL_TIME_FLYING_MAX);
  /** Frames that arrived and were not told of yet: all of an ACK together, as far as they fit. */
  private readonly ackedTokens = new Float64Array(ACKED_TOGETHER);
  private ackedCount = 0;
  private realTimeFirst = 0;
  private realTimeNext = 0;
  private largestAcked = -1;
  /** Nothing before this counter flies. */
  private firstFlying = 0;
  private progressAt = 0;
  private backOff = 1;
  /** Lost by timeouts since anything was heard. */
  private lostInSilence = 0;
  private timeThresholdAt = NEVER;
  private reorderDatagrams = LOSS_THRESHOLD_DATAGRAMS;
  private reorderMs = 0;
  /** By which the peer's ACKs were late of late. */
  private ackDelayMs = 0;
  private orderly = 0;

  constructor(log: SentLog, roundTrip: RoundTrip, fates: FrameFates, now: number) {
    this.log = log;
    this.roundTrip = roundTrip;
    this.fates = fates;
    this.meter = new LossMeter(now);
    this.smallMeter = new LossMeter(now);
  }

  get roundTripMs(): number {
    return this.roundTrip.smoothedMs;
  }

  get realTimeProbeMs(): number {
    return this.roundTrip.smoothedMs + REAL_TIME_PROBE_SLACK_MS;
  }

  get bulkProbeMs(): number {
    const { smoothedMs, variationMs } = this.roundTrip;
    return (
      smoothedMs +
      Math.max(PROBE_VARIATIONS * variationMs, PROBE_LEAST_VARIATION_MS) +
      Math.max(this.ackDelayMs, BULK_PROBE_SLACK_MS)
    );
  }

  /** Nothing may leave but what a probe timeout lets go. */
  get isSilent(): boolean {
    return this.lostInSilence >= SILENT_LOST_DATAGRAMS;
  }

  /** When the next probe timeout is over; NEVER when nothing flies and nothing is waited for. */
  get probeAt(): number {
    const { flyingBytes, progressAt } = this;
    if (flyingBytes === 0 && !this.isSilent) return NEVER;
    const sentAt = flyingBytes === 0 ? progressAt : this.log.sentAtOf(this.firstFlying);
    return Math.max(progressAt, sentAt) + this.bulkProbeMs * this.backOff;
  }

  /** The wire works both ways, or is another one. */
  heard(): void {
    this.lostInSilence = 0;
    this.backOff = 1;
  }

  /** The newest `count` entries of the log, of the same length, ask for acknowledgement; Real Time only one. */
  sent(count: number, realTime: boolean, now: number): void {
    const counter = this.log.next - count;
    if (this.flyingBytes === 0) {
      this.firstFlying = counter;
      this.progressAt = now;
    }
    this.flyingBytes += count * this.log.bytesOf(counter);
    if (!realTime || this.realTimeNext - this.realTimeFirst === REAL_TIME_FLYING_MAX) return;
    this.realTime[this.realTimeNext++ % REAL_TIME_FLYING_MAX] = counter;
  }

  /** An ACK came. False when it speaks of what was never sent. */
  acknowledge(ack: AckFrame, now: number): boolean {
    const { log } = this;
    const { blocks } = ack;
    const largest = blocks.high[0];
    if (largest >= log.next) return false;
    this.begin();
    const news = largest >= log.first && isNews(log.stateOf(largest));
    for (let i = 0; i < blocks.count && blocks.high[i] >= log.first; i++) {
      const low = Math.max(blocks.low[i], log.first);
      for (let counter = blocks.high[i]; counter >= low; counter--) this.arrived(counter, largest, now);
    }
    this.tellAcked(now);
    if (news && largest > this.largestAcked) this.largestArrived(largest, ack.delayMs, now);
    this.largestAcked = Math.max(this.largestAcked, largest);
    if (this.ackedBytes > 0) {
      this.progressAt = now;
      this.heard();
    }
    this.detect(now);
    this.forget(now);
    return true;
  }

  /** Looks at the timers. True when a probe timeout wants datagrams to leave whatever the window says. */
  wake(now: number): boolean {
    this.begin();
    for (let next = this.nextRealTime(); next >= 0; next = this.nextRealTime()) {
      if (now < this.log.sentAtOf(next) + this.realTimeProbeMs) break;
      this.lostInSilence += 1;
      this.lose(next, now);
    }
    if (now >= this.timeThresholdAt) this.detect(now);
    this.settle();
    this.forget(now);
    if (now < this.probeAt) return false;
    this.progressAt = now;
    const lossy = !this.isSilent && (this.meter.share ?? 0) >= LOSSY_SHARE;
    this.backOff = lossy ? 1 : Math.min(2 * this.backOff, PROBE_BACK_OFF_MAX);
    // The second only when it had its time, too.
    for (let i = 0; i < PROBE_DATAGRAMS && this.flyingBytes > 0; i++) {
      if (i > 0 && now < this.log.sentAtOf(this.firstFlying) + this.roundTrip.smoothedMs) break;
      this.lostInSilence += 1;
      this.lose(this.firstFlying, now);
      this.settle();
    }
    return true;
  }

  nextWakeAt(): number {
    const realTime = this.nextRealTime();
    const realTimeAt = realTime < 0 ? NEVER : this.log.sentAtOf(realTime) + this.realTimeProbeMs;
    const probeAt = this.flyingBytes === 0 ? NEVER : this.probeAt;
    return Math.min(realTimeAt, this.timeThresholdAt, probeAt);
  }

  /** What is quiet or done is forgotten, what is lost after a while. */
  forget(now: number): void {
    this.log.forget(now - LATE_ROUND_TRIPS * this.roundTrip.smoothedMs - LATE_SLACK_MS);
  }

  private begin(): void {
    this.ackedBytes = 0;
    this.lostBytes = 0;
    this.longestAckedBytes = 0;
    this.arrival.total = -1;
  }

  /** RFC 9002 section 5.3: the delay is taken off the round trip, unless that makes it shorter than any. */
  private largestArrived(largest: number, delayMs: number, now: number): void {
    const { arrival, roundTrip } = this;
    arrival.total = this.log.totalOf(largest);
    arrival.bytes = this.log.bytesOf(largest);
    arrival.sentAt = this.log.sentAtOf(largest);
    const ms = now - arrival.sentAt;
    this.ackDelayMs = Math.min(Math.max(delayMs, this.ackDelayMs * ACK_DELAY_KEPT), ACK_DELAY_BESIDE_DATA_MS);
    arrival.roundTripMs = ms - delayMs >= roundTrip.leastMs ? ms - delayMs : Math.min(ms, roundTrip.leastMs);
    roundTrip.sample(arrival.roundTripMs);
  }

  private arrived(counter: number, largest: number, now: number): void {
    const { log } = this;
    const state = log.stateOf(counter);
    if (!isNews(state) && state !== WATCHED) return;
    const bytes = log.bytesOf(counter);
    log.setState(counter, ACKED);
    this.longestAckedBytes = Math.max(this.longestAckedBytes, bytes);
    if (bytes > PATH_BASE_BYTES) this.longLostRow = 0;
    if (state === WATCHED) return;
    this.ackedBytes += bytes;
    if (state === FLYING) {
      this.flyingBytes -= bytes;
      this.meter.onAcked(now);
      if (bytes <= PATH_BASE_BYTES) this.smallMeter.onAcked(now);
      this.calm();
    } else {
      this.late(counter, largest, now);
    }
    const tokens = log.tokenCountOf(counter);
    for (let i = 0; i < tokens; i++) this.frameAcked(log.tokenOf(counter, i), now);
  }

  private frameAcked(token: number, now: number): void {
    this.ackedTokens[this.ackedCount++] = token;
    if (this.ackedCount === this.ackedTokens.length) this.tellAcked(now);
  }

  private tellAcked(now: number): void {
    if (this.ackedCount > 0) this.fates.framesAcked(this.ackedTokens, this.ackedCount, now);
    this.ackedCount = 0;
  }

  private late(counter: number, largest: number, now: number): void {
    this.lateDatagrams += 1;
    this.meter.onLate(now);
    if (this.log.bytesOf(counter) <= PATH_BASE_BYTES) this.smallMeter.onLate(now);
    const { smoothedMs } = this.roundTrip;
    // Only what a larger one overtook says something about order; after a probe timeout the ACK itself was late.
    if (largest <= counter || this.largestAcked <= counter) return;
    this.reorderDatagrams = Math.min(Math.max(this.reorderDatagrams, largest - counter + 1), REORDER_DATAGRAMS_MAX);
    this.orderly = 0;
    const ageMs = now - this.log.sentAtOf(counter);
    this.reorderMs = Math.min(Math.max(this.reorderMs, ageMs - smoothedMs), smoothedMs);
  }

  private calm(): void {
    this.orderly += 1;
    if (this.orderly < ORDERLY_DATAGRAMS) return;
    this.orderly = 0;
    this.reorderDatagrams = Math.max(LOSS_THRESHOLD_DATAGRAMS, this.reorderDatagrams >> 1);
    this.reorderMs /= 2;
  }

  /** Takes for lost what the largest acknowledged counter says is. */
  private detect(now: number): void {
    const { log } = this;
    const { smoothedMs } = this.roundTrip;
    const patienceMs = Math.max(LOSS_ROUND_TRIPS * smoothedMs, smoothedMs + this.reorderMs);
    this.timeThresholdAt = NEVER;
    this.settle();
    for (let counter = this.firstFlying; counter < this.largestAcked; counter++) {
      if (log.stateOf(counter) !== FLYING) continue;
      const overAt = log.sentAtOf(counter) + patienceMs;
      if (this.largestAcked - counter >= this.reorderDatagrams || now >= overAt) this.lose(counter, now);
      else this.timeThresholdAt = Math.min(this.timeThresholdAt, overAt);
    }
    this.settle();
  }

  private lose(counter: number, now: number): void {
    const { log } = this;
    const bytes = log.bytesOf(counter);
    log.setState(counter, LOST);
    this.flyingBytes -= bytes;
    this.lostBytes += bytes;
    this.lostDatagrams += 1;
    this.runs.onLost(counter);
    this.meter.onLost(now);
    if (bytes <= PATH_BASE_BYTES) this.smallMeter.onLost(now);
    else this.longLostRow += 1;
    const tokens = log.tokenCountOf(counter);
    for (let i = 0; i < tokens; i++) this.fates.frameLost(log.tokenOf(counter, i), now);
  }

  /** Moves `firstFlying` to where something flies. */
  private settle(): void {
    const { log } = this;
    this.firstFlying = Math.max(this.firstFlying, log.first);
    while (this.firstFlying < log.next && log.stateOf(this.firstFlying) !== FLYING) this.firstFlying += 1;
  }

  /** The oldest Real Time datagram that flies, or -1. */
  private nextRealTime(): number {
    for (; this.realTimeFirst < this.realTimeNext; this.realTimeFirst++) {
      const counter = this.realTime[this.realTimeFirst % REAL_TIME_FLYING_MAX];
      if (counter >= this.log.first && this.log.stateOf(counter) === FLYING) return counter;
    }
    return -1;
  }
}

function isNews(state: number): boolean {
  return state === FLYING || state === LOST;
}
