import { describe, expect, test } from 'vitest';
import { MAX_RANGES, RangeBlocks } from '../../../src/wire/ack-ranges.ts';
import {
  type AckFrame,
  ackFrameBytes,
  CHANNEL_OVERHEAD_BYTES,
  type ChannelFrame,
  DATA_OVERHEAD_BYTES,
  DATA_TTL_BYTES,
  type DataFrame,
  FRAME_ACK,
  FRAME_BLOCKED,
  FRAME_CREDIT,
  FRAME_GONE,
  FRAME_REKEY,
  FrameReader,
  GONE_FRAME_BYTES,
  LIMIT_FRAME_BYTES,
  LOAD_BODY_BYTES,
  MESSAGE_MAX_BYTES,
  readAckFrame,
  readChannelFrame,
  readDataFrame,
  readGoneFrame,
  readLimitFrame,
  readLoadFrame,
  readRekeyFrame,
  writeAckFrame,
  writeChannelHeader,
  writeCloseFrame,
  writeDataHeader,
  writeGoneFrame,
  writeLimitFrame,
  writeLoadFrame,
  writePathAckFrame,
  writePathFrame,
  writeRekeyFrame,
} from '../../../src/wire/frames.ts';

const dataFrame = (): DataFrame => ({
  routeIdAt: 0,
  sequence: 0,
  message: 0,
  offset: 0,
  last: false,
  ttlMs: 0,
  start: 0,
  length: 0,
});
const channelFrame = (): ChannelFrame => ({ channel: 0, message: 0, offset: 0, last: false, start: 0, length: 0 });
const ackFrame = (): AckFrame => ({ delayMs: 0, arrivedUs: 0, blocks: new RangeBlocks() });
const ID = Uint8Array.from({ length: 18 }, (_, i) => i);

