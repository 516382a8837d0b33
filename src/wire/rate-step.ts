/**
 * A rate in one byte, as records have it (docs/protocol.md section 7): 0 unknown, n for 8 kbit/s x 2^((n - 1) / 8) or somewhat more. To 9 %,
 * which is more than anybody measures.
 */
const LEAST_RATE_KBPS = 8;
const STEPS_PER_OCTAVE = 8;
const MAX_STEP = 255;
/** What was decoded is encoded as it was, whatever the logarithm rounds. */
const ROUNDING = 1e-9;

/** The step next below a rate, so that nobody is promised more. */
export function rateStep(kbps: number): number {
  if (kbps < LEAST_RATE_KBPS) return kbps > 0 ? 1 : 0;
  return Math.min(MAX_STEP, 1 + Math.floor(STEPS_PER_OCTAVE * Math.log2(kbps / LEAST_RATE_KBPS) + ROUNDING));
}

/** In kbit/s; 0: unknown. */
export function rateOf(step: number): number {
  return step === 0 ? 0 : LEAST_RATE_KBPS * 2 ** ((step - 1) / STEPS_PER_OCTAVE);
}
