import { expect, test } from 'vitest';
import { utf8 } from '../../../src/base/bytes.ts';
import { hmac, sha256 } from '../../../src/crypto/hash.ts';
import { cookieKey, mac1Key, mac16, openCookie, sealCookie } from '../../../src/crypto/mac.ts';

const nodeKey = new Uint8Array(33).fill(2);
const nonce = new Uint8Array(24).fill(4);
const mac1 = new Uint8Array(16).fill(5);
const cookie = new Uint8Array(16).fill(6);

test('the keys of mac1 and cookies are hashes of label and node key, and differ', () => {
  expect(mac1Key(nodeKey)).toEqual(sha256(utf8('skywire/1 mac1'), nodeKey));
  expect(cookieKey(nodeKey)).toEqual(sha256(utf8('skywire/1 cookie'), nodeKey));
});

test('mac16 is the first half of HMAC-SHA-256', () => {
  expect(mac16(mac1Key(nodeKey), cookie)).toEqual(hmac(mac1Key(nodeKey), cookie).slice(0, 16));
});

test('a cookie opens for the INIT it answers, and for nothing else', () => {
  const key = cookieKey(nodeKey);
  const sealed = sealCookie(key, nonce, mac1, cookie);
  expect(sealed.length).toBe(32);
  expect(openCookie(key, nonce, mac1, sealed)).toEqual(cookie);
  expect(openCookie(key, nonce, cookie, sealed)).toBeUndefined();
  expect(openCookie(key, new Uint8Array(24), mac1, sealed)).toBeUndefined();
  expect(openCookie(mac1Key(nodeKey), nonce, mac1, sealed)).toBeUndefined();
  expect(openCookie(key, nonce, mac1, sealed.subarray(1))).toBeUndefined();
  expect(openCookie(key, nonce.subarray(1), mac1, sealed)).toBeUndefined();
});
