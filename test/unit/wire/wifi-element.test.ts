import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toHex } from '../../../src/base/bytes.ts';
import { encodeWifiElement, parseWifiElement, wifiSsid } from '../../../src/wire/wifi-element.ts';

const HASH = Uint8Array.from({ length: 20 }, (_, index) => index);
const BEHIND_OUI = 5;

test('an element has the bytes of docs/protocol.md', () => {
  expect(toHex(encodeWifiElement(HASH))).toBe('dd18524b5901000102030405060708090a0b0c0d0e0f10111213');
  expect(wifiSsid(HASH)).toBe('skywire-00010203');
});

test('what was encoded is read again, also when a later version says more', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 20, maxLength: 20 }), fc.uint8Array({ maxLength: 30 }), (hash, more) => {
      const data = encodeWifiElement(hash).subarray(BEHIND_OUI);
      expect(parseWifiElement(Uint8Array.of(...data, ...more))).toEqual(hash);
    }),
  );
});

test('what is short or of another type is none of ours', () => {
  const data = encodeWifiElement(HASH).subarray(BEHIND_OUI);
  for (let length = 0; length < data.length; length++)
    expect(parseWifiElement(data.subarray(0, length))).toBeUndefined();
  expect(parseWifiElement(Uint8Array.of(2, ...data.subarray(1)))).toBeUndefined();
});