/** Blocks of counters, highest first, as [high, low] pairs. */
function blocksOf(...pairs: [number, number][]): RangeBlocks {
  const blocks = new RangeBlocks();
  for (const [high, low] of pairs) {
    blocks.high[blocks.count] = high;
    blocks.low[blocks.count] = low;
    blocks.count += 1;
  }
  return blocks;
}

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
    const pieceAt = writeDataHeader(bytes, 1, ID, 2, 0x0a0b0c0d, 0x01020304, 0x0506, true, -1, 2);
    bytes.set([0xaa, 0xbb], pieceAt);
    const body = [...ID.subarray(2), 10, 11, 12, 13, 1, 2, 3, 4, 5, 6, 1, 0xaa, 0xbb];
    expect([...bytes.subarray(1, pieceAt + 2)]).toEqual([1, 0, 29, ...body]);
    expect(pieceAt).toBe(1 + DATA_OVERHEAD_BYTES);
    const frame = dataFrame();
    expect(readDataFrame(bytes, 4, 29, frame)).toBeUndefined();
    const position = { routeIdAt: 4, start: pieceAt, length: 2 };
    const numbers = { sequence: 0x0a0b0c0d, message: 0x01020304, offset: 0x0506, last: true, ttlMs: -1 };
    expect(frame).toEqual({ ...position, ...numbers });
  });

  test('of kind DATA have a TTL before the piece where one is given', () => {
    const bytes = new Uint8Array(40);
    const pieceAt = writeDataHeader(bytes, 0, ID, 0, 1, 2, 3, false, 150, 1);
    expect(pieceAt).toBe(DATA_OVERHEAD_BYTES + DATA_TTL_BYTES);
    expect([...bytes.subarray(pieceAt - 3, pieceAt)]).toEqual([2, 0, 150]);
    const frame = dataFrame();
    expect(readDataFrame(bytes, 3, 30, frame)).toBeUndefined();
    expect(frame).toMatchObject({ ttlMs: 150, last: false, start: pieceAt, length: 1 });
    expect(readDataFrame(bytes, 3, 29, frame)).toBe('frame-malformed');
  });

  test('of kind LOAD are laid out byte for byte and read back, times modulo 2^32 us', () => {
    const bytes = new Uint8Array(12);
    writeLoadFrame(bytes, 1, 4_294_967.297, 16.909);
    expect([...bytes]).toEqual([0, 0x15, 0, LOAD_BODY_BYTES, 0, 0, 0, 1, 0, 0, 0x42, 0x0d]);
    expect(readLoadFrame(bytes, 4)).toEqual({ clockUs: 1, spareUs: 16_909 });
  });

  test('of kind GONE are laid out byte for byte and read back', () => {
    const bytes = new Uint8Array(40);
    writeGoneFrame(bytes, 1, ID, 2, 0x0a0b0c0d, 7, 0x0506, 0x0578);
    const body = [...ID.subarray(2), 10, 11, 12, 13, 0, 0, 0, 7, 5, 6, 5, 0x78];
    expect([...bytes.subarray(1, 1 + GONE_FRAME_BYTES)]).toEqual([FRAME_GONE, 0, 28, ...body]);
    const frame = dataFrame();
    expect(readGoneFrame(bytes, 4, 28, frame)).toBeUndefined();
    expect(frame).toMatchObject({ routeIdAt: 4, sequence: 0x0a0b0c0d, message: 7, offset: 0x0506, length: 0x0578 });
    expect(readGoneFrame(bytes, 4, 27, frame)).toBe('frame-malformed');
    expect(readGoneFrame(bytes, 4, 29, frame)).toBe('frame-malformed');
    writeGoneFrame(bytes, 1, ID, 2, 0, 0, MESSAGE_MAX_BYTES, 1);
    expect(readGoneFrame(bytes, 4, 28, frame)).toBe('frame-malformed');
  });

  test.each([FRAME_CREDIT, FRAME_BLOCKED] as const)('of kind %i carry a route id and a limit', (type) => {
    const bytes = new Uint8Array(40);
    writeLimitFrame(bytes, 1, type, ID, 1, 2 ** 40 + 5);
    expect([...bytes.subarray(1, 1 + LIMIT_FRAME_BYTES)]).toEqual([
      ...[type, 0, 24],
      ...ID.subarray(1, 17),
      ...[0, 0, 1, 0, 0, 0, 0, 5],
    ]);
    expect(readLimitFrame(bytes, 4, 24)).toBe(2 ** 40 + 5);
    expect(readLimitFrame(bytes, 4, 23)).toBeUndefined();
    bytes[20] = 0x20;
    expect(readLimitFrame(bytes, 4, 24)).toBeUndefined();
  });

  test('of kind ACK are laid out byte for byte and read back', () => {
    const bytes = new Uint8Array(40);
    const length = writeAckFrame(bytes, 1, 1.234, (2 ** 32 + 258) / 1_000, blocksOf([300, 290], [288, 288]));
    expect([...bytes.subarray(1, 1 + length)]).toEqual([
      ...[FRAME_ACK, 0, 25, 0, 0, 0, 0, 0, 0, 1, 44, 0, 0, 0x04, 0xd2, 0, 0, 1, 2],
      ...[2, 0, 0, 0, 11, 0, 1, 0, 1],
    ]);
    expect(length).toBe(ackFrameBytes(2));
    const frame = ackFrame();
    expect(readAckFrame(bytes, 4, 25, frame)).toBeUndefined();
    expect([frame.delayMs, frame.arrivedUs]).toEqual([1.234, 258]);
    const { count, high, low } = frame.blocks;
    expect([count, high[0], low[0], high[1], low[1]]).toEqual([2, 300, 290, 288, 288]);
    for (let cut = 0; cut < 25; cut++) expect(readAckFrame(bytes, 4, cut, ackFrame())).toBe('frame-malformed');
    expect(readAckFrame(bytes, 4, 26, ackFrame())).toBe('frame-malformed');
    bytes[4] = 0x20;
    expect(readAckFrame(bytes, 4, 25, ackFrame())).toBe('frame-malformed');
  });

  test('of kind ACK keep a delay of hours within its field, and 32 blocks within their length', () => {
    const bytes = new Uint8Array(200);
    const pairs = Array.from({ length: MAX_RANGES }, (_, i): [number, number] => [1_000 - 2 * i, 1_000 - 2 * i]);
    expect(writeAckFrame(bytes, 0, 1e9, 0, blocksOf(...pairs))).toBe(ackFrameBytes(MAX_RANGES));
    const frame = ackFrame();
    expect(readAckFrame(bytes, 3, ackFrameBytes(MAX_RANGES) - 3, frame)).toBeUndefined();
    expect(frame.delayMs).toBe(0xffff_ffff / 1_000);
    expect(frame.blocks.count).toBe(MAX_RANGES);
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
    writeDataHeader(bytes, 0, ID, 0, 0, 1, MESSAGE_MAX_BYTES - 1, true, -1, 1);
    for (let length = 0; length < 28; length++) {
      expect(readDataFrame(bytes, 3, length, dataFrame())).toBe('frame-malformed');
    }
    expect(readDataFrame(bytes, 3, 28, dataFrame())).toBeUndefined();
    expect(readDataFrame(bytes, 3, 29, dataFrame())).toBe('frame-malformed');
    for (let length = 0; length < 10; length++) {
      expect(readChannelFrame(bytes, 3, length, channelFrame())).toBe('frame-malformed');
    }
  });

  test('with flags of a later version are unknown', () => {
    const bytes = new Uint8Array(40);
    const pieceAt = writeDataHeader(bytes, 0, ID, 0, 0, 1, 0, true, -1, 4);
    bytes[pieceAt - 1] = 5;
    expect(readDataFrame(bytes, 3, 31, dataFrame())).toBe('frame-unknown');
    const channelAt = writeChannelHeader(bytes, 0, 1, 9, 3, false, 1);
    bytes[channelAt - 1] = 2;
    expect(readChannelFrame(bytes, 3, 10, channelFrame())).toBe('frame-unknown');
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
