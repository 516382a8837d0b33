import { expect, test } from 'vitest';
import { leftovers, MAX_FILE_LINES, tooLong, undocumentedRuns } from '../../../scripts/check/tidy.ts';

const noRuns = { lab: [], sim: [], bench: [], fuzz: [] };

test('a file at the limit passes, one line more does not', () => {
  expect(tooLong({ path: 'a.ts', text: 'x\n'.repeat(MAX_FILE_LINES) })).toEqual([]);
  expect(tooLong({ path: 'a.ts', text: 'x\n'.repeat(MAX_FILE_LINES + 1) })[0]).toContain('601 lines');
});

test('a leftover is named with its line', () => {
  const text = `one\n// ${'TO'}DO: later\n`;
  expect(leftovers({ path: 'a.ts', text })[0]).toContain('a.ts:2');
  expect(leftovers({ path: 'a.ts', text: 'mastodons and todos\n' })).toEqual([]);
});

test('a named run has to stand in a document under its own name', () => {
  const runs = { ...noRuns, lab: ['wire', 'wire-two'] };
  const complaints = undocumentedRuns(runs, [{ path: 'README.md', text: '`npm run lab -- wire-two`' }]);
  expect(complaints).toHaveLength(1);
  expect(complaints[0]).toContain('test/lab/wire.ts');
});

test('a document may not promise a run that does not exist', () => {
  const complaints = undocumentedRuns(noRuns, [{ path: 'README.md', text: 'see `npm run sim -- storms`' }]);
  expect(complaints[0]).toContain('README.md names `sim storms`');
});
