import { describe, expect, test } from 'vitest';
import { concat, toHex, utf8, writeU16 } from '../../../src/base/bytes.ts';
import type { SecretKey } from '../../../src/base/ids.ts';
import { nonceOf, seal } from '../../../src/crypto/aead.ts';
import { hkdf } from '../../../src/crypto/hash.ts';
import { nobleCurve } from '../../../src/crypto/noble-curve.ts';
import { type SessionKeys, XkInitiator, XkResponder } from '../../../src/crypto/noise-xk.ts';
import { hex, readPublished } from '../published.ts';

interface Bolt8Case {
  readonly name: string;
  readonly steps: Record<string, string>[];
  readonly 'rs.pub': string;
  readonly 'ls.priv': string;
  readonly 'ls.pub': string;
  readonly 'e.priv': string;
}

const cases = readPublished<Bolt8Case[]>('bolt08-noise-xk.json');
const PROLOGUE = utf8('lightning');
/** BOLT-8's text gives the responder's static secret once for all its cases; the file leaves it out. */
const RESPONDER_SECRET = hex('21'.repeat(32)) as SecretKey;

const DROPS: Record<string, string> = {
  READ_FAILED: 'noise-length',
  BAD_VERSION: 'noise-version',
  BAD_PUBKEY: 'noise-point',
  BAD_TAG: 'noise-tag',
  BAD_CIPHERTEXT: 'noise-tag',
};

/** `ERROR (ACT2_BAD_VERSION 1)` names our drop. */
function dropOf(output: string): string | undefined {
  const failure = /^ERROR \(ACT\d_([A-Z_]+)/.exec(output);
  return failure === null ? undefined : DROPS[failure[1]];
}

function secret(text: string): SecretKey {
  return hex(text) as SecretKey;
}

/** Inputs and outputs of a case in turn, without what goes on inside. */
function exchanges(one: Bolt8Case): { kind: 'input' | 'output'; value: string }[] {
  return one.steps.flatMap((step) => {
    const [kind, value] = Object.entries(step)[0];
    return kind === 'input' || kind === 'output' ? [{ kind, value }] : [];
  });
}

function checkKeys(line: string, keys: SessionKeys, sending: 'initiatorKey' | 'responderKey', one: Bolt8Case): void {
  const [names, values] = line.split('=');
  const [first, second] = values.split(',').map((value) => toHex(hex(value)));
  const [send, receive] = names === 'sk,rk' ? [first, second] : [second, first];
  expect(toHex(keys[sending])).toBe(send);
  expect(toHex(keys[sending === 'initiatorKey' ? 'responderKey' : 'initiatorKey'])).toBe(receive);
  const last = one.steps.map((step) => step.internal ?? '').findLast((line) => line.startsWith('ck,temp_k3='));
  expect(toHex(keys.chainingKey)).toBe(last?.slice('ck,temp_k3=0x'.length).split(',')[0]);
}

describe('BOLT-8 handshakes', () => {
  const initiatorCases = cases.filter((one) => one.name.startsWith('transport-initiator'));
  const responderCases = cases.filter((one) => one.name.startsWith('transport-responder'));

  test('the file holds all 5 initiator and 10 responder cases', () => {
    expect([initiatorCases.length, responderCases.length, cases.length]).toEqual([5, 10, 16]);
    expect(toHex(nobleCurve.publicKey(RESPONDER_SECRET))).toBe(initiatorCases[0]['rs.pub'].slice(2));
  });

  test.each(initiatorCases.map((one) => [one.name, one] as const))('%s', (_, one) => {
    const initiator = new XkInitiator({
      curve: nobleCurve,
      prologue: PROLOGUE,
      localSecret: secret(one['ls.priv']),
      remoteKey: hex(one['rs.pub']),
      ephemeralSecret: secret(one['e.priv']),
    });
    const [actOne, actTwo, actThree, keys] = exchanges(one);
    expect(toHex(initiator.actOne())).toBe(actOne.value.slice(2));
    expect(initiator.readActTwo(hex(actTwo.value))).toBe(dropOf(actThree.value) ?? 'ok');
    if (keys === undefined) return;
    expect(toHex(initiator.actThree())).toBe(actThree.value.slice(2));
    checkKeys(keys.value, initiator.keys(), 'initiatorKey', one);
  });

  test.each(responderCases.map((one) => [one.name, one] as const))('%s', (_, one) => {
    const responder = new XkResponder({
      curve: nobleCurve,
      prologue: PROLOGUE,
      localSecret: RESPONDER_SECRET,
      ephemeralSecret: secret(one['e.priv']),
    });
    const [actOne, actTwo, actThree, outcome] = exchanges(one);
    expect(responder.readActOne(hex(actOne.value))).toBe(dropOf(actTwo.value) ?? 'ok');
    if (actThree === undefined) return;
    expect(toHex(responder.actTwo())).toBe(actTwo.value.slice(2));
    const read = responder.readActThree(hex(actThree.value));
    const drop = dropOf(outcome.value);
    if (drop !== undefined) {
      expect(read).toBe(drop);
      return;
    }
    expect(read).toEqual({ remoteKey: hex(initiatorCases[0]['ls.pub']) });
    checkKeys(outcome.value, responder.keys(), 'responderKey', one);
  });
});

test('BOLT-8 messages across its key rotation come out of the same AEAD and HKDF', () => {
  const one = cases.find((candidate) => candidate.name === 'transport-message test') as unknown as {
    steps: Record<string, string>[];
    ck: string;
    sk: string;
  };
  let [chainingKey, key] = [hex(one.ck), hex(one.sk)];
  let counter = 0;
  const sealNext = (plaintext: Uint8Array): Uint8Array => {
    const sealed = seal(key, nonceOf(counter++), new Uint8Array(0), plaintext);
    if (counter === 1000) {
      [chainingKey, key] = hkdf(chainingKey, key, 2);
      counter = 0;
    }
    return sealed;
  };
  const expected = new Map(one.steps.map((step) => Object.entries(step)[0]));
  const hello = utf8('hello');
  const length = new Uint8Array(2);
  writeU16(length, 0, hello.length);
  let checked = 0;
  for (let i = 0; i <= 1001; i++) {
    const output = toHex(concat(sealNext(length), sealNext(hello)));
    const want = expected.get(`output ${i}`);
    if (want === undefined) continue;
    expect(`0x${output}`).toBe(want);
    checked++;
  }
  expect(checked).toBe(6);
});
