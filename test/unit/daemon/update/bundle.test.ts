import { execFileSync } from 'node:child_process';
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  checkManifest,
  MAX_HEADER_BYTES,
  MAX_SIGNATURES,
  readHeader,
  readSigners,
} from '../../../../src/daemon/update/bundle.ts';
import { writeSlot } from '../../../../src/daemon/update/install.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const pem = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }) as string;
const ONE = readSigners(`threshold=1\n${pem(publicKey)}`);
const PAYLOAD = Buffer.alloc(3_000_000, 'skywire');
const MANIFEST = {
  product: 'board',
  version: 2_000,
  expires: '2027-01-01T00:00:00Z',
  bytes: PAYLOAD.length,
  sha256: createHash('sha256').update(PAYLOAD).digest('hex'),
};
const HERE = { product: 'board', version: 1_000, floor: 0, nowS: Date.parse('2026-12-01') / 1000 };

function update(manifest: object = MANIFEST, { keys = [privateKey as KeyObject], payload = PAYLOAD } = {}): Buffer {
  const first = 'skywire-update 1\n';
  const line = `${JSON.stringify(manifest)}\n`;
  const signatures = keys.map((key) => sign(null, Buffer.from(first + line), key).toString('base64'));
  return Buffer.concat([Buffer.from(`${first}${signatures.join(' ')}\n${line}`), payload]);
}

const header = (bytes: Buffer, signers = ONE) => readHeader(bytes.subarray(0, MAX_HEADER_BYTES), signers);

describe('the header', () => {
  test('of a signed update is read', () => {
    const bytes = update();
    const { manifest, payloadOffset } = header(bytes);
    expect(manifest).toEqual(MANIFEST);
    expect(bytes.subarray(payloadOffset).equals(PAYLOAD)).toBe(true);
  });

  test('signed by another key is refused', () => {
    const other = generateKeyPairSync('ed25519').privateKey;
    expect(() => header(update(MANIFEST, { keys: [other] }))).toThrow(/signature/);
  });

  test('with any byte changed is refused', () => {
    const bytes = update();
    const { payloadOffset } = header(bytes);
    for (let at = 0; at < payloadOffset; at++) {
      const spoilt = Buffer.from(bytes);
      spoilt[at] ^= 4;
      expect(() => header(spoilt), `byte ${at}`).toThrow(/update refused/);
    }
  });

  test('that is cut anywhere is refused', () => {
    const bytes = update();
    const { payloadOffset } = header(bytes);
    for (let length = 0; length < payloadOffset; length++) {
      expect(() => header(bytes.subarray(0, length)), `${length} bytes`).toThrow(/update refused/);
    }
  });

  test('with a manifest of another shape is refused, signed or not', () => {
    expect(() => header(update({ ...MANIFEST, version: -1 }))).toThrow(/another kind/);
    expect(() => header(update({ ...MANIFEST, more: 1 }))).toThrow(/another kind/);
    expect(() => header(update({ ...MANIFEST, sha256: 'x'.repeat(MAX_HEADER_BYTES) }))).toThrow(/no update file/);
  });
});

describe('where two of three have to sign', () => {
  const pairs = [0, 1, 2].map(() => generateKeyPairSync('ed25519'));
  const [first, second, third] = pairs.map((pair) => pair.privateKey);
  const pems = pairs.map((pair) => pem(pair.publicKey)).join('');
  const signers = readSigners(`threshold=2\n${pems}`);
  const by = (...keys: KeyObject[]) => update(MANIFEST, { keys });

  test('any two are enough, in any order, with others beside them', () => {
    for (const keys of [
      [first, second],
      [third, first],
      [privateKey, third, second],
      [first, second, third],
    ]) {
      expect(header(by(...keys), signers).manifest).toEqual(MANIFEST);
    }
  });

  test('one is not, however often it signs', () => {
    for (const keys of [[first], [second, second, second], [first, privateKey]]) {
      expect(() => header(by(...keys), signers)).toThrow(/1 of the keys .* and 2 have to/);
    }
  });

  test('a signature under another manifest does not count', () => {
    const mixed = by(first, second).toString('latin1').split('\n');
    const other = update({ ...MANIFEST, version: 3_000 }, { keys: [second] })
      .toString('latin1')
      .split('\n');
    mixed[1] = `${mixed[1].split(' ')[0]} ${other[1]}`;
    expect(() => header(Buffer.from(mixed.join('\n'), 'latin1'), signers)).toThrow(/1 of the keys/);
  });

  test('there are no more signatures than anybody reads, and nothing else between them', () => {
    const most = Array.from({ length: MAX_SIGNATURES - 2 }, () => privateKey);
    expect(header(by(...most, first, second), signers).manifest).toEqual(MANIFEST);
    expect(() => header(by(...most, privateKey, first, second), signers)).toThrow(/not written/);
    const text = by(first, second).toString('latin1');
    expect(() => header(Buffer.from(text.replace(' ', '  '), 'latin1'), signers)).toThrow(/update refused/);
  });

  test('a system whose keys can never be enough says so, also when one of them is there twice', () => {
    const [own] = pems.match(/-----BEGIN.*?END PUBLIC KEY-----/gs)!;
    expect(() => readSigners(`threshold=4\n${pems}`)).toThrow(/too few keys/);
    expect(() => readSigners(`threshold=2\n${own}\n${own}\n`)).toThrow(/too few keys/);
    expect(() => readSigners(pems)).toThrow(/too few keys/);
    expect(() => readSigners(`threshold=0\n${pems}`)).toThrow(/too few keys/);
  });
});

