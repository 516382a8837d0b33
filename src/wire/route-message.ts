/**
 * What one end of a route sends to the other (docs/protocol.md section 6.2).
 *
 *   type 1 | message two of the handshake (49)
 *   type 2 | epoch u8 | sequence u48 | sealed plaintext | tag (16)        the first 8 bytes are the associated data
 *   type 3 | 00 | sequence u48 | plaintext of DATA, DATAGRAM or REPORT    between neighbours that agreed on it
 *
 * Plaintext:
 *
 *   0x01 DATA         bundle sequence u48, back u16, application bytes (1 to MAX_APPLICATION_BYTES)
 *   0x02 DATAGRAM     datagram sequence u48, application bytes (the same): delivered at once, once
 *   0x03 REPORT       entries, at least one: route index u16, largest sequence u48, delay u16 in 1/16 ms, ACK ranges
 *   0x04 PROBE        token u64
 *   0x05 PROBE_REPLY  token u64
 *   0x06 REKEY        epoch u32, ephemeral key (33)
 *   0x07 REKEY_ACK    epoch u32, ephemeral key (33)
 *   0x08 CLOSE        reason u8: 1 done, 2 replaced, 3 refused
 *   0x09 NEIGHBOUR    node key (33)
 *   0x0a NEIGHBOUR_OK
 *
 * On the hot path: parses into reused objects and offsets, no allocation. Reading checks every length; what it returns
 * beside 'ok' is the name of the drop.
 */
import { readU16, readU32, readU48, readU64, writeU16, writeU32, writeU48, writeU64 } from '../base/bytes.ts';
import { MAX_RANGES_BYTES, type RangeBlocks, readRanges, writeRanges } from './ack-ranges.ts';

export const ROUTE_MESSAGE = { messageTwo: 1, sealed: 2, bare: 3 } as const;
export const KIND = {
  data: 0x01,
  datagram: 0x02,
  report: 0x03,
  probe: 0x04,
  probeReply: 0x05,
  rekey: 0x06,
  rekeyAck: 0x07,
  close: 0x08,
  neighbour: 0x09,
  neighbourOk: 0x0a,
} as const;

/** Section 3: a message of a route. */
export const MAX_ROUTE_MESSAGE_BYTES = 65_535;
const TAG_BYTES = 16;
const POINT_BYTES = 33;
export const TYPE_BYTES = 1;
const KIND_BYTES = 1;
export const MESSAGE_TWO_BYTES = 49;
/** Before a sealed plaintext, and before a bare one. */
export const HEADER_BYTES = 8;
/** What sealing adds to a plaintext. */
export const SEALED_OVERHEAD_BYTES = HEADER_BYTES + TAG_BYTES;
export const DATA_HEAD_BYTES = 9;
export const DATAGRAM_HEAD_BYTES = 7;
/** How far back a DATA may name the one before it in its flow. */
export const MAX_BACK = 0xffff;
/** What a DATA adds to its application bytes; a DATAGRAM adds less. */
export const DATA_OVERHEAD_BYTES = SEALED_OVERHEAD_BYTES + DATA_HEAD_BYTES;
export const MAX_APPLICATION_BYTES = MAX_ROUTE_MESSAGE_BYTES - DATA_OVERHEAD_BYTES;
const PROBE_BYTES = 9;
const REKEY_BYTES = 5 + POINT_BYTES;
const CLOSE_BYTES = 2;
const NEIGHBOUR_BYTES = KIND_BYTES + POINT_BYTES;
/** With one range and a link's ACK beside it, a report fits a datagram of 128 bytes. */
const REPORT_ENTRY_HEAD_BYTES = 10;
const REPORT_DELAY_UNITS_PER_MS = 16;
const MAX_U16 = 0xffff;
/** Nobody knows how much longer. */
export const MAX_REPORT_DELAY_MS = MAX_U16 / REPORT_DELAY_UNITS_PER_MS;
/** The longest entry of a REPORT. */
export const MAX_REPORT_ENTRY_BYTES = REPORT_ENTRY_HEAD_BYTES + MAX_RANGES_BYTES;

export const CLOSE_REASONS = { 1: 'done', 2: 'replaced', 3: 'refused' } as const;
export type CloseReason = (typeof CLOSE_REASONS)[keyof typeof CLOSE_REASONS];
const CLOSE_CODES: Readonly<Record<CloseReason, number>> = { done: 1, replaced: 2, refused: 3 };

