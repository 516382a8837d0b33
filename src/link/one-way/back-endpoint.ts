/**
 * Endpoints that are no address: datagrams to them go through a back channel, a session over other links
 * (docs/protocol.md section 2.4). Same 24 bytes as any endpoint (base/datagram.ts): socket index 0, family 0xFD, port 0,
 * and the handle, u32, where the address would stand. Whoever keeps the back channels makes the handles up.
 */
import { readU32, writeU32 } from '../../base/bytes.ts';
import { ENDPOINT_BYTES } from '../../base/datagram.ts';

const FAMILY_AT = 1;
const HANDLE_AT = 4;
const BACK_CHANNEL_FAMILY = 0xfd;

export function backEndpoint(handle: number): Uint8Array {
  const endpoint = new Uint8Array(ENDPOINT_BYTES);
  endpoint[FAMILY_AT] = BACK_CHANNEL_FAMILY;
  writeU32(endpoint, HANDLE_AT, handle);
  return endpoint;
}

/** Whether the endpoint at this place of a batch's endpoints is of a back channel. */
export function isBackEndpoint(endpoints: Uint8Array, at: number): boolean {
  return endpoints[at + FAMILY_AT] === BACK_CHANNEL_FAMILY;
}

export function backHandleOf(endpoints: Uint8Array, at: number): number {
  return readU32(endpoints, at + HANDLE_AT);
}
