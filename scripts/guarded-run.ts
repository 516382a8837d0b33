/**
 * Runs something that must leave nothing behind: its clean-ups happen on every way out that a process can notice
 * (return, exception, SIGINT, SIGTERM, SIGHUP), and the last line on stdout is one JSON object with the verdict.
 * Only SIGKILL gets past it; the lab's next start sweeps up after that (test/lab/harness/sweep.ts).
 */
import { writeSync } from 'node:fs';
import { constants } from 'node:os';
import type { RunContext, RunResult } from './run-contract.ts';

type Cleanup = () => void | Promise<void>;

/** A clean-up that takes longer hangs; the next one gets its turn. */
const CLEANUP_MAX_MS = 20_000;

export interface GuardOptions {
  readonly name: string;
  readonly args: readonly string[];
  readonly gate: boolean;
  /** Silences `context.log`. */
  readonly quiet?: boolean;
  run(context: RunContext): Promise<RunResult> | RunResult;
}

/** Runs and cleans up; resolves with the result, to which `name` and the seconds are added. Never rejects. */
export async function guardedRun(options: GuardOptions): Promise<Record<string, unknown> & { pass: boolean }> {
  const cleanups: Cleanup[] = [];
  const startedMs = performance.now();
  const log = (line: string) => {
    if (!options.quiet) process.stderr.write(`${line}\n`);
  };
  const interruption = watchInterruptions(log);
  const context: RunContext = {
    args: options.args,
    gate: options.gate,
    log,
    onExit(cleanup) {
      interruption.start();
      cleanups.push(cleanup);
    },
  };
  let result: RunResult;
  try {
    result = await Promise.race([Promise.resolve(options.run(context)), interruption.promise]);
  } catch (error) {
    result = { pass: false, error: describe(error) };
    log(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  const failures = await cleanUp(cleanups, log);
  interruption.stop();
  const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
  const outcome = { name: options.name, ...result, seconds };
  return failures.length === 0 ? outcome : { ...outcome, pass: false, cleanupFailures: failures };
}

/** Prints the closing JSON line and ends the process with the matching exit code. */
export function finish(outcome: Record<string, unknown> & { pass: boolean }): never {
  writeSync(1, `${JSON.stringify(outcome)}\n`);
  const signal = typeof outcome.interrupted === 'string' ? outcome.interrupted : undefined;
  if (signal) process.exit(128 + constants.signals[signal as NodeJS.Signals]);
  process.exit(outcome.pass ? 0 : 1);
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function cleanUp(cleanups: Cleanup[], log: (line: string) => void): Promise<string[]> {
  const failures: string[] = [];
  for (let cleanup = cleanups.pop(); cleanup; cleanup = cleanups.pop()) {
    try {
      await withDeadline(cleanup);
    } catch (error) {
      failures.push(describe(error));
      log(`clean-up failed: ${describe(error)}`);
    }
  }
  return failures;
}

async function withDeadline(cleanup: Cleanup): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('clean-up took too long')), CLEANUP_MAX_MS);
  });
  await Promise.race([cleanup(), tooLong]).finally(() => clearTimeout(timer));
}

interface Interruption {
  readonly promise: Promise<RunResult>;
  start(): void;
  stop(): void;
}

/**
 * The promise resolves at the first signal and rejects at an error that nobody caught; later signals change nothing.
 * Watching starts with the first clean-up registered: a run that has none (a simulation in one long synchronous loop
 * that could not answer a signal) dies of Ctrl-C at once, as programs do.
 */
function watchInterruptions(log: (line: string) => void): Interruption {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const { promise, resolve, reject } = Promise.withResolvers<RunResult>();
  promise.catch(() => {});
  let watching = false;
  const onSignal = (signal: NodeJS.Signals) => {
    log(`${signal}: cleaning up`);
    resolve({ pass: false, interrupted: signal });
  };
  const onError = (error: unknown) => reject(error);
  return {
    promise,
    start() {
      if (watching) return;
      watching = true;
      for (const signal of signals) process.on(signal, onSignal);
      process.on('uncaughtException', onError);
      process.on('unhandledRejection', onError);
    },
    stop() {
      for (const signal of signals) process.off(signal, onSignal);
      process.off('uncaughtException', onError);
      process.off('unhandledRejection', onError);
    },
  };
}
