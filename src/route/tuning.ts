/** Our own choices of the route layer, each with its reason. What neighbours must agree on is in protocol-limits.ts. */

/** For pieces, where the operator says nothing: an eighth of what a Pi 3 has left for programs. */
export const DEFAULT_MEMORY_BYTES = 64 * 1_024 * 1_024;

export interface RouteTuning {
  /** Routes that one neighbour may set up: docs/protocol.md section 5. Smaller in tests. */
  readonly routesPerLink: number;
  /** Entries in the table: 64 MiB at 262,144, which a board with 1 GiB can give. */
  readonly maxRoutes: number;
  /** Routes that begin here. A bundle has at most 8; this is room for hundreds of sessions and services. */
  readonly maxOriginRoutes: number;
  /**
   * How far ahead an origin sets the expiry: the middle of the 120 s allowed, so clocks may differ by a minute either
   * way.
   */
  readonly expiryAheadMs: number;
  /**
   * Set-ups remembered in 120 s: 22 links at their full rate of 50 a second. Beyond it set-ups are refused, not
   * forgotten.
   */
  readonly maxRemembered: number;
  /**
   * What an object around a parked piece costs, about: many small pieces must not take more memory than 64 KiB of
   * large ones.
   */
  readonly parkedPieceOverheadBytes: number;
  /** Pieces of one unfinished message: 65,535 bytes in the smallest pieces that a link cuts, each cut in two. */
  readonly maxPiecesPerMessage: number;
  /** What the notes on an unfinished message cost besides its bytes, about: counted, so that many small ones are bounded. */
  readonly unfinishedCostBytes: number;
  /** A piece that is not the rest of its message is at least this long: below, the frame's header is worth more than it. */
  readonly leastPieceBytes: number;
  /** How far into a list a piece is looked for that fills the rest of a datagram. */
  readonly piecesLookedAt: number;
  /** The least bound of a buffer: five full datagrams, so that one lost does not stop the others; 33 ms at 2 Mb/s. */
  readonly leastBoundBytes: number;
  /** The least room at the end of a route, where nothing stands: 50 ms at 40 Mb/s. With 8,192 a download over that had its rate after 9 s. */
  readonly endBoundBytes: number;
  /** What a bound counts for work besides the round trips: both ends wake, read and send in batches of a few ms. */
  readonly boundAllowanceMs: number;
  /** A bound is looked at once a loop, and not more often than this: shorter samples of the rate are noise. */
  readonly boundRoundMs: number;
  /** A route that slows down gives its room back at this pace, four rounds where these are longer; a pause of a few round trips keeps it. */
  readonly rateHalfLifeMs: number;
  /**
   * What may wait where an own route begins, at its rate: with 4 ms two routes of 50 Mb/s stood still now and then, and a download over both
   * lost three points in a hundred. And at least: a batch of messages of 64 KiB, which is sealed and read at once.
   */
  readonly ownWaitingMs: number;
  readonly ownWaitingLeastBytes: number;
  /** More loss than this is counted as this: beyond, bounds would grow without end. */
  readonly lossShareCounted: number;
  /** What fills more datagrams begins one of its own: that costs a link half of one in so many, 1.5 % at most. */
  readonly aloneFrames: number;
  /** One route may take this many times what is free: 8/9 of all when alone, 8/17 each when two want all. */
  readonly shareFactor: number;
  /** Of the memory that blocks take, as pieces: a piece of a full datagram fills nine tenths of its block. */
  readonly promisedShare: number;
  /** Set-ups are refused when less than this share of the memory is free: it is for the routes that are there. */
  readonly refusingShare: number;
  /** Waiting pieces of a Real Time route: 64 KiB of the smallest voice packets. */
  readonly realTimeWaitingPieces: number;
  /** From this share of loss on a Real Time piece goes out twice, above the second three times (measured, 150 ms, 8 hops). */
  readonly twoCopiesLossShare: number;
  readonly threeCopiesLossShare: number;
  /**
   * From this share of loss on a Bulk piece that is at most so long goes out twice: above all the acknowledgements of a TCP, which cost next to
   * nothing. Over eight hops that lose half, Reno has 0.858 of what can be had with it and 0.62 without (`sim eight-hops --gate`).
   */
  readonly smallCopyLossShare: number;
  readonly smallPieceBytes: number;
  /** One turn of a route among others: a full datagram. */
  readonly turnBytes: number;
  /** Real Time's share of a link while Bulk waits, and that of the node's own routes while transit waits. */
  readonly realTimeShare: number;
  readonly ownShare: number;
  /** How far the first may run ahead of its share: ten full datagrams. */
  readonly precedenceBurstBytes: number;
  /** How often the rates of own traffic and transit are looked at: a few round trips of a slow line. */
  readonly transitLookMs: number;
  /** So much of transit's allowance may be spent at once: two turns of the timer that fills it. */
  readonly transitBurstMs: number;
  /** Own traffic below this share of the capacity is nobody who has to be made room for: probes and keep-alives. */
  readonly transitIdleShare: number;
  /** The line is to be busy for so much of the time: the rest shows whether own traffic wants more. */
  readonly transitBusyShare: number;
  /** Of what the line would carry beyond that, transit gets so much a look: own traffic that has just begun grows into the rest. */
  readonly transitRise: number;
  /** Own traffic grows when it is faster by so much of the capacity than half a second ago: more than what a few datagrams make. */
  readonly transitGrowthShare: number;
  /**
   * What transit loses by the first look in which the line is busier; each one that follows doubles it, up to the most. A burst
   * costs little, and half of a line is a hundredth after a second and a half.
   */
  readonly transitYield: number;
  readonly transitYieldMost: number;
  /** The least room that a route is given at once: two full datagrams. */
  readonly transitLeastGift: number;
  /** Own traffic's rate is a mean of so many looks: half a second evens out the bursts of one connection. */
  readonly transitMeanLooks: number;
  /** What a line carries is a mean over so much of its busy time. */
  readonly transitMemoryMs: number;
  /** So long must a line have been full before a cap is a share of what it carries: a fast link that is new takes less to show that it is. */
  readonly transitCertainMs: number;
  /** It must be shown again when the line was not nearly full for so long: one that has become faster is not capped for ever. */
  readonly transitForgetMs: number;
  /** What transit gets of the line in any case, so that its routes live: a datagram each 120 ms at 20 Mb/s. Its Real Time comes besides. */
  readonly transitLeastShare: number;
  /** How often what is kept is looked through: deadlines of what can't leave, BLOCKED, and routes that gave up. */
  readonly housekeepingMs: number;
  /** A route that carried nothing for so long keeps only its counts: 40 bytes a direction. */
  readonly dormantAfterMs: number;
  /** Routes of a dead link taken apart in one go: an error onion costs about 50 us, so 3 ms at a time. */
  readonly dismantledAtOnce: number;
  /** How long a TEARDOWN waits behind what the route still keeps, how often that is looked at, and for how many routes at once. */
  readonly leavingMs: number;
  readonly leavingLookedAtMs: number;
  readonly leavingAtOnce: number;
  /** How often the table is searched for idle routes. */
  readonly sweepEveryMs: number;
  /** Slots looked at in one go of that search, about 0.1 ms. */
  readonly sweptAtOnce: number;
  /** Idle routes removed in one go, about 1 ms. */
  readonly idledAtOnce: number;
}

