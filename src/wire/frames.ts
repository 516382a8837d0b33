/**
 * Frames inside a session datagram (docs/protocol.md section 3). On the hot path: reads into reused objects, writes in
 * place, allocates nothing a datagram.
 *
 *   type u8 | length u16 | body              type 0 is one byte: padding to the end
 *
 *   0x01 DATA       route id (16) | sequence u32 | message u32 | offset u16 | flags u8 | [TTL u16, ms] | piece
 *   0x02 CHANNEL    channel u16 | message u32 | offset u16 | flags u8 | piece
 *   0x03 PING       token u64                     0x04 PONG       the PING's token
 *   0x05 REKEY      epoch u32 | ephemeral (33)    0x06 REKEY_ACK  epoch u32 | ephemeral (33)
 *   0x07 PATH       probe u32 | zeros             0x08 PATH_ACK   probe u32 | datagram bytes u16
 *   0x09 CLOSE      reason u8: 1 shutting down, 2 replaced (never sent by this version), 3 not a peer any more
 *   0x10 ACK        largest counter u64 | delay u32, us | arrived u32, us | ranges below it (ack-ranges.ts)
 *   0x11 CREDIT     route id (16) | absolute limit u64    0x12 BLOCKED  route id (16) | limit of the sender u64
 *   0x13 GONE       route id (16) | sequence u32 | message u32 | offset u16 | length u16
 *   0x14 LOAD_ASK   nothing                       0x15 LOAD       clock u32, us | spare u32, us
 */
import { readU16, readU32, readU64, writeU16, writeU32, writeU64 } from '../base/bytes.ts';
import { type RangeBlocks, rangesBytes, rangesWithin, readRanges, writeRanges } from './ack-ranges.ts';

export const FRAME_PADDING = 0x00;
export const FRAME_DATA = 0x01;
export const FRAME_CHANNEL = 0x02;
export const FRAME_PING = 0x03;
export const FRAME_PONG = 0x04;
export const FRAME_REKEY = 0x05;
export const FRAME_REKEY_ACK = 0x06;
export const FRAME_PATH = 0x07;
export const FRAME_PATH_ACK = 0x08;
export const FRAME_CLOSE = 0x09;
export const FRAME_ACK = 0x10;
export const FRAME_CREDIT = 0x11;
export const FRAME_BLOCKED = 0x12;
export const FRAME_GONE = 0x13;
export const FRAME_LOAD_ASK = 0x14;
export const FRAME_LOAD = 0x15;

export const FRAME_HEADER_BYTES = 3;
export const ROUTE_ID_BYTES = 16;
/** Largest message of a route or channel. */
export const MESSAGE_MAX_BYTES = 65_535;
/** What a DATA frame without TTL adds to its piece, frame header included. */
export const DATA_OVERHEAD_BYTES = FRAME_HEADER_BYTES + 27;
/** What a TTL adds to that. */
export const DATA_TTL_BYTES = 2;
/** Whole frames. */
export const GONE_FRAME_BYTES = FRAME_HEADER_BYTES + 28;
export const LIMIT_FRAME_BYTES = FRAME_HEADER_BYTES + 24;
/** An ACK frame without its ranges. */
export const ACK_OVERHEAD_BYTES = FRAME_HEADER_BYTES + 16;
/** What a CHANNEL frame adds to its piece, frame header included. */
export const CHANNEL_OVERHEAD_BYTES = FRAME_HEADER_BYTES + 9;
export const PING_BODY_BYTES = 8;
export const REKEY_BODY_BYTES = 37;
export const PATH_MIN_BODY_BYTES = 4;
export const PATH_ACK_BODY_BYTES = 6;
export const CLOSE_BODY_BYTES = 1;
export const LOAD_BODY_BYTES = 8;

export const CLOSE_SHUTTING_DOWN = 1;
export const CLOSE_NOT_A_PEER = 3;

