/**
 * Equal clean routes add up for one TCP connection: two of 2, 20 and 200 Mb/s, four of 5 and 250 Mb/s.
 *
 *            ┌══ relay-1 ──┐
 *   miner ───┼══   ...   ──┼── gateway       each ══ clean, 20 ms there and back, 50 ms of queue
 *            └══ relay-4 ──┘
 *
 * The ideal is what headers leave of the sum of the rates (demo/overhead.ts). Beside it what one of the routes carries alone.
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { idealMbit, type KINDS, type ParallelNetwork, runCases } from './harness/parallel.ts';

export const about = 'two and four equal routes add up for one TCP connection, CUBIC and BBR';
export const takes = '6 min';

const ROUTE_COUNT = 4;
const DELAY_MS = 10;
const MEASURED_S = 10;
/** CUBIC's window grows for that long on a path of 50 ms. */
const SETTLE_S = 6;

interface Case {
  readonly routes: number;
  readonly rateMbit: number;
  /** Of the ideal. */
  readonly least: number;
  /** Two processors carry so much: what is reached is told, and no verdict. */
  readonly beyondMachine?: boolean;
}

const CASES: Readonly<Record<string, Case>> = {
  '2+2': { routes: 2, rateMbit: 2, least: 0.95 },
  '20+20': { routes: 2, rateMbit: 20, least: 0.95 },
  '200+200': { routes: 2, rateMbit: 200, least: 0.95 },
  '4x5': { routes: 4, rateMbit: 5, least: 0.9 },
  '4x250': { routes: 4, rateMbit: 250, least: 0.9, beyondMachine: true },
};

export function run(context: RunContext): Promise<RunResult> {
  return runCases(context, ROUTE_COUNT, CASES, measure);
}

async function measure(network: ParallelNetwork, { routes, rateMbit, least, beyondMachine }: Case) {
  const all = Array.from({ length: routes }, () => ({ rateMbit, delayMs: DELAY_MS }));
  const one = all.slice(0, 1);
  await network.use(one);
  const alone = (await network.download('cubic', MEASURED_S, SETTLE_S)) / idealMbit(one);
  await network.use(all);
  const share = async (kind: keyof typeof KINDS) =>
    (await network.download(kind, MEASURED_S, SETTLE_S)) / idealMbit(all);
  const [cubic, bbr] = [await share('cubic'), await share('bbr')];
  return {
    ideal_mbit: round(idealMbit(all)),
    alone: round(alone),
    cubic: round(cubic),
    bbr: round(bbr),
    ok: beyondMachine === true || Math.min(cubic, bbr) >= least,
  };
}

function round(value: number): number {
  return Number(value.toFixed(3));
}
