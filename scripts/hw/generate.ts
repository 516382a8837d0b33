/** Writes every file that comes from the offload device's table; says which ones changed. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../named-runs.ts';
import { abiProblems, generatedFiles, readAbi } from './abi.ts';

const abi = readAbi();
const problems = abiProblems(abi);
if (problems.length > 0) throw new Error(problems.join('\n'));
for (const [path, text] of Object.entries(generatedFiles(abi))) {
  const file = join(PROJECT_ROOT, path);
  if (existsSync(file) && readFileSync(file, 'utf8') === text) continue;
  writeFileSync(file, text);
  process.stdout.write(`wrote ${path}\n`);
}
