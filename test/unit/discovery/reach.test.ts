import { expect, test } from 'vitest';
import { ENDPOINT_BYTES } from '../../../src/base/datagram.ts';
import { isOfUseTo, reachOf } from '../../../src/discovery/reach.ts';
import { encodeEndpoint } from '../../../src/os/endpoint.ts';
import { linkLocal } from './endpoints.ts';

const at = (address: string) => encodeEndpoint(0, address.includes(':') ? 6 : 4, address, 6969)!;

test.each([
  ['203.0.113.9', 'world'],
  ['172.32.0.1', 'world'],
  ['2001:db8::1', 'world'],
  ['10.1.2.3', 'site'],
  ['172.31.255.1', 'site'],
  ['192.168.1.2', 'site'],
  ['100.64.0.1', 'site'],
  ['fd00::1', 'site'],
  ['fc12::1', 'site'],
  ['127.0.0.1', 'link'],
  ['169.254.1.1', 'link'],
  ['224.0.0.1', 'link'],
  ['255.255.255.255', 'link'],
  ['0.0.0.0', 'link'],
  ['::1', 'link'],
  ['::', 'link'],
  ['ff02::1', 'link'],
  ['fe80::1', 'link'],
])('%s is reached from: %s', (address, reach) => {
  expect(reachOf(at(address))).toBe(reach);
});

test('what is no address is reached from nowhere', () => {
  expect(reachOf(new Uint8Array(ENDPOINT_BYTES).fill(0xfd))).toBe('link');
  expect(reachOf(linkLocal(1, 2))).toBe('link');
});

test('a private address is of use to who has one, a public one to all', () => {
  expect(isOfUseTo(at('192.168.1.2'), at('192.168.1.3'))).toBe(true);
  expect(isOfUseTo(at('203.0.113.9'), at('192.168.1.3'))).toBe(false);
  expect(isOfUseTo(at('192.168.1.3'), at('203.0.113.9'))).toBe(true);
  expect(isOfUseTo(at('192.168.1.3'), at('fe80::1'))).toBe(false);
});
