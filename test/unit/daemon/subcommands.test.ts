import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fromHex } from '../../../src/base/bytes.ts';
import { addressOf } from '../../../src/crypto/address.ts';
import { nobleCurve } from '../../../src/crypto/noble-curve.ts';
import { runSubcommand } from '../../../src/daemon/subcommands.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'skywire-subcommands-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function run(name: string, ...args: string[]): { code: number | undefined; out: string; err: string } {
  let out = '';
  let err = '';
  const code = runSubcommand(name, args, {
    print: (text) => {
      out += text;
    },
    printError: (text) => {
      err += text;
    },
  });
  return { code, out, err };
}

test('a name that is no subcommand is left to the caller', () => {
  expect(run('--config')).toEqual({ code: undefined, out: '', err: '' });
  expect(run('toString').code).toBeUndefined();
});

test('keygen prints the secret alone, and the names beside it', () => {
  const { code, out, err } = run('keygen');
  expect(code).toBe(0);
  expect(out).toMatch(/^[0-9a-f]{64}\n$/);
  const key = nobleCurve.publicKey(fromHex(out.trim())!);
  expect(err).toBe(`address  ${addressOf(key)}\nkey      ${Buffer.from(key).toString('hex')}\n`);
});

test('keygen --json has the secret only when it went to no file', () => {
  const printed = JSON.parse(run('keygen', '--json').out);
  expect(Object.keys(printed)).toEqual(['secret', 'address', 'key']);
  const file = join(folder, 'a.key');
  const written = JSON.parse(run('keygen', '--json', '--out', file).out);
  expect(Object.keys(written)).toEqual(['key_file', 'address', 'key']);
  expect(existsSync(file)).toBe(true);
});

test('two keys are never the same', () => {
  expect(run('keygen').out).not.toBe(run('keygen').out);
});

test('address names a key file or a key', () => {
  const file = join(folder, 'b.key');
  const made = JSON.parse(run('keygen', '--json', '--out', file).out);
  expect(run('address', '--key-file', file)).toEqual({ code: 0, out: `${made.address}\n`, err: '' });
  expect(JSON.parse(run('address', made.key, '--json').out)).toEqual({ address: made.address, key: made.key });
});

test.each([
  [['address'], 2],
  [['address', 'a', 'b'], 2],
  [['address', '02ff'], 2],
  [['address', '--key-file', '/nonexistent/x.key'], 7],
  [['keygen', '--nonsense'], 2],
  [['keygen', '--out', '/nonexistent/x.key'], 7],
  [['check-config'], 2],
  [['check-config', '/nonexistent/x.toml'], 3],
])('%j fails in one line', ([name, ...args], code) => {
  const done = run(name, ...args);
  expect(done).toMatchObject({ code, out: '' });
  expect(done.err).toMatch(/^skywire: [^\n]+\. [^\n]+\n$/);
});

test('check-config sums up a file that is right', () => {
  const file = join(folder, 'good.toml');
  writeFileSync(
    file,
    `[node]\nname = "attic"\n[lan]\ninterface = "eth0"\n[gateway]\nenable = true\npool = "10.64.0.0/16"\nuplink = "eth1"\ndns = "192.0.2.53"\n`,
  );
  expect(run('check-config', file)).toEqual({
    code: 0,
    out: `${file} is in order: node attic, 0 peers, LAN 192.168.42.1/24 on eth0, no tunnel, gateway with pool 10.64.0.0/16\n`,
    err: '',
  });
  expect(JSON.parse(run('check-config', file, '--json').out)).toEqual({ file, valid: true, problems: [] });
});

test('check-config --json lists every problem on standard output', () => {
  const file = join(folder, 'bad.toml');
  writeFileSync(file, '[node]\nnmae = "x"\n[tunnel]\nroutes = 9\n');
  const { code, out, err } = run('check-config', file, '--json');
  expect([code, err]).toEqual([3, '']);
  expect(JSON.parse(out)).toMatchObject({
    file,
    valid: false,
    problems: [
      { file, line: 2, column: 1, key: 'node.nmae', remedy: 'Did you mean name?' },
      { file, line: 4, column: 10, key: 'tunnel.routes' },
    ],
  });
});
