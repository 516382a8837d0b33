/** Our own choices about one-way links; nothing on the other end depends on them. Each stands with its reason. */
export interface DirectionTuning {
  /** Nothing of ours answered for this long: doubt. Longer than the round trip and a few lost datagrams of most links. */
  readonly doubtAfterMs: number;
  /** In doubt a PING goes this often, so that ordinary loss gets its chance to be told from a dead direction. */
  readonly doubtPingMs: number;
  /** A peer that asks twice within this has not heard the first answer: it repeats PING every 500 ms. */
  readonly askedAgainWithinMs: number;
  /** Nothing answered for this long, or three probe timeouts: one-way. Half of what a Bulk route is patient for (2 s). */
  readonly oneWayAfterMs: number;
  readonly oneWayProbeTimeouts: number;
  /** So many unanswered at least: with half of the datagrams lost each way, one such row in a hundred is bad luck. */
  readonly oneWayAsks: number;
  /** The peer must be heard directly this long after the first unanswered datagram: what was under way does not count. */
  readonly heardAfterMs: number;
  /** A peer that was not heard for longer than this was cut off; even one that looks for a way round asks every second. */
  readonly cutAfterMs: number;
  /** So many INITs from the peer's address, over `oneWayAfterMs`, while nothing we answer arrives: one-way. */
  readonly begs: number;
  /** Two INITs further apart than this belong to different troubles; the initiator repeats every 5 s at the latest. */
  readonly begGapMs: number;
  /** So many datagrams of the peer's in a row the other way: it changed its way. Trials are fewer. */
  readonly otherWayDatagrams: number;
  /** No way round is known: asked again after this. Records take about as long to spread. */
  readonly findAgainMs: number;
  /** The direct way is tried first after this, then after twice as long each time. */
  readonly testFirstMs: number;
  readonly testMaxMs: number;
  /** A trial is so many PINGs, this far apart; so many must be answered: a lucky one of a bad direction is not enough. */
  readonly testPings: number;
  readonly testPingGapMs: number;
  readonly testAnswers: number;
  /** A direction that fails again sooner than this after a trial goes on with the longer intervals. */
  readonly steadyAfterMs: number;
  /** A link that is down keeps its way this long; what was known of it is stale then. */
  readonly forgetAfterMs: number;
}

export const DIRECTION_TUNING: DirectionTuning = {
  doubtAfterMs: 300,
  doubtPingMs: 50,
  askedAgainWithinMs: 1_000,
  oneWayAfterMs: 1_000,
  oneWayProbeTimeouts: 3,
  oneWayAsks: 12,
  heardAfterMs: 500,
  cutAfterMs: 1_500,
  begs: 3,
  begGapMs: 12_000,
  otherWayDatagrams: 8,
  findAgainMs: 1_000,
  testFirstMs: 1_000,
  testMaxMs: 8_000,
  testPings: 4,
  testPingGapMs: 50,
  testAnswers: 2,
  steadyAfterMs: 20_000,
  forgetAfterMs: 30_000,
};
