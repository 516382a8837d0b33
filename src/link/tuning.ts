/** Our own choices for a link; nothing on the other end depends on them. Each stands with its reason. */
export interface LinkTuning {
  /** Neighbours configured at once. A rooftop has dozens; the bound only keeps every table finite. */
  readonly peersMax: number;
  /** Datagrams handed to the transport at once: as many as the next node reads at once, which opens them while this one seals others. */
  readonly sendDatagrams: number;
  /** Bytes of the send arena: `sendDatagrams` of Ethernet's size, and a few of jumbo size. */
  readonly sendArenaBytes: number;
  /** A message is not cut to fill less room than this: the frame header and the extra table look-up cost more. */
  readonly smallestPieceBytes: number;
  /**
   * Datagrams that the log of one session holds at first, and at most. The bound is what 8 s at 1 Gb/s need, in 25 MB; the
   * first size is that of a fast link of a few ms.
   */
  readonly sentLogFirst: number;
  readonly sentLogMax: number;
  /** Two ACKs are so far apart, unless somebody waits: at 50,000 datagrams a second one ACK for 50 of them. */
  readonly ackSpacingMs: number;
  /** In a back channel, where each datagram costs as much again as what is in it, frames wait for company so long at most. */
  readonly gatherMostMs: number;
  /** Taken for the round trip before the first sample: a slow continental path, so that nothing is repeated in haste. */
  readonly initialRoundTripMs: number;
  /** A PING for a fresh round-trip sample while traffic flows: path search weighs links by it. */
  readonly roundTripEveryMs: number;
  /**
   * A link that waits for a sign of life sends PING so often, or four times a round trip: 70 tries before it is dead, so that
   * one which loses half of its datagrams each way does not seem dead once in a hundred years.
   */
  readonly pingRepeatMs: number;
  /** A path probe is lost after this or three round trips, whichever is longer. */
  readonly pathProbeTimeoutMs: number;
  /** How often the present size is probed while datagrams larger than the base size are sent: bounds a black hole's stall. */
  readonly pathConfirmEveryMs: number;
  /** A REKEY sooner than this after a switch gets no answer, so that a neighbour can't have us multiply points at will. */
  readonly rekeyAnswerAfterMs: number;
  /** A silent link starts a fresh handshake beside the old session; a peer that merely lost a few datagrams has answered. */
  readonly handshakeAfterSilenceMs: number;
  /** An answered handshake waits this long for FINAL: the initiator's tries of INIT or FINAL, with room. */
  readonly pendingLifeMs: number;
  /** A session that its initiator never used is given up after this: the thirty tries of FINAL, with room. */
  readonly candidateLifeMs: number;
  /** A peer without a configured endpoint is sought this long where it was last seen; then its address is stale. */
  readonly lastEndpointLifeMs: number;
  /** After yielding in a simultaneous open, how long the other's handshake may take before ours starts again. */
  readonly yieldMs: number;
}

export const LINK_TUNING: LinkTuning = {
  peersMax: 1_024,
  sendDatagrams: 64,
  sendArenaBytes: 128 * 1_024,
  smallestPieceBytes: 128,
  sentLogFirst: 256,
  sentLogMax: 2 ** 20,
  ackSpacingMs: 1,
  gatherMostMs: 8,
  initialRoundTripMs: 200,
  roundTripEveryMs: 2_000,
  pingRepeatMs: 50,
  pathProbeTimeoutMs: 250,
  pathConfirmEveryMs: 2_000,
  rekeyAnswerAfterMs: 500,
  handshakeAfterSilenceMs: 1_500,
  pendingLifeMs: 10_000,
  candidateLifeMs: 10_000,
  lastEndpointLifeMs: 60_000,
  yieldMs: 2_000,
};
