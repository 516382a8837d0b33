/**
 * Handshake datagrams (docs/protocol.md section 2.1). Bytes 0-11 are common to all four:
 *
 *   type u8 | version u8 | 00 00 | sender index u32 | receiver index u32
 *
 *   INIT      1 | sender | 0        | act one (50)   | mac1 (16) | mac2 (16)                94
 *   RESPONSE  2 | sender | receiver | act two (50)   | mac1 (16)                            78
 *   FINAL     3 | sender | receiver | act three (66) | mac1 (16)                            94
 *   COOKIE    4 | 0      | receiver | nonce (24)     | sealed cookie (32)                   68
 *
 * The codec places bytes; the MACs are filled in and checked by whoever holds the keys (link).
 */
import { assert } from '../base/assert.ts';
import { readU16, readU32, writeU32 } from '../base/bytes.ts';

export const DATAGRAM_INIT = 1;
export const DATAGRAM_RESPONSE = 2;
export const DATAGRAM_FINAL = 3;
export const DATAGRAM_COOKIE = 4;

/** The prologue of the Noise handshake. */
export const LINK_PROLOGUE = 'skywire/1 link';

const VERSION = 1;
const RESERVED_AT = 2;
const SENDER_AT = 4;
const RECEIVER_AT = 8;
const HEADER_BYTES = 12;
const ACT_ONE_OR_TWO_BYTES = 50;
const ACT_THREE_BYTES = 66;
const MAC_BYTES = 16;
const NONCE_BYTES = 24;
const SEALED_COOKIE_BYTES = 32;

/** How each type is laid out: everything before `macAt` is under mac1; a mac2 follows mac1 in INIT only. */
interface Layout {
  readonly bytes: number;
  readonly bodyBytes: number;
  readonly hasSender: boolean;
  readonly hasReceiver: boolean;
}

const LAYOUTS: readonly (Layout | undefined)[] = [
  undefined,
  { bytes: 94, bodyBytes: ACT_ONE_OR_TWO_BYTES, hasSender: true, hasReceiver: false },
  { bytes: 78, bodyBytes: ACT_ONE_OR_TWO_BYTES, hasSender: true, hasReceiver: true },
  { bytes: 94, bodyBytes: ACT_THREE_BYTES, hasSender: true, hasReceiver: true },
  { bytes: 68, bodyBytes: NONCE_BYTES + SEALED_COOKIE_BYTES, hasSender: false, hasReceiver: true },
];

export const INIT_BYTES = 94;
export const RESPONSE_BYTES = 78;
export const FINAL_BYTES = 94;
export const COOKIE_DATAGRAM_BYTES = 68;

/** Views into one handshake datagram; nothing is copied. In COOKIE the body is nonce and sealed cookie, `mac1` empty. */
export interface HandshakeDatagram {
  readonly bytes: Uint8Array;
  readonly type: number;
  readonly senderIndex: number;
  readonly receiverIndex: number;
  readonly body: Uint8Array;
  readonly mac1: Uint8Array;
}

export type HandshakeDrop = 'handshake-length' | 'handshake-version' | 'handshake-header';

/** `bytes` is one whole datagram whose first byte is 1 to 4. */
export function parseHandshake(bytes: Uint8Array): HandshakeDatagram | HandshakeDrop {
  const layout = LAYOUTS[bytes[0]];
  assert(layout !== undefined, 'a handshake type');
  if (bytes.length !== layout.bytes) return 'handshake-length';
  if (bytes[1] !== VERSION) return 'handshake-version';
  const senderIndex = readU32(bytes, SENDER_AT);
  const receiverIndex = readU32(bytes, RECEIVER_AT);
  if (readU16(bytes, RESERVED_AT) !== 0) return 'handshake-header';
  if ((senderIndex !== 0) !== layout.hasSender || (receiverIndex !== 0) !== layout.hasReceiver) {
    return 'handshake-header';
  }
  const macAt = HEADER_BYTES + layout.bodyBytes;
  return {
    bytes,
    type: bytes[0],
    senderIndex,
    receiverIndex,
    body: bytes.subarray(HEADER_BYTES, macAt),
    mac1: bytes.subarray(macAt, Math.min(macAt + MAC_BYTES, bytes.length)),
  };
}

/** The bytes that mac1 covers: all before it. */
export function underMac1(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, mac1At(bytes));
}

/** The bytes that mac2 covers: all before it, mac1 included. INIT only. */
export function underMac2(init: Uint8Array): Uint8Array {
  return init.subarray(0, mac1At(init) + MAC_BYTES);
}

export function mac2Of(init: Uint8Array): Uint8Array {
  return init.subarray(mac1At(init) + MAC_BYTES);
}

export function writeMac1(bytes: Uint8Array, mac1: Uint8Array): void {
  assert(mac1.length === MAC_BYTES, 'mac1 is 16 bytes');
  bytes.set(mac1, mac1At(bytes));
}

export function writeMac2(init: Uint8Array, mac2: Uint8Array): void {
  assert(init[0] === DATAGRAM_INIT && mac2.length === MAC_BYTES, 'mac2 is 16 bytes, in INIT');
  init.set(mac2, mac1At(init) + MAC_BYTES);
}

/** INIT with zeros for the MACs. */
export function buildInit(senderIndex: number, actOne: Uint8Array): Uint8Array {
  return build(DATAGRAM_INIT, senderIndex, 0, actOne);
}

/** RESPONSE with zeros for mac1. */
export function buildResponse(senderIndex: number, receiverIndex: number, actTwo: Uint8Array): Uint8Array {
  return build(DATAGRAM_RESPONSE, senderIndex, receiverIndex, actTwo);
}

/** FINAL with zeros for mac1. */
export function buildFinal(senderIndex: number, receiverIndex: number, actThree: Uint8Array): Uint8Array {
  return build(DATAGRAM_FINAL, senderIndex, receiverIndex, actThree);
}

export function buildCookie(receiverIndex: number, nonce: Uint8Array, sealed: Uint8Array): Uint8Array {
  const body = new Uint8Array(NONCE_BYTES + SEALED_COOKIE_BYTES);
  body.set(nonce, 0);
  body.set(sealed, NONCE_BYTES);
  return build(DATAGRAM_COOKIE, 0, receiverIndex, body);
}

/** The ephemeral key in act one or two: it follows the act's version byte. */
export function ephemeralOf(act: Uint8Array): Uint8Array {
  return act.subarray(1, 34);
}

export function cookieNonceOf(cookie: HandshakeDatagram): Uint8Array {
  return cookie.body.subarray(0, NONCE_BYTES);
}

export function sealedCookieOf(cookie: HandshakeDatagram): Uint8Array {
  return cookie.body.subarray(NONCE_BYTES);
}

function mac1At(bytes: Uint8Array): number {
  const layout = LAYOUTS[bytes[0]];
  assert(layout !== undefined && bytes[0] !== DATAGRAM_COOKIE && bytes.length === layout.bytes, 'a datagram with MACs');
  return HEADER_BYTES + layout.bodyBytes;
}

function build(type: number, senderIndex: number, receiverIndex: number, body: Uint8Array): Uint8Array {
  const layout = LAYOUTS[type];
  assert(layout !== undefined && body.length === layout.bodyBytes, 'the body fits the type');
  const bytes = new Uint8Array(layout.bytes);
  bytes[0] = type;
  bytes[1] = VERSION;
  writeU32(bytes, SENDER_AT, senderIndex);
  writeU32(bytes, RECEIVER_AT, receiverIndex);
  bytes.set(body, HEADER_BYTES);
  return bytes;
}
