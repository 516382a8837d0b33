/**
 * All that has to hold before a change lands, cheapest first: check, npm test, then the gate's simulations, fuzzing, labs and
 * benchmarks, the offload hardware's small configuration, then the demo. One line a step with its time; the output of a step is shown when it fails. The last line is
 * `N passed, N failed`, where every unit test and every other step counts one.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GATE_RUNS } from './gate.ts';
import { hasSimulationTools } from './hw/tools.ts';
import { loadRun, namesOf, PROJECT_ROOT } from './named-runs.ts';
import type { RunKind } from './run-contract.ts';

/** A step that takes longer hangs: it is told to stop, given time to clean up, and then killed. */
const STEP_MAX_MS = 12 * 60_000;
const STOP_GRACE_MS = 30_000;
/** How much of a failing step's output is worth printing. */
const SHOWN_LINES = 120;

interface Tally {
  passed: number;
  failed: number;
}

interface Step {
  readonly name: string;
  readonly command: readonly string[];
  /** Counts more than one when the step itself is made of tests. */
  tally?(): Tally | undefined;
}

interface Ended {
  readonly code: number;
  readonly output: string;
  readonly seconds: string;
}

const script = (name: string) => join(PROJECT_ROOT, 'scripts', name);

async function runStep(step: Step): Promise<Ended> {
  const startedMs = performance.now();
  const [command, ...args] = step.command;
  const child = spawn(command, args, {
    cwd: PROJECT_ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, SKYWIRE_SETUP_DONE: '1' },
  });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  const forward = (signal: NodeJS.Signals) => child.kill(signal);
  process.on('SIGINT', forward);
  process.on('SIGTERM', forward);
  const stop = setTimeout(() => {
    chunks.push(Buffer.from(`\nstopped after ${STEP_MAX_MS / 60_000} minutes\n`));
    child.kill('SIGTERM');
  }, STEP_MAX_MS);
  const kill = setTimeout(() => child.kill('SIGKILL'), STEP_MAX_MS + STOP_GRACE_MS);
  const code = await new Promise<number>((resolve) => {
    child.on('error', (error) => {
      chunks.push(Buffer.from(`${command} did not start: ${error.message}\n`));
      resolve(1);
    });
    child.on('close', (status) => resolve(status ?? 1));
  });
  clearTimeout(stop);
  clearTimeout(kill);
  process.off('SIGINT', forward);
  process.off('SIGTERM', forward);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  return { code, output: Buffer.concat(chunks).toString(), seconds };
}

function vitestStep(reportFile: string): Step {
  const vitest = join(PROJECT_ROOT, 'node_modules/vitest/vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`];
  return {
    name: 'npm test',
    command: [script('node'), vitest, 'run', ...reporters],
    tally() {
      try {
        const report = JSON.parse(readFileSync(reportFile, 'utf8'));
        return { passed: report.numPassedTests, failed: report.numFailedTests };
      } catch {
        return undefined;
      }
    },
  };
}

/** The runs of a kind that the gate wants: those listed, and those that declare themselves. */
async function gateRuns(kind: RunKind): Promise<string[]> {
  const wanted = new Set(GATE_RUNS[kind]);
  for (const name of namesOf(kind)) {
    // One that does not load is wanted too, so that it fails where everybody sees it.
    const loaded = await loadRun(kind, name).catch(() => undefined);
    if (loaded === undefined || loaded.gate) wanted.add(name);
  }
  return [...wanted];
}

async function namedRunSteps(): Promise<Step[]> {
  const steps: Step[] = [];
  for (const kind of ['sim', 'fuzz', 'lab', 'bench'] as const) {
    for (const name of await gateRuns(kind)) {
      // A listed run whose file is gone fails here too: the runner says that it does not exist.
      steps.push({ name: `${kind} ${name}`, command: [script('node'), script('named-run.ts'), kind, name, '--gate'] });
    }
  }
  return steps;
}

/** A machine that has no Verilator, and for which scripts/test could not get one, goes without, and says so. */
function hardwareSteps(): Step[] {
  if (hasSimulationTools()) return [{ name: 'hw', command: [script('node'), script('hw/main.ts'), '--gate'] }];
  process.stdout.write('skip hw: no Verilator or C++ compiler (scripts/setup --hw)\n');
  return [];
}

function report(step: Step, ended: Ended, total: Tally): void {
  const tally = step.tally?.() ?? { passed: ended.code === 0 ? 1 : 0, failed: ended.code === 0 ? 0 : 1 };
  // A runner that fails without a failed test (a file that does not load) fails all the same.
  if (ended.code !== 0 && tally.failed === 0) tally.failed = 1;
  total.passed += tally.passed;
  total.failed += tally.failed;
  process.stdout.write(`${ended.code === 0 ? 'ok  ' : 'FAIL'} ${step.name} (${ended.seconds} s)\n`);
  const lines = ended.output.trimEnd().split('\n');
  if (ended.code !== 0) process.stdout.write(`${lines.slice(-SHOWN_LINES).join('\n')}\n`);
  else if (lines.at(-1)?.startsWith('{')) process.stdout.write(`     ${lines.at(-1)}\n`);
}

async function main(): Promise<void> {
  const temporary = mkdtempSync(join(tmpdir(), 'skywire-test-'));
  const total: Tally = { passed: 0, failed: 0 };
  let interrupted = false;
  const interrupt = () => {
    interrupted = true;
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  const steps: Step[] = [
    { name: 'npm run check', command: [script('node'), script('check.ts')] },
    vitestStep(join(temporary, 'vitest.json')),
    ...(await namedRunSteps()),
    ...hardwareSteps(),
    { name: 'demo --check', command: [script('demo'), '--check'] },
  ];
  for (const step of steps) {
    if (interrupted) break;
    report(step, await runStep(step), total);
  }
  rmSync(temporary, { recursive: true, force: true });
  process.stdout.write(`\n${total.passed} passed, ${total.failed} failed\n`);
  process.exitCode = interrupted || total.failed > 0 ? 1 : 0;
}

await main();
