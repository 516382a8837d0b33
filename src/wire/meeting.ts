/**
 * How two nodes that can't reach each other meet with the help of a neighbour that both have (docs/protocol.md section 9.4), and how a third one is
 * asked whether a node is reached (section 9.5). Messages of channel 0:
 *
 *   SEEK   07 | repeated, at most 32: address hash 20: whom the sender would link with, all of them; what it said before counts no more
 *   MEET   08 | node key 33 | family u8, 4 or 6 | port u16 | address 16, IPv4 in the first four and zeros: somebody it seeks is there, and
 *               seeks it too, or is found by anybody
 *   PROBE_ME   09: whoever the receiver knows may find out whether the sender is reached where it seems to be
 *   PROBE      0a | as MEET: find out whether this node answers there
 *
 * A place is the last three fields, in the bytes of an endpoint (base/datagram.ts).
 */
import { assert } from '../base/assert.ts';
import { concat } from '../base/bytes.ts';
import { ENDPOINT_BYTES } from '../base/datagram.ts';
import type { NodeKey } from '../base/ids.ts';
import { CHANNEL0_KIND } from './channel0.ts';

export const SEEK_MAX_HASHES = 32;

const HASH_BYTES = 20;
const KEY_AT = 1;
const PLACE_AT = KEY_AT + 33;
const PLACE_BYTES = 19;
const PLACE_IN_ENDPOINT_AT = 1;
const IPV4_END = 7;
const NODE_PLACE_BYTES = PLACE_AT + PLACE_BYTES;

/** Body of MEET and of PROBE. */
export interface NodePlace {
  readonly node: NodeKey;
  readonly family: 4 | 6;
  /** An endpoint (ENDPOINT_BYTES) on the socket 0, without a scope. */
  readonly endpoint: Uint8Array;
}

export function encodeSeek(addressHashes: readonly Uint8Array[]): Uint8Array {
  assert(addressHashes.length <= SEEK_MAX_HASHES, 'as many as a SEEK holds');
  return concat(Uint8Array.of(CHANNEL0_KIND.seek), ...addressHashes);
}

/** The address hashes (views); undefined when the length is wrong or there are too many. */
export function parseSeek(message: Uint8Array): Uint8Array[] | undefined {
  const count = (message.length - 1) / HASH_BYTES;
  if (!Number.isInteger(count) || count > SEEK_MAX_HASHES) return undefined;
  return Array.from({ length: count }, (_, i) => message.subarray(1 + i * HASH_BYTES, 1 + (i + 1) * HASH_BYTES));
}

export function encodeMeet(node: NodeKey, endpoint: Uint8Array): Uint8Array {
  return encodeNodePlace(CHANNEL0_KIND.meet, node, endpoint);
}

export function encodeProbeMe(): Uint8Array {
  return Uint8Array.of(CHANNEL0_KIND.probeMe);
}

export function encodeProbe(node: NodeKey, endpoint: Uint8Array): Uint8Array {
  return encodeNodePlace(CHANNEL0_KIND.probe, node, endpoint);
}

/** Of MEET or PROBE. Undefined when the length, the family or the port is wrong. */
export function parseNodePlace(message: Uint8Array): NodePlace | undefined {
  if (message.length !== NODE_PLACE_BYTES) return undefined;
  const place = message.subarray(PLACE_AT);
  const [family] = place;
  if ((family !== 4 && family !== 6) || (place[1] === 0 && place[2] === 0)) return undefined;
  if (family === 4 && place.subarray(IPV4_END).some((byte) => byte !== 0)) return undefined;
  const endpoint = new Uint8Array(ENDPOINT_BYTES);
  endpoint.set(place, PLACE_IN_ENDPOINT_AT);
  return { node: message.slice(KEY_AT, PLACE_AT) as NodeKey, family, endpoint };
}

function encodeNodePlace(kind: number, node: NodeKey, endpoint: Uint8Array): Uint8Array {
  const place = endpoint.subarray(PLACE_IN_ENDPOINT_AT, PLACE_IN_ENDPOINT_AT + PLACE_BYTES);
  return concat(Uint8Array.of(kind), node, place);
}