/** The shortest sealed message: one byte of plaintext at least. */
const MIN_SEALED_BYTES = SEALED_OVERHEAD_BYTES + 1;

export function isSealed(message: Uint8Array): boolean {
  return message.length >= MIN_SEALED_BYTES && message[0] === ROUTE_MESSAGE.sealed;
}

export function isBare(message: Uint8Array): boolean {
  return message.length > HEADER_BYTES && message[0] === ROUTE_MESSAGE.bare && message[1] === 0;
}

/** Whether a plaintext of this kind may come bare: what changes keys, routes or the session is sealed always. */
export function mayBeBare(kind: number): boolean {
  return kind === KIND.data || kind === KIND.datagram || kind === KIND.report;
}

export function isMessageTwo(message: Uint8Array): boolean {
  return message.length === TYPE_BYTES + MESSAGE_TWO_BYTES && message[0] === ROUTE_MESSAGE.messageTwo;
}

/** Epoch modulo 256. */
export function sealedEpoch(message: Uint8Array): number {
  return message[1];
}

/** Of a sealed message, or of a bare one. */
export function sequenceOf(message: Uint8Array): number {
  return readU48(message, 2);
}

export function writeSealedHeader(out: Uint8Array, at: number, epoch: number, sequence: number): void {
  out[at] = ROUTE_MESSAGE.sealed;
  out[at + 1] = epoch;
  writeU48(out, at + 2, sequence);
}

export function writeBareHeader(out: Uint8Array, at: number, sequence: number): void {
  out[at] = ROUTE_MESSAGE.bare;
  out[at + 1] = 0;
  writeU48(out, at + 2, sequence);
}

/** Writes what stands before the application's bytes; returns how many bytes that are. */
export function writeDataHead(out: Uint8Array, at: number, sequence: number, back: number): number {
  out[at] = KIND.data;
  writeU48(out, at + 1, sequence);
  writeU16(out, at + 7, back);
  return DATA_HEAD_BYTES;
}

/** The same for a DATAGRAM. */
export function writeDatagramHead(out: Uint8Array, at: number, sequence: number): number {
  out[at] = KIND.datagram;
  writeU48(out, at + 1, sequence);
  return DATAGRAM_HEAD_BYTES;
}

export function writeProbe(out: Uint8Array, at: number, kind: 'probe' | 'probeReply', token: number): number {
  out[at] = KIND[kind];
  writeU64(out, at + 1, token);
  return PROBE_BYTES;
}

export function writeRekey(
  out: Uint8Array,
  at: number,
  kind: 'rekey' | 'rekeyAck',
  epoch: number,
  ephemeral: Uint8Array,
): number {
  out[at] = KIND[kind];
  writeU32(out, at + 1, epoch);
  out.set(ephemeral, at + 5);
  return REKEY_BYTES;
}

export function writeClose(out: Uint8Array, at: number, reason: CloseReason): number {
  out[at] = KIND.close;
  out[at + 1] = CLOSE_CODES[reason];
  return CLOSE_BYTES;
}

/** `node`: the key of the node that is asked whether it is the one. */
export function writeNeighbour(out: Uint8Array, at: number, node: Uint8Array): number {
  out[at] = KIND.neighbour;
  out.set(node, at + KIND_BYTES);
  return NEIGHBOUR_BYTES;
}

export function writeNeighbourOk(out: Uint8Array, at: number): number {
  out[at] = KIND.neighbourOk;
  return KIND_BYTES;
}

/** Begins a REPORT: entries follow. */
export function beginReport(out: Uint8Array, at: number): number {
  out[at] = KIND.report;
  return KIND_BYTES;
}

/**
 * Adds an entry to a report; returns its bytes. The blocks' first high is `largest`, which arrived `delayMs` ago; more than 4 s count as
 * these.
 */
export function addReportEntry(
  out: Uint8Array,
  at: number,
  routeIndex: number,
  delayMs: number,
  blocks: RangeBlocks,
): number {
  writeU16(out, at, routeIndex);
  writeU48(out, at + 2, blocks.high[0]);
  writeU16(out, at + 8, Math.min(Math.round(REPORT_DELAY_UNITS_PER_MS * delayMs), MAX_U16));
  return REPORT_ENTRY_HEAD_BYTES + writeRanges(out, at + REPORT_ENTRY_HEAD_BYTES, blocks);
}

