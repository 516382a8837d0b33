import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toHex } from '../../../src/base/bytes.ts';
import { MAX_CONFIG_CHARACTERS } from '../../../src/control/config.ts';
import { nobleCurve } from '../../../src/crypto/noble-curve.ts';
import { loadConfig, readConfig } from '../../../src/daemon/config-file.ts';
import { createSecret, readKeyFile, secretText, writeKeyFile } from '../../../src/daemon/key-file.ts';

const POINT = toHex(nobleCurve.publicKey(createSecret(nobleCurve)));
/** x = 5 has no y on secp256k1. */
const NO_POINT = `02${'5'.padStart(64, '0')}`;
const ADDRESS = 'AtWiDQWLjEB4adL9GF9MNg3sdM9LrNf6YC';

/** Its last letter is another one. */
const MISTYPED = ADDRESS.replace(/.$/, (last) => (last === '1' ? '2' : '1'));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'skywire-config-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

function failureOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('did not fail');
}

describe('the configuration file', () => {
  test('is loaded when everything is right, the checksums too', () => {
    const path = file('good.toml', `[[peer]]\nkey = "${POINT}"\n[tunnel]\ngateway = "${ADDRESS}"\n`);
    const printed: string[] = [];
    const config = loadConfig(path, nobleCurve, (line) => printed.push(line));
    expect(config.peers).toMatchObject([{ key: POINT, endpoint: undefined }]);
    expect(printed).toEqual([]);
  });

  test('with keys that are no points and an address with a wrong letter names the lines', () => {
    const path = file(
      'points.toml',
      `[tunnel]\ngateway = "${MISTYPED}"\n[[peer]]\nkey = "${POINT}"\n[[peer]]\nkey = "${NO_POINT}"\n`,
    );
    expect(readConfig(path, nobleCurve).problems).toMatchObject([
      { file: path, line: 2, column: 11, key: 'tunnel.gateway', message: expect.stringContaining('checksum') },
      { file: path, line: 6, column: 7, key: 'peer[1].key', message: expect.stringContaining('no point') },
    ]);
  });

  test('with a gateway key that is no point names its line', () => {
    const path = file('gateway.toml', `[tunnel]\ngateway = "${NO_POINT}"\n`);
    expect(readConfig(path, nobleCurve).problems).toMatchObject([{ line: 2, key: 'tunnel.gateway' }]);
  });

  test('with rules whose gateways are mistyped names their lines', () => {
    const rule = (gateway: string) => `[[policy]]\nuse = "gateway"\ngateway = "${gateway}"\n`;
    const path = file('rules.toml', `${rule(MISTYPED)}${rule(NO_POINT)}${rule(POINT)}[lan]\ninterface = "lan0"\n`);
    expect(readConfig(path, nobleCurve).problems).toMatchObject([
      { line: 3, key: 'policy[0].gateway', message: expect.stringContaining('checksum') },
      { line: 6, key: 'policy[1].gateway', message: expect.stringContaining('no point') },
    ]);
  });

  test('with one problem fails with that problem', () => {
    const path = file('one.toml', '[node]\nnmae = "x"\n');
    const printed: string[] = [];
    expect(failureOf(() => loadConfig(path, nobleCurve, (line) => printed.push(line)))).toMatchObject({
      code: 'config-invalid',
      exitCode: 3,
      message: `${path}:2:1: node.nmae is not a key that exists`,
      remedy: 'Did you mean name?',
    });
    expect(printed).toEqual([]);
  });

  test('with several problems prints each and fails with their number', () => {
    const path = file('two.toml', '[node]\nnmae = "x"\n[tunnel]\nroutes = 9\n');
    const printed: string[] = [];
    expect(failureOf(() => loadConfig(path, nobleCurve, (line) => printed.push(line)))).toMatchObject({
      message: `${path} has 2 problems`,
    });
    expect(printed).toEqual([expect.stringContaining(':2:1: '), expect.stringContaining(':4:10: ')]);
  });

  test.each([
    ['is missing', () => join(folder, 'nowhere.toml'), 'there is no such file'],
    ['is a folder', () => folder, 'is not a file'],
    ['is no configuration at all', () => file('huge.toml', 'x'.repeat(4 * MAX_CONFIG_CHARACTERS + 1)), 'too long'],
  ])('that %s is a failure with a remedy', (_name, path, words) => {
    expect(failureOf(() => readConfig(path(), nobleCurve))).toMatchObject({
      code: 'config-invalid',
      message: expect.stringContaining(words),
      remedy: expect.stringContaining('docs/config.md'),
    });
  });
});

describe('the key file', () => {
  test('is written once, for its owner only, and read back', () => {
    const path = join(folder, 'made.key');
    const secret = createSecret(nobleCurve);
    writeKeyFile(path, secret);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readKeyFile(path, nobleCurve)).toEqual(secret);
    expect(failureOf(() => writeKeyFile(path, createSecret(nobleCurve)))).toMatchObject({
      code: 'key-file',
      exitCode: 7,
    });
    expect(readKeyFile(path, nobleCurve)).toEqual(secret);
  });

  test('may end without a newline', () => {
    const secret = createSecret(nobleCurve);
    expect(readKeyFile(file('bare.key', toHex(secret)), nobleCurve)).toEqual(secret);
  });

  test('that others can read is refused', () => {
    const path = file('open.key', secretText(createSecret(nobleCurve)));
    chmodSync(path, 0o640);
    expect(failureOf(() => readKeyFile(path, nobleCurve))).toMatchObject({
      code: 'key-file',
      remedy: `Close it: chmod 600 ${path}`,
    });
  });

  test.each([
    ['nothing', ''],
    ['zero', '0'.repeat(64)],
    ['the order of the curve', 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141'],
    ['too few digits', 'ab'.repeat(31)],
    ['too many digits', 'ab'.repeat(33)],
    ['a long text', 'ab'.repeat(1000)],
  ])('that holds %s is refused, and the secret is not repeated', (_name, text) => {
    const failure = failureOf(() => readKeyFile(file('wrong.key', text), nobleCurve));
    expect(failure).toMatchObject({ code: 'key-file' });
    if (text !== '') expect(JSON.stringify(failure) + String(failure)).not.toContain(text);
  });

  test('that is missing, or has no folder, is a failure with a remedy', () => {
    expect(failureOf(() => readKeyFile(join(folder, 'no.key'), nobleCurve))).toMatchObject({
      code: 'key-file',
      remedy: expect.stringContaining('skywire keygen --out'),
    });
    expect(failureOf(() => writeKeyFile(join(folder, 'no', 'x.key'), createSecret(nobleCurve)))).toMatchObject({
      code: 'key-file',
      remedy: 'Make it first',
    });
    mkdirSync(join(folder, 'dir.key'), { mode: 0o700 });
    expect(failureOf(() => readKeyFile(join(folder, 'dir.key'), nobleCurve))).toMatchObject({ code: 'key-file' });
  });
});
