/**
 * Which way our datagrams take to a neighbour, and when to change it (docs/protocol.md section 2.4). A link may work in
 * one direction only: then the end that is not heard sends through a back channel, a session with the neighbour over
 * other links, and the other end, which hears it that way, goes on sending directly. So at most one end of a link is on
 * `back`: it takes that way only while it hears the peer directly.
 *
 * direct: to the peer's address. Where nothing of ours is answered, that is in doubt.
 * seeking: the direct way does not work, or is not to be used; a back channel is wanted and there is none.
 * back: through the back channel.
 *
 * Timers:
 * - nothing answered for 300 ms, or for a probe timeout where that is longer: doubt, and a PING every 50 ms;
 * - for 1 s or three probe timeouts, with 12 datagrams unanswered and the peer heard directly since: seeking. So, too,
 *   when the peer's INITs come for 1 s from its address and nothing we say to them arrives;
 * - the peer heard again after 1.5 s of silence: that time counts from then;
 * - seeking: a back channel is asked for at once, then every second. Meanwhile datagrams go directly, and an answer to
 *   one ends it;
 * - on back: a trial of the direct way after 1 s, then after 2, 4, 8 s: four PINGs; two answered: direct again;
 * - down for 30 s: whatever was found out is forgotten.
 *
 * A configured direction rules all this out: `send-only` stays direct, `receive-only` never sends directly and has no
 * trials.
 */
import { NEVER } from '../../base/env.ts';
import { DIRECTION_TUNING, type DirectionTuning } from './direction-tuning.ts';

/** As the operator says. What it is called is how this node sees the link: a send-only one brings nothing in. */
export type LinkDirection = 'both' | 'send-only' | 'receive-only';

/**
 * What `wake` asks for: `ping`, a PING the way everything goes; `trial`, a PING directly; `seek`, a back channel, to be
 * answered by `found` when there is one.
 */
export type DirectionTask = 'ping' | 'trial' | 'seek';

export class Direction {
  readonly configured: LinkDirection;
  private readonly tuning: DirectionTuning;
  private state: 'direct' | 'seeking' | 'back' = 'direct';
  /** The first datagram that asked for an answer since the last answer, and how many there were. */
  private unansweredSince: number | undefined;
  private unanswered = 0;
  private answeredAt = Number.NEGATIVE_INFINITY;
  private askedByPeerAt = Number.NEGATIVE_INFINITY;
  private heardDirectlyAt = Number.NEGATIVE_INFINITY;
  /** The end of the last silence: what was asked before it was asked of a wire that was cut both ways. */
  private heardAgainAt = Number.NEGATIVE_INFINITY;
  /** Which way the peer's datagrams come, and how many came the other way in a row. */
  private peerIsBack: boolean | undefined;
  private otherWay = 0;
  private beggedSince = Number.NEGATIVE_INFINITY;
  private beggedAt = Number.NEGATIVE_INFINITY;
  private begs = 0;
  /** As the last `wake` was told. */
  private probeTimeoutMs = 0;
  private pingAt = NEVER;
  private seekAt = NEVER;
  private trialAt = NEVER;
  private trialEveryMs: number;
  private trialPingsLeft = 0;
  private trialAnswers = 0;
  private directSince = Number.NEGATIVE_INFINITY;
  private forgetAt = NEVER;

  constructor(configured: LinkDirection, tuning: DirectionTuning = DIRECTION_TUNING) {
    this.configured = configured;
    this.tuning = tuning;
    this.trialEveryMs = tuning.testFirstMs;
    if (configured === 'receive-only') this.seek(0);
  }

  /** Whether our datagrams go through the back channel. */
  get isBack(): boolean {
    return this.state === 'back';
  }

  /** Whether our datagrams may go to the peer's address at all. */
  get mayBeDirect(): boolean {
    return this.configured !== 'receive-only';
  }

  /** What the link is at present, as this node sees it. */
  get effective(): LinkDirection {
    if (this.configured !== 'both') return this.configured;
    if (this.isBack) return 'receive-only';
    return this.peerIsBack ? 'send-only' : 'both';
  }

  /** A datagram that asks for an answer leaves. */
  asked(now: number): void {
    if (this.configured !== 'both' || this.isBack) return;
    this.unanswered += 1;
    if (this.unansweredSince !== undefined) return;
    this.unansweredSince = now;
    this.pingAt = now + this.tuning.doubtAfterMs;
  }

  /** The peer has a datagram of ours, as it just proved. */
  answered(now: number): void {
    this.answeredAt = now;
    this.unansweredSince = undefined;
    this.unanswered = 0;
    this.begs = 0;
    this.pingAt = NEVER;
    if (this.state !== 'seeking' || this.configured === 'receive-only') return;
    this.state = 'direct';
    this.seekAt = NEVER;
  }

  /**
   * The peer asks for a sign of life. True: it asks again and again, so ask for one, too. An end that only ever answers
   * would never learn that its answers are lost.
   */
  askedByPeer(now: number): boolean {
    const isAgain = now < this.askedByPeerAt + this.tuning.askedAgainWithinMs;
    this.askedByPeerAt = now;
    if (!isAgain || this.configured !== 'both' || this.isBack || this.unansweredSince !== undefined) return false;
    // Not when something was answered just now, or two ends would keep asking each other.
    return now >= this.answeredAt + this.tuning.doubtAfterMs;
  }