describe('a signed manifest', () => {
  const check = (change: Partial<typeof MANIFEST>, here: Partial<typeof HERE> = {}, bytes = PAYLOAD.length) =>
    checkManifest({ ...MANIFEST, ...change }, bytes, { ...HERE, ...here });

  test('is accepted where it fits', () => expect(() => check({})).not.toThrow());
  test('is refused for another product', () => expect(() => check({ product: 'other' })).toThrow(/is for other/));
  test('is refused when it is older than what runs', () => expect(() => check({ version: 999 })).toThrow(/older/));
  test('is refused when it is what runs', () => expect(() => check({ version: 1_000 })).toThrow(/runs already/));
  test('is refused when it is no newer than what ever worked here', () => {
    expect(() => check({}, { floor: 2_000 })).toThrow(/older/);
    expect(() => check({}, { floor: 1_999 })).not.toThrow();
  });
  test('is refused when it expired, and by the age of the system where the clock is behind', () => {
    expect(() => check({}, { nowS: Date.parse('2027-01-01') / 1000 })).toThrow(/expired/);
    const made = Date.parse('2027-02-01') / 1000;
    expect(() => check({ version: made + 1 }, { nowS: 0, version: made })).toThrow(/expired/);
  });
  test('is refused with more or less behind it', () => {
    expect(() => check({}, {}, PAYLOAD.length - 1)).toThrow(/bytes belong into it/);
    expect(() => check({}, {}, PAYLOAD.length + 1)).toThrow(/bytes belong into it/);
  });
});

describe('the payload', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'skywire-update-'));
    writeFileSync(join(folder, 'slot'), Buffer.alloc(PAYLOAD.length + 4096, 0xff));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  async function write(bytes: Buffer): Promise<Buffer> {
    writeFileSync(join(folder, 'update'), bytes);
    const source = await open(join(folder, 'update'));
    try {
      await writeSlot(source, header(bytes), join(folder, 'slot'));
    } finally {
      await source.close();
    }
    return readFileSync(join(folder, 'slot'));
  }

  test('is what stands in the slot afterwards', async () => {
    const slot = await write(update());
    expect(slot.subarray(0, PAYLOAD.length).equals(PAYLOAD)).toBe(true);
    expect(slot.length).toBe(PAYLOAD.length + 4096);
  });

  test('with one bit changed is refused', async () => {
    const spoilt = Buffer.from(PAYLOAD);
    spoilt[PAYLOAD.length - 1] ^= 1;
    await expect(write(update(MANIFEST, { payload: spoilt }))).rejects.toThrow(/another checksum/);
  });

  test('that ends early is refused', async () => {
    await expect(write(update(MANIFEST, { payload: PAYLOAD.subarray(1) }))).rejects.toThrow(/ended early/);
  });

  test('signed as scripts/sign-update does it, with openssl, is accepted', () => {
    const [keyFile, signed] = [join(folder, 'key.pem'), join(folder, 'signed')];
    writeFileSync(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    writeFileSync(signed, `skywire-update 1\n${JSON.stringify(MANIFEST)}\n`);
    const args = ['pkeyutl', '-sign', '-rawin', '-inkey', keyFile, '-in', signed];
    const [first, line] = readFileSync(signed, 'utf8').split('\n');
    const signature = execFileSync('openssl', args).toString('base64');
    expect(header(Buffer.from(`${first}\n${signature}\n${line}\n`)).manifest).toEqual(MANIFEST);
  });
});