/** In a DATA frame, from the frame's beginning on. */
export const DATA_SEQUENCE_AT = FRAME_HEADER_BYTES + ROUTE_ID_BYTES;
export const DATA_OFFSET_AT = DATA_SEQUENCE_AT + 8;

const FLAG_LAST = 0x01;
const FLAG_TTL = 0x02;
const SEQUENCE_AT = ROUTE_ID_BYTES;
const DATA_MESSAGE_AT = SEQUENCE_AT + 4;
const CHANNEL_MESSAGE_AT = 2;
const EPHEMERAL_AT = 4;
const ACK_DELAY_AT = 8;
const ACK_ARRIVED_AT = 12;
const ACK_RANGES_AT = 16;
/** message u32 | offset u16 | flags u8 */
const PIECE_HEADER_BYTES = 7;
const MAX_U32 = 0xffff_ffff;
const TWO_32 = 0x1_0000_0000;

/** Where a piece of a message of a route lies; positions count from the start of the buffer it was read from. */
export interface DataFrame {
  /** The 16 bytes of the route id begin here. */
  routeIdAt: number;
  /** Number of the frame in its route, direction and hop; the same when it is sent again. */
  sequence: number;
  message: number;
  /** Where in its message the piece begins. */
  offset: number;
  last: boolean;
  /** How long the piece may still live; -1: no limit. */
  ttlMs: number;
  /** The piece itself. */
  start: number;
  length: number;
}

/** How busy a direction of a link is, by its sender; both modulo 2^32, and only differences mean anything. */
export interface LoadFrame {
  /** The sender's clock. */
  clockUs: number;
  /** All the time in which it had nothing to send though the link would have taken more. */
  spareUs: number;
}

/** Up to 32 blocks of counters that arrived, in `blocks`; the largest is the first block's. */
export interface AckFrame {
  /** How long the receiver had the largest when it wrote this. */
  delayMs: number;
  /** When the largest arrived, by the receiver's clock; modulo 2^32. */
  arrivedUs: number;
  readonly blocks: RangeBlocks;
}

export interface ChannelFrame {
  channel: number;
  message: number;
  offset: number;
  last: boolean;
  start: number;
  length: number;
}

export type FrameDrop = 'frame-truncated' | 'frame-malformed' | 'frame-unknown';

/** Walks the frames of one datagram. `type`, `at` and `length` describe the frame that `next` stopped at. */
export class FrameReader {
  type = FRAME_PADDING;
  /** Where the body begins. */
  at = 0;
  /** Bytes of the body. */
  length = 0;
  private buffer: Uint8Array = new Uint8Array(0);
  private nextAt = 0;
  private end = 0;

  begin(buffer: Uint8Array, start: number, end: number): void {
    this.buffer = buffer;
    this.nextAt = start;
    this.end = end;
  }

  /** 'end' at padding or the end of the datagram; after 'frame-truncated' nothing more can be read. */
  next(): 'frame' | 'end' | 'frame-truncated' {
    if (this.nextAt >= this.end || this.buffer[this.nextAt] === FRAME_PADDING) return 'end';
    if (this.nextAt + FRAME_HEADER_BYTES > this.end) return 'frame-truncated';
    this.type = this.buffer[this.nextAt];
    this.length = readU16(this.buffer, this.nextAt + 1);
    this.at = this.nextAt + FRAME_HEADER_BYTES;
    this.nextAt = this.at + this.length;
    return this.nextAt > this.end ? 'frame-truncated' : 'frame';
  }
}

