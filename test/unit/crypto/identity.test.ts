import { expect, test } from 'vitest';
import { utf8 } from '../../../src/base/bytes.ts';
import type { SecretKey } from '../../../src/base/ids.ts';
import { addressOf } from '../../../src/crypto/address.ts';
import { hmac } from '../../../src/crypto/hash.ts';
import { createIdentity, gatewaySecret } from '../../../src/crypto/identity.ts';
import { nobleCurve } from '../../../src/crypto/noble-curve.ts';

const secret = new Uint8Array(32).fill(7) as SecretKey;

test('an identity holds the key and the address of its secret', () => {
  const identity = createIdentity(nobleCurve, secret);
  expect(identity.key).toEqual(nobleCurve.publicKey(secret));
  expect(identity.address).toBe(addressOf(identity.key));
});

test("the gateway's secret is the HMAC of the node's under its label, and another key", () => {
  const gateway = gatewaySecret(nobleCurve, secret);
  expect(gateway).toEqual(hmac(utf8('skywire/gateway'), secret));
  expect(nobleCurve.publicKey(gateway)).not.toEqual(nobleCurve.publicKey(secret));
});
