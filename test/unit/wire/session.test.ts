import { describe, expect, test } from 'vitest';
import {
  counterHighOf,
  counterLowOf,
  epochByteOf,
  paddedSessionBytes,
  receiverIndexOf,
  sessionBytesFor,
  sessionDropOf,
  wholeBlocks,
  writeSessionHeader,
} from '../../../src/wire/session.ts';

describe('the session header', () => {
  test('is laid out byte for byte', () => {
    const bytes = new Uint8Array(20).fill(0xee);
    writeSessionHeader(bytes, 2, 0x1_05, 0x0a0b0c0d, 0x1_0000_0002);
    expect([...bytes.subarray(2, 18)]).toEqual([5, 5, 0, 0, 0x0a, 0x0b, 0x0c, 0x0d, 0, 0, 0, 1, 0, 0, 0, 2]);
    expect([epochByteOf(bytes, 2), receiverIndexOf(bytes, 2)]).toEqual([5, 0x0a0b0c0d]);
    expect([counterHighOf(bytes, 2), counterLowOf(bytes, 2)]).toEqual([1, 2]);
  });

  test('is refused when the length is no multiple of 16, or too short for a frame', () => {
    const bytes = new Uint8Array(128);
    for (const length of [0, 16, 32, 47, 49, 63, 127]) expect(sessionDropOf(bytes, 0, length)).toBe('session-length');
    for (const length of [48, 64, 128]) expect(sessionDropOf(bytes, 0, length)).toBeUndefined();
  });

  test('is refused with reserved bits or a counter of 2^53 and more', () => {
    const bytes = new Uint8Array(64);
    writeSessionHeader(bytes, 0, 0, 1, Number.MAX_SAFE_INTEGER);
    expect(sessionDropOf(bytes, 0, 64)).toBeUndefined();
    bytes[9] = 0x20;
    expect(sessionDropOf(bytes, 0, 64)).toBe('session-counter');
    bytes[3] = 1;
    expect(sessionDropOf(bytes, 0, 64)).toBe('session-header');
  });

  test('pads frames to whole blocks', () => {
    expect([1, 16, 17, 1_440].map(sessionBytesFor)).toEqual([48, 48, 64, 1_472]);
    expect([1_200, 1_420, 8_952].map(wholeBlocks)).toEqual([1_200, 1_408, 8_944]);
  });

  test('are made longer in steps that tell little, and never longer than their path allows', () => {
    const padded = (frameBytes: number) => paddedSessionBytes(frameBytes, 1_472);
    expect([1, 32, 33, 224].map(padded)).toEqual([64, 64, 128, 256]);
    expect([225, 480, 481, 1_248].map(padded)).toEqual([512, 512, 768, 1_280]);
    expect([1_249, 1_403, 1_409, 1_440].map(padded)).toEqual([1_312, 1_440, 1_472, 1_472]);
    expect(paddedSessionBytes(1_000, 1_200)).toBe(1_200);
  });
});
