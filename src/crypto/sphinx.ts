/**
 * The onion of a route set-up: Sphinx on secp256k1 as BOLT-4 has it (docs/protocol.md section 5).
 *
 *   version 0 (1) | ephemeral key (33) | hop payloads (1300) | HMAC (32)                            1366 bytes
 *
 * A hop finds its own payload in front, and an onion of the same size inside:
 *
 *   length (bigsize, 1 or 3) | payload | HMAC of the next onion (32), zeros at the last hop
 */
import { assert } from '../base/assert.ts';
import { concat, equalSecret, readU16, wipe, writeU16 } from '../base/bytes.ts';
import type { NodeKey, SecretKey } from '../base/ids.ts';
import type { Curve } from './curve.ts';
import { HASH_BYTES, hmac, sha256 } from './hash.ts';
import { onionKey, onionStream, xorInto } from './onion-stream.ts';
import { multiplyScalars } from './scalar.ts';

const VERSION = 0;
const EPHEMERAL_AT = 1;
const PAYLOADS_AT = EPHEMERAL_AT + 33;
/** Room for the payloads of all hops, each with its length and HMAC. */
export const ONION_PAYLOADS_BYTES = 1_300;
const HMAC_AT = PAYLOADS_AT + ONION_PAYLOADS_BYTES;
export const ONION_BYTES = HMAC_AT + HASH_BYTES;
const NO_HMAC = new Uint8Array(HASH_BYTES);

/** BOLT-1 bigsize: one byte below this value, which announces a u16 where it stands itself. */
const BIGSIZE_U16 = 0xfd;
/** BOLT-4: lengths 0 and 1 were another format once and are refused. */
const PAYLOAD_MIN_BYTES = 2;

/** Why an onion was not taken: wrong length, version, no point on the curve, wrong HMAC, a length that does not fit. */
export type SphinxDrop = 'sphinx-length' | 'sphinx-version' | 'sphinx-point' | 'sphinx-hmac' | 'sphinx-payload';

export interface OnionHop {
  /** A point; records are checked before their keys come here. */
  readonly nodeKey: NodeKey;
  /** At least 2 bytes, without a length in front. */
  readonly payload: Uint8Array;
}

export interface OnionPlan {
  readonly curve: Curve;
  /** Fresh for each onion: two onions under one secret could be linked. */
  readonly sessionSecret: SecretKey;
  /** Neighbour first. */
  readonly hops: readonly OnionHop[];
  /** What `hopSecrets` gave, when the payloads were made from it; left out, it is worked out here. */
  readonly sharedSecrets?: readonly Uint8Array[];
  /** Every hop must know it too. */
  readonly associatedData: Uint8Array;
}

export interface Onion {
  /** 1366 bytes, for the first hop. */
  readonly packet: Uint8Array;
  /** As `hopSecrets` gives them. */
  readonly sharedSecrets: readonly Uint8Array[];
}

/** Whether hops with payloads of these lengths fit one onion. */
export function fitsOnion(payloadBytes: readonly number[]): boolean {
  return payloadBytes.reduce((sum, bytes) => sum + frameBytes(bytes), 0) <= ONION_PAYLOADS_BYTES;
}

/**
 * The secret (32 bytes) that each hop will share with the origin: route ids and the failure return come from them. The
 * ephemeral secret is blinded from hop to hop with what that hop can compute too. Keys that are no points are a
 * programmer error.
 */
export function hopSecrets(curve: Curve, sessionSecret: SecretKey, nodeKeys: readonly NodeKey[]): Uint8Array[] {
  const secret = sessionSecret.slice();
  const sharedSecrets: Uint8Array[] = [];
  for (const nodeKey of nodeKeys) {
    const shared = curve.ecdh(secret, nodeKey);
    assert(shared !== undefined, 'a hop key is a point');
    sharedSecrets.push(shared);
    if (sharedSecrets.length === nodeKeys.length) break;
    secret.set(multiplyScalars(secret, sha256(curve.publicKey(secret), shared)));
  }
  wipe(secret);
  return sharedSecrets;
}

/** Payloads that don't fit (see `fitsOnion`) are a programmer error. */
export function buildOnion(plan: OnionPlan): Onion {
  const { curve, sessionSecret, hops, associatedData } = plan;
  assert(hops.length > 0 && fitsOnion(hops.map((hop) => hop.payload.length)), 'one hop or more that fit the onion');
  const nodeKeys = hops.map((hop) => hop.nodeKey);
  const sharedSecrets = plan.sharedSecrets ?? hopSecrets(curve, sessionSecret, nodeKeys);
  assert(sharedSecrets.length === hops.length, 'one shared secret a hop');
  const padKey = onionKey('pad', sessionSecret);
  const payloads = onionStream(padKey, ONION_PAYLOADS_BYTES);
  const filler = fillerFor(hops, sharedSecrets);

  // From the last hop inwards out: each layer shifts the rest to make room in front, and seals all of it.
  let mac: Uint8Array = NO_HMAC;
  for (let i = hops.length - 1; i >= 0; i--) {
    const frame = concat(lengthPrefix(hops[i].payload.length), hops[i].payload, mac);
    payloads.copyWithin(frame.length, 0);
    payloads.set(frame);
    xorInto(payloads, onionStream(onionKey('rho', sharedSecrets[i]), ONION_PAYLOADS_BYTES));
    if (i === hops.length - 1) payloads.set(filler, ONION_PAYLOADS_BYTES - filler.length);
    mac = hmac(onionKey('mu', sharedSecrets[i]), payloads, associatedData);
  }
  const packet = concat(Uint8Array.of(VERSION), curve.publicKey(sessionSecret), payloads, mac);
  return { packet, sharedSecrets };
}

