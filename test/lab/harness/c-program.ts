/** Programs of the lab in C: built when they are first asked for, and again when their sources have changed. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../../scripts/named-runs.ts';
import { tool } from './lab.ts';

const CACHE = join(PROJECT_ROOT, 'node_modules', '.cache', 'skywire-lab');
const FLAGS = ['-std=gnu17', '-O2', '-Wall', '-Wextra', '-Werror'];

/** The path of the program made of `test/lab/FOLDER/*.c`, linked with `libraries` (`-lcrypto`). Throws ToolError with what the compiler says. */
export function cProgram(folder: string, ...libraries: string[]): string {
  const directory = join(import.meta.dirname, '..', folder);
  const files = readdirSync(directory).filter((name) => /\.[ch]$/.test(name));
  const hash = createHash('sha256');
  for (const name of files.sort()) hash.update(name).update(readFileSync(join(directory, name)));
  const program = join(CACHE, `${folder}-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(program)) return program;
  mkdirSync(CACHE, { recursive: true });
  const sources = files.filter((name) => name.endsWith('.c')).map((name) => join(directory, name));
  const unfinished = `${program}.${process.pid}`;
  tool('cc', ...FLAGS, '-o', unfinished, ...sources, ...libraries);
  renameSync(unfinished, program);
  return program;
}
