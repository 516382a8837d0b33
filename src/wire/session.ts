/**
 * The session datagram (docs/protocol.md section 2.2). On the hot path: reads in place, allocates nothing.
 *
 *   0   type 5 u8 | epoch u8 | 00 00
 *   4   receiver index u32
 *   8   counter u64
 *   16  sealed: frames, zero-padded
 *       tag (16)
 *
 * The header is the associated data, the counter the nonce and the packet number.
 */
import { readU16, readU32, writeU32 } from '../base/bytes.ts';

export const DATAGRAM_SESSION = 5;
export const SESSION_HEADER_BYTES = 16;
/** Datagrams are a multiple of this; the header and the tag are one block each. */
export const SESSION_BLOCK_BYTES = 16;
/** A datagram that is not as long as its path allows is a multiple of `stepBytes` if it is no longer than `upToBytes`. */
const PADDING_STEPS = [
  { upToBytes: 256, stepBytes: 64 },
  { upToBytes: 1_280, stepBytes: 256 },
  // One full packet of a download, whose length tells nothing: a coarse step would cost it 2 % of every link.
  { upToBytes: Number.POSITIVE_INFINITY, stepBytes: 32 },
] as const;
/** Header and tag. */
export const SESSION_OVERHEAD_BYTES = 32;
/** Shortest session datagram: one block of frames. */
export const SESSION_MIN_BYTES = SESSION_OVERHEAD_BYTES + SESSION_BLOCK_BYTES;
/** Key epochs travel modulo this. */
export const EPOCH_MODULUS = 256;

const EPOCH_AT = 1;
const RESERVED_AT = 2;
const RECEIVER_AT = 4;
export const COUNTER_AT = 8;
const COUNTER_LOW_AT = COUNTER_AT + 4;
const TWO_32 = 0x1_0000_0000;

/** Counters are JavaScript numbers: their high word stays below this. */
const COUNTER_HIGH_MAX = 0x1f_ffff;

export type SessionDrop = 'session-length' | 'session-header' | 'session-counter';

/** Undefined when a datagram of `length` bytes at `at` has the shape of a session datagram. */
export function sessionDropOf(bytes: Uint8Array, at: number, length: number): SessionDrop | undefined {
  if (length < SESSION_MIN_BYTES || length % SESSION_BLOCK_BYTES !== 0) return 'session-length';
  if (readU16(bytes, at + RESERVED_AT) !== 0) return 'session-header';
  return readU32(bytes, at + COUNTER_AT) > COUNTER_HIGH_MAX ? 'session-counter' : undefined;
}

export function writeSessionHeader(
  bytes: Uint8Array,
  at: number,
  epoch: number,
  receiverIndex: number,
  counter: number,
): void {
  bytes[at] = DATAGRAM_SESSION;
  bytes[at + EPOCH_AT] = epoch % EPOCH_MODULUS;
  bytes[at + RESERVED_AT] = 0;
  bytes[at + RESERVED_AT + 1] = 0;
  writeU32(bytes, at + RECEIVER_AT, receiverIndex);
  writeU32(bytes, at + COUNTER_AT, Math.floor(counter / TWO_32));
  writeU32(bytes, at + COUNTER_LOW_AT, counter % TWO_32);
}

export function epochByteOf(bytes: Uint8Array, at: number): number {
  return bytes[at + EPOCH_AT];
}

export function receiverIndexOf(bytes: Uint8Array, at: number): number {
  return readU32(bytes, at + RECEIVER_AT);
}

export function counterHighOf(bytes: Uint8Array, at: number): number {
  return readU32(bytes, at + COUNTER_AT);
}

export function counterLowOf(bytes: Uint8Array, at: number): number {
  return readU32(bytes, at + COUNTER_LOW_AT);
}

/** The largest session datagram of at most `bytes` bytes. */
export function wholeBlocks(bytes: number): number {
  return bytes - (bytes % SESSION_BLOCK_BYTES);
}

/** How long a session datagram with `frameBytes` bytes of frames is. */
export function sessionBytesFor(frameBytes: number): number {
  return SESSION_OVERHEAD_BYTES + wholeBlocks(frameBytes + SESSION_BLOCK_BYTES - 1);
}

/** How long a session datagram with `frameBytes` bytes of frames is made, so that lengths tell little; at most `room`, whole blocks. */
export function paddedSessionBytes(frameBytes: number, room: number): number {
  const bytes = SESSION_OVERHEAD_BYTES + frameBytes;
  let step = 0;
  while (bytes > PADDING_STEPS[step].upToBytes) step++;
  const { stepBytes } = PADDING_STEPS[step];
  return Math.min(Math.ceil(bytes / stepBytes) * stepBytes, room);
}
