/**
 * Our own choices for how fast a link sends; nothing on the other end depends on them. Each stands with its reason. `sim congestion`
 * shows what they give.
 */
export interface CongestionTuning {
  /** Pace of a link of which nothing is known: a slow DSL uplink, doubled within a few round trips. */
  readonly initialRateBytesPerMs: number;
  /** A datagram every 350 ms: enough to notice that a link has become better. */
  readonly minRateBytesPerMs: number;
  readonly maxRateBytesPerMs: number;

  /** Of the target: a fifteenth of a datagram. Beside a slow link's datagram, all that waits in a queue is felt in a call. */
  readonly queueBytes: number;
  /**
   * Of the target, for each halving of the rate below `evenBelowBytesPerMs`: of links that share a bottleneck the one that has less
   * aims at more. Faster links have no queue to spare for that.
   */
  readonly evenMs: number;
  readonly evenBelowBytesPerMs: number;
  /**
   * The least target of a link beyond twice `hostAboveBytesPerMs`, none up to it, more in between: on lines that fast what waits is in the ends, in a
   * sender that seals others and a receiver that opens them, for half a millisecond where they are busy. A link that took this for the line's queue held the pace of
   * the moment, and rested and woke for each part of a superpacket: `bench tunnel` has a fifth more with 0.5 ms, a quarter more with 2, and no more with 4.
   * At a gigabit 2 ms are 250 KB, less than a network card's own queue.
   */
  readonly hostMs: number;
  readonly hostAboveBytesPerMs: number;
  /** A round that loses more has found a line whose queue is shorter than that: there is no such target for so long. */
  readonly hostLossShare: number;
  readonly hostRetryMs: number;
  /**
   * Of the target, for the share that is lost: what a lossy link is known to carry swings, and a shorter queue runs empty by that. Over eight hops that lose half raw messages
   * have a hundredth more with 4 than with 0, and no more with 10; a call waits there for what is repeated, many times as long.
   */
  readonly lossMs: number;
  /** Of the target, in average differences between transits: below that a queue can't be told from jitter. */
  readonly noiseShare: number;
  /** Of the target, in round trips: on long paths corrections are late, and a small queue would run empty in between. */
  readonly roundTripShare: number;

  /** A pause of the process of 5 ms must not fill a round. */
  readonly roundMinMs: number;
  /** The shortest of fewer samples is too much chance. */
  readonly roundSamples: number;
  /** A correction shows one round after it was made; a quarter of the error a round never overshoots. */
  readonly correctionRounds: number;
  /** The most that a round takes off. */
  readonly cutMost: number;
  /** Of a new measurement of what the link carries, near the target. */
  readonly carriedSmoothing: number;
  /** Below this share of the rate it was the source that set the pace. */
  readonly usedShare: number;

  /** Rounds with too little queue that the ordinary correction gets first: after draining, it fills the queue again. */
  readonly climbAfterRounds: number;
  /** The first step of a climb builds no more queue than 1/32 of a round trip. */
  readonly climbLeast: number;
  /** Doubling, as slow start does. */
  readonly climbMost: number;

  /** Clocks that differ by 100 millionths drift by half a millisecond in it. */
  readonly baseKeepMs: number;
  /** The same for long paths: draining costs about a round trip at half the rate in the worst case. */
  readonly baseKeepRoundTrips: number;
  /** Nothing sent for so long: the link may have become any other. */
  readonly forgetMs: number;
  readonly drainShare: number;
  /** A datagram more than the queue measured: the one that is on the wire. */
  readonly drainSlackBytes: number;

  /** ACKs that come late, in bunches or not at all must not stop a link; more would only lengthen queues that build up at once. */
  readonly windowRoundTrips: number;
  readonly windowSlackMs: number;
  /** The slack grows by this much of lost over arrived: bursts that take all ACKs of 50 to 100 ms are not rare where 30 % is lost. */
  readonly windowLossFactor: number;
  /** 16 datagrams: at 50 % loss each way a run of so many without news is rare. */
  readonly windowSlackBytes: number;

  /** Excess loss that asks for a test. */
  readonly lossShare: number;
  /** A share of fewer bytes or a shorter time is too much chance. */
  readonly lossPeriodMs: number;
  readonly lossBytes: number;
  /** A test at half the rate takes 100 to 300 ms: up to 1 % of what a link with 50 % loss sends. */
  readonly lossRetestMs: number;
  /** How long nothing faster is tried after overload was found, at first and at most: a policer stays, a burst of loss does not. */
  readonly overloadHoldMs: number;
  readonly overloadHoldMostMs: number;

  /**
   * Ten datagrams, as RFC 9002 section 7.7 has it: what leaves at once after silence where nothing is known of the link but that it
   * carries the little there was. At the pace of a new link, a batch of acknowledgements of a TCP would wait for 20 ms.
   */
  readonly burstBytes: number;
  /** How much of its own lateness a sender makes up for: a timer of 1 ms. What a longer pause left idle is lost; to send it after all builds a queue. */
  readonly catchUpMs: number;
  /**
   * A sender rests so long between two sends, as Linux does (`tcp_tso_autosize`), where that is time for two full datagrams at least (from 24 Mb/s on): waking up for each
   * costs more than the datagram. No longer than a superpacket takes, and a small part of a round trip: where that is 0.2 ms, a climb by rests of 0.5 ms took its own gaps for the end of
   * the line, and stood at a fifth of it.
   */
  readonly restMs: number;
  readonly restLeastBytes: number;
  readonly restMostBytes: number;
  readonly restRoundTrips: number;
}

export const CONGESTION_TUNING: CongestionTuning = {
  initialRateBytesPerMs: 500,
  minRateBytesPerMs: 4,
  maxRateBytesPerMs: 1_250_000,
  queueBytes: 100,
  evenMs: 0.1,
  evenBelowBytesPerMs: 10_000,
  hostMs: 2,
  hostAboveBytesPerMs: 62_500,
  hostLossShare: 0.01,
  hostRetryMs: 10_000,
  lossMs: 4,
  noiseShare: 0.75,
  roundTripShare: 1 / 64,
  roundMinMs: 15,
  roundSamples: 4,
  correctionRounds: 4,
  cutMost: 0.5,
  carriedSmoothing: 0.25,
  usedShare: 0.8,
  climbAfterRounds: 3,
  climbLeast: 1 / 32,
  climbMost: 1,
  baseKeepMs: 5_000,
  baseKeepRoundTrips: 40,
  forgetMs: 10_000,
  drainShare: 0.5,
  drainSlackBytes: 1_500,
  windowRoundTrips: 1.5,
  windowSlackMs: 15,
  windowLossFactor: 8,
  windowSlackBytes: 24_000,
  lossShare: 0.1,
  lossPeriodMs: 150,
  lossBytes: 120_000,
  lossRetestMs: 60_000,
  overloadHoldMs: 500,
  overloadHoldMostMs: 2_000,
  burstBytes: 14_720,
  catchUpMs: 1.5,
  restMs: 1,
  restLeastBytes: 3_000,
  restMostBytes: 65_536,
  restRoundTrips: 1 / 8,
};
