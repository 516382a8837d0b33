/**
 * Feeds cases to a target and judges it. It must not throw, hang or grow; what is noise must be counted as dropped; its
 * tables must stay within their bounds; and it must still work afterwards.
 *
 *   npm run fuzz -- NAME [SEED [CASES]]
 *
 * A case depends on the seed and on all cases before it, so a failure is replayed from the first: CASES is then the
 * failing one's number plus one, and the failure's last case is the one.
 */
import { performance } from 'node:perf_hooks';
import type { RunContext, RunResult } from '../../../scripts/run-contract.ts';
import type { Drops } from '../../../src/base/drops.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { DropTally } from './drop-tally.ts';
import { type StartHangWatch, watchForHang } from './hang-watch.ts';
import { heldBytes } from './heap.ts';

const CASES = 1_000_000;
const GATE_CASES = 20_000;
/** Of the processor. No case costs more than a few ms; the rest is room for a garbage collection. A case that waits for ever is hang-watch.ts's. */
const MAX_CASE_MS = 2_000;
/** From the end of the first tenth to the end of the last. Caches of fixed size may still fill up; 10 bytes a case may not. */
const MAX_GROWTH_BYTES = 8 * 1024 * 1024;
const TENTHS = 10;

/** `noise`: can't be valid, so a drop must be counted. `mutant`: may be valid by luck, or is on purpose. */
export type CaseKind = 'noise' | 'mutant';

export interface FuzzTarget {
  readonly drops: readonly Drops[];
  /** Between cases: time passes, ordinary traffic runs, fresh valid messages are made. */
  prepare(random: SeededRandom, number: number): void;
  feed(random: SeededRandom, number: number): CaseKind | Promise<CaseKind>;
  /** Throws when a table holds more than it may. Called a thousand times in a run. */
  checkBounds(): void;
  /** Throws when the target does not work any more. Figures for people. */
  finish(): Record<string, unknown> | Promise<Record<string, unknown>>;
}

export interface FuzzOptions {
  readonly name: string;
  readonly context: RunContext;
  readonly target: (seed: number) => FuzzTarget | Promise<FuzzTarget>;
  /** Another watch than the one of hang-watch.ts, for tests. */
  readonly startHangWatch?: StartHangWatch;
}

interface Progress {
  number: number;
  dropped: number;
  accepted: number;
  slowestMs: number;
  readonly held: number[];
}

export async function fuzz(options: FuzzOptions): Promise<RunResult> {
  const { name, context } = options;
  const seed = numberOf(context.args[0], 1);
  const cases = numberOf(context.args[1], context.gate ? GATE_CASES : CASES);
  const replay = `npm run fuzz -- ${name} ${seed}`;
  const target = await options.target(seed);
  const tally = new DropTally();
  for (const drops of target.drops) tally.watch(drops);
  const progress: Progress = { number: 0, dropped: 0, accepted: 0, slowestMs: 0, held: [] };
  const watch = (options.startHangWatch ?? watchForHang)(name, replay);
  const startedMs = performance.now();
  let figures: Record<string, unknown> = {};
  let reason: string | undefined;
  try {
    await feedAll(target, tally, cases, new SeededRandom(seed, `fuzz ${name}`), progress, watch.begins, context.log);
    figures = await target.finish();
  } catch (error) {
    reason = error instanceof Error ? error.message : String(error);
    const command = `${replay} ${progress.number + 1}`;
    context.log(`case ${progress.number}: ${error instanceof Error ? error.stack : error}\nreplay: ${command}`);
    figures = { reason, case: progress.number, replay: command };
  }
  await watch.stop();
  const { dropped, accepted, slowestMs, held } = progress;
  const heapGrowthBytes = held.length < 2 ? 0 : held[held.length - 1] - held[0];
  if (reason === undefined && heapGrowthBytes > MAX_GROWTH_BYTES) {
    reason = `${heapGrowthBytes} bytes grown, ${MAX_GROWTH_BYTES} allowed`;
    figures = { ...figures, reason, held_bytes_by_tenth: held, replay: `${replay} ${cases}` };
  }
  return {
    pass: reason === undefined,
    seed,
    cases: dropped + accepted,
    dropped,
    accepted,
    drops: tally.toJSON(),
    feeding_seconds: Math.round((performance.now() - startedMs) / 100) / 10,
    slowest_case_ms: Math.round(slowestMs * 10) / 10,
    heap_growth_bytes: heapGrowthBytes,
    ...figures,
  };
}

async function feedAll(
  target: FuzzTarget,
  tally: DropTally,
  cases: number,
  random: SeededRandom,
  progress: Progress,
  begins: (number: number) => void,
  log: (line: string) => void,
): Promise<void> {
  const checkEvery = Math.max(1, Math.floor(cases / 1_000));
  const tenth = Math.max(1, Math.floor(cases / TENTHS));
  for (let number = 0; number < cases; number++) {
    progress.number = number;
    begins(number);
    target.prepare(random, number);
    tally.start();
    const startedMs = processorMs();
    const fed = target.feed(random, number);
    const kind = typeof fed === 'string' ? fed : await fed;
    const tookMs = processorMs() - startedMs;
    tally.stop();
    if (tookMs > progress.slowestMs) progress.slowestMs = tookMs;
    if (tookMs > MAX_CASE_MS) throw new Error(`a case took ${Math.round(tookMs)} ms`);
    if (tally.ofCase > 0) progress.dropped++;
    else if (kind === 'mutant') progress.accepted++;
    else throw new Error('noise was not counted as dropped');
    if (number % checkEvery === 0) target.checkBounds();
    if ((number + 1) % tenth === 0) {
      progress.held.push(heldBytes());
      log(`${number + 1} of ${cases} cases`);
    }
  }
  target.checkBounds();
}

/** What this thread had of the processor: a machine that is busy otherwise makes no case slow. */
function processorMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function numberOf(text: string | undefined, otherwise: number): number {
  const number = text === undefined ? otherwise : Number(text);
  if (!Number.isSafeInteger(number) || number < 1) throw new Error('usage: npm run fuzz -- NAME [SEED [CASES]]');
  return number;
}
