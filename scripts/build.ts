/**
 * `npm run build`: dist/skywired.mjs and dist/skywire.mjs (one file each, with everything they import), then the addon
 * through scripts/build-addon. Without a compiler the addon is left out with a word: the portable datapath takes over.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { PROJECT_ROOT } from './named-runs.ts';

/** The oldest Node that OpenWrt's community feed still offers; development runs on the pinned one. */
const BUNDLE_TARGET = 'node22.13';

/** Of the bundles, so that a stack trace's line says something. */
const LINE_CHARACTERS = 120;

/** Bundled CommonJS packages call `require` for Node's own modules, which ES modules lack. */
const BANNER = `#!/usr/bin/env node
import { createRequire as skywireCreateRequire } from 'node:module';
const require = skywireCreateRequire(import.meta.url);`;

const PROGRAMS = { skywired: 'src/daemon/main.ts', skywire: 'src/cli/main.ts' } as const;

async function buildProgram(name: string, entry: string): Promise<void> {
  const outfile = join(PROJECT_ROOT, 'dist', `${name}.mjs`);
  await build({
    absWorkingDir: PROJECT_ROOT,
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: BUNDLE_TARGET,
    // The source map names the modules as they are imported: linked node_modules make the same bytes.
    preserveSymlinks: true,
    sourcemap: true,
    // V8 keeps a program's text as long as it runs, with two bytes for each character if a single one in a comment is not Latin.
    minifyWhitespace: true,
    lineLimit: LINE_CHARACTERS,
    banner: { js: BANNER },
    logLevel: 'warning',
  });
  chmodSync(outfile, 0o755);
}

function buildAddon(): void {
  const script = join(PROJECT_ROOT, 'scripts', 'build-addon');
  const done = spawnSync(script, { cwd: PROJECT_ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
  if (done.status === 0) return;
  const why = done.error ? done.error.message : `it ended with ${done.status ?? done.signal}`;
  process.stderr.write(
    `build: no addon (scripts/build-addon: ${why}); the programs will run on the portable datapath\n`,
  );
  // Where a compiler stands ready, an addon that does not build is a defect and no circumstance.
  if (process.env.CI === 'true') process.exitCode = 1;
}

async function main(): Promise<void> {
  for (const [name, entry] of Object.entries(PROGRAMS)) {
    if (!existsSync(join(PROJECT_ROOT, entry))) throw new Error(`${entry} is missing: nothing to build ${name} from`);
    await buildProgram(name, entry);
  }
  buildAddon();
}

await main();
