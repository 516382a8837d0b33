import { describe, expect, test } from 'vitest';
import { DestinationPolicy } from '../../../src/tunnel/destination-policy.ts';
import { PROTOCOL } from '../../../src/wire/ip.ts';
import { ipv4, packet, prefix } from './packets.ts';

const policy = new DestinationPolicy({
  pool: prefix('10.64.0.0/16'),
  gateway: ipv4('10.64.0.1'),
  resolver: ipv4('203.0.113.53'),
  ownNetworks: [prefix('203.0.113.7/24'), prefix('10.5.0.0/16')],
  allow: [prefix('10.5.1.0/24'), prefix('192.168.9.9/32'), prefix('10.64.9.0/24')],
});

function permits(destination: string, options: Parameters<typeof packet>[2] = {}): boolean {
  const bytes = packet('10.64.0.2', destination, options);
  return policy.permits(bytes, 0, bytes.length);
}

describe('a client may send', () => {
  test.each(['1.1.1.1', '198.51.100.80', '192.0.2.1', '198.18.0.1', '223.255.255.255', '100.128.0.1', '172.32.0.1'])(
    'to the internet: %s',
    (destination) => expect(permits(destination)).toBe(true),
  );

  test.each(['10.5.1.0', '10.5.1.255', '192.168.9.9'])('to what is allowed: %s', (destination) => {
    expect(permits(destination)).toBe(true);
  });

  test('questions to the resolver in a refused network, and nothing else', () => {
    expect(permits('203.0.113.53', { port: 53 })).toBe(true);
    expect(permits('203.0.113.53', { port: 53, protocol: PROTOCOL.tcp })).toBe(true);
    expect(permits('203.0.113.53', { port: 853 })).toBe(false);
    expect(permits('203.0.113.53', { port: 53, protocol: PROTOCOL.icmp })).toBe(false);
    expect(permits('203.0.113.53', { port: 53, fragmentOffset: 5 })).toBe(false);
  });

  test("pings to the gateway's own address, and nothing else", () => {
    expect(permits('10.64.0.1', { protocol: PROTOCOL.icmp })).toBe(true);
    expect(permits('10.64.0.1', { port: 53 })).toBe(false);
  });
});

describe('a client may not send', () => {
  test.each([
    ['this network', '0.0.0.1'],
    ['private networks', '10.0.0.1'],
    ['private networks', '172.16.0.1'],
    ['private networks', '172.31.255.255'],
    ['private networks', '192.168.9.8'],
    ['carrier-grade NAT', '100.64.0.1'],
    ['loopback', '127.0.0.1'],
    ['link-local addresses', '169.254.169.254'],
    ['protocol assignments', '192.0.0.8'],
    ['multicast', '224.0.0.251'],
    ['reserved addresses', '240.0.0.1'],
    ['broadcast', '255.255.255.255'],
    ["the gateway's own networks", '203.0.113.0'],
    ["the gateway's own networks", '203.0.113.255'],
    ["the gateway's own networks", '10.5.0.255'],
    ["the gateway's own networks", '10.5.2.0'],
    ['other clients', '10.64.0.3'],
    ['other clients, even if they are allowed', '10.64.9.9'],
  ])('to %s: %s', (_what, destination) => expect(permits(destination)).toBe(false));
});

test('without a resolver nothing is let through to address zero', () => {
  const none = new DestinationPolicy({
    pool: prefix('10.64.0.0/16'),
    gateway: 1,
    resolver: 0,
    ownNetworks: [],
    allow: [],
  });
  const question = packet('10.64.0.2', '0.0.0.0', { port: 53 });
  expect(none.permits(question, 0, question.length)).toBe(false);
});

test('an open gateway, which allows everything, still keeps its clients apart', () => {
  const open = new DestinationPolicy({
    pool: prefix('10.64.0.0/16'),
    gateway: ipv4('10.64.0.1'),
    resolver: 0,
    ownNetworks: [],
    allow: [prefix('0.0.0.0/0')],
  });
  const permitted = (to: string): boolean => open.permits(packet('10.64.0.2', to), 0, 100);
  expect(permitted('192.168.1.1')).toBe(true);
  expect(permitted('255.255.255.255')).toBe(true);
  expect(permitted('10.64.0.3')).toBe(false);
});
