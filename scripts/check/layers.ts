/** The layer rule (.dependency-cruiser.mjs), with the reason and the remedy behind every violation. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../named-runs.ts';

interface CruiseReport {
  readonly summary: {
    readonly violations: readonly { from: string; to: string; rule: { name: string }; comment?: string }[];
    readonly ruleSetUsed: { readonly forbidden: readonly { name: string; comment: string }[] };
  };
}

/** One text for each violation of the layer rule in the tree at `root`: who imports whom, why that is wrong, what to do. */
export function layerViolations(root: string = PROJECT_ROOT): string[] {
  const folders = ['src', 'test', 'scripts'].filter((folder) => existsSync(join(root, folder)));
  const cruiser = join(PROJECT_ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const config = join(PROJECT_ROOT, '.dependency-cruiser.mjs');
  const done = spawnSync(process.execPath, [cruiser, '--config', config, '--output-type', 'json', ...folders], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
  });
  if (!done.stdout.startsWith('{')) throw new Error(`dependency-cruiser did not run: ${done.stderr || done.error}`);
  const { summary } = JSON.parse(done.stdout) as CruiseReport;
  const comments = new Map(summary.ruleSetUsed.forbidden.map((rule) => [rule.name, rule.comment]));
  return summary.violations.map(
    ({ from, to, rule }) => `${from} imports ${to} (${rule.name})\n    ${comments.get(rule.name) ?? ''}`,
  );
}
