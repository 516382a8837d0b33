/**
 * Type-length-value streams as BOLT-1 has them: type and length are bigsize numbers in their shortest form, types
 * strictly ascend.
 *
 *   bigsize   below 0xfd: 1 byte | below 2^16: fd u16 | below 2^32: fe u32 | beyond: ff u64
 */
import { assert } from '../base/assert.ts';
import { concat, readU16, readU32, readU64, writeU16, writeU32, writeU64 } from '../base/bytes.ts';

const U16_MARK = 0xfd;
const U32_MARK = 0xfe;
const U64_MARK = 0xff;
const TWO_16 = 0x1_0000;
const TWO_32 = 0x1_0000_0000;

export interface TlvField {
  readonly type: number;
  readonly value: Uint8Array;
}

export interface BigSize {
  readonly value: number;
  /** Offset of the byte behind the number. */
  readonly end: number;
}

/** `value` is a non-negative integer below 2^53. */
export function encodeBigSize(value: number): Uint8Array {
  assert(Number.isSafeInteger(value) && value >= 0, 'bigsize in range');
  if (value < U16_MARK) return Uint8Array.of(value);
  const out = new Uint8Array(value < TWO_16 ? 3 : value < TWO_32 ? 5 : 9);
  if (value < TWO_16) {
    out[0] = U16_MARK;
    writeU16(out, 1, value);
  } else if (value < TWO_32) {
    out[0] = U32_MARK;
    writeU32(out, 1, value);
  } else {
    out[0] = U64_MARK;
    writeU64(out, 1, value);
  }
  return out;
}

/** Undefined when it is cut short, not in its shortest form, or not below 2^53. */
export function readBigSize(bytes: Uint8Array, at: number): BigSize | undefined {
  if (at >= bytes.length) return undefined;
  const first = bytes[at];
  if (first < U16_MARK) return { value: first, end: at + 1 };
  const width = first === U16_MARK ? 2 : first === U32_MARK ? 4 : 8;
  const end = at + 1 + width;
  if (end > bytes.length) return undefined;
  if (first === U16_MARK) {
    const value = readU16(bytes, at + 1);
    return value < U16_MARK ? undefined : { value, end };
  }
  if (first === U32_MARK) {
    const value = readU32(bytes, at + 1);
    return value < TWO_16 ? undefined : { value, end };
  }
  const value = readU64(bytes, at + 1);
  return value < TWO_32 || !Number.isSafeInteger(value) ? undefined : { value, end };
}

/** `fields` have ascending types. */
export function encodeTlv(fields: readonly TlvField[]): Uint8Array {
  const parts: Uint8Array[] = [];
  let lastType = -1;
  for (const { type, value } of fields) {
    assert(type > lastType, 'types ascend');
    lastType = type;
    parts.push(encodeBigSize(type), encodeBigSize(value.length), value);
  }
  return concat(...parts);
}

/**
 * The fields in order (values are views), or undefined when the stream is not well-formed. Which types are known is
 * the caller's business.
 */
export function parseTlv(bytes: Uint8Array): TlvField[] | undefined {
  const fields: TlvField[] = [];
  let lastType = -1;
  for (let at = 0; at < bytes.length; ) {
    const type = readBigSize(bytes, at);
    if (type === undefined || type.value <= lastType) return undefined;
    const length = readBigSize(bytes, type.end);
    if (length === undefined || length.end + length.value > bytes.length) return undefined;
    at = length.end + length.value;
    fields.push({ type: type.value, value: bytes.subarray(length.end, at) });
    lastType = type.value;
  }
  return fields;
}
