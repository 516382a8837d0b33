import { expect, test } from 'vitest';
import { utf8 } from '../../../src/base/bytes.ts';
import type { SecretKey } from '../../../src/base/ids.ts';
import { nobleCurve } from '../../../src/crypto/noble-curve.ts';
import {
  ACT_ONE_BYTES,
  ACT_THREE_BYTES,
  ACT_TWO_BYTES,
  XkInitiator,
  XkResponder,
} from '../../../src/crypto/noise-xk.ts';
import { wipeSessionKeys } from '../../../src/crypto/symmetric-state.ts';

const secretOf = (byte: number) => new Uint8Array(32).fill(byte) as SecretKey;
const prologue = utf8('skywire/1 link');

function pair(responderPrologue = prologue) {
  const secrets = { initiator: secretOf(3), responder: secretOf(4) };
  const initiator = new XkInitiator({
    curve: nobleCurve,
    prologue,
    localSecret: secretOf(1),
    remoteKey: nobleCurve.publicKey(secretOf(2)),
    ephemeralSecret: secrets.initiator,
  });
  const responder = new XkResponder({
    curve: nobleCurve,
    prologue: responderPrologue,
    localSecret: secretOf(2),
    ephemeralSecret: secrets.responder,
  });
  return { initiator, responder, secrets };
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] ^= 1;
  return copy;
}

test('both ends reach the same keys, and the responder learns who called', () => {
  const { initiator, responder } = pair();
  const actOne = initiator.actOne();
  expect(responder.readActOne(actOne)).toBe('ok');
  const actTwo = responder.actTwo();
  expect(initiator.readActTwo(actTwo)).toBe('ok');
  const actThree = initiator.actThree();
  expect(responder.readActThree(actThree)).toEqual({ remoteKey: nobleCurve.publicKey(secretOf(1)) });
  expect([actOne, actTwo, actThree].map((act) => act.length)).toEqual([ACT_ONE_BYTES, ACT_TWO_BYTES, ACT_THREE_BYTES]);
  expect(initiator.keys()).toEqual(responder.keys());
  expect(initiator.keys().initiatorKey).not.toEqual(initiator.keys().responderKey);
});

test('forged acts leave the handshake as it was: the right one is still taken', () => {
  const { initiator, responder } = pair();
  const actOne = initiator.actOne();
  for (const at of [0, 20, 33, 49]) expect(responder.readActOne(flipped(actOne, at))).not.toBe('ok');
  expect(responder.readActOne(actOne)).toBe('ok');
  const actTwo = responder.actTwo();
  for (const at of [0, 20, 33, 49]) expect(initiator.readActTwo(flipped(actTwo, at))).not.toBe('ok');
  expect(initiator.readActTwo(actTwo)).toBe('ok');
  const actThree = initiator.actThree();
  for (const at of [0, 1, 49, 50, 65]) expect(typeof responder.readActThree(flipped(actThree, at))).toBe('string');
  expect(responder.readActThree(actThree)).toHaveProperty('remoteKey');
  expect(responder.keys()).toEqual(initiator.keys());
});

test('another prologue is another handshake', () => {
  const { initiator, responder } = pair(utf8('skywire/1 session'));
  expect(responder.readActOne(initiator.actOne())).toBe('noise-tag');
});

test('ephemeral secrets are wiped when the handshake is done', () => {
  const { initiator, responder, secrets } = pair();
  responder.readActOne(initiator.actOne());
  initiator.readActTwo(responder.actTwo());
  responder.readActThree(initiator.actThree());
  expect(secrets).toEqual({ initiator: new Uint8Array(32), responder: new Uint8Array(32) });
});

test('ephemeral secrets are wiped when the handshake is given up', () => {
  const { initiator, responder, secrets } = pair();
  responder.readActOne(initiator.actOne());
  initiator.wipe();
  responder.wipe();
  expect(secrets).toEqual({ initiator: new Uint8Array(32), responder: new Uint8Array(32) });
});

test('session keys are wiped by whoever has put them to use', () => {
  const { initiator, responder } = pair();
  responder.readActOne(initiator.actOne());
  initiator.readActTwo(responder.actTwo());
  initiator.actThree();
  wipeSessionKeys(initiator.keys());
  for (const key of Object.values(initiator.keys())) expect(key).toEqual(new Uint8Array(32));
});

test('steps out of turn are programmer errors', () => {
  const { initiator, responder } = pair();
  expect(() => initiator.readActTwo(new Uint8Array(50))).toThrow('act two answers act one');
  expect(() => initiator.actThree()).toThrow('act three follows act two');
  expect(() => initiator.keys()).toThrow('keys exist after act three');
  expect(() => responder.actTwo()).toThrow('act two answers act one');
  expect(() => responder.readActThree(new Uint8Array(66))).toThrow('act three follows act two');
  expect(() => responder.keys()).toThrow('keys exist after act three');
  initiator.actOne();
  expect(() => initiator.actOne()).toThrow('act one comes first');
});
