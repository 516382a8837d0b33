/** Our own choices of the graph layer, each with its reason. */
export interface GraphTuning {
  /**
   * How far ahead the own record expires: two renewals, and clocks may differ by a minute either way within the 180 s
   * allowed.
   */
  readonly lifetimeMs: number;
  /** Measurements change all the time; only what would change a choice of path is worth a signature everywhere. */
  readonly roundTripChangeRatio: number;
  readonly roundTripChangeMs: number;
  /** A rate is what was delivered when the link was full, give or take what its queue holds. */
  readonly rateChangeRatio: number;
  readonly lossChangeShare: number;
  readonly measurementEveryMs: number;
  /** Stands for a round trip that was not measured yet: neither the best link nor the worst. */
  readonly unknownRoundTripMs: number;
  /** Signatures checked for one neighbour: 1 to 4 ms each without the addon, so at most an eighth of a core. */
  readonly verifiedPerSecondAndLink: number;
  readonly verifiedAtOnce: number;
  /** Records under way to a neighbour without an acknowledgement: the neighbour's own pace sets ours. */
  readonly recordsUnderWay: number;
  /**
   * A RECORDS message fits the smallest datagram (1,200 bytes), so losing one loses few records. Larger records go
   * alone.
   */
  readonly messageBytes: number;
  /** Acknowledgements that wait for the drain; with more they are sent at once. */
  readonly acksInMessage: number;
  /** docs/protocol.md section 7; smaller in tests. */
  readonly maxRecords: number;
  readonly expiryCheckEveryMs: number;
  /** `changed` is called at most this often: whoever listens searches paths. */
  readonly changedEveryMs: number;
}

export const GRAPH_TUNING: GraphTuning = {
  lifetimeMs: 120_000,
  roundTripChangeRatio: 0.3,
  roundTripChangeMs: 2,
  rateChangeRatio: 2,
  lossChangeShare: 0.05,
  measurementEveryMs: 10_000,
  unknownRoundTripMs: 100,
  verifiedPerSecondAndLink: 30,
  verifiedAtOnce: 60,
  recordsUnderWay: 64,
  messageBytes: 1_100,
  acksInMessage: 256,
  maxRecords: 4_096,
  expiryCheckEveryMs: 1_000,
  changedEveryMs: 100,
};

// What follows is docs/protocol.md section 7.
export const RECORD_HOPS = 10;
export const MAX_EXPIRY_AHEAD_MS = 180_000;
export const RENEW_AFTER_MS = 60_000;
export const SIGN_EVERY_MS = 1_000;
export const REPEAT_FIRST_MS = 500;
export const REPEAT_LAST_MS = 8_000;

// What follows is docs/protocol.md section 9.5.
export const PROOF_LIFE_S = 900;
export const MAX_CLOCK_LEAD_S = 180;