/** Reads the body of a DATA frame. Flags that a later version may assign make the frame unknown. */
export function readDataFrame(buffer: Uint8Array, at: number, length: number, frame: DataFrame): FrameDrop | undefined {
  frame.routeIdAt = at;
  frame.sequence = readU32(buffer, at + SEQUENCE_AT);
  const drop = readPiece(buffer, at + DATA_MESSAGE_AT, length - DATA_MESSAGE_AT, FLAG_LAST | FLAG_TTL, frame);
  if (drop !== undefined) return drop;
  frame.ttlMs = -1;
  if ((buffer[at + DATA_MESSAGE_AT + 6] & FLAG_TTL) !== 0) {
    if (frame.length <= DATA_TTL_BYTES) return 'frame-malformed';
    frame.ttlMs = readU16(buffer, frame.start);
    frame.start += DATA_TTL_BYTES;
    frame.length -= DATA_TTL_BYTES;
  }
  return checkPiece(frame);
}

/** Reads the body of a GONE frame: `length` says what counts in the place of the piece, which has no bytes and no end. */
export function readGoneFrame(buffer: Uint8Array, at: number, length: number, frame: DataFrame): FrameDrop | undefined {
  if (length !== GONE_FRAME_BYTES - FRAME_HEADER_BYTES) return 'frame-malformed';
  frame.routeIdAt = at;
  frame.sequence = readU32(buffer, at + SEQUENCE_AT);
  frame.message = readU32(buffer, at + DATA_MESSAGE_AT);
  frame.offset = readU16(buffer, at + DATA_MESSAGE_AT + 4);
  frame.length = readU16(buffer, at + DATA_MESSAGE_AT + 6);
  frame.last = false;
  frame.ttlMs = -1;
  frame.start = at + length;
  return checkPiece(frame);
}

/** The limit in the body of CREDIT or BLOCKED, whose first 16 bytes are the route id; undefined when malformed. */
export function readLimitFrame(buffer: Uint8Array, at: number, length: number): number | undefined {
  if (length !== LIMIT_FRAME_BYTES - FRAME_HEADER_BYTES) return undefined;
  const limit = readU64(buffer, at + ROUTE_ID_BYTES);
  return Number.isSafeInteger(limit) ? limit : undefined;
}

/** Reads the body of an ACK frame. */
export function readAckFrame(buffer: Uint8Array, at: number, length: number, frame: AckFrame): FrameDrop | undefined {
  if (length <= ACK_RANGES_AT) return 'frame-malformed';
  const largest = readU64(buffer, at);
  if (!Number.isSafeInteger(largest)) return 'frame-malformed';
  frame.delayMs = readU32(buffer, at + ACK_DELAY_AT) / 1_000;
  frame.arrivedUs = readU32(buffer, at + ACK_ARRIVED_AT);
  const end = readRanges(buffer, at + ACK_RANGES_AT, at + length, largest, frame.blocks);
  return end === at + length ? undefined : 'frame-malformed';
}

/** Reads the body of a CHANNEL frame. */
export function readChannelFrame(
  buffer: Uint8Array,
  at: number,
  length: number,
  frame: ChannelFrame,
): FrameDrop | undefined {
  frame.channel = readU16(buffer, at);
  return readPiece(buffer, at + CHANNEL_MESSAGE_AT, length - CHANNEL_MESSAGE_AT, FLAG_LAST, frame) ?? checkPiece(frame);
}

/** message u32 | offset u16 | flags u8 | the rest, as both kinds end. */
function readPiece(
  buffer: Uint8Array,
  at: number,
  length: number,
  knownFlags: number,
  piece: { message: number; offset: number; last: boolean; start: number; length: number },
): FrameDrop | undefined {
  if (length <= PIECE_HEADER_BYTES) return 'frame-malformed';
  const flags = buffer[at + 6];
  if ((flags & ~knownFlags) !== 0) return 'frame-unknown';
  piece.message = readU32(buffer, at);
  piece.offset = readU16(buffer, at + 4);
  piece.last = (flags & FLAG_LAST) !== 0;
  piece.start = at + PIECE_HEADER_BYTES;
  piece.length = length - PIECE_HEADER_BYTES;
  return undefined;
}

function checkPiece(piece: { offset: number; length: number }): FrameDrop | undefined {
  return piece.offset + piece.length > MESSAGE_MAX_BYTES ? 'frame-malformed' : undefined;
}

