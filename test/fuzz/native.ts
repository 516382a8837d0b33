/**
 * The native core under libFuzzer with the address and undefined-behaviour sanitizers: what the kernel, the network, an offload device and
 * JavaScript may hand it. Each fuzzer is a program of its own (test/fuzz/native/), built without Node.
 *
 *   npm run fuzz -- native [FUZZER [SECONDS]]
 *
 * What a full run learns is kept in dist/fuzz/corpus/ and where the next one begins. A failure leaves its input in dist/fuzz/.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { PROJECT_ROOT } from '../../scripts/named-runs.ts';
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';

export const about =
  "hostile kernel headers, batches, cipher jobs and offload devices into the addon's core, under sanitizers";
export const takes = '10 min, gate 30 s';
export const gate = true;

const SOURCES = join(PROJECT_ROOT, 'test/fuzz/native');
const OUT = join(PROJECT_ROOT, 'dist/fuzz');
const FUZZERS = readdirSync(SOURCES)
  .filter((name) => name.endsWith('.c'))
  .map((name) => basename(name, '.c'));
const SECONDS = 120;
const GATE_SECONDS = 6;
/** A story of some thousand decisions is as good as a longer one. */
const LONGEST_INPUT_BYTES = 4_096;

interface Ended {
  readonly code: number;
  readonly output: string;
}

export async function run(context: RunContext): Promise<RunResult> {
  const [wanted, given] = context.args;
  const seconds = given === undefined ? (context.gate ? GATE_SECONDS : SECONDS) : Number(given);
  if (!Number.isSafeInteger(seconds) || seconds < 1)
    throw new Error('usage: npm run fuzz -- native [FUZZER [SECONDS]]');
  if (wanted !== undefined && !FUZZERS.includes(wanted)) {
    throw new Error(`There is no fuzzer '${wanted}'. These exist: ${FUZZERS.join(', ')}.`);
  }
  execFileSync('make', ['-s', '-j2', '-f', join(SOURCES, 'Makefile')], { stdio: ['ignore', 'inherit', 'inherit'] });
  const cases: Record<string, number> = {};
  for (const fuzzer of wanted === undefined ? FUZZERS : [wanted]) {
    const ended = await runFuzzer(context, fuzzer, seconds);
    cases[fuzzer] = Number(/stat::number_of_executed_units:\s*(\d+)/.exec(ended.output)?.[1] ?? 0);
    context.log(`${fuzzer}: ${cases[fuzzer]} cases`);
    if (ended.code === 0) continue;
    context.log(ended.output);
    return { pass: false, fuzzer, cases, replay: replayOf(fuzzer, ended.output) };
  }
  return { pass: Object.values(cases).every((count) => count > 0), cases };
}

function runFuzzer(context: RunContext, fuzzer: string, seconds: number): Promise<Ended> {
  const options = [
    `-max_total_time=${seconds}`,
    `-max_len=${LONGEST_INPUT_BYTES}`,
    `-artifact_prefix=${join(OUT, fuzzer)}-`,
    '-print_final_stats=1',
    '-verbosity=0',
    // The gate takes the same way each time.
    ...(context.gate ? ['-seed=1'] : [corpusOf(fuzzer)]),
  ];
  const child = spawn(join(OUT, fuzzer), options, { stdio: ['ignore', 'ignore', 'pipe'] });
  context.onExit(() => {
    child.kill('SIGKILL');
  });
  const chunks: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve) => {
    child.on('close', (code) => resolve({ code: code ?? 1, output: Buffer.concat(chunks).toString() }));
  });
}

function corpusOf(fuzzer: string): string {
  const folder = join(OUT, 'corpus', fuzzer);
  mkdirSync(folder, { recursive: true });
  return folder;
}

function replayOf(fuzzer: string, output: string): string | undefined {
  const [, input] = /Test unit written to (\S+)/.exec(output) ?? [];
  return input && `${join(OUT, fuzzer)} ${input}`;
}