  /** An authentic datagram came. True: the peer's datagrams come another way from now on, and take another time. */
  heard(directly: boolean, now: number): boolean {
    if (directly) this.heardHere(now);
    this.peerIsBack ??= !directly;
    this.otherWay = directly === this.peerIsBack ? this.otherWay + 1 : 0;
    if (this.otherWay < this.tuning.otherWayDatagrams) return false;
    this.peerIsBack = !directly;
    this.otherWay = 0;
    return true;
  }

  /** An INIT came from the peer's address. */
  begged(now: number): void {
    if (this.configured !== 'both' || this.isBack) return;
    if (now > this.beggedAt + this.tuning.begGapMs || this.begs === 0) {
      this.beggedSince = now;
      this.begs = 0;
    }
    this.beggedAt = now;
    this.begs += 1;
    if (this.begs >= this.tuning.begs && now >= this.beggedSince + this.tuning.oneWayAfterMs) this.seek(now);
  }

  /** There is a back channel. */
  found(now: number): void {
    this.state = 'back';
    this.seekAt = NEVER;
    this.pingAt = NEVER;
    this.unansweredSince = undefined;
    this.unanswered = 0;
    this.begs = 0;
    if (this.configured === 'receive-only') return;
    if (now >= this.directSince + this.tuning.steadyAfterMs) this.trialEveryMs = this.tuning.testFirstMs;
    this.beginTrials(now);
  }

  /** A PING of a trial was answered. True when the direct way is taken from now on. */
  trialAnswered(now: number): boolean {
    if (!this.isBack) return false;
    this.trialAnswers += 1;
    if (this.trialAnswers < this.tuning.testAnswers) return false;
    this.goDirect(now);
    return true;
  }

  /** The link came up. */
  up(): void {
    this.forgetAt = NEVER;
  }

  /** The link went down. */
  down(now: number): void {
    this.unansweredSince = undefined;
    this.unanswered = 0;
    this.pingAt = NEVER;
    if (this.configured === 'both' && this.state !== 'direct') this.forgetAt = now + this.tuning.forgetAfterMs;
  }

  /**
   * What is due now. `isUp`: whether there is a session that PINGs could go in. `probeTimeoutMs`: how long an answer may
   * take. Ask again after `nextWakeAt`.
   */
  wake(now: number, isUp: boolean, probeTimeoutMs: number): DirectionTask | undefined {
    this.probeTimeoutMs = probeTimeoutMs;
    if (now >= this.forgetAt) this.goDirect(now);
    if (now >= this.seekAt) {
      this.seekAt = now + this.tuning.findAgainMs;
      return 'seek';
    }
    if (isUp && now >= this.trialAt) return this.trial(now);
    if (!isUp || now < this.pingAt || this.unansweredSince === undefined) return undefined;
    const doubtAt = this.unansweredSince + Math.max(this.tuning.doubtAfterMs, probeTimeoutMs);
    this.pingAt = now < doubtAt ? doubtAt : now + this.pingEveryMs();
    if (now < doubtAt) return undefined;
    if (this.isOneWay(now, probeTimeoutMs)) {
      this.seek(now + this.tuning.findAgainMs);
      return 'seek';
    }
    return 'ping';
  }

  nextWakeAt(isUp: boolean): number {
    const at = Math.min(this.forgetAt, this.seekAt);
    return isUp ? Math.min(at, this.trialAt, this.pingAt) : at;
  }

  private heardHere(now: number): void {
    const { cutAfterMs, oneWayProbeTimeouts } = this.tuning;
    const wasCut = this.heardDirectlyAt < now - Math.max(cutAfterMs, oneWayProbeTimeouts * this.probeTimeoutMs);
    if (wasCut && this.heardDirectlyAt !== Number.NEGATIVE_INFINITY) this.heardAgainAt = now;
    this.heardDirectlyAt = now;
  }

  private pingEveryMs(): number {
    return this.state === 'direct' ? this.tuning.doubtPingMs : this.tuning.findAgainMs;
  }

  private isOneWay(now: number, probeTimeoutMs: number): boolean {
    const { tuning, unansweredSince } = this;
    if (this.state !== 'direct' || unansweredSince === undefined || this.unanswered < tuning.oneWayAsks) return false;
    const patienceMs = Math.max(tuning.oneWayAfterMs, tuning.oneWayProbeTimeouts * probeTimeoutMs);
    const heardAfterMs = Math.max(tuning.heardAfterMs, probeTimeoutMs);
    const since = Math.max(unansweredSince, this.heardAgainAt);
    return now >= since + patienceMs && this.heardDirectlyAt >= since + heardAfterMs;
  }

  private seek(at: number): void {
    if (this.state !== 'direct') return;
    this.state = 'seeking';
    this.seekAt = at;
  }

  private beginTrials(now: number): void {
    this.trialAt = now + this.trialEveryMs;
    this.trialPingsLeft = 0;
    this.trialAnswers = 0;
  }

  private trial(now: number): DirectionTask {
    if (this.trialPingsLeft === 0) {
      this.trialPingsLeft = this.tuning.testPings;
      this.trialAnswers = 0;
      this.trialEveryMs = Math.min(2 * this.trialEveryMs, this.tuning.testMaxMs);
    }
    this.trialPingsLeft -= 1;
    this.trialAt = now + (this.trialPingsLeft > 0 ? this.tuning.testPingGapMs : this.trialEveryMs);
    return 'trial';
  }

  private goDirect(now: number): void {
    this.state = 'direct';
    this.directSince = now;
    this.seekAt = NEVER;
    this.trialAt = NEVER;
    this.forgetAt = NEVER;
    this.unansweredSince = undefined;
    this.unanswered = 0;
    this.begs = 0;
    this.pingAt = NEVER;
  }
}
