/**
 * What a node calls into a segment, so that others there find it: a beacon (docs/protocol.md section 9.1).
 *
 *   "SKYB" (4) | version 1 (1) | 00 (1) | capabilities u16 | UDP port of its links u16 | Unix seconds u32 | node key 33
 *   | signature 64: BIP-340 over SHA-256(SHA-256("skywire/1 beacon") twice || all bytes before)
 *
 * The signature is made and checked in src/discovery; here are only its bytes.
 */
import { readU16, readU32, writeU16, writeU32 } from '../base/bytes.ts';
import type { NodeKey } from '../base/ids.ts';

export const BEACON_TAG = 'skywire/1 beacon';
export const BEACON_UDP_PORT = 6970;
/** Transient groups (RFC 4291 section 2.7, RFC 2365): the letters "skyw" and "sk". */
export const BEACON_IPV6_GROUP = 'ff12::736b:7977';
export const BEACON_IPV4_GROUP = '239.255.115.107';

const MAGIC = 0x534b5942;
const VERSION = 1;
const VERSION_AT = 4;
const CAPABILITIES_AT = 6;
const PORT_AT = 8;
const TIME_AT = 10;
const KEY_AT = 14;
const SIGNATURE_AT = KEY_AT + 33;
export const BEACON_BYTES = SIGNATURE_AT + 64;

const TAKES_STRANGERS = 0x0001;

export interface Beacon {
  readonly node: NodeKey;
  /** Where the node's links listen, at the address that the beacon came from. */
  readonly port: number;
  /** Unix seconds. */
  readonly time: number;
  /** It links with nodes that it does not know. */
  readonly takesStrangers: boolean;
}

/** The bytes that are signed: everything but the signature. */
export function encodeUnsignedBeacon(beacon: Beacon): Uint8Array {
  const out = new Uint8Array(SIGNATURE_AT);
  writeU32(out, 0, MAGIC);
  out[VERSION_AT] = VERSION;
  writeU16(out, CAPABILITIES_AT, beacon.takesStrangers ? TAKES_STRANGERS : 0);
  writeU16(out, PORT_AT, beacon.port);
  writeU32(out, TIME_AT, beacon.time);
  out.set(beacon.node, KEY_AT);
  return out;
}

/** Views of what is signed and of the signature, of a beacon that parsed. */
export function signedParts(bytes: Uint8Array): { signed: Uint8Array; signature: Uint8Array } {
  return { signed: bytes.subarray(0, SIGNATURE_AT), signature: bytes.subarray(SIGNATURE_AT) };
}

/** The beacon, its key as a copy; or why it is dropped. Capabilities that have no meaning yet are ignored. */
export function parseBeacon(bytes: Uint8Array): Beacon | 'beacon-malformed' | 'beacon-version' {
  if (bytes.length <= VERSION_AT || readU32(bytes, 0) !== MAGIC) return 'beacon-malformed';
  if (bytes[VERSION_AT] !== VERSION) return 'beacon-version';
  if (bytes.length !== BEACON_BYTES) return 'beacon-malformed';
  const port = readU16(bytes, PORT_AT);
  if (port === 0) return 'beacon-malformed';
  return {
    node: bytes.slice(KEY_AT, SIGNATURE_AT) as NodeKey,
    port,
    time: readU32(bytes, TIME_AT),
    takesStrangers: (readU16(bytes, CAPABILITIES_AT) & TAKES_STRANGERS) !== 0,
  };
}
