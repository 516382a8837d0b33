/**
 * Messages between the daemons of two neighbours: channel 0 (docs/protocol.md section 4). The first byte is the kind.
 *
 *   SETUP          01 | onion packet 1366
 *   ROUTE_FAILED   02 | route id 16, as the receiver knows it (incoming, backward) | error onion 292
 *   TEARDOWN       03 | route id 16, the receiver's incoming id of the direction it arrives in
 *   ROUTE_UNKNOWN  04 | route id 16, exactly as it stood in the DATA frame that could not be placed
 *   RECORDS        05 | repeated: hops left u8 | length u16 | record
 *   RECORDS_ACK    06 | repeated: address hash 20 | sequence u64
 *   SEEK, MEET     07, 08: meeting.ts
 *   PROBE_ME, PROBE  09, 0a: meeting.ts
 *   PROOF          0b: proof.ts
 */
import { assert } from '../base/assert.ts';
import { concat, readU16, readU64, writeU16, writeU64 } from '../base/bytes.ts';

export const CHANNEL_0 = 0;

export const CHANNEL0_KIND = {
  setup: 0x01,
  routeFailed: 0x02,
  teardown: 0x03,
  routeUnknown: 0x04,
  records: 0x05,
  recordsAck: 0x06,
  seek: 0x07,
  meet: 0x08,
  probeMe: 0x09,
  probe: 0x0a,
  proof: 0x0b,
} as const;

export const ROUTE_ID_BYTES = 16;
export const ONION_BYTES = 1366;
export const ERROR_ONION_BYTES = 292;

const RECORD_HEADER_BYTES = 3;
const ADDRESS_HASH_BYTES = 20;
const ACK_BYTES = ADDRESS_HASH_BYTES + 8;

/** A message of a route. Byte fields are views of the message that was parsed. */
export type RouteControl =
  | { readonly kind: 'setup'; readonly onion: Uint8Array }
  | { readonly kind: 'route-failed'; readonly routeId: Uint8Array; readonly errorOnion: Uint8Array }
  | { readonly kind: 'teardown'; readonly routeId: Uint8Array }
  | { readonly kind: 'route-unknown'; readonly routeId: Uint8Array };

export interface RecordEntry {
  readonly hopsLeft: number;
  readonly record: Uint8Array;
}

export interface RecordAck {
  /** 20 bytes: `addressHash` of the node whose record it is. */
  readonly addressHash: Uint8Array;
  readonly sequence: number;
}

export function encodeSetup(onion: Uint8Array): Uint8Array {
  assert(onion.length === ONION_BYTES, 'onion packet is 1366 bytes');
  return concat(Uint8Array.of(CHANNEL0_KIND.setup), onion);
}

export function encodeRouteFailed(routeId: Uint8Array, errorOnion: Uint8Array): Uint8Array {
  assert(routeId.length === ROUTE_ID_BYTES && errorOnion.length === ERROR_ONION_BYTES, 'sizes of ROUTE_FAILED');
  return concat(Uint8Array.of(CHANNEL0_KIND.routeFailed), routeId, errorOnion);
}

export function encodeTeardown(routeId: Uint8Array): Uint8Array {
  assert(routeId.length === ROUTE_ID_BYTES, 'route id is 16 bytes');
  return concat(Uint8Array.of(CHANNEL0_KIND.teardown), routeId);
}

export function encodeRouteUnknown(routeId: Uint8Array): Uint8Array {
  assert(routeId.length === ROUTE_ID_BYTES, 'route id is 16 bytes');
  return concat(Uint8Array.of(CHANNEL0_KIND.routeUnknown), routeId);
}

/** Undefined when the kind is none of the four or the length is wrong. */
export function parseRouteControl(message: Uint8Array): RouteControl | undefined {
  const idEnd = 1 + ROUTE_ID_BYTES;
  const routeId = message.subarray(1, idEnd);
  switch (message[0]) {
    case CHANNEL0_KIND.setup:
      return message.length === 1 + ONION_BYTES ? { kind: 'setup', onion: message.subarray(1) } : undefined;
    case CHANNEL0_KIND.routeFailed:
      return message.length === idEnd + ERROR_ONION_BYTES
        ? { kind: 'route-failed', routeId, errorOnion: message.subarray(idEnd) }
        : undefined;
    case CHANNEL0_KIND.teardown:
      return message.length === idEnd ? { kind: 'teardown', routeId } : undefined;
    case CHANNEL0_KIND.routeUnknown:
      return message.length === idEnd ? { kind: 'route-unknown', routeId } : undefined;
    default:
      return undefined;
  }
}

/** Bytes that an entry takes in a RECORDS message. */
export function recordEntryBytes(record: Uint8Array): number {
  return RECORD_HEADER_BYTES + record.length;
}

export function encodeRecords(entries: readonly RecordEntry[]): Uint8Array {
  const length = entries.reduce((sum, entry) => sum + recordEntryBytes(entry.record), 1);
  const message = new Uint8Array(length);
  message[0] = CHANNEL0_KIND.records;
  let at = 1;
  for (const { hopsLeft, record } of entries) {
    message[at] = hopsLeft;
    writeU16(message, at + 1, record.length);
    message.set(record, at + RECORD_HEADER_BYTES);
    at += recordEntryBytes(record);
  }
  return message;
}

/** The entries (views), or undefined when the lengths don't add up to the message. */
export function parseRecords(message: Uint8Array): RecordEntry[] | undefined {
  if (message[0] !== CHANNEL0_KIND.records) return undefined;
  const entries: RecordEntry[] = [];
  for (let at = 1; at < message.length; ) {
    if (at + RECORD_HEADER_BYTES > message.length) return undefined;
    const start = at + RECORD_HEADER_BYTES;
    const end = start + readU16(message, at + 1);
    if (end > message.length) return undefined;
    entries.push({ hopsLeft: message[at], record: message.subarray(start, end) });
    at = end;
  }
  return entries;
}

export function encodeRecordsAck(acks: readonly RecordAck[]): Uint8Array {
  const message = new Uint8Array(1 + acks.length * ACK_BYTES);
  message[0] = CHANNEL0_KIND.recordsAck;
  let at = 1;
  for (const { addressHash, sequence } of acks) {
    assert(addressHash.length === ADDRESS_HASH_BYTES, 'address hash is 20 bytes');
    message.set(addressHash, at);
    writeU64(message, at + ADDRESS_HASH_BYTES, sequence);
    at += ACK_BYTES;
  }
  return message;
}

/** The acknowledgements (views), or undefined when the length is no multiple of one or a sequence is beyond 2^53. */
export function parseRecordsAck(message: Uint8Array): RecordAck[] | undefined {
  if (message[0] !== CHANNEL0_KIND.recordsAck || (message.length - 1) % ACK_BYTES !== 0) return undefined;
  const acks: RecordAck[] = [];
  for (let at = 1; at < message.length; at += ACK_BYTES) {
    const sequence = readU64(message, at + ADDRESS_HASH_BYTES);
    if (!Number.isSafeInteger(sequence)) return undefined;
    acks.push({ addressHash: message.subarray(at, at + ADDRESS_HASH_BYTES), sequence });
  }
  return acks;
}
