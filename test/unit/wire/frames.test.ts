import { describe, expect, test } from 'vitest';
import {
  CHANNEL_OVERHEAD_BYTES,
  type ChannelFrame,
  DATA_OVERHEAD_BYTES,
  type DataFrame,
  FRAME_REKEY,
  FrameReader,
  MESSAGE_MAX_BYTES,
  readChannelFrame,
  readDataFrame,
  readRekeyFrame,
  writeChannelHeader,
  writeCloseFrame,
  writeDataHeader,
  writePathAckFrame,
  writePathFrame,
  writeRekeyFrame,
} from '../../../src/wire/frames.ts';

const dataFrame = (): DataFrame => ({ routeIdAt: 0, message: 0, offset: 0, last: false, start: 0, length: 0 });
const channelFrame = (): ChannelFrame => ({ channel: 0, message: 0, offset: 0, last: false, start: 0, length: 0 });

describe('frames', () => {
  test('of a datagram are walked up to the padding', () => {
    const bytes = new Uint8Array(64);
    writeCloseFrame(bytes, 3, 1);
    writePathAckFrame(bytes, 7, 0x01020304, 1_472);
    const reader = new FrameReader();
    reader.begin(bytes, 3, 64);
    expect(reader.next()).toBe('frame');
    expect([reader.type, reader.at, reader.length]).toEqual([9, 6, 1]);
    expect(reader.next()).toBe('frame');
    expect([...bytes.subarray(7, 16)]).toEqual([8, 0, 6, 1, 2, 3, 4, 5, 0xc0]);
    expect(reader.next()).toBe('end');
    reader.begin(bytes, 3, 16);
    expect([reader.next(), reader.next(), reader.next()]).toEqual(['frame', 'frame', 'end']);
  });

  test('that reach beyond the datagram are truncated', () => {
    const reader = new FrameReader();
    for (const bytes of [[1], [1, 0], [1, 0, 1], [3, 0, 8, 0, 0, 0, 0, 0, 0, 0]]) {
      reader.begin(Uint8Array.from(bytes), 0, bytes.length);
      expect(reader.next()).toBe('frame-truncated');
    }
  });

  test('of kind DATA are laid out byte for byte and read back', () => {
    const bytes = new Uint8Array(40).fill(0xee);
    const id = Uint8Array.from({ length: 18 }, (_, i) => i);
    const pieceAt = writeDataHeader(bytes, 1, id, 2, 0x01020304, 0x0506, true, 2);
    bytes.set([0xaa, 0xbb], pieceAt);
    const body = [...id.subarray(2), 1, 2, 3, 4, 5, 6, 1, 0xaa, 0xbb];
    expect([...bytes.subarray(1, pieceAt + 2)]).toEqual([1, 0, 25, ...body]);
    expect(pieceAt).toBe(1 + DATA_OVERHEAD_BYTES);
    const frame = dataFrame();
    expect(readDataFrame(bytes, 4, 25, frame)).toBeUndefined();
    const start = pieceAt;
    expect(frame).toEqual({ routeIdAt: 4, message: 0x01020304, offset: 0x0506, last: true, start, length: 2 });
  });

  test('of kind CHANNEL are laid out byte for byte and read back', () => {
    const bytes = new Uint8Array(20);
    const pieceAt = writeChannelHeader(bytes, 0, 0x0708, 9, 3, false, 1);
    expect([...bytes.subarray(0, pieceAt)]).toEqual([2, 0, 10, 7, 8, 0, 0, 0, 9, 0, 3, 0]);
    expect(pieceAt).toBe(CHANNEL_OVERHEAD_BYTES);
    const frame = channelFrame();
    expect(readChannelFrame(bytes, 3, 10, frame)).toBeUndefined();
    expect(frame).toEqual({ channel: 0x0708, message: 9, offset: 3, last: false, start: pieceAt, length: 1 });
  });

  test('without a piece, or beyond the longest message, are malformed', () => {
    const bytes = new Uint8Array(100);
    writeDataHeader(bytes, 0, new Uint8Array(16), 0, 1, MESSAGE_MAX_BYTES - 1, true, 1);
    for (let length = 0; length < 24; length++) {
      expect(readDataFrame(bytes, 3, length, dataFrame())).toBe('frame-malformed');
    }
    expect(readDataFrame(bytes, 3, 24, dataFrame())).toBeUndefined();
    expect(readDataFrame(bytes, 3, 25, dataFrame())).toBe('frame-malformed');
    for (let length = 0; length < 10; length++) {
      expect(readChannelFrame(bytes, 3, length, channelFrame())).toBe('frame-malformed');
    }
  });

  test('with flags of a later version are unknown', () => {
    const bytes = new Uint8Array(40);
    const pieceAt = writeDataHeader(bytes, 0, new Uint8Array(16), 0, 1, 0, true, 4);
    bytes[pieceAt - 1] = 3;
    expect(readDataFrame(bytes, 3, 27, dataFrame())).toBe('frame-unknown');
  });

  test('of kind REKEY carry the epoch and a copy of the key', () => {
    const bytes = new Uint8Array(40);
    const ephemeral = Uint8Array.from({ length: 33 }, (_, i) => i + 1);
    writeRekeyFrame(bytes, 0, FRAME_REKEY, 0x01000002, ephemeral);
    expect([...bytes.subarray(0, 7)]).toEqual([5, 0, 37, 1, 0, 0, 2]);
    expect(readRekeyFrame(bytes, 3, 37)).toEqual({ epoch: 0x01000002, ephemeral });
    expect(readRekeyFrame(bytes, 3, 36)).toBeUndefined();
    expect(readRekeyFrame(bytes, 3, 38)).toBeUndefined();
  });

  test('of kind PATH are zeros behind the number', () => {
    const bytes = new Uint8Array(32).fill(0xee);
    writePathFrame(bytes, 0, 5, 20);
    expect([...bytes.subarray(0, 24)]).toEqual([7, 0, 20, 0, 0, 0, 5, ...new Uint8Array(16), 0xee]);
  });
});
