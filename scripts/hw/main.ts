/**
 * `npm run hw`: everything about the offload hardware that needs no board. Lint, benches through the register interface with
 * published vectors, the MAC alone, the driver against the simulated device; with `--mutants` also whether the benches notice
 * defects that are put in, with `--coverage` how much of the RTL they reach. `--gate` is all of that for the small
 * configuration only.
 * One line of JSON comes last.
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { Failure } from '../../src/base/failure.ts';
import { PROJECT_ROOT } from '../named-runs.ts';
import { isCaught, MUTANTS } from './mutants.ts';
import { buildHw, HW, HW_OUT, type HwSize, needSimulationTools } from './tools.ts';

/** A bench that takes longer hangs; the longest takes six minutes of a free core. */
const BENCH_LIMIT_MS = 30 * 60_000;
const LINTED = [
  "-GQUEUES=1 -GBARREL_QUEUES=8'd0",
  "-GQUEUES=2 -GBARREL_QUEUES=8'd1",
  "-GQUEUES=3 -GBARREL_QUEUES=8'd3",
];
const VECTORS = join(HW_OUT, 'vectors.bin');
const MAC_VECTORS = join(HW_OUT, 'mac-vectors.bin');

const run = promisify(execFile);
const say = (line: string) => process.stderr.write(`hw: ${line}\n`);

const figures: Record<string, unknown> = {};
let failed = 0;

async function step(name: string, action: () => Promise<string>): Promise<void> {
  const begunMs = performance.now();
  try {
    const found = await action();
    say(`${name}: ${found} (${((performance.now() - begunMs) / 1000).toFixed(1)} s)`);
  } catch (error) {
    failed++;
    const { stdout, message } = error as { stdout?: string; message: string };
    say(`${name} FAILED\n${stdout || message}`);
  }
}

function sources(): string[] {
  const rtl = join(HW, 'rtl');
  const files = readdirSync(rtl).filter((file) => file.endsWith('.sv') && file !== 'offload_pkg.sv');
  return [join(rtl, 'offload_pkg.sv'), ...files.sort().map((file) => join(rtl, file))];
}

async function lint(): Promise<string> {
  for (const generics of LINTED) {
    await run('verilator', [
      '--lint-only',
      '-Wall',
      ...generics.split(' '),
      '--top-module',
      'offload_top',
      ...sources(),
    ]);
  }
  return `${LINTED.length} configurations, nothing to complain of`;
}

/** Runs a bench and keeps its figures; throws with what it printed when it does not pass. */
async function runBench(program: string, vectors: string, size: HwSize): Promise<string> {
  const { stdout } = await run('nice', ['-n', '10', program, vectors], { timeout: BENCH_LIMIT_MS });
  for (const [, name, value] of stdout.matchAll(/^figure (\S+) (\S+)$/gm)) figures[`${size}_${name}`] = Number(value);
  return (
    stdout
      .match(/^ok: .*$/gm)
      ?.map((line) => line.slice(4))
      .join('; ') ?? ''
  );
}

const node = (file: string, ...args: string[]) =>
  run(process.execPath, [join(PROJECT_ROOT, 'scripts', 'hw', file), ...args]);

async function makeVectors(): Promise<string> {
  mkdirSync(HW_OUT, { recursive: true });
  const { stdout } = await node('vectors.ts', VECTORS);
  await node('poly-vectors.ts', MAC_VECTORS);
  return stdout.trim();
}

/** The driver's tests on one size of the simulated device. Vitest skips them without the addon: none passed is a failure. */
async function driver(size: HwSize): Promise<string> {
  await buildHw('device', size);
  const vitest = join(PROJECT_ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  const chosen = ['test/unit/native/offload.test.ts', '--testNamePattern', `the ${size} device`];
  const { stdout } = await run(process.execPath, [vitest, 'run', '--no-color', ...chosen], { cwd: PROJECT_ROOT });
  const [, passed] = /Tests +(\d+) passed/.exec(stdout) ?? [];
  if (passed === undefined) throw new Error(`no test ran\n${stdout}`);
  figures[`${size}_driver_tests`] = Number(passed);
  return `${passed} tests`;
}

/** Lines of each RTL file that the bench of the single configuration, which has both engines, executes. */
async function coverage(): Promise<string> {
  const out = join(HW_OUT, 'coverage');
  const bench = await buildHw('bench', 'single', { out, coverage: true });
  await run('nice', ['-n', '10', bench, VECTORS], { timeout: BENCH_LIMIT_MS });
  const info = join(out, 'coverage.info');
  await run('verilator_coverage', ['--write-info', info, `${bench}.coverage`]);
  const files: Record<string, string> = {};
  let file = '';
  let [hit, all, totalHit, totalAll] = [0, 0, 0, 0];
  for (const line of readFileSync(info, 'utf8').split('\n')) {
    if (line.startsWith('SF:')) [file, hit, all] = [basename(line.slice(3)), 0, 0];
    if (line.startsWith('DA:')) [hit, all] = [hit + (line.endsWith(',0') ? 0 : 1), all + 1];
    if (line !== 'end_of_record' || all === 0) continue;
    files[file] = `${hit}/${all}`;
    [totalHit, totalAll] = [totalHit + hit, totalAll + all];
  }
  figures.coverage = files;
  const missed = Object.entries(files).filter(([, share]) => share.split('/')[0] !== share.split('/')[1]);
  const rest = missed.map(([name, share]) => `${name} ${share}`).join(', ');
  return `${totalHit} of ${totalAll} lines${rest === '' ? '' : `; not all of ${rest}`}`;
}

async function mutants(): Promise<string> {
  const passes = (vectors: string) => async (program: string) =>
    run(program, [vectors], { timeout: BENCH_LIMIT_MS }).then(
      () => true,
      () => false,
    );
  const missed: string[] = [];
  for (const mutant of MUTANTS) {
    const caught = await isCaught(mutant, passes(mutant.bench === 'mac' ? MAC_VECTORS : VECTORS));
    say(`mutant: ${mutant.name}: ${caught ? 'noticed' : 'NOT NOTICED'}`);
    if (!caught) missed.push(mutant.name);
  }
  figures.mutants = MUTANTS.length;
  if (missed.length > 0) throw new Error(`not noticed: ${missed.join('; ')}`);
  return `${MUTANTS.length} noticed`;
}

async function main(args: readonly string[]): Promise<void> {
  needSimulationTools();
  const gate = args.includes('--gate');
  const benches: HwSize[] = gate ? ['small'] : ['small', 'full'];
  const devices: HwSize[] = gate ? ['small'] : ['small', 'single'];
  await step('lint', lint);
  await step('vectors', makeVectors);
  for (const size of benches) {
    await step(`MAC alone, ${size}`, async () => runBench(await buildHw('mac', size), MAC_VECTORS, size));
    await step(`bench, ${size}`, async () => runBench(await buildHw('bench', size), VECTORS, size));
  }
  for (const size of devices) await step(`driver on the ${size} device`, () => driver(size));
  if (args.includes('--coverage')) await step('coverage', coverage);
  if (args.includes('--mutants')) await step('mutants', mutants);
  const [verilator = ''] = /[\d.]+/.exec(spawnSync('verilator', ['--version'], { encoding: 'utf8' }).stdout) ?? [];
  process.stdout.write(`${JSON.stringify({ name: 'hw', pass: failed === 0, verilator, ...figures })}\n`);
  process.exitCode = failed === 0 ? 0 : 1;
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  process.stderr.write(`hw: ${error.message}. Remedy: ${error.remedy}\n`);
  process.exitCode = error.exitCode;
}
