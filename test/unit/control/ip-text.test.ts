import { expect, test } from 'vitest';
import {
  broadcastAddress,
  formatEndpoint,
  formatIpv4,
  formatIpv4Prefix,
  networkAddress,
  overlap,
  parseEndpoint,
  parseIpv4,
  parseIpv4Prefix,
  parseIpv6,
} from '../../../src/control/ip-text.ts';

test('an IPv4 address is four plain numbers', () => {
  expect(parseIpv4('192.0.2.7')).toBe(0xc0000207);
  expect(parseIpv4('255.255.255.255')).toBe(0xffffffff);
  expect(formatIpv4(0xffffffff)).toBe('255.255.255.255');
  for (const wrong of [
    '',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.4 ',
    '1.2.3.-4',
    '0x1.2.3.4',
    '1..3.4',
  ]) {
    expect(parseIpv4(wrong), wrong).toBeUndefined();
  }
});

test('an IPv6 address may shorten one run of zeros and end in IPv4', () => {
  expect(parseIpv6('::')).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  expect(parseIpv6('2001:db8::7')).toEqual([0x2001, 0xdb8, 0, 0, 0, 0, 0, 7]);
  expect(parseIpv6('::ffff:192.0.2.7')).toEqual([0, 0, 0, 0, 0, 0xffff, 0xc000, 0x0207]);
  for (const wrong of [
    '',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    'g::',
    '1.2.3.4::',
    'fe80::1%eth0',
    '1:2:3:4:5:6:7:8::',
  ]) {
    expect(parseIpv6(wrong), wrong).toBeUndefined();
  }
});

test('a prefix knows its network, its last address and its overlaps', () => {
  const lan = parseIpv4Prefix('192.168.42.1/24')!;
  expect(formatIpv4(networkAddress(lan))).toBe('192.168.42.0');
  expect(formatIpv4(broadcastAddress(lan))).toBe('192.168.42.255');
  expect(formatIpv4Prefix(lan)).toBe('192.168.42.1/24');
  expect(overlap(lan, parseIpv4Prefix('192.168.0.0/16')!)).toBe(true);
  expect(overlap(lan, parseIpv4Prefix('192.168.43.0/24')!)).toBe(false);
  expect(overlap(lan, parseIpv4Prefix('0.0.0.0/0')!)).toBe(true);
  expect(broadcastAddress(parseIpv4Prefix('255.0.0.0/8')!)).toBe(0xffffffff);
  for (const wrong of ['1.2.3.4', '1.2.3.4/', '1.2.3.4/33', '1.2.3.4/08', '/8', '1.2.3/8']) {
    expect(parseIpv4Prefix(wrong), wrong).toBeUndefined();
  }
});

test('an endpoint is an IP literal with a port', () => {
  for (const right of ['192.0.2.7:1', '[2001:db8::7]:65535', '[::]:6969']) {
    expect(formatEndpoint(parseEndpoint(right)!)).toBe(right);
  }
  for (const wrong of [
    '192.0.2.7',
    '192.0.2.7:0',
    '192.0.2.7:65536',
    '::1:6969',
    '[::1]',
    '[192.0.2.7]:1',
    'localhost:1',
    ':1',
    '[]:1',
  ]) {
    expect(parseEndpoint(wrong), wrong).toBeUndefined();
  }
});
