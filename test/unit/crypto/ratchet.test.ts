import { describe, expect, test } from 'vitest';
import type { SecretKey } from '../../../src/base/ids.ts';
import { hkdf } from '../../../src/crypto/hash.ts';
import { nobleCurve } from '../../../src/crypto/noble-curve.ts';
import { epochKeys, Ratchet } from '../../../src/crypto/ratchet.ts';

const secretOf = (byte: number) => new Uint8Array(32).fill(byte) as SecretKey;
const ZEROS = new Uint8Array(32);
const keys = { chainingKey: secretOf(7), initiatorKey: secretOf(8), responderKey: secretOf(9) };

/** Private: it must be seen to be gone. */
const chainingKeyOf = (ratchet: Ratchet): Uint8Array => Reflect.get(ratchet, 'chainingKey');

function pair(firstEpoch?: number) {
  const make = (role: 'initiator' | 'responder') =>
    new Ratchet({ curve: nobleCurve, role, keys, ...(firstEpoch === undefined ? {} : { firstEpoch }) });
  return { initiator: make('initiator'), responder: make('responder') };
}

test('one exchange gives the keys of HKDF3(ck, ECDH), crossed over', () => {
  const { initiator, responder } = pair();
  const offer = initiator.begin(secretOf(1));
  expect(offer).toEqual({ epoch: 1, ephemeral: nobleCurve.publicKey(secretOf(1)) });
  const answer = responder.answer(offer.epoch, offer.ephemeral, secretOf(2))!;
  const mine = initiator.accept(1, answer.ephemeral)!;
  const shared = nobleCurve.ecdh(secretOf(1), nobleCurve.publicKey(secretOf(2)))!;
  const [, sendKey, receiveKey] = hkdf(secretOf(7), shared, 3);
  expect(mine).toEqual({ epoch: 1, sendKey, receiveKey });
  expect(answer.keys).toEqual({ epoch: 1, sendKey: receiveKey, receiveKey: sendKey });
});

test('make before break: the responder sends under the new epoch only once it has heard it', () => {
  const { initiator, responder } = pair();
  const offer = initiator.begin(secretOf(1));
  expect([initiator.sendEpoch, initiator.receiveEpoch, initiator.offering]).toEqual([0, 0, true]);
  const answer = responder.answer(1, offer.ephemeral, secretOf(2))!;
  expect([responder.sendEpoch, responder.receiveEpoch]).toEqual([0, 1]);
  initiator.accept(1, answer.ephemeral);
  expect([initiator.sendEpoch, initiator.receiveEpoch, initiator.offering]).toEqual([1, 1, false]);
  responder.confirm(0);
  expect(responder.sendEpoch).toBe(0);
  responder.confirm(1);
  expect(responder.sendEpoch).toBe(1);
});

test('a pending offer and its answer come back unchanged', () => {
  const { initiator, responder } = pair();
  const offer = initiator.begin(secretOf(1));
  const unused = secretOf(3);
  expect(initiator.begin(unused)).toEqual(offer);
  expect(unused).toEqual(ZEROS);
  const answer = responder.answer(1, offer.ephemeral, secretOf(2))!;
  expect(responder.answer(1, offer.ephemeral, secretOf(4))).toEqual({ ephemeral: answer.ephemeral, keys: undefined });
});

describe('what is not expected changes nothing', () => {
  test('at the initiator: no offer, another epoch, no point, a repeated answer', () => {
    const { initiator, responder } = pair();
    const answerKey = nobleCurve.publicKey(secretOf(2));
    expect(initiator.accept(1, answerKey)).toBeUndefined();
    const offer = initiator.begin(secretOf(1));
    expect(initiator.accept(0, answerKey)).toBeUndefined();
    expect(initiator.accept(2, answerKey)).toBeUndefined();
    expect(initiator.accept(1, new Uint8Array(33))).toBeUndefined();
    const answer = responder.answer(1, offer.ephemeral, secretOf(2))!;
    const mine = initiator.accept(1, answer.ephemeral)!;
    expect(mine.sendKey).toEqual(answer.keys!.receiveKey);
    expect(initiator.accept(1, answer.ephemeral)).toBeUndefined();
    expect(initiator.sendEpoch).toBe(1);
  });

  test('at the responder: a past or later epoch, no point, a second offer for one epoch, an unconfirmed epoch', () => {
    const { responder } = pair();
    const offerKey = nobleCurve.publicKey(secretOf(1));
    expect(responder.answer(0, offerKey, secretOf(2))).toBeUndefined();
    expect(responder.answer(2, offerKey, secretOf(2))).toBeUndefined();
    expect(responder.answer(1, new Uint8Array(33), secretOf(2))).toBeUndefined();
    expect(responder.receiveEpoch).toBe(0);
    expect(responder.answer(1, offerKey, secretOf(2))).toBeDefined();
    expect(responder.answer(1, nobleCurve.publicKey(secretOf(5)), secretOf(2))).toBeUndefined();
    expect(responder.answer(2, offerKey, secretOf(2))).toBeUndefined();
    responder.confirm(1);
    expect(responder.answer(2, offerKey, secretOf(2))).toBeDefined();
  });
});

test('replaced secrets are wiped: chaining keys, ephemerals, and what is left at the end', () => {
  const { initiator, responder } = pair();
  const [offered, answered] = [secretOf(1), secretOf(2)];
  const chains = [initiator, responder].map(chainingKeyOf);
  const offer = initiator.begin(offered);
  initiator.accept(1, responder.answer(1, offer.ephemeral, answered)!.ephemeral);
  expect([offered, answered, ...chains]).toEqual([ZEROS, ZEROS, ZEROS, ZEROS]);
  expect(keys.chainingKey).toEqual(secretOf(7));

  const pending = secretOf(3);
  initiator.begin(pending);
  initiator.wipe();
  expect([pending, chainingKeyOf(initiator)]).toEqual([ZEROS, ZEROS]);
  expect(initiator.offering).toBe(false);
});

test('a bundle counts its epochs from 1', () => {
  const { initiator, responder } = pair(1);
  expect([initiator.sendEpoch, responder.receiveEpoch]).toEqual([1, 1]);
  expect(initiator.begin(secretOf(1)).epoch).toBe(2);
});

test('the sending key of one side is the receiving key of the other', () => {
  const { initiatorKey, responderKey } = keys;
  expect(epochKeys('initiator', 0, initiatorKey, responderKey)).toEqual({
    epoch: 0,
    sendKey: initiatorKey,
    receiveKey: responderKey,
  });
  expect(epochKeys('responder', 0, initiatorKey, responderKey)).toEqual({
    epoch: 0,
    sendKey: responderKey,
    receiveKey: initiatorKey,
  });
});

test("the other side's steps are programmer errors", () => {
  const { initiator, responder } = pair();
  const point = nobleCurve.publicKey(secretOf(1));
  expect(() => responder.begin(secretOf(1))).toThrow('only the initiator begins');
  expect(() => responder.accept(1, point)).toThrow('only the initiator is answered');
  expect(() => initiator.answer(1, point, secretOf(1))).toThrow('only the responder answers');
  expect(() => initiator.confirm(1)).toThrow('only the responder confirms');
});