/** Writes all of a DATA frame but its piece; returns where the piece goes. `ttlMs` -1: the piece has no TTL. */
export function writeDataHeader(
  out: Uint8Array,
  at: number,
  routeId: Uint8Array,
  routeIdAt: number,
  sequence: number,
  message: number,
  offset: number,
  last: boolean,
  ttlMs: number,
  pieceBytes: number,
): number {
  const ttlBytes = ttlMs < 0 ? 0 : DATA_TTL_BYTES;
  const bodyBytes = DATA_OVERHEAD_BYTES - FRAME_HEADER_BYTES + ttlBytes + pieceBytes;
  const body = writeRouteId(out, at, FRAME_DATA, bodyBytes, routeId, routeIdAt);
  writeU32(out, body + SEQUENCE_AT, sequence);
  const piece = writePieceHeader(out, body + DATA_MESSAGE_AT, message, offset, last);
  if (ttlMs < 0) return piece;
  out[piece - 1] |= FLAG_TTL;
  writeU16(out, piece, ttlMs);
  return piece + DATA_TTL_BYTES;
}

/** A whole GONE frame. */
export function writeGoneFrame(
  out: Uint8Array,
  at: number,
  routeId: Uint8Array,
  routeIdAt: number,
  sequence: number,
  message: number,
  offset: number,
  length: number,
): void {
  const body = writeRouteId(out, at, FRAME_GONE, GONE_FRAME_BYTES - FRAME_HEADER_BYTES, routeId, routeIdAt);
  writeU32(out, body + SEQUENCE_AT, sequence);
  writeU32(out, body + DATA_MESSAGE_AT, message);
  writeU16(out, body + DATA_MESSAGE_AT + 4, offset);
  writeU16(out, body + DATA_MESSAGE_AT + 6, length);
}

/** A whole CREDIT or BLOCKED frame. */
export function writeLimitFrame(
  out: Uint8Array,
  at: number,
  type: typeof FRAME_CREDIT | typeof FRAME_BLOCKED,
  routeId: Uint8Array,
  routeIdAt: number,
  limit: number,
): void {
  const body = writeRouteId(out, at, type, LIMIT_FRAME_BYTES - FRAME_HEADER_BYTES, routeId, routeIdAt);
  writeU64(out, body + ROUTE_ID_BYTES, limit);
}

/** How long an ACK frame with so many blocks is at most. */
export function ackFrameBytes(blocks: number): number {
  return ACK_OVERHEAD_BYTES + rangesBytes(blocks);
}

/** With how many blocks an ACK frame fits so many bytes; 0 or less where none does. */
export function ackBlocksWithin(frameBytes: number): number {
  return rangesWithin(frameBytes - ACK_OVERHEAD_BYTES);
}

/**
 * A whole ACK frame; returns its length, at most `ackFrameBytes(blocks.count)`. The largest arrived at `arrivedMs` and waited
 * `delayMs` since.
 */
export function writeAckFrame(
  out: Uint8Array,
  at: number,
  delayMs: number,
  arrivedMs: number,
  blocks: RangeBlocks,
): number {
  const body = at + FRAME_HEADER_BYTES;
  writeU64(out, body, blocks.high[0]);
  writeU32(out, body + ACK_DELAY_AT, Math.min(Math.max(0, Math.round(delayMs * 1_000)), MAX_U32));
  writeU32(out, body + ACK_ARRIVED_AT, Math.floor(arrivedMs * 1_000) % TWO_32);
  const ranges = writeRanges(out, body + ACK_RANGES_AT, blocks);
  writeFrameHeader(out, at, FRAME_ACK, ACK_RANGES_AT + ranges);
  return ACK_OVERHEAD_BYTES + ranges;
}

