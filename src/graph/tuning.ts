/** Our own choices of the graph layer, each with its reason. */
export interface GraphTuning {
  /** docs/protocol.md section 7. */
  readonly renewAfterMs: number;
  /**
   * And for each node that is known, if that is longer: ten records a second are all that one has to hear, 5 to 16 kB a second at a node with four links,
   * which the slowest radio bears.
   */
  readonly renewAfterMsPerNode: number;
  /** Up to so much earlier: what was switched on together after a power cut would go on renewing together. */
  readonly renewSpreadShare: number;
  /** Measurements change all the time; only what would change a choice of path is worth a signature everywhere. */
  readonly roundTripChangeRatio: number;
  readonly roundTripChangeMs: number;
  /** A rate is what was delivered when the link was full, give or take what its queue holds. */
  readonly rateChangeRatio: number;
  readonly lossChangeShare: number;
  /** At most once in this share of a renewal: 10 s. */
  readonly measurementShare: number;
  /** Stands for a round trip that was not measured yet: neither the best link nor the worst. */
  readonly unknownRoundTripMs: number;
  /** Signatures checked for one neighbour: 1 to 4 ms each without the addon, so at most an eighth of a core. */
  readonly verifiedPerSecondAndLink: number;
  readonly verifiedAtOnce: number;
  /**
   * Records under way to a neighbour without an acknowledgement: the neighbour's own pace sets ours. Half a second of its checking, after which what it
   * did not come to is repeated.
   */
  readonly recordsUnderWay: number;
  /**
   * A RECORDS message fits the smallest datagram (1,200 bytes), so losing one loses few records. Larger records go
   * alone.
   */
  readonly messageBytes: number;
  /** Renewals wait up to so long for each other, and for the neighbour to bring them itself: nobody waits for them. */
  readonly gatherMs: number;
  /** Acknowledgements wait so long for each other: with a round trip, less than the neighbour waits before it repeats. */
  readonly ackMs: number;
  /** With so many they are sent at once. */
  readonly acksInMessage: number;
  /** docs/protocol.md section 7; smaller in tests. */
  readonly maxRecords: number;
  readonly expiryCheckEveryMs: number;
  /** `changed` is called at most this often: whoever listens searches paths. */
  readonly changedEveryMs: number;
}

export const GRAPH_TUNING: GraphTuning = {
  renewAfterMs: 60_000,
  renewAfterMsPerNode: 100,
  renewSpreadShare: 0.25,
  roundTripChangeRatio: 0.3,
  roundTripChangeMs: 2,
  rateChangeRatio: 2,
  lossChangeShare: 0.05,
  measurementShare: 1 / 6,
  unknownRoundTripMs: 100,
  verifiedPerSecondAndLink: 30,
  verifiedAtOnce: 60,
  recordsUnderWay: 16,
  messageBytes: 1_100,
  gatherMs: 2_000,
  ackMs: 100,
  acksInMessage: 4,
  maxRecords: 4_096,
  expiryCheckEveryMs: 1_000,
  changedEveryMs: 100,
};

/** With the addon a signature takes 0.05 ms (0.3 on a Cortex-A53): 1,000 boxes that are switched on together know each other in 3.6 s in place of 35. */
export const NATIVE_CURVE_TUNING: Partial<GraphTuning> = { verifiedPerSecondAndLink: 300, verifiedAtOnce: 600 };

// What follows is docs/protocol.md section 7.
export const RECORD_HOPS = 10;
export const MAX_EXPIRY_AHEAD_MS = 900_000;
/** One may be lost, or late by as much as clocks differ. */
export const RENEWALS_IN_LIFE = 2;
export const SIGN_EVERY_MS = 1_000;
export const REPEAT_FIRST_MS = 500;
export const REPEAT_LAST_MS = 8_000;

// What follows is docs/protocol.md section 9.5.
export const PROOF_LIFE_S = 900;
export const MAX_CLOCK_LEAD_S = 180;
