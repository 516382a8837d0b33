/**
 * `npm run lab|sim|bench|fuzz -- NAME [args]`: runs one named run, or lists them when no name is given. NAME `all` runs
 * every one of the kind. `--gate` asks for the shorter variant that scripts/test runs. Progress goes to stderr; the last
 * line on stdout is one JSON object `{"name", "pass", figures...}`, and the exit code agrees with `pass`.
 */
import { finish, guardedRun } from './guarded-run.ts';
import { loadRun, namesOf } from './named-runs.ts';
import { RUN_KINDS, type RunKind } from './run-contract.ts';

const USAGE_EXIT = 2;

function usage(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(USAGE_EXIT);
}

async function list(kind: RunKind): Promise<void> {
  const names = namesOf(kind);
  const widest = Math.max(0, ...names.map((name) => name.length));
  process.stdout.write(`npm run ${kind} -- NAME [--gate] [args]      (NAME all: every one)\n\n`);
  for (const name of names) {
    const line = await loadRun(kind, name).then(
      ({ about, takes }) => `${about} (${takes})`,
      (error) => {
        process.exitCode = 1;
        return `does not load: ${error instanceof Error ? error.message : error}`;
      },
    );
    process.stdout.write(`  ${name.padEnd(widest)}  ${line}\n`);
  }
}

async function runOne(kind: RunKind, name: string, args: readonly string[], gate: boolean) {
  return guardedRun({ name, args, gate, run: async (context) => (await loadRun(kind, name)).run(context) });
}

async function runAll(kind: RunKind, args: readonly string[], gate: boolean): Promise<never> {
  const failed: string[] = [];
  const names = namesOf(kind);
  for (const name of names) {
    process.stderr.write(`${kind} ${name}\n`);
    const outcome = await runOne(kind, name, args, gate);
    if ('interrupted' in outcome) finish(outcome);
    process.stdout.write(`${JSON.stringify(outcome)}\n`);
    if (!outcome.pass) failed.push(name);
  }
  finish({ name: 'all', pass: names.length > 0 && failed.length === 0, runs: names.length, failed });
}

async function main(): Promise<void> {
  const [kind, name, ...rest] = process.argv.slice(2);
  if (!isKind(kind)) usage(`usage: named-run ${RUN_KINDS.join('|')} [NAME] [--gate] [args]`);
  if (name === undefined || name === '--help') return list(kind);
  const gate = rest.includes('--gate');
  const args = rest.filter((arg) => arg !== '--gate');
  if (name === 'all') return runAll(kind, args, gate);
  if (!namesOf(kind).includes(name)) {
    usage(`There is no ${kind} '${name}'. These exist: ${namesOf(kind).join(', ') || 'none yet'}, all.`);
  }
  finish(await runOne(kind, name, args, gate));
}

function isKind(text: string | undefined): text is RunKind {
  return RUN_KINDS.some((kind) => kind === text);
}

await main();