/**
 * One hop's work: its payload (without the length), the secret it shares with the origin, and the onion for the next
 * hop, undefined at the last.
 */
export function peelOnion(o: {
  readonly curve: Curve;
  readonly nodeSecret: SecretKey;
  readonly packet: Uint8Array;
  readonly associatedData: Uint8Array;
}): { payload: Uint8Array; sharedSecret: Uint8Array; next: Uint8Array | undefined } | SphinxDrop {
  const { curve, nodeSecret, packet, associatedData } = o;
  if (packet.length !== ONION_BYTES) return 'sphinx-length';
  if (packet[0] !== VERSION) return 'sphinx-version';
  const ephemeral = packet.subarray(EPHEMERAL_AT, PAYLOADS_AT);
  const sharedSecret = curve.ecdh(nodeSecret, ephemeral);
  if (sharedSecret === undefined) return 'sphinx-point';

  const sealed = packet.subarray(PAYLOADS_AT, HMAC_AT);
  const mac = hmac(onionKey('mu', sharedSecret), sealed, associatedData);
  if (!equalSecret(mac, packet.subarray(HMAC_AT))) return 'sphinx-hmac';

  // Twice the length: what moves up from behind is stream over zeros, which the origin foresaw as filler.
  const opened = onionStream(onionKey('rho', sharedSecret), 2 * ONION_PAYLOADS_BYTES);
  xorInto(opened.subarray(0, ONION_PAYLOADS_BYTES), sealed);

  const prefixBytes = opened[0] < BIGSIZE_U16 ? 1 : 3;
  const payloadBytes = prefixBytes === 1 ? opened[0] : readU16(opened, 1);
  const macAt = prefixBytes + payloadBytes;
  const restAt = macAt + HASH_BYTES;
  if (opened[0] > BIGSIZE_U16 || prefixBytes !== prefixBytesOf(payloadBytes)) return 'sphinx-payload';
  if (payloadBytes < PAYLOAD_MIN_BYTES || restAt > ONION_PAYLOADS_BYTES) return 'sphinx-payload';

  const payload = opened.slice(prefixBytes, macAt);
  const nextMac = opened.subarray(macAt, restAt);
  if (equalSecret(nextMac, NO_HMAC)) return { payload, sharedSecret, next: undefined };

  const nextEphemeral = curve.multiply(ephemeral, sha256(ephemeral, sharedSecret));
  assert(nextEphemeral !== undefined, 'the point just passed');
  const rest = opened.subarray(restAt, restAt + ONION_PAYLOADS_BYTES);
  return { payload, sharedSecret, next: concat(Uint8Array.of(VERSION), nextEphemeral, rest, nextMac) };
}

/**
 * The bytes that will have moved into the last hop's onion from behind. They are part of what its HMAC covers, so the
 * origin works them out first: each hop before it appends zeros under its stream.
 */
function fillerFor(hops: readonly OnionHop[], sharedSecrets: readonly Uint8Array[]): Uint8Array {
  let filler: Uint8Array = new Uint8Array(0);
  for (let i = 0; i < hops.length - 1; i++) {
    const stream = onionStream(onionKey('rho', sharedSecrets[i]), 2 * ONION_PAYLOADS_BYTES);
    const from = ONION_PAYLOADS_BYTES - filler.length;
    filler = concat(filler, new Uint8Array(frameBytes(hops[i].payload.length)));
    xorInto(filler, stream.subarray(from));
  }
  return filler;
}

function frameBytes(payloadBytes: number): number {
  return prefixBytesOf(payloadBytes) + payloadBytes + HASH_BYTES;
}

function prefixBytesOf(payloadBytes: number): number {
  return payloadBytes < BIGSIZE_U16 ? 1 : 3;
}

function lengthPrefix(payloadBytes: number): Uint8Array {
  assert(payloadBytes >= PAYLOAD_MIN_BYTES, 'a payload of 2 bytes or more');
  if (payloadBytes < BIGSIZE_U16) return Uint8Array.of(payloadBytes);
  const prefix = Uint8Array.of(BIGSIZE_U16, 0, 0);
  writeU16(prefix, 1, payloadBytes);
  return prefix;
}
