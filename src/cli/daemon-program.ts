/** What needs keys is done by the daemon's program: this one holds no cryptography. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../base/failure.ts';

/** The daemon's program of the same release: beside this one in `dist`, or its source. */
function daemonProgram(): string {
  const fromSource = import.meta.filename.endsWith('.ts');
  return join(import.meta.dirname, fromSource ? '../daemon/main.ts' : 'skywired.mjs');
}

/**
 * Runs `skywired NAME ARGUMENTS` on this terminal and returns its exit code.
 * @throws Failure failed when the program can't be started or was killed
 */
export function runInDaemonProgram(name: string, args: readonly string[]): number {
  const program = daemonProgram();
  const remedy = 'Install both programs into one folder';
  if (!existsSync(program)) throw new Failure('failed', `${program} is missing`, remedy);
  const child = spawnSync(process.execPath, [program, name, ...args], { stdio: 'inherit' });
  if (child.error !== undefined)
    throw new Failure('failed', `${program} cannot be run: ${child.error.message}`, remedy);
  if (child.status === null) throw new Failure('failed', `${program} was ended by ${child.signal}`, 'Try again');
  return child.status;
}
