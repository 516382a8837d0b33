import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GATE_RUNS } from '../../../scripts/gate.ts';
import { loadRun, namesOf, PROJECT_ROOT } from '../../../scripts/named-runs.ts';
import { RUN_KINDS } from '../../../scripts/run-contract.ts';

let root = '';
const RUN =
  "export const about = 'shows a thing';\nexport const takes = '1 s';\nexport function run() { return { pass: true }; }\n";

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'skywire-runs-'));
  mkdirSync(join(root, 'test/lab/harness'), { recursive: true });
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

test('every file right in the folder is a run, folders and unit tests are not', () => {
  for (const file of ['wire.ts', 'a-cut.ts', 'wire.test.ts', 'harness/lab.ts'])
    writeFileSync(join(root, 'test/lab', file), RUN);
  expect(namesOf('lab', root)).toEqual(['a-cut', 'wire']);
});

test('a run loads with its line about itself', async () => {
  writeFileSync(join(root, 'test/lab/wire.ts'), RUN);
  expect(await loadRun('lab', 'wire', root)).toMatchObject({ about: 'shows a thing', takes: '1 s' });
});

test.each([
  ['about', RUN.replace('about', 'somethingElse')],
  ['takes', RUN.replace("'1 s'", "''")],
  ['run', RUN.replace('run()', 'walk()')],
])('a file without a proper %s is refused with its name', async (missing, text) => {
  writeFileSync(join(root, 'test/lab/broken.ts'), text);
  await expect(loadRun('lab', 'broken', root)).rejects.toThrow(
    new RegExp(`test/lab/broken.ts must export.*${missing}`),
  );
});

test('every run that the gate names exists', () => {
  for (const kind of RUN_KINDS)
    expect(namesOf(kind, PROJECT_ROOT)).toEqual(expect.arrayContaining([...GATE_RUNS[kind]]));
});
