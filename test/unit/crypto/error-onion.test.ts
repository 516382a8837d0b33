import { expect, test } from 'vitest';
import { utf8, writeU16 } from '../../../src/base/bytes.ts';
import {
  buildFailure,
  FAILURE_MESSAGE_MAX_BYTES,
  FAILURE_PACKET_BYTES,
  readFailure,
  wrapFailure,
} from '../../../src/crypto/error-onion.ts';
import { hmac } from '../../../src/crypto/hash.ts';
import { onionKey } from '../../../src/crypto/onion-stream.ts';

const secrets = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte));
const message = Uint8Array.of(0x00, 0x02);

/** The failure of hop `from` as it reaches the origin. */
function returned(from: number, bytes: Uint8Array): Uint8Array {
  let packet = buildFailure(secrets[from], bytes);
  for (let hop = from - 1; hop >= 0; hop--) packet = wrapFailure(secrets[hop], packet);
  return packet;
}

test('the origin learns which hop failed and why, whichever it was', () => {
  for (const hop of [0, 1, 2]) expect(readFailure(secrets, returned(hop, message))).toEqual({ hop, message });
});

test('messages from none to 256 bytes travel in packets of one size', () => {
  for (const bytes of [0, 1, 255, FAILURE_MESSAGE_MAX_BYTES]) {
    const packet = returned(2, new Uint8Array(bytes).fill(5));
    expect(packet.length).toBe(FAILURE_PACKET_BYTES);
    expect(readFailure(secrets, packet)?.message).toEqual(new Uint8Array(bytes).fill(5));
  }
  expect(() => buildFailure(secrets[0], new Uint8Array(257))).toThrow('at most 256 bytes');
});

test('a packet changed on the way, of strangers or of another length says nothing', () => {
  const packet = returned(2, message);
  for (const at of [0, 31, 32, 291]) {
    const changed = packet.slice();
    changed[at] ^= 1;
    expect(readFailure(secrets, changed)).toBeUndefined();
  }
  expect(readFailure([secrets[1]], packet)).toBeUndefined();
  expect(readFailure([], packet)).toBeUndefined();
  expect(readFailure(secrets, packet.subarray(1))).toBeUndefined();
  expect(readFailure(secrets, new Uint8Array(0))).toBeUndefined();
});

test('a hop that claims a message longer than the packet says nothing', () => {
  const packet = new Uint8Array(FAILURE_PACKET_BYTES);
  writeU16(packet, 32, 257);
  packet.set(hmac(onionKey('um', secrets[0]), packet.subarray(32)));
  expect(readFailure(secrets, wrapFailure(secrets[0], packet))).toBeUndefined();
});

test('a layer put on does not change the packet it was given', () => {
  const packet = buildFailure(secrets[1], utf8('x'));
  const before = packet.slice();
  wrapFailure(secrets[0], packet);
  expect(packet).toEqual(before);
});
