import { expect, test } from 'vitest';
import { concat, utf8 } from '../../../src/base/bytes.ts';
import type { SecretKey } from '../../../src/base/ids.ts';
import { nonceOf, seal } from '../../../src/crypto/aead.ts';
import { hkdf, sha256 } from '../../../src/crypto/hash.ts';
import { nobleCurve } from '../../../src/crypto/noble-curve.ts';
import { IkInitiator, IkResponder } from '../../../src/crypto/noise-ik.ts';

const secretOf = (byte: number) => new Uint8Array(32).fill(byte) as SecretKey;
const CLIENT = 1;
const SERVICE = 2;
const CLIENT_EPHEMERAL = 3;
const SERVICE_EPHEMERAL = 4;
const prologue = utf8('skywire/1 session');
const payload = Uint8Array.of(0, 0, 1, 2, 3, 4, 5, 6);
const empty = new Uint8Array(0);

function pair() {
  const secrets = { initiator: secretOf(CLIENT_EPHEMERAL), responder: secretOf(SERVICE_EPHEMERAL) };
  const initiator = new IkInitiator({
    curve: nobleCurve,
    prologue,
    localSecret: secretOf(CLIENT),
    remoteKey: nobleCurve.publicKey(secretOf(SERVICE)),
    ephemeralSecret: secrets.initiator,
  });
  const responder = new IkResponder({
    curve: nobleCurve,
    prologue,
    localSecret: secretOf(SERVICE),
    ephemeralSecret: secrets.responder,
  });
  return { initiator, responder, secrets };
}

/** Noise revision 34, section 7.5, pattern IK, written out from the text without the classes under test. */
function transcript() {
  const point = (secret: number) => nobleCurve.publicKey(secretOf(secret));
  const dh = (secret: number, other: number) => nobleCurve.ecdh(secretOf(secret), point(other))!;
  let ck = sha256(utf8('Noise_IK_secp256k1_ChaChaPoly_SHA256'));
  let key: Uint8Array = empty;
  let h = sha256(sha256(ck, prologue), point(SERVICE)); // <- s
  const mixed = (shared: Uint8Array) => {
    [ck, key] = hkdf(ck, shared, 2);
  };
  const sealed = (text: Uint8Array) => {
    const out = seal(key, nonceOf(0), h, text);
    h = sha256(h, out);
    return out;
  };
  h = sha256(h, point(CLIENT_EPHEMERAL)); // -> e
  mixed(dh(CLIENT_EPHEMERAL, SERVICE)); // es
  const sealedKey = sealed(point(CLIENT)); // s
  mixed(dh(CLIENT, SERVICE)); // ss
  const one = concat(point(CLIENT_EPHEMERAL), sealedKey, sealed(payload));
  const early = hkdf(utf8('skywire/early'), ck, 1)[0];
  h = sha256(h, point(SERVICE_EPHEMERAL)); // <- e
  mixed(dh(CLIENT_EPHEMERAL, SERVICE_EPHEMERAL)); // ee
  mixed(dh(CLIENT, SERVICE_EPHEMERAL)); // se
  const two = concat(point(SERVICE_EPHEMERAL), sealed(empty));
  const [initiatorKey, responderKey] = hkdf(ck, empty, 2);
  return { one, early, two, keys: { chainingKey: ck, initiatorKey, responderKey } };
}

test('both messages and all keys are those of the Noise text', () => {
  const { initiator, responder } = pair();
  const expected = transcript();
  const one = initiator.messageOne(payload);
  expect(one).toEqual(expected.one);
  expect(one.length).toBe(106);
  expect(responder.readMessageOne(one)).toEqual({ remoteKey: nobleCurve.publicKey(secretOf(CLIENT)), payload });
  expect(initiator.earlyKey()).toEqual(expected.early);
  expect(responder.earlyKey()).toEqual(expected.early);
  const two = responder.messageTwo(empty);
  expect(two).toEqual(expected.two);
  expect(two.length).toBe(49);
  expect(initiator.readMessageTwo(two)).toEqual({ payload: empty });
  expect(initiator.keys()).toEqual(expected.keys);
  expect(responder.keys()).toEqual(expected.keys);
});

