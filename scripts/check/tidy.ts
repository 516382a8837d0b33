/** Small rules about files as such: their length, leftovers in them, and that every named run is written down. */
import { RUN_KINDS, type RunKind } from '../run-contract.ts';
import type { SourceFile } from './source-files.ts';

/** Past this a file holds two nouns (the median stays below 250). */
export const MAX_FILE_LINES = 600;

/** Spelled in two halves, so that this file passes its own rule. */
const LEFTOVER = new RegExp(`\\b(${'TO'}DO|${'FIX'}ME|${'XX'}X|${'HA'}CK)\\b`);

export function tooLong(file: SourceFile): string[] {
  const lines = file.text.split('\n').length - 1;
  if (lines <= MAX_FILE_LINES) return [];
  return [
    `${file.path} has ${lines} lines; the limit is ${MAX_FILE_LINES}. Remedy: find the second noun in it and move it out.`,
  ];
}

export function leftovers(file: SourceFile): string[] {
  return file.text.split('\n').flatMap((line, index) => {
    const found = LEFTOVER.exec(line);
    if (!found) return [];
    return [
      `${file.path}:${index + 1}: ${found[0]}. Remedy: do it now, or write it under "not supported" in the README.`,
    ];
  });
}

/**
 * Every named run stands in the documents as `kind NAME` or `kind -- NAME`, and nothing stands there that does not exist.
 * `runs` are the names that exist; `documents` README.md and docs/.
 */
export function undocumentedRuns(
  runs: Readonly<Record<RunKind, readonly string[]>>,
  documents: readonly SourceFile[],
): string[] {
  const complaints: string[] = [];
  for (const kind of RUN_KINDS) {
    for (const name of runs[kind]) {
      const mention = new RegExp(`\\b${kind} (-- )?${name}(?![\\w-])`);
      if (documents.some((document) => mention.test(document.text))) continue;
      complaints.push(
        `test/${kind}/${name}.ts: no document names it. Remedy: a line with \`${kind} ${name}\` in docs/named-runs.md.`,
      );
    }
  }
  for (const { path, text } of documents) {
    for (const [, kind, name] of text.matchAll(/npm run (lab|sim|bench|fuzz) -- ([a-z][a-z0-9-]*)/g)) {
      if (name === 'all' || runs[kind as RunKind].includes(name)) continue;
      complaints.push(
        `${path} names \`${kind} ${name}\`, which does not exist. Remedy: write test/${kind}/${name}.ts, or mend the document.`,
      );
    }
  }
  return complaints;
}
