import { REAL_TIME_DEADLINE_MS } from '../base/traffic-class.ts';
import type { ResequencerLimits } from './resequencer.ts';

/**
 * The bundle's own choices, each with its reason. What both ends must agree on stands beside the codecs
 * (wire/route-message.ts) and in docs/protocol.md section 6.
 */
export interface BundleTuning extends ResequencerLimits {
  readonly maxSessions: number;
  readonly maxRoutes: number;
  readonly poolBytes: number;
  readonly messageMs: number;
  readonly queueBytes: number;
  readonly queueMessages: number;
  readonly queueMs: number;
  readonly codelShare: number;
  readonly codelFarShare: number;
  readonly codelMinMs: number;
  readonly codelMaxMs: number;
  readonly codelUrgentMs: number;
  readonly codelRoundTrips: number;
  readonly realTimeBytes: number;
  readonly realTimeLifeMs: number;
  readonly twiceMs: number;
  readonly twiceLossShare: number;
  readonly twiceVariationMs: number;
  readonly twiceBytesPerSecond: number;
  readonly reportMessages: number;
  readonly reportDelayMs: number;
  readonly reportLightBytes: number;
  readonly reportLightDelayMs: number;
  readonly admitSkewMs: number;
  readonly confirmMs: number;
  readonly incomingConfirmMs: number;
  readonly openingProbeMs: number;
  readonly busyAfterMs: number;
  readonly busyProbeMs: number;
  readonly measureProbeMs: number;
  readonly idleProbeMs: number;
  readonly settleProbeMs: number;
  readonly stalledProbeMs: number;
  readonly stallMinMs: number;
  readonly silenceMs: number;
  readonly lostSilenceMs: number;
  readonly uncertainMs: number;
  readonly sendPauseMs: number;
  readonly reopenMinMs: number;
  readonly reopenMaxMs: number;
  readonly replaceQuietMs: number;
  readonly routelessMs: number;
  readonly rekeyMs: number;
  readonly rekeyRetryMs: number;
  readonly rekeyFailedMs: number;
  readonly lateWakeMs: number;
}