test('message one is refused by name, wherever it was changed, and the right one is still taken', () => {
  const { initiator, responder } = pair();
  const one = initiator.messageOne(payload);
  const changed = (at: number, value: number) => {
    const copy = one.slice();
    copy[at] = value;
    return responder.readMessageOne(copy);
  };
  expect(responder.readMessageOne(one.subarray(0, 97))).toBe('noise-length');
  expect(responder.readMessageOne(empty)).toBe('noise-length');
  expect(changed(0, 9)).toBe('noise-point');
  for (const at of [1, 33, 81, 82, 105]) expect(typeof changed(at, one[at] ^ 1)).toBe('string');
  expect(changed(33, one[33] ^ 1)).toBe('noise-tag');
  expect(changed(105, one[105] ^ 1)).toBe('noise-tag');
  expect(responder.readMessageOne(one)).toHaveProperty('remoteKey');
});

test('a client that proves no point is refused', () => {
  const { responder } = pair();
  const ephemeral = nobleCurve.publicKey(secretOf(CLIENT_EPHEMERAL));
  const serviceKey = nobleCurve.publicKey(secretOf(SERVICE));
  const ck = sha256(utf8('Noise_IK_secp256k1_ChaChaPoly_SHA256'));
  const h = sha256(sha256(sha256(ck, prologue), serviceKey), ephemeral);
  const [, key] = hkdf(ck, nobleCurve.ecdh(secretOf(CLIENT_EPHEMERAL), serviceKey)!, 2);
  const sealedNonsense = seal(key, nonceOf(0), h, new Uint8Array(33).fill(7));
  expect(responder.readMessageOne(concat(ephemeral, sealedNonsense, new Uint8Array(24)))).toBe('noise-point');
});

test('message two is refused by name, and the right one is still taken', () => {
  const { initiator, responder } = pair();
  responder.readMessageOne(initiator.messageOne(payload));
  const two = responder.messageTwo(utf8('welcome'));
  const changed = (at: number, value: number) => {
    const copy = two.slice();
    copy[at] = value;
    return initiator.readMessageTwo(copy);
  };
  expect(initiator.readMessageTwo(two.subarray(0, 48))).toBe('noise-length');
  expect(changed(0, 9)).toBe('noise-point');
  expect(changed(40, two[40] ^ 1)).toBe('noise-tag');
  expect(initiator.readMessageTwo(two)).toEqual({ payload: utf8('welcome') });
  expect(initiator.keys()).toEqual(responder.keys());
});

test('a service that is not the one addressed reads nothing', () => {
  const { initiator } = pair();
  const stranger = new IkResponder({
    curve: nobleCurve,
    prologue,
    localSecret: secretOf(9),
    ephemeralSecret: secretOf(SERVICE_EPHEMERAL),
  });
  expect(stranger.readMessageOne(initiator.messageOne(payload))).toBe('noise-tag');
});

test('ephemeral secrets are wiped when the handshake is done or given up', () => {
  const { initiator, responder, secrets } = pair();
  responder.readMessageOne(initiator.messageOne(payload));
  initiator.readMessageTwo(responder.messageTwo(empty));
  expect(secrets).toEqual({ initiator: new Uint8Array(32), responder: new Uint8Array(32) });
  const given = pair();
  given.initiator.messageOne(payload);
  given.initiator.wipe();
  given.responder.wipe();
  expect(given.secrets).toEqual({ initiator: new Uint8Array(32), responder: new Uint8Array(32) });
});

test('steps out of turn are programmer errors', () => {
  const { initiator, responder } = pair();
  expect(() => initiator.earlyKey()).toThrow('between the messages');
  expect(() => initiator.readMessageTwo(new Uint8Array(49))).toThrow('message two answers message one');
  expect(() => initiator.keys()).toThrow('keys exist after message two');
  expect(() => responder.messageTwo(empty)).toThrow('message two answers message one');
  expect(() => responder.earlyKey()).toThrow('between the messages');
  responder.readMessageOne(initiator.messageOne(payload));
  expect(() => initiator.messageOne(payload)).toThrow('message one comes first');
  responder.messageTwo(empty);
  expect(() => responder.readMessageOne(new Uint8Array(106))).toThrow('message one comes first');
});