/** A parsed plaintext; reused. Which fields hold depends on `kind`; `bodyAt`..`bodyEnd` are its variable part. */
export class Plaintext {
  kind: number = KIND.data;
  /** DATA: bundle sequence; DATAGRAM: datagram sequence. */
  sequence = 0;
  /** DATA: how far back the one before it in its flow lies; 0: there is none to wait for. */
  back = 0;
  token = 0;
  epoch = 0;
  closeReason: CloseReason = 'done';
  /** DATA and DATAGRAM: application bytes; REPORT: the entries; REKEY and REKEY_ACK: the ephemeral key; NEIGHBOUR: the node key. */
  bodyAt = 0;
  bodyEnd = 0;
}

export type PlaintextDrop = 'route-message-length' | 'route-message-kind' | 'route-message-value';

/** Reads the plaintext in `bytes` from `at` up to `end` (at least one byte). */
export function readPlaintext(bytes: Uint8Array, at: number, end: number, into: Plaintext): 'ok' | PlaintextDrop {
  const length = end - at;
  into.kind = bytes[at];
  into.bodyEnd = end;
  switch (into.kind) {
    case KIND.data:
      if (length <= DATA_HEAD_BYTES) return 'route-message-length';
      into.sequence = readU48(bytes, at + 1);
      into.back = readU16(bytes, at + 7);
      into.bodyAt = at + DATA_HEAD_BYTES;
      return 'ok';
    case KIND.datagram:
      if (length <= DATAGRAM_HEAD_BYTES) return 'route-message-length';
      into.sequence = readU48(bytes, at + 1);
      into.bodyAt = at + DATAGRAM_HEAD_BYTES;
      return 'ok';
    case KIND.report:
      if (length === KIND_BYTES) return 'route-message-length';
      into.bodyAt = at + KIND_BYTES;
      return 'ok';
    case KIND.probe:
    case KIND.probeReply:
      if (length !== PROBE_BYTES) return 'route-message-length';
      into.token = readU64(bytes, at + 1);
      return Number.isSafeInteger(into.token) ? 'ok' : 'route-message-value';
    case KIND.rekey:
    case KIND.rekeyAck:
      if (length !== REKEY_BYTES) return 'route-message-length';
      into.epoch = readU32(bytes, at + 1);
      into.bodyAt = at + 5;
      return 'ok';
    case KIND.close: {
      if (length !== CLOSE_BYTES) return 'route-message-length';
      const reason: CloseReason | undefined = CLOSE_REASONS[bytes[at + 1] as keyof typeof CLOSE_REASONS];
      if (reason === undefined) return 'route-message-value';
      into.closeReason = reason;
      return 'ok';
    }
    case KIND.neighbour:
      if (length !== NEIGHBOUR_BYTES) return 'route-message-length';
      into.bodyAt = at + KIND_BYTES;
      return 'ok';
    case KIND.neighbourOk:
      return length === KIND_BYTES ? 'ok' : 'route-message-length';
    default:
      return 'route-message-kind';
  }
}

/** Walks over the entries of a REPORT: `begin`, then `next` until it is not 'entry'. */
export class ReportReader {
  routeIndex = 0;
  largest = 0;
  delayMs = 0;
  private bytes: Uint8Array = new Uint8Array(0);
  private at = 0;
  private end = 0;

  /** The entries stand from `at` to `end`. */
  begin(bytes: Uint8Array, at: number, end: number): void {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  next(blocks: RangeBlocks): 'entry' | 'end' | 'route-message-report' {
    if (this.at === this.end) return 'end';
    if (this.at + REPORT_ENTRY_HEAD_BYTES > this.end) return 'route-message-report';
    this.routeIndex = readU16(this.bytes, this.at);
    this.largest = readU48(this.bytes, this.at + 2);
    this.delayMs = readU16(this.bytes, this.at + 8) / REPORT_DELAY_UNITS_PER_MS;
    const after = readRanges(this.bytes, this.at + REPORT_ENTRY_HEAD_BYTES, this.end, this.largest, blocks);
    if (after < 0) return 'route-message-report';
    this.at = after;
    return 'entry';
  }
}
