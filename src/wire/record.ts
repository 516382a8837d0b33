/**
 * What a node says of itself, signed: a record (docs/protocol.md section 7).
 *
 *   version 1 (1) | node key 33 | sequence u64 | expiry, Unix seconds u32 | flags u8 (bit 0: gateway)
 *   | service count u8 | each: kind u8 (1 gateway) | service key 33 | length u8, and so many bytes: what it says of itself (gateway-advert.ts)
 *   | link count u8    | each: node key of the neighbour 33 | u16: bit 15 detour, below it the round trip in 0.1 ms,
 *                    | rate u8 (rate-step.ts) | loss u8 (0.5 %, at most 200) | class u8 (link-class.ts)
 *   | proof count u8   | each: 102 bytes, what another one found out about this node (proof.ts)
 *   | signature 64: BIP-340 over SHA-256(SHA-256("skywire/1 record") twice || all bytes before)
 *
 * The signature is made and checked in src/graph; here are only its bytes.
 */
import { assert } from '../base/assert.ts';
import { concat, readU16, readU32, readU64, writeU16, writeU32, writeU64 } from '../base/bytes.ts';
import type { NodeKey, ServiceKey } from '../base/ids.ts';
import { encodeLinkClass, type LinkClass, parseLinkClass } from './link-class.ts';
import { PROOF_BYTES, type Proof, parseProof } from './proof.ts';
import { rateOf, rateStep } from './rate-step.ts';

export const RECORD_VERSION = 1;
export const RECORD_TAG = 'skywire/1 record';
export const RECORD_MAX_LINKS = 64;
export const RECORD_MAX_SERVICES = 8;
export const RECORD_MAX_PROOFS = 2;
export const ADVERT_MAX_BYTES = 255;
export const SIGNATURE_BYTES = 64;

const KEY_BYTES = 33;
const KEY_AT = 1;
const SEQUENCE_AT = KEY_AT + KEY_BYTES;
const EXPIRY_AT = SEQUENCE_AT + 8;
const FLAGS_AT = EXPIRY_AT + 4;
const SERVICES_AT = FLAGS_AT + 1;
const ADVERT_LENGTH_AT = 1 + KEY_BYTES;
const SERVICE_HEADER_BYTES = ADVERT_LENGTH_AT + 1;
const LINK_BYTES = KEY_BYTES + 5;
const RATE_AT = KEY_BYTES + 2;
const LOSS_AT = KEY_BYTES + 3;
const CLASS_AT = KEY_BYTES + 4;
const FLAG_GATEWAY = 0x01;
const SERVICE_GATEWAY = 1;
const ROUND_TRIP_UNITS_PER_MS = 10;
const ROUND_TRIP_MAX_UNITS = 0x7fff;
const LINK_DETOUR = 0x8000;
const LOSS_STEPS = 200;

export interface RecordService {
  /** 1: gateway. Other kinds are passed on unread. */
  readonly kind: number;
  readonly key: ServiceKey;
  /** What the service says of itself, as its kind has it; at most 255 bytes. */
  readonly advert: Uint8Array;
}

export interface RecordLink extends LinkClass {
  readonly key: NodeKey;
  /** In steps of 0.1 ms, at most 3,276.7. */
  readonly roundTripMs: number;
  /** What the node sends to this neighbour goes through a back channel, over other links. */
  readonly detour: boolean;
  /** What the node can send to this neighbour, as far as it has; 0: it has not sent enough to know. To 9 %. */
  readonly rateKbps: number;
  /** Of what it sends to it, 0 to 1, in steps of 0.005. */
  readonly lossShare: number;
}

export interface NodeRecord {
  readonly node: NodeKey;
  readonly sequence: number;
  /** Unix seconds. */
  readonly expiry: number;
  readonly services: readonly RecordService[];
  readonly links: readonly RecordLink[];
  /** That the node answers from the internet. */
  readonly proofs: readonly Proof[];
}

export const GATEWAY_SERVICE_KIND = SERVICE_GATEWAY;

/** The bytes that are signed: everything but the signature. */
export function encodeUnsignedRecord(record: NodeRecord): Uint8Array {
  const { services, links, proofs } = record;
  assert(services.length <= RECORD_MAX_SERVICES && links.length <= RECORD_MAX_LINKS, 'record within its limits');
  assert(proofs.length <= RECORD_MAX_PROOFS, 'proofs within their limit');
  const linksAt = services.reduce((at, { advert }) => at + SERVICE_HEADER_BYTES + advert.length, SERVICES_AT + 1);
  const proofsAt = linksAt + 1 + links.length * LINK_BYTES;
  const out = new Uint8Array(proofsAt + 1 + proofs.length * PROOF_BYTES);
  out[0] = RECORD_VERSION;
  out.set(record.node, KEY_AT);
  writeU64(out, SEQUENCE_AT, record.sequence);
  writeU32(out, EXPIRY_AT, record.expiry);
  out[FLAGS_AT] = services.some((service) => service.kind === SERVICE_GATEWAY) ? FLAG_GATEWAY : 0;
  out[SERVICES_AT] = services.length;
  let serviceAt = SERVICES_AT + 1;
  for (const { kind, key, advert } of services) {
    assert(advert.length <= ADVERT_MAX_BYTES, 'an advert within its limit');
    out[serviceAt] = kind;
    out.set(key, serviceAt + 1);
    out[serviceAt + ADVERT_LENGTH_AT] = advert.length;
    out.set(advert, serviceAt + SERVICE_HEADER_BYTES);
    serviceAt += SERVICE_HEADER_BYTES + advert.length;
  }
  out[linksAt] = links.length;
  links.forEach((link, i) => {
    const at = linksAt + 1 + i * LINK_BYTES;
    const units = Math.min(ROUND_TRIP_MAX_UNITS, Math.round(link.roundTripMs * ROUND_TRIP_UNITS_PER_MS));
    out.set(link.key, at);
    writeU16(out, at + KEY_BYTES, link.detour ? units | LINK_DETOUR : units);
    out[at + RATE_AT] = rateStep(link.rateKbps);
    out[at + LOSS_AT] = Math.round(Math.min(1, link.lossShare) * LOSS_STEPS);
    out[at + CLASS_AT] = encodeLinkClass(link);
  });
  out[proofsAt] = proofs.length;
  proofs.forEach(({ bytes }, i) => {
    out.set(bytes, proofsAt + 1 + i * PROOF_BYTES);
  });
  return out;
}

