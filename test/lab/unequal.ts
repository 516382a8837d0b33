/**
 * Routes that differ add up, and one that is of no use does no harm.
 *
 *            ┌══ relay-1 ──┐
 *   miner ───┼══   ...   ──┼── gateway       each ══ of its own rate, delay and loss
 *            └══ relay-3 ──┘
 *
 * The ideal is what headers and losses leave of the sum of the rates (demo/overhead.ts). CUBIC with RACK, and Reno without it,
 * to which order counts. Where the second route is of no use, the best route alone is measured in the same run.
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { idealMbit, type KINDS, type ParallelNetwork, type RouteSettings, runCases } from './harness/parallel.ts';

export const about = 'routes of different rates, delays and losses: their sum, and never less than the best one alone';
export const takes = '6 min';

const ROUTE_COUNT = 3;
const MEASURED_S = 12;
const SETTLE_S = 6;
/** Of the ideal of all routes. */
const SUM_LEAST = 0.9;
/** Of what the best route carries alone. */
const BEST_LEAST = 0.97;

interface Case {
  /** The best one first. */
  readonly routes: readonly RouteSettings[];
  readonly than: 'sum' | 'best';
}

const route = (rateMbit: number, roundTripMs: number, loss = 0): RouteSettings => ({
  rateMbit,
  delayMs: roundTripMs / 2,
  loss,
});

const CASES: Readonly<Record<string, Case>> = {
  '2/20ms+2/60ms/1%': { routes: [route(2, 20), route(2, 60, 0.01)], than: 'sum' },
  '10+2': { routes: [route(10, 20), route(2, 20)], than: 'sum' },
  '20+1': { routes: [route(20, 20), route(1, 20)], than: 'sum' },
  '5+5+5': { routes: [route(5, 20), route(5, 20), route(5, 20)], than: 'sum' },
  '2/20%+2/5%': { routes: [route(2, 20, 0.2), route(2, 20, 0.05)], than: 'sum' },
  '20/10ms+1/300ms/5%': { routes: [route(20, 10), route(1, 300, 0.05)], than: 'best' },
  '20/5ms+20/600ms': { routes: [route(20, 5), route(20, 600)], than: 'best' },
};
const TCP: readonly (keyof typeof KINDS)[] = ['cubic', 'reno'];

export function run(context: RunContext): Promise<RunResult> {
  return runCases(context, ROUTE_COUNT, CASES, measure);
}

async function measure(network: ParallelNetwork, one: Case) {
  const yardsticks = await yardsticksOf(network, one);
  await network.use(one.routes);
  const values: Record<string, number> = {};
  for (const kind of TCP) {
    values[`${kind}_mbit`] = round(await network.download(kind, MEASURED_S, SETTLE_S));
    values[`${kind}_of_${one.than}`] = round(values[`${kind}_mbit`] / yardsticks[kind]);
  }
  const least = one.than === 'sum' ? SUM_LEAST : BEST_LEAST;
  return { ...values, ok: TCP.every((kind) => values[`${kind}_of_${one.than}`] >= least) };
}

/** Mb/s that count as 1, for each TCP: the ideal of the sum, or what the best route carries alone. */
async function yardsticksOf(network: ParallelNetwork, { routes, than }: Case): Promise<Record<string, number>> {
  const values: Record<string, number> = {};
  if (than === 'best') await network.use(routes.slice(0, 1));
  for (const kind of TCP) {
    values[kind] = than === 'best' ? await network.download(kind, MEASURED_S, SETTLE_S) : idealMbit(routes);
  }
  return values;
}

function round(value: number): number {
  return Number(value.toFixed(3));
}
