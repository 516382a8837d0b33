import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { guardedRun } from '../../../scripts/guarded-run.ts';
import type { RunContext } from '../../../scripts/run-contract.ts';

const guard = (run: (context: RunContext) => Promise<{ pass: boolean }>) =>
  guardedRun({ name: 'thing', args: [], gate: false, quiet: true, run });

test('clean-ups happen in reverse order, and the figures come through', async () => {
  const order: string[] = [];
  const outcome = await guard(async (context) => {
    context.onExit(() => void order.push('first registered'));
    context.onExit(async () => void order.push('last registered'));
    return { pass: true, figure: 7 };
  });
  expect(order).toEqual(['last registered', 'first registered']);
  expect(outcome).toMatchObject({ name: 'thing', pass: true, figure: 7 });
});

test('a run that throws is cleaned up after and fails with the reason', async () => {
  let cleaned = false;
  const outcome = await guard(async (context) => {
    context.onExit(() => void (cleaned = true));
    throw new Error('the relay fell off the roof');
  });
  expect(cleaned).toBe(true);
  expect(outcome).toMatchObject({ pass: false, error: 'the relay fell off the roof' });
});

test('a clean-up that fails makes the run fail, and the others still happen', async () => {
  let cleaned = false;
  const outcome = await guard(async (context) => {
    context.onExit(() => void (cleaned = true));
    context.onExit(() => {
      throw new Error('namespace is stuck');
    });
    return { pass: true };
  });
  expect(cleaned).toBe(true);
  expect(outcome).toMatchObject({ pass: false, cleanupFailures: ['namespace is stuck'] });
});

const CHILD = `
import { finish, guardedRun } from ${JSON.stringify(join(import.meta.dirname, '../../../scripts/guarded-run.ts'))};
finish(await guardedRun({ name: 'child', args: [], gate: false, run(context) {
  context.onExit(async () => console.log('cleaned up'));
  console.log('running');
  return new Promise(() => setInterval(() => {}, 1000));
} }));
`;

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)('%s cleans up, prints the closing line and ends with %i', async (signal, code) => {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', CHILD], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
    if (output === 'running\n') child.kill(signal);
  });
  const ended = await new Promise((resolve) => child.on('close', resolve));
  const [, cleaned, closing] = output.split('\n');
  expect(cleaned).toBe('cleaned up');
  expect(JSON.parse(closing)).toMatchObject({ name: 'child', pass: false, interrupted: signal });
  expect(ended).toBe(code);
});
