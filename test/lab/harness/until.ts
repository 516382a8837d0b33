/** Waits for the real world, which is asynchronous: a condition is asked again and again, up to a deadline. */
import { setTimeout as pause } from 'node:timers/promises';

const ASK_EVERY_MS = 20;
/** Of a wait; what is longer is a lab that was stopped as a whole, with all that it waits for. */
const LONGEST_ROUND_MS = 45_000;

/**
 * Resolves with the first value of `condition` that is neither false, null nor undefined. Rejects at the deadline and says
 * what was waited for, with the condition's last error and what `explain` adds (the last lines of a daemon's log).
 */
export async function until<T>(
  what: string,
  deadlineMs: number,
  condition: () => T | Promise<T>,
  explain: () => string = () => '',
): Promise<Exclude<T, false | null | undefined>> {
  let [waitedMs, roundMs] = [0, performance.now()];
  let lastError: unknown;
  do {
    try {
      const value = await condition();
      if (value !== false && value !== null && value !== undefined)
        return value as Exclude<T, false | null | undefined>;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    await pause(ASK_EVERY_MS);
    const nowMs = performance.now();
    waitedMs += Math.min(nowMs - roundMs, LONGEST_ROUND_MS);
    roundMs = nowMs;
  } while (waitedMs < deadlineMs);
  const cause = lastError instanceof Error ? `\n${lastError.message}` : '';
  throw new Error(`${what}: not within ${deadlineMs / 1000} s${cause}\n${explain()}`.trimEnd());
}
