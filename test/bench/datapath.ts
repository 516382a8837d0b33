/** What the native data path gains over the portable one: both measured one after the other on this machine. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';

export const about = 'cipher, curve, UDP and TUN: the native data path beside the portable one';
export const takes = '15 s';

const MEASURE = join(import.meta.dirname, 'datapath', 'measure.ts');

type Figures = Record<string, number>;

/** In a network namespace of its own, which ends with the process. */
async function measure(datapath: string): Promise<Figures> {
  const { stdout } = await promisify(execFile)('unshare', ['--net', process.execPath, MEASURE, datapath]);
  return JSON.parse(stdout) as Figures;
}

export async function run(context: RunContext): Promise<RunResult> {
  const native = await measure('native');
  const portable = await measure('portable');
  const ratios: Figures = {};
  for (const [name, value] of Object.entries(native)) {
    const other = portable[name];
    if (other !== undefined) ratios[name] = Number((value / other).toFixed(1));
    const figures = [value, other].map((figure) => (figure === undefined ? '-' : figure.toLocaleString('en')));
    context.log(`${name.padEnd(28)} native ${figures[0].padStart(11)}   portable ${figures[1].padStart(11)}`);
  }
  return { pass: true, native, portable, ratios };
}