export const ROUTE_TUNING: RouteTuning = {
  routesPerLink: 4_096,
  maxRoutes: 262_144,
  maxOriginRoutes: 4_096,
  expiryAheadMs: 60_000,
  maxRemembered: 131_072,
  parkedPieceOverheadBytes: 64,
  maxPiecesPerMessage: 1_024,
  unfinishedCostBytes: 256,
  leastPieceBytes: 128,
  piecesLookedAt: 8,
  leastBoundBytes: 8_192,
  endBoundBytes: 262_144,
  boundAllowanceMs: 6,
  boundRoundMs: 10,
  rateHalfLifeMs: 250,
  ownWaitingMs: 12,
  ownWaitingLeastBytes: 65_536,
  lossShareCounted: 0.6,
  aloneFrames: 32,
  shareFactor: 8,
  promisedShare: 0.8,
  refusingShare: 1 / 16,
  realTimeWaitingPieces: 1_024,
  twoCopiesLossShare: 0.05,
  threeCopiesLossShare: 0.3,
  smallCopyLossShare: 0.15,
  smallPieceBytes: 200,
  turnBytes: 1_500,
  realTimeShare: 0.8,
  ownShare: 0.99,
  precedenceBurstBytes: 15_000,
  transitLookMs: 100,
  transitBurstMs: 50,
  transitIdleShare: 0.01,
  transitBusyShare: 0.985,
  transitRise: 0.2,
  transitGrowthShare: 0.03,
  transitYield: 0.02,
  transitYieldMost: 0.3,
  transitLeastGift: 3_000,
  transitMeanLooks: 5,
  transitMemoryMs: 1_000,
  transitCertainMs: 2_000,
  transitForgetMs: 120_000,
  transitLeastShare: 0.005,
  housekeepingMs: 25,
  dormantAfterMs: 5_000,
  dismantledAtOnce: 64,
  leavingMs: 500,
  leavingLookedAtMs: 5,
  leavingAtOnce: 1_024,
  sweepEveryMs: 1_000,
  sweptAtOnce: 65_536,
  idledAtOnce: 1_024,
};
