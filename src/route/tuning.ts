/** Our own choices of the route layer, each with its reason. What neighbours must agree on is in protocol-limits.ts. */
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
  /** Unfinished messages of all routes together: 16 MiB of buffers. The oldest goes first. */
  readonly maxUnfinishedInAll: number;
  /**
   * Disjoint spans of an unfinished message: 65,535 bytes in 1,100-byte pieces, each cut in two, every other one
   * missing.
   */
  readonly maxSpans: number;
  /** Routes of a dead link taken apart in one go: an error onion costs about 50 us, so 3 ms at a time. */
  readonly dismantledAtOnce: number;
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
  maxUnfinishedInAll: 256,
  maxSpans: 64,
  dismantledAtOnce: 64,
  sweepEveryMs: 1_000,
  sweptAtOnce: 65_536,
  idledAtOnce: 1_024,
};