export function withSignature(unsigned: Uint8Array, signature: Uint8Array): Uint8Array {
  assert(signature.length === SIGNATURE_BYTES, 'signature is 64 bytes');
  return concat(unsigned, signature);
}

/** View of the bytes that the signature covers. */
export function signedPart(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, bytes.length - SIGNATURE_BYTES);
}

export function signatureOf(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(bytes.length - SIGNATURE_BYTES);
}

/** Whether two records of a node say the same of its services, links and proofs, whenever they were signed. */
export function sameStatement(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = FLAGS_AT; i < a.length - SIGNATURE_BYTES; i++) if (a[i] !== b[i]) return false;
  return true;
}

/**
 * The record, its keys as copies; the signature is not looked at. Undefined when the version, a count, a length, a
 * loss, the family of a proof or the flags are wrong, or the sequence leaves no room for one above it. Flag bits that have no meaning yet are ignored.
 */
export function parseRecord(bytes: Uint8Array): NodeRecord | undefined {
  if (bytes.length < SERVICES_AT + 3 + SIGNATURE_BYTES || bytes[0] !== RECORD_VERSION) return undefined;
  const sequence = readU64(bytes, SEQUENCE_AT);
  const told = parseServices(bytes);
  if (!Number.isSafeInteger(sequence + 1) || told === undefined) return undefined;
  const { services, linksAt } = told;
  const linkCount = bytes[linksAt];
  const end = linksAt + 1 + linkCount * LINK_BYTES;
  const proofs = linkCount > RECORD_MAX_LINKS ? undefined : parseProofs(bytes, end);
  if (proofs === undefined) return undefined;
  const isGateway = services.some((service) => service.kind === SERVICE_GATEWAY);
  if (((bytes[FLAGS_AT] & FLAG_GATEWAY) !== 0) !== isGateway) return undefined;
  const links: RecordLink[] = [];
  for (let at = linksAt + 1; at < end; at += LINK_BYTES) {
    const word = readU16(bytes, at + KEY_BYTES);
    if (bytes[at + LOSS_AT] > LOSS_STEPS) return undefined;
    const roundTripMs = (word & ROUND_TRIP_MAX_UNITS) / ROUND_TRIP_UNITS_PER_MS;
    links.push({
      key: bytes.slice(at, at + KEY_BYTES) as NodeKey,
      roundTripMs,
      detour: (word & LINK_DETOUR) !== 0,
      rateKbps: rateOf(bytes[at + RATE_AT]),
      lossShare: bytes[at + LOSS_AT] / LOSS_STEPS,
      ...parseLinkClass(bytes[at + CLASS_AT]),
    });
  }
  return {
    node: bytes.slice(KEY_AT, SEQUENCE_AT) as NodeKey,
    sequence,
    expiry: readU32(bytes, EXPIRY_AT),
    services,
    links,
    proofs,
  };
}

/** The last thing before the signature. Undefined when there are too many, one is wrong, or the length is. */
function parseProofs(bytes: Uint8Array, proofsAt: number): Proof[] | undefined {
  const count = bytes[proofsAt] ?? 0;
  const end = proofsAt + 1 + count * PROOF_BYTES;
  if (count > RECORD_MAX_PROOFS || bytes.length !== end + SIGNATURE_BYTES) return undefined;
  const proofs: Proof[] = [];
  for (let at = proofsAt + 1; at < end; at += PROOF_BYTES) {
    const proof = parseProof(bytes.subarray(at, at + PROOF_BYTES));
    if (proof === undefined) return undefined;
    proofs.push(proof);
  }
  return proofs;
}

/** Undefined when there are too many, or no room behind them for the count of links. */
function parseServices(bytes: Uint8Array): { services: RecordService[]; linksAt: number } | undefined {
  if (bytes[SERVICES_AT] > RECORD_MAX_SERVICES) return undefined;
  const services: RecordService[] = [];
  let at = SERVICES_AT + 1;
  for (let left = bytes[SERVICES_AT]; left > 0; left--) {
    const advertAt = at + SERVICE_HEADER_BYTES;
    if (advertAt > bytes.length) return undefined;
    const end = advertAt + bytes[at + ADVERT_LENGTH_AT];
    const key = bytes.slice(at + 1, at + ADVERT_LENGTH_AT) as ServiceKey;
    services.push({ kind: bytes[at], key, advert: bytes.slice(advertAt, end) });
    at = end;
  }
  return at < bytes.length ? { services, linksAt: at } : undefined;
}