/** Frame header and route id; returns where the body begins. */
function writeRouteId(
  out: Uint8Array,
  at: number,
  type: number,
  bodyBytes: number,
  routeId: Uint8Array,
  routeIdAt: number,
): number {
  const body = writeFrameHeader(out, at, type, bodyBytes);
  for (let i = 0; i < ROUTE_ID_BYTES; i++) out[body + i] = routeId[routeIdAt + i];
  return body;
}

/** Writes all of a CHANNEL frame but its piece; returns where the piece goes. */
export function writeChannelHeader(
  out: Uint8Array,
  at: number,
  channel: number,
  message: number,
  offset: number,
  last: boolean,
  pieceBytes: number,
): number {
  const body = writeFrameHeader(out, at, FRAME_CHANNEL, CHANNEL_OVERHEAD_BYTES - FRAME_HEADER_BYTES + pieceBytes);
  writeU16(out, body, channel);
  return writePieceHeader(out, body + CHANNEL_MESSAGE_AT, message, offset, last);
}

function writePieceHeader(out: Uint8Array, at: number, message: number, offset: number, last: boolean): number {
  writeU32(out, at, message);
  writeU16(out, at + 4, offset);
  out[at + 6] = last ? FLAG_LAST : 0;
  return at + PIECE_HEADER_BYTES;
}

/** Returns where the body goes. */
export function writeFrameHeader(out: Uint8Array, at: number, type: number, bodyBytes: number): number {
  out[at] = type;
  writeU16(out, at + 1, bodyBytes);
  return at + FRAME_HEADER_BYTES;
}

/** REKEY or REKEY_ACK. */
export function writeRekeyFrame(
  out: Uint8Array,
  at: number,
  type: typeof FRAME_REKEY | typeof FRAME_REKEY_ACK,
  epoch: number,
  ephemeral: Uint8Array,
): void {
  const body = writeFrameHeader(out, at, type, REKEY_BODY_BYTES);
  writeU32(out, body, epoch);
  out.set(ephemeral, body + EPHEMERAL_AT);
}

/** Undefined when the body of REKEY or REKEY_ACK has another length; the ephemeral key is a copy. */
export function readRekeyFrame(
  buffer: Uint8Array,
  at: number,
  length: number,
): { epoch: number; ephemeral: Uint8Array } | undefined {
  if (length !== REKEY_BODY_BYTES) return undefined;
  return { epoch: readU32(buffer, at), ephemeral: buffer.slice(at + EPHEMERAL_AT, at + length) };
}

/** PATH with `bodyBytes` of body: the probe's number and zeros. */
export function writePathFrame(out: Uint8Array, at: number, probe: number, bodyBytes: number): void {
  const body = writeFrameHeader(out, at, FRAME_PATH, bodyBytes);
  writeU32(out, body, probe);
  out.fill(0, body + PATH_MIN_BODY_BYTES, body + bodyBytes);
}

export function writePathAckFrame(out: Uint8Array, at: number, probe: number, datagramBytes: number): void {
  const body = writeFrameHeader(out, at, FRAME_PATH_ACK, PATH_ACK_BODY_BYTES);
  writeU32(out, body, probe);
  writeU16(out, body + 4, datagramBytes);
}

/** Both are milliseconds; the body is LOAD_BODY_BYTES long. */
export function writeLoadFrame(out: Uint8Array, at: number, clockMs: number, spareMs: number): void {
  const body = writeFrameHeader(out, at, FRAME_LOAD, LOAD_BODY_BYTES);
  writeU32(out, body, Math.floor(clockMs * 1_000) % TWO_32);
  writeU32(out, body + 4, Math.floor(spareMs * 1_000) % TWO_32);
}

export function readLoadFrame(buffer: Uint8Array, at: number): LoadFrame {
  return { clockUs: readU32(buffer, at), spareUs: readU32(buffer, at + 4) };
}

export function writeCloseFrame(out: Uint8Array, at: number, reason: number): void {
  out[writeFrameHeader(out, at, FRAME_CLOSE, CLOSE_BODY_BYTES)] = reason;
}
