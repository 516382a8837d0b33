/**
 * Byte helpers for codecs. All integers are big-endian (docs/protocol.md). 48- and 64-bit integers are JavaScript
 * numbers below 2^53: every writer asserts it, every reader of hostile bytes checks `isSafe` on what it read.
 */
import { assert } from './assert.ts';

const TWO_32 = 0x1_0000_0000;

export function readU16(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 8) | bytes[at + 1];
}

export function readU32(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}

export function readU48(bytes: Uint8Array, at: number): number {
  return readU16(bytes, at) * TWO_32 + readU32(bytes, at + 2);
}

/** Values of 2^53 and above lose precision: callers reading hostile bytes check `Number.isSafeInteger`. */
export function readU64(bytes: Uint8Array, at: number): number {
  return readU32(bytes, at) * TWO_32 + readU32(bytes, at + 4);
}

export function writeU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

export function writeU48(bytes: Uint8Array, at: number, value: number): void {
  assert(Number.isSafeInteger(value) && value >= 0 && value < 0x1_0000_0000_0000, 'u48 in range');
  writeU16(bytes, at, Math.floor(value / TWO_32));
  writeU32(bytes, at + 2, value % TWO_32);
}

export function writeU64(bytes: Uint8Array, at: number, value: number): void {
  assert(Number.isSafeInteger(value) && value >= 0, 'u64 in range');
  writeU32(bytes, at, Math.floor(value / TWO_32));
  writeU32(bytes, at + 4, value % TWO_32);
}

export function concat(...parts: Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Public bytes only: takes longer the more bytes agree. Secrets go through `equalSecret`. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Time depends on the length only. */
export function equalSecret(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i] ^ b[i];
  return difference === 0;
}

/** Order of byte strings: negative, zero or positive. */
export function compare(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return a.length - b.length;
}

const HEX_DIGITS = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));
/** Few enough to be the arguments of a call. */
const HEX_AT_ONCE = 1_024;

/** Made at once: a text put together digit by digit stays a tree of its parts, which takes a kilobyte for a key. */
export function toHex(bytes: Uint8Array): string {
  if (bytes.length > HEX_AT_ONCE) return toHex(bytes.subarray(0, HEX_AT_ONCE)) + toHex(bytes.subarray(HEX_AT_ONCE));
  const codes = new Array<number>(2 * bytes.length);
  for (let i = 0; i < bytes.length; i++) {
    codes[2 * i] = HEX_DIGITS[bytes[i] >> 4];
    codes[2 * i + 1] = HEX_DIGITS[bytes[i] & 0x0f];
  }
  return String.fromCharCode.apply(null, codes);
}

/** Undefined when the text is not an even number of hex digits. */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) return undefined;
  const out = new Uint8Array(text.length / 2);
  for (let i = 0; i < out.length; i++) out[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return out;
}

const encoder = new TextEncoder();
/** UTF-8 bytes of a text: labels of key derivation, mostly. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Overwrites a secret that is no longer needed. */
export function wipe(bytes: Uint8Array): void {
  bytes.fill(0);
}
