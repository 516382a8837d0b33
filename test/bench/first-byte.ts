/**
 * How long a page's first byte takes over one, two and four routes, of which the first is the fastest: light load goes to it
 * alone, so that the others cost nothing.
 *
 *            ┌══ relay-1 ──┐      20 ms there and back
 *   miner ───┼══   ...   ──┼── gateway
 *            └══ relay-4 ──┘      40, 60, 80 ms; each 20 Mb/s
 *
 * From the start of the connection to the first byte, the median of many pages.
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { ParallelNetwork } from '../lab/harness/parallel.ts';
import { median } from '../lab/harness/spread.ts';

export const about = 'time to first byte over 1, 2 and 4 routes, the first of which is the fastest';
export const takes = '40 s';

const RATE_MBIT = 20;
const ROUND_TRIPS_MS = [20, 40, 60, 80];
const PAGES = 40;
/** More than over the fastest route alone. */
const EXTRA_MOST = 0.05;

export async function run(context: RunContext): Promise<RunResult> {
  const network = await ParallelNetwork.start(context, ROUND_TRIPS_MS.length);
  await network.serve();
  const medians: Record<number, number> = {};
  for (const count of [1, 2, 4]) {
    await network.use(ROUND_TRIPS_MS.slice(0, count).map((ms) => ({ rateMbit: RATE_MBIT, delayMs: ms / 2 })));
    medians[count] = median(network.firstBytesMs(PAGES));
    context.log(`${count} routes: ${medians[count].toFixed(1)} ms`);
  }
  const extra = (count: number): number => medians[count] / medians[1] - 1;
  return {
    pass: Math.max(extra(2), extra(4)) <= EXTRA_MOST,
    one_ms: round(medians[1]),
    two_ms: round(medians[2]),
    four_ms: round(medians[4]),
    extra_of_two: round(extra(2)),
    extra_of_four: round(extra(4)),
  };
}

function round(value: number): number {
  return Number(value.toFixed(3));
}
