import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ENDPOINT_BYTES } from '../../../src/base/datagram.ts';
import type { NodeKey } from '../../../src/base/ids.ts';
import { encodeMeet, encodeProbe, encodeSeek, parseNodePlace, parseSeek } from '../../../src/wire/meeting.ts';
import { ipv4Endpoint, linkLocal } from '../discovery/endpoints.ts';

const key = new Uint8Array(33).fill(2) as NodeKey;
const hash = (fill: number) => new Uint8Array(20).fill(fill);

test('SEEK reads what was written, from nobody to 32', () => {
  for (const count of [0, 1, 32]) {
    const hashes = Array.from({ length: count }, (_, i) => hash(i));
    expect(parseSeek(encodeSeek(hashes))).toEqual(hashes);
  }
  expect(() => encodeSeek(Array.from({ length: 33 }, () => hash(1)))).toThrow();
  expect(parseSeek(new Uint8Array(1 + 33 * 20))).toBeUndefined();
  expect(parseSeek(new Uint8Array(1 + 19))).toBeUndefined();
});

test('MEET reads what was written, without socket and scope', () => {
  const ipv4 = ipv4Endpoint(0xc0000207, 6969);
  expect(parseNodePlace(encodeMeet(key, ipv4))).toEqual({ node: key, family: 4, endpoint: ipv4 });
  const ipv6 = linkLocal(3, 9, 6969);
  const read = parseNodePlace(encodeMeet(key, ipv6));
  expect(read?.endpoint).toEqual(linkLocal(0, 9, 6969));
});

test('PROBE says a node and a place as MEET does', () => {
  const meet = encodeMeet(key, ipv4Endpoint(0xc0000207, 6969));
  const probe = encodeProbe(key, ipv4Endpoint(0xc0000207, 6969));
  expect(probe[0]).toBe(0x0a);
  expect(probe.subarray(1)).toEqual(meet.subarray(1));
});

test('MEET without a port, of no family, or with more than an IPv4 address is none', () => {
  const meet = encodeMeet(key, ipv4Endpoint(0xc0000207, 6969));
  const spoilt = (at: number, byte: number) => parseNodePlace(meet.map((was, i) => (i === at ? byte : was)));
  expect(spoilt(34, 5)).toBeUndefined();
  expect(spoilt(52, 1)).toBeUndefined();
  expect(parseNodePlace(encodeMeet(key, ipv4Endpoint(0xc0000207, 0)))).toBeUndefined();
  expect(parseNodePlace(meet.subarray(1))).toBeUndefined();
});

test('any bytes are read or refused, and never more than an endpoint comes of them', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 700 }), (bytes) => {
      parseSeek(bytes);
      expect(parseNodePlace(bytes)?.endpoint.length ?? ENDPOINT_BYTES).toBe(ENDPOINT_BYTES);
    }),
  );
});
