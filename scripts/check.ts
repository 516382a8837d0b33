/**
 * `npm run check`: everything about the code that can be judged without running it. One line a step with its time; only
 * what fails is shown in full. `npm run check -- NAME` runs one step.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { bannedCalls, PURE_LAYERS } from './check/banned-calls.ts';
import { layerViolations } from './check/layers.ts';
import { type SourceFile, sourceFiles } from './check/source-files.ts';
import { leftovers, tooLong, undocumentedRuns } from './check/tidy.ts';
import { namesOf, PROJECT_ROOT } from './named-runs.ts';

interface Step {
  readonly name: string;
  /** Complaints; an empty list is a pass. */
  run(): string[];
}

const packageProgram = (path: string) => join(PROJECT_ROOT, 'node_modules', path);

/** Runs a program; its output is the complaint when it fails. */
function program(command: string, args: readonly string[]): string[] {
  const done = spawnSync(command, args, { cwd: PROJECT_ROOT, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  if (done.error) return [`${command} did not start: ${done.error.message}. Remedy: run scripts/setup.`];
  return done.status === 0 ? [] : [`${done.stdout}${done.stderr}`.trim()];
}

const nodeProgram = (path: string, ...args: string[]) => program(process.execPath, [packageProgram(path), ...args]);

function files(folders: readonly string[], pattern: RegExp): SourceFile[] {
  return sourceFiles(PROJECT_ROOT, folders, pattern);
}

/** Bash scripts have no suffix where a person types their name; the first line tells. */
function bashScripts(): string[] {
  return files(['scripts', '.ci', 'test', 'packaging', 'image'], /(^|\/)[\w-]+(\.sh)?$/)
    .filter(({ text }) => text.startsWith('#!/usr/bin/env bash') || text.startsWith('#!/bin/sh'))
    .map(({ path }) => path);
}

const CODE = /\.(ts|mjs|c|h)$/;
const HAND_WRITTEN = ['src', 'test', 'scripts'];

const STEPS: readonly Step[] = [
  { name: 'types', run: () => nodeProgram('typescript/bin/tsc', '-p', '.') },
  { name: 'format-and-lint', run: () => nodeProgram('@biomejs/biome/bin/biome', 'ci', '--colors=off') },
  { name: 'layers', run: () => layerViolations() },
  { name: 'banned-calls', run: () => files(['src'], PURE_LAYERS).flatMap(bannedCalls) },
  { name: 'dead-code', run: () => nodeProgram('knip/bin/knip.js', '--no-progress') },
  { name: 'shell', run: () => program('shellcheck', bashScripts()) },
  { name: 'file-length', run: () => files(HAND_WRITTEN, CODE).flatMap(tooLong) },
  { name: 'leftovers', run: () => files([...HAND_WRITTEN, 'docs'], /\.(ts|mjs|c|h|md)$/).flatMap(leftovers) },
  {
    name: 'named-runs-documented',
    run: () =>
      undocumentedRuns(
        { lab: namesOf('lab'), sim: namesOf('sim'), bench: namesOf('bench'), fuzz: namesOf('fuzz') },
        files(['README.md', 'docs'], /\.md$/),
      ),
  },
];

function main(only: string | undefined): void {
  const steps = STEPS.filter((step) => only === undefined || step.name === only);
  if (steps.length === 0) {
    process.stderr.write(`There is no check '${only}'. These exist: ${STEPS.map((step) => step.name).join(', ')}.\n`);
    process.exit(2);
  }
  let failed = 0;
  for (const step of steps) {
    const startedMs = performance.now();
    const complaints = step.run();
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    process.stdout.write(`${complaints.length === 0 ? 'ok  ' : 'FAIL'} ${step.name} (${seconds} s)\n`);
    for (const complaint of complaints) process.stdout.write(`  ${complaint.replaceAll('\n', '\n  ')}\n`);
    if (complaints.length > 0) failed++;
  }
  if (failed > 0) process.exitCode = 1;
}

main(process.argv[2]);
