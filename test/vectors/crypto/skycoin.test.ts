import { describe, expect, test } from 'vitest';
import { toHex } from '../../../src/base/bytes.ts';
import type { SecretKey } from '../../../src/base/ids.ts';
import { addressHash, addressOf, parseAddress } from '../../../src/crypto/address.ts';
import { createIdentity } from '../../../src/crypto/identity.ts';
import { nobleCurve } from '../../../src/crypto/noble-curve.ts';
import { hex, readPublished } from '../published.ts';

interface SkycoinKey {
  readonly address: string;
  readonly secret: string;
  readonly public: string;
}

const { keys } = readPublished<{ keys: SkycoinKey[] }>('skycoin-seed-0000.json');

describe('Skycoin keys', () => {
  test('the file holds 10 keys', () => expect(keys.length).toBe(10));

  test.each(keys)('$address belongs to its key', (one) => {
    const identity = createIdentity(nobleCurve, hex(one.secret) as SecretKey);
    expect(toHex(identity.key)).toBe(one.public);
    expect(identity.address).toBe(one.address);
    expect(addressOf(hex(one.public))).toBe(one.address);
    expect(parseAddress(one.address)).toEqual(addressHash(hex(one.public)));
  });
});