export const BUNDLE_TUNING: BundleTuning = {
  /** A gateway's clients. Each costs about 50 KiB while idle. */
  maxSessions: 1_024,
  /**
   * Live routes of one session, also what the other end may set up: two on each path, and no home has more than 8 ways
   * out.
   */
  maxRoutes: 16,
  /** All copies of all sessions: waiting, in flight and held for order. */
  poolBytes: 64 * 1024 * 1024,

  /**
   * How long a message of several packets may keep its route busy: longer than what each message costs beside its bytes (64 KiB take
   * 0.5 ms at 1 Gb/s), and nothing that anybody notices. At 10 Mb/s a packet is a message, at 500 Mb/s the longest is as long.
   */
  messageMs: 1,
  /** CoDel keeps the queue shorter; this bounds what comes faster than it can tell, 150 ms at 220 Mb/s. */
  queueBytes: 4 * 1024 * 1024,
  /** Where messages are tiny, the count is what costs memory. */
  queueMessages: 8_192,
  /**
   * What does not answer to drops would fill those bytes: at 4 Mb/s a flood of 1.33 times the rate waited for 6.4 s.
   * Over round trips of 2 s CUBIC carries 1 % more in its first 40 s and stalls for 3.8 s in place of 6.5 s at most;
   * Reno's slow start overshoots into it and costs 2 % of those 40 s, and 1.5 or 2 s would cost it the same.
   */
  queueMs: 1_000,
  /**
   * CoDel's target, of the longest round trip, and within these bounds: with 5 ms one TCP gets 85 % of what two routes carry, with 60 ms 92 %, with
   * 100 ms 95 %. Over hops that lose half round trips take up to 0.6 s, and with 150 ms at most Reno, which gives up half of its window, had emptied
   * the path each time.
   */
  codelShare: 0.75,
  /**
   * Where late routes are in use, or sounded, the queue alone bounds the target: a late one is there sooner than what waits only behind a queue as long
   * as its round trip. Half as much again, because a TCP gives up half of its window: with 0.75 and 1 one Reno over routes of 16 to 230 ms got 8.7 and
   * 12.5 Mb/s, with 1.5 15.7.
   */
  codelFarShare: 1.5,
  codelMinMs: 60,
  codelMaxMs: 400,
  /** Three quarters of `queueMs`. */
  codelUrgentMs: 750,
  /**
   * CoDel's interval, of the longest round trip: the time a sender has to answer before it is told again. A TCP's round
   * trip is up to twice what routes measure: its acknowledgements come back as Bulk, and what hops repeat is put in order.
   * With one round trip CUBIC over eight lossy hops lost twice as many segments for the same rate, and Reno, which gives
   * up half at each drop, was told of every passing dip of the path.
   */
  codelRoundTrips: 2,
  /** What Real Time may have waiting anywhere on the way, docs/protocol.md section 3.3. */
  realTimeBytes: 64 * 1024,
  realTimeLifeMs: REAL_TIME_DEADLINE_MS,

  /** Real Time goes over two routes for as long after each reason: a path that has just been bad will be so again. */
  twiceMs: 30_000,
  /** A call is heard to suffer from more than 1 % of loss, with or without concealment. */
  twiceLossShare: 0.01,
  /** Mean deviation: one packet in twenty then comes 40 ms late or more, which is what the jitter buffer of a call holds. */
  twiceVariationMs: 15,
  /** 2 Mb/s: twenty calls, or one with pictures. */
  twiceBytesPerSecond: 250_000,

  /** A report costs about 1 % of 64 full-size messages, and less than 1 % of 2 Mb/s when one leaves every 20 ms. */
  reportMessages: 64,
  reportDelayMs: 20,
  /**
   * A report and the acknowledgement that hops give it take 300 bytes: beside the ACKs of a TCP inside that is as much as
   * these. Ten full-size messages are worth one, 35 ms at 4 Mb/s; less waits until a death would be noticed too late for a stall of 300 ms.
   * With 8,192 bytes and 40 ms one connection over two routes of 2 Mb/s has up to a hundredth less (`lab aggregate 2+2`), and stalls over 20 cuts are as long (`sim failover --gate`).
   */
  reportLightBytes: 16_384,
  reportLightDelayMs: 60,

  /** 2 s of full-size messages at 90 Mb/s. */
  reorderMessages: 16_384,
  /** 2 s at 64 Mb/s. */
  reorderBytes: 16 * 1024 * 1024,
  /**
   * A gap that nobody is known to bring waits for the skew between the routes and a margin for jitter, 50 ms at least.
   */
  gapMinMs: 50,
  /**
   * Where hops repeat, what is missing is on a route that died: the other end finds out in 300 ms and sends it again.
   */
  gapResendMs: 1_000,
  gapMarginMs: 20,
  /** One that hops still try to fill waits as long as they try. */
  gapMaxMs: 2_000,
  /**
   * Where nothing is repeated: TCP inside the tunnel copes better with a reordered segment than with a longer stall.
   */
  gapSentOnceMaxMs: 200,
  /**
   * A route that takes longer than the fastest one by more than this is late: it carries data only if late ones carry more (`routes/reach.ts`). Everything
   * behind what is sent over it would wait at the far end, and a TCP inside the tunnel with it.
   */
  admitSkewMs: 200,

  /** A set-up whose destination answers nothing for this long has failed; the longest round trips are near 1.5 s. */
  confirmMs: 3_000,
  /** At the service: a set-up must be followed by an authentic message. Twice what the client waits. */
  incomingConfirmMs: 6_000,
  /** Each repeat makes the service send message two again. */
  openingProbeMs: 250,
  /** A session that received data this lately is busy, too. */
  busyAfterMs: 1_000,
  /** A quiet route is probed while the session has data under way, so that its death is known before it is needed. */
  busyProbeMs: 200,
  /** Of a route over which an end only receives the round trip must be known all the same; each 200 ms it took a tenth of a call's bytes. */
  measureProbeMs: 500,
  /** Keeps the route's entries alive at every hop (they live 60 s) and finds silent deaths. */
  idleProbeMs: 5_000,
  /** A route that has just come up is probed as often until its round trip is known well enough to tell its next death. */
  settleProbeMs: 50,
  stalledProbeMs: 100,
  /**
   * A route with messages in flight and no progress is not cut out sooner, however short its round trip: a busy small
   * machine pauses as long.
   */
  stallMinMs: 120,
  /** A stalled route that stays silent this long is closed and another opened. */
  silenceMs: 3_000,
  /** With no route up there is nothing to lose, and only a new set-up finds out whether the service was restarted. */
  lostSilenceMs: 1_000,
  /**
   * After an outage what is patient of Real Time goes as Bulk for so long: the acknowledgements of what a server had repeated meanwhile went as Real Time,
   * were lost on the route that had just come back, and the download went on with its next repetition, 7 s later.
   */
  uncertainMs: 1_000,
  /** After the route below refused a message for want of room. */
  sendPauseMs: 5,

  reopenMinMs: 250,
  reopenMaxMs: 5_000,
  /** At the service, when all places are taken: a route that was silent this long makes room for a new one. */
  replaceQuietMs: 1_000,
  /** A service keeps a session without any route this long: a reboot of the client's modem. */
  routelessMs: 120_000,

  /** docs/protocol.md section 2.3, or two round trips if longer. */
  rekeyMs: 1_000,
  /** Or two round trips if longer. */
  rekeyRetryMs: 100,
  rekeyFailedMs: 10_000,

  /** When this process itself did not run for longer than this, silence proves nothing about a route. */
  lateWakeMs: 30,
};
