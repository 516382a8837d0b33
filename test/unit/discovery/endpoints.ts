/** Endpoints and segments for the tests of discovery. */
import { writeU16, writeU32 } from '../../../src/base/bytes.ts';
import { ENDPOINT_BYTES } from '../../../src/base/datagram.ts';
import type { Segment } from '../../../src/discovery/segment.ts';

/** `fe80::HOST` on the interface with this number. */
export function linkLocal(scope: number, host: number, port = 6970): Uint8Array {
  const endpoint = new Uint8Array(ENDPOINT_BYTES);
  endpoint[1] = 6;
  writeU16(endpoint, 2, port);
  writeU16(endpoint, 4, 0xfe80);
  writeU32(endpoint, 16, host);
  writeU32(endpoint, 20, scope);
  return endpoint;
}

export function ipv4Endpoint(address: number, port = 6970): Uint8Array {
  const endpoint = new Uint8Array(ENDPOINT_BYTES);
  endpoint[1] = 4;
  writeU16(endpoint, 2, port);
  writeU32(endpoint, 4, address);
  return endpoint;
}

export function ipv6Segment(id: number, name = `eth${id}`): Segment {
  return { id, name, medium: 'lan', ipv6: { port: 6969 }, ipv4: undefined };
}
