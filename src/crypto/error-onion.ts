/**
 * The failure return of a route set-up (BOLT-4, "Returning Errors"; docs/protocol.md section 5). The hop that failed
 * seals its message to the origin, and every hop on the way back adds a layer, so that nobody else learns which it was.
 *
 *   HMAC (32, key um) | message length u16 | message | padding length u16 | padding         292 bytes
 *
 * all of it under each hop's stream of key ammag. Message and padding are 256 bytes together.
 */
import { assert } from '../base/assert.ts';
import { equalSecret, readU16, writeU16 } from '../base/bytes.ts';
import { HASH_BYTES, hmac } from './hash.ts';
import { onionKey, onionStream, xorInto } from './onion-stream.ts';

export const FAILURE_MESSAGE_MAX_BYTES = 256;
const LENGTH_AT = HASH_BYTES;
const MESSAGE_AT = LENGTH_AT + 2;
export const FAILURE_PACKET_BYTES = MESSAGE_AT + FAILURE_MESSAGE_MAX_BYTES + 2;

/** At the hop that fails: the packet for the way back, its own layer included. The message is at most 256 bytes. */
export function buildFailure(sharedSecret: Uint8Array, message: Uint8Array): Uint8Array {
  assert(message.length <= FAILURE_MESSAGE_MAX_BYTES, 'a failure message of at most 256 bytes');
  const packet = new Uint8Array(FAILURE_PACKET_BYTES);
  writeU16(packet, LENGTH_AT, message.length);
  packet.set(message, MESSAGE_AT);
  writeU16(packet, MESSAGE_AT + message.length, FAILURE_MESSAGE_MAX_BYTES - message.length);
  packet.set(hmac(onionKey('um', sharedSecret), packet.subarray(LENGTH_AT)));
  return wrapFailure(sharedSecret, packet);
}

/** At a hop on the way back: the packet with its layer added. Taking a layer off is the same. */
export function wrapFailure(sharedSecret: Uint8Array, packet: Uint8Array): Uint8Array {
  const wrapped = packet.slice();
  xorInto(wrapped, onionStream(onionKey('ammag', sharedSecret), packet.length));
  return wrapped;
}

/**
 * At the origin: who failed (`hop` counts `sharedSecrets` from 0) and what it said; undefined when no hop's HMAC fits.
 * Every layer is tried whatever was found, so that the time taken does not tell a neighbour how far away the hop is.
 */
export function readFailure(
  sharedSecrets: readonly Uint8Array[],
  packet: Uint8Array,
): { hop: number; message: Uint8Array } | undefined {
  if (packet.length !== FAILURE_PACKET_BYTES) return undefined;
  let found: { hop: number; message: Uint8Array } | undefined;
  let rest = packet;
  for (const [hop, sharedSecret] of sharedSecrets.entries()) {
    rest = wrapFailure(sharedSecret, rest);
    const mac = hmac(onionKey('um', sharedSecret), rest.subarray(LENGTH_AT));
    const messageBytes = readU16(rest, LENGTH_AT);
    const fits = equalSecret(mac, rest.subarray(0, HASH_BYTES)) && messageBytes <= FAILURE_MESSAGE_MAX_BYTES;
    if (fits && found === undefined) found = { hop, message: rest.slice(MESSAGE_AT, MESSAGE_AT + messageBytes) };
  }
  return found;
}
