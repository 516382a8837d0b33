import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nobleCurve } from '../../../src/crypto/noble-curve.ts';
import { loadConfig } from '../../../src/daemon/config-file.ts';
import { setupReset } from '../../../src/daemon/setup-reset.ts';
import { runSubcommand } from '../../../src/daemon/subcommands.ts';

let folder: string;
let config: string;
let printed: string;
const output = {
  print: (text: string) => {
    printed += text;
  },
  printError: () => {},
};
const stateFile = (name: string) => join(folder, 'state', name);

/** A node that has run for a while, in a place of its own. */
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'skywire-reset-'));
  config = join(folder, 'skywired.toml');
  printed = '';
  for (const name of ['state/lan', 'state/clients']) mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(stateFile('leases'), 'learned\n');
  writeFileSync(stateFile('clients/02ab.key'), 'secret\n', { mode: 0o600 });
  runSubcommand('keygen', ['--out', join(folder, 'own.key')], output);
  const node = `[node]\nkey_file = "${join(folder, 'own.key')}"\nstate_dir = "${join(folder, 'state')}"\n`;
  writeFileSync(config, `${node}[lan]\ninterface = "eth1"\n`);
});
afterEach(() => rmSync(folder, { recursive: true }));

const secret = () => readFileSync(join(folder, 'own.key'), 'utf8');

test('keeps the identity when that is asked for, and forgets the rest', async () => {
  const before = secret();
  expect(await setupReset(['--keep-identity', '--config', config], output)).toBe(0);
  expect(secret()).toBe(before);
  expect(existsSync(stateFile('clients/02ab.key'))).toBe(true);
  expect([existsSync(stateFile('leases')), existsSync(stateFile('lan'))]).toEqual([false, false]);
  const next = loadConfig(config, nobleCurve, () => {});
  expect(next.lan).toBeUndefined();
  expect(next.node).toMatchObject({ keyFile: join(folder, 'own.key'), stateDir: join(folder, 'state') });
  expect(statSync(config).mode & 0o777).toBe(0o640);
});

test('makes another node of it when that is asked for, and can be done again', async () => {
  const before = secret();
  await setupReset(['--new-identity', '--config', config, '--json'], output);
  expect(secret()).not.toBe(before);
  expect(existsSync(stateFile('clients'))).toBe(false);
  const named = JSON.parse(printed.split('\n').at(-2)!);
  printed = '';
  await setupReset(['--keep-identity', '--config', config, '--json'], output);
  expect(JSON.parse(printed)).toEqual(named);
});

test.each([[[]], [['--keep-identity', '--new-identity']], [['--nonsense']]])(
  '%j is refused before anything is touched',
  async (args) => {
    const before = readFileSync(config, 'utf8');
    await expect(setupReset([...args, '--config', config], output)).rejects.toMatchObject({ code: 'usage' });
    expect(readFileSync(config, 'utf8')).toBe(before);
    expect(existsSync(stateFile('leases'))).toBe(true);
  },
);
