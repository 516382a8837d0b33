import { expect, test } from 'vitest';
import { isOnSegment, portOn, type Segment } from '../../../src/discovery/segment.ts';
import { backEndpoint } from '../../../src/link/one-way/back-endpoint.ts';
import { prefix } from '../tunnel/packets.ts';
import { ipv4Endpoint, ipv6Segment, linkLocal } from './endpoints.ts';

const both: Segment = {
  id: 3,
  name: 'eth0',
  medium: 'lan',
  ipv6: { port: 6969 },
  ipv4: { port: 7000, network: prefix('10.1.2.3/24') },
};

test('link-local addresses are on the segment of their scope alone', () => {
  expect(isOnSegment(both, linkLocal(3, 1))).toBe(true);
  expect(isOnSegment(both, linkLocal(4, 1))).toBe(false);
  const global = linkLocal(3, 1);
  global.set([0x20, 0x01], 4);
  expect(isOnSegment(both, global)).toBe(false);
});

test('IPv4 addresses are on the segment whose network they are in', () => {
  expect(isOnSegment(both, ipv4Endpoint(0x0a_01_02_ff))).toBe(true);
  expect(isOnSegment(both, ipv4Endpoint(0x0a_01_03_01))).toBe(false);
  expect(isOnSegment(ipv6Segment(3), ipv4Endpoint(0x0a_01_02_ff))).toBe(false);
});

test('a back channel is on no segment', () => {
  expect(isOnSegment(both, backEndpoint(1))).toBe(false);
});

test('the port that is named is that of the protocol that beacons take', () => {
  expect(portOn(both)).toBe(6969);
  expect(portOn({ ...both, ipv6: undefined })).toBe(7000);
  expect(portOn({ ...both, ipv6: undefined, ipv4: undefined })).toBeUndefined();
});
