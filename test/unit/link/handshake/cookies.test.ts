import { expect, test } from 'vitest';
import { SeededRandom } from '../../../../src/base/seeded-random.ts';
import { cookieKey, mac16, openCookie } from '../../../../src/crypto/mac.ts';
import { Cookies } from '../../../../src/link/handshake/cookies.ts';
import { COOKIE_SECRET_LIFE_MS, INITS_PER_SECOND_MAX } from '../../../../src/link/protocol-numbers.ts';
import {
  buildInit,
  cookieNonceOf,
  type HandshakeDatagram,
  parseHandshake,
  sealedCookieOf,
  underMac2,
  writeMac1,
  writeMac2,
} from '../../../../src/wire/handshake.ts';

const nodeKey = new Uint8Array(33).fill(2);
const endpoint = new Uint8Array(24).fill(4);

function init(): HandshakeDatagram {
  const bytes = buildInit(5, new Uint8Array(50).fill(1));
  writeMac1(bytes, new Uint8Array(16).fill(3));
  return parsed(bytes);
}

function parsed(bytes: Uint8Array): HandshakeDatagram {
  const datagram = parseHandshake(bytes);
  if (typeof datagram === 'string') throw new Error(datagram);
  return datagram;
}

/** The same INIT with the mac2 that a cookie answer allows. */
function proven(cookies: Cookies, now: number): HandshakeDatagram {
  const bare = init();
  const answer = parsed(cookies.answer(bare, endpoint, now));
  const cookie = openCookie(cookieKey(nodeKey), cookieNonceOf(answer), bare.mac1, sealedCookieOf(answer));
  if (cookie === undefined) throw new Error('the cookie does not open');
  writeMac2(bare.bytes, mac16(cookie, underMac2(bare.bytes)));
  return bare;
}

function flood(cookies: Cookies, now: number): void {
  for (let i = 0; i < INITS_PER_SECOND_MAX; i++) expect(cookies.admit(init(), endpoint, now)).toBe(true);
}

test('beyond 50 INITs a second only those with a cookie for their address are admitted', () => {
  const cookies = new Cookies(new SeededRandom(1, 'cookies'), nodeKey);
  flood(cookies, 0);
  expect(cookies.admit(init(), endpoint, 999)).toBe(false);
  expect(cookies.admit(proven(cookies, 999), endpoint, 999)).toBe(true);
  expect(
    cookies.admit(
      proven(cookies, 999),
      endpoint.map((byte) => byte + 1),
      999,
    ),
  ).toBe(false);
  expect(cookies.admit(init(), endpoint, 1_000)).toBe(true);
});

test('a cookie is worth nothing once the secret behind it changed, after 120 s', () => {
  const cookies = new Cookies(new SeededRandom(1, 'cookies'), nodeKey);
  const old = proven(cookies, 0);
  flood(cookies, COOKIE_SECRET_LIFE_MS - 1);
  expect(cookies.admit(old, endpoint, COOKIE_SECRET_LIFE_MS - 1)).toBe(true);
  flood(cookies, 2 * COOKIE_SECRET_LIFE_MS);
  expect(cookies.admit(old, endpoint, 2 * COOKIE_SECRET_LIFE_MS)).toBe(false);
});
