import { expect, test } from 'vitest';
import { addressHash, addressOf, addressText, parseAddress } from '../../../src/crypto/address.ts';
import { encodeBase58 } from '../../../src/crypto/base58.ts';
import { sha256 } from '../../../src/crypto/hash.ts';

const key = new Uint8Array(33).fill(2);
const address = addressOf(key);

test('an address read is the address written', () => {
  expect(parseAddress(address)).toEqual(addressHash(key));
  expect(addressText(addressHash(key))).toBe(address);
});

test('an address of leading zero bytes keeps them', () => {
  const hash = new Uint8Array(20);
  hash[19] = 7;
  const text = addressText(hash);
  expect(text.startsWith('1'.repeat(19))).toBe(true);
  expect(parseAddress(text)).toEqual(hash);
});

test('an address with any one digit changed is refused', () => {
  for (let i = 0; i < address.length; i++) {
    const other = address[i] === 'x' ? 'y' : 'x';
    expect(parseAddress(address.slice(0, i) + other + address.slice(i + 1))).toBeUndefined();
  }
});

test.each([
  ['nothing', ''],
  ['a digit too few', address.slice(1)],
  ['a digit too many', `${address}1`],
  ['a leading 1 too many', `1${address}`],
  ['a digit that base58 leaves out', `0${address.slice(1)}`],
  ['spaces around it', ` ${address}`],
  ['a megabyte', '2'.repeat(1_000_000)],
])('%s is no address', (_, text) => {
  expect(parseAddress(text)).toBeUndefined();
});

test('another version than 0 is refused even with its right checksum', () => {
  const bytes = new Uint8Array(25);
  bytes.set(addressHash(key));
  bytes[20] = 1;
  bytes.set(sha256(bytes.subarray(0, 21)).subarray(0, 4), 21);
  expect(parseAddress(encodeBase58(bytes))).toBeUndefined();
});
