import { describe, expect, test } from 'vitest';
import {
  buildCookie,
  buildFinal,
  buildInit,
  buildResponse,
  COOKIE_DATAGRAM_BYTES,
  cookieNonceOf,
  ephemeralOf,
  FINAL_BYTES,
  type HandshakeDatagram,
  INIT_BYTES,
  mac2Of,
  parseHandshake,
  RESPONSE_BYTES,
  sealedCookieOf,
  underMac1,
  underMac2,
  writeMac1,
  writeMac2,
} from '../../../src/wire/handshake.ts';

const actOne = new Uint8Array(50).fill(0xa1);
const actThree = new Uint8Array(66).fill(0xa3);
const mac = new Uint8Array(16).fill(0xcc);

function parsed(bytes: Uint8Array): HandshakeDatagram {
  const datagram = parseHandshake(bytes);
  if (typeof datagram === 'string') throw new Error(datagram);
  return datagram;
}

describe('handshake datagrams', () => {
  test('have the lengths of the protocol', () => {
    expect(buildInit(1, actOne).length).toBe(INIT_BYTES);
    expect(buildResponse(1, 2, actOne).length).toBe(RESPONSE_BYTES);
    expect(buildFinal(1, 2, actThree).length).toBe(FINAL_BYTES);
    expect(buildCookie(2, new Uint8Array(24), new Uint8Array(32)).length).toBe(COOKIE_DATAGRAM_BYTES);
    expect([INIT_BYTES, RESPONSE_BYTES, FINAL_BYTES, COOKIE_DATAGRAM_BYTES]).toEqual([94, 78, 94, 68]);
  });

  test('lay INIT out byte for byte', () => {
    const init = buildInit(0x01020304, actOne);
    writeMac1(init, mac);
    writeMac2(
      init,
      mac.map((byte) => byte + 1),
    );
    const expected = [1, 1, 0, 0, 1, 2, 3, 4, 0, 0, 0, 0, ...actOne, ...mac, ...mac.map((byte) => byte + 1)];
    expect([...init]).toEqual(expected);
  });

  test('come back from the parser as they went into the builder', () => {
    const final = buildFinal(7, 0xfffffffe, actThree);
    writeMac1(final, mac);
    const datagram = parsed(final);
    expect([datagram.type, datagram.senderIndex, datagram.receiverIndex]).toEqual([3, 7, 0xfffffffe]);
    expect(datagram.body).toEqual(actThree);
    expect(datagram.mac1).toEqual(mac);
    const cookie = parsed(buildCookie(9, new Uint8Array(24).fill(1), new Uint8Array(32).fill(2)));
    expect(cookie.receiverIndex).toBe(9);
    expect(cookieNonceOf(cookie)).toEqual(new Uint8Array(24).fill(1));
    expect(sealedCookieOf(cookie)).toEqual(new Uint8Array(32).fill(2));
  });

  test('put everything before a MAC under it', () => {
    const init = buildInit(1, actOne);
    expect(underMac1(init).length).toBe(62);
    expect(underMac2(init).length).toBe(78);
    expect(mac2Of(init).length).toBe(16);
    expect(underMac1(buildFinal(1, 2, actThree)).length).toBe(78);
    expect(ephemeralOf(Uint8Array.from({ length: 50 }, (_, i) => i))).toEqual(
      Uint8Array.from({ length: 33 }, (_, i) => i + 1),
    );
  });

  test('of another length are dropped', () => {
    for (const bytes of [buildInit(1, actOne), buildResponse(1, 2, actOne), buildFinal(1, 2, actThree)]) {
      expect(parseHandshake(bytes.subarray(0, -1))).toBe('handshake-length');
      expect(parseHandshake(new Uint8Array([...bytes, 0]))).toBe('handshake-length');
    }
    expect(parseHandshake(Uint8Array.of(1))).toBe('handshake-length');
  });

  test('of another version or with a wrong header are dropped', () => {
    const change = (bytes: Uint8Array, at: number, value: number) => {
      const changed = bytes.slice();
      changed[at] = value;
      return parseHandshake(changed);
    };
    const init = buildInit(1, actOne);
    expect(change(init, 1, 2)).toBe('handshake-version');
    expect(change(init, 2, 1)).toBe('handshake-header');
    expect(change(init, 7, 0)).toBe('handshake-header');
    expect(change(init, 11, 1)).toBe('handshake-header');
    expect(change(buildResponse(1, 2, actOne), 11, 0)).toBe('handshake-header');
    expect(change(buildCookie(1, new Uint8Array(24), new Uint8Array(32)), 4, 1)).toBe('handshake-header');
  });
});
