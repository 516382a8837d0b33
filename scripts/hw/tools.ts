/** The programs that build and run the offload hardware in simulation, and how a build is asked for. */
import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Failure } from '../../src/base/failure.ts';
import { PROJECT_ROOT } from '../named-runs.ts';

export const HW = join(PROJECT_ROOT, 'hw');
export const HW_OUT = join(PROJECT_ROOT, 'dist', 'hw');
export const HW_SIZES = ['small', 'single', 'full'] as const;
export type HwSize = (typeof HW_SIZES)[number];

/** Program, and the Debian package that has it. */
const SIMULATION_TOOLS = { verilator: 'verilator', 'g++': 'g++', make: 'make' } as const;

function missingTools(): [program: string, debianPackage: string][] {
  return Object.entries(SIMULATION_TOOLS).filter(
    ([program]) => spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0,
  );
}

export function hasSimulationTools(): boolean {
  return missingTools().length === 0;
}

/** Throws a Failure that names what is missing and the command that installs it. */
export function needSimulationTools(): void {
  const missing = missingTools();
  if (missing.length === 0) return;
  const packages = missing.map(([, name]) => name).join(' ');
  throw new Failure(
    'failed',
    `missing: ${missing.map(([program]) => program).join(', ')} (Debian: ${packages})`,
    'run scripts/setup --hw',
  );
}

/** Builds one program of hw/sim/Makefile and answers with its path; throws with the end of the build's log. */
export async function buildHw(
  target: 'bench' | 'device' | 'mac',
  size: HwSize,
  // `rtl`: a folder of spoilt RTL, which is not linted.
  options: { readonly out?: string; readonly rtl?: string; readonly coverage?: boolean } = {},
): Promise<string> {
  const out = options.out ?? join(HW_OUT, size);
  const variables = [`CONFIG=${size}`, `OUT=${out}`];
  if (options.rtl !== undefined) variables.push(`RTL=${options.rtl}`, 'WARNINGS=-Wno-lint');
  if (options.coverage) variables.push('COVERAGE=--coverage-line');
  const make = ['-s', '-C', join(HW, 'sim'), ...variables, target];
  await promisify(execFile)('nice', ['-n', '10', 'make', ...make]).catch((error: { stdout?: string }) => {
    throw new Error(`hw/sim: ${target} of ${size} does not build\n${error.stdout ?? error}`);
  });
  return join(out, target);
}
