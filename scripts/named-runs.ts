/** Finds and loads the named runs of a kind: the files right in `test/<kind>/`, one run each. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { NamedRun, RunKind } from './run-contract.ts';

export const PROJECT_ROOT = join(import.meta.dirname, '..');

/** Sorted names. Folders are helpers (`test/sim/world`), `*.test.ts` belongs to vitest. */
export function namesOf(kind: RunKind, root: string = PROJECT_ROOT): string[] {
  return readdirSync(join(root, 'test', kind), { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts'))
    .map((entry) => entry.name.slice(0, -'.ts'.length))
    .sort();
}

/** Throws with the missing export's name when the file is not a named run (scripts/run-contract.ts). */
export async function loadRun(kind: RunKind, name: string, root: string = PROJECT_ROOT): Promise<NamedRun> {
  const loaded = (await import(pathToFileURL(join(root, 'test', kind, `${name}.ts`)).href)) as Partial<NamedRun>;
  for (const text of ['about', 'takes'] as const) {
    if (typeof loaded[text] !== 'string' || loaded[text] === '' || loaded[text].includes('\n')) {
      throw new Error(`test/${kind}/${name}.ts must export ${text}, one line of text (scripts/run-contract.ts)`);
    }
  }
  if (typeof loaded.run !== 'function') {
    throw new Error(`test/${kind}/${name}.ts must export function run(context) (scripts/run-contract.ts)`);
  }
  return loaded as NamedRun;
}
