/** Our own choices for what a link sends how fast; nothing on the other end depends on them. Each stands with its reason. */
export interface CongestionTuning {
  readonly initialRateBytesPerMs: number;
  readonly minRateBytesPerMs: number;
  readonly maxRateBytesPerMs: number;
  readonly queueBytes: number;
  readonly noiseShare: number;
  readonly roundTripShare: number;
  readonly roundMinMs: number;
  readonly roundSamples: number;
  readonly correctionRounds: number;
  readonly cutMost: number;
  readonly carriedSmoothing: number;
  readonly usedShare: number;
  readonly climbLeast: number;
  readonly climbMost: number;
  readonly baseKeepMs: number;
  readonly baseKeepRoundTrips: number;
  readonly stuckRounds: number;
  readonly drainShare: number;
  readonly drainSlackBytes: number;
  readonly windowRoundTrips: number;
  readonly windowSlackMs: number;
  readonly windowMinBytes: number;
  readonly lossShare: number;
  readonly lossPeriodMs: number;
  readonly lossBytes: number;
  readonly overloadHoldMs: number;
  readonly catchUpMs: number;
}

export const CONGESTION_TUNING: CongestionTuning = {
  initialRateBytesPerMs: 500,
  minRateBytesPerMs: 4,
  maxRateBytesPerMs: 1_250_000,
  queueBytes: 1_700,
  noiseShare: 0.5,
  roundTripShare: 1 / 64,
  roundMinMs: 10,
  roundSamples: 4,
  correctionRounds: 4,
  cutMost: 0.5,
  carriedSmoothing: 0.25,
  usedShare: 0.8,
  climbLeast: 1 / 32,
  climbMost: 1,
  baseKeepMs: 10_000,
  baseKeepRoundTrips: 40,
  stuckRounds: 4,
  drainShare: 0.5,
  drainSlackBytes: 1_500,
  windowRoundTrips: 2,
  windowSlackMs: 20,
  windowMinBytes: 12_000,
  lossShare: 0.1,
  lossPeriodMs: 50,
  lossBytes: 60_000,
  overloadHoldMs: 3_000,
  catchUpMs: 3,
};
