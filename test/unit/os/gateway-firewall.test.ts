/**
 * A gateway's rules in a kernel. A cable stands for the TUN device, and everybody on it has a client's address:
 *
 *   client 10.64.0.2 ──skyg── gateway ──eth0── uplink     203.0.113.0/24: the gateway's own network
 *          10.64.0.3             │                        198.51.100.80: the internet
 *                                └────side── 172.20.0.0/24: a network of the house, 172.20.0.9 in it is allowed
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { gatewayRuleset } from '../../../src/os/firewall.ts';
import { ipv4, prefix } from '../tunnel/packets.ts';
import { countArriving, Namespaces, type Outcome } from './namespaces.ts';

let spaces: Namespaces;
let client: string;
let gateway: string;
let uplink: string;

beforeAll(() => {
  spaces = new Namespaces();
  client = spaces.add('client');
  gateway = spaces.add('gateway');
  uplink = spaces.add('uplink');
  const side = spaces.add('side');
  spaces.load(
    gateway,
    gatewayRuleset({
      tun: 'skyg',
      uplink: 'eth0',
      pool: prefix('10.64.0.0/16'),
      gatewayAddress: ipv4('10.64.0.1'),
      mtuBytes: 1_400,
      ownNetworks: [prefix('203.0.113.1/24'), prefix('172.20.0.0/24')],
      allow: [prefix('172.20.0.9/32')],
      resolver: ipv4('203.0.113.2'),
    }),
  );
  spaces.connect(client, 'eth0', gateway, 'skyg');
  spaces.connect(gateway, 'eth0', uplink, 'eth0');
  spaces.connect(gateway, 'side', side, 'eth0');
  const commands: [string, string][] = [
    [client, 'ip address add 10.64.0.2/32 dev eth0'],
    [client, 'ip address add 10.64.0.3/32 dev eth0'],
    [client, 'ip address add 10.9.9.9/32 dev eth0'],
    [client, 'ip route add 10.64.0.1 dev eth0 src 10.64.0.2'],
    [client, 'ip route add default via 10.64.0.1 src 10.64.0.2'],
    [gateway, 'ip address add 10.64.0.1/16 dev skyg'],
    [gateway, 'ip address add 203.0.113.1/24 dev eth0'],
    [gateway, 'ip address add 172.20.0.1/24 dev side'],
    [gateway, 'ip route add default via 203.0.113.2'],
    [uplink, 'ip address add 203.0.113.2/24 dev eth0'],
    [uplink, 'ip address add 198.51.100.80/32 dev lo'],
    [uplink, 'ip address add 10.77.0.1/32 dev lo'],
    [uplink, 'ip route add 10.64.0.0/16 via 203.0.113.1'],
    [side, 'ip address add 172.20.0.8/24 dev eth0'],
    [side, 'ip address add 172.20.0.9/24 dev eth0'],
  ];
  for (const [namespace, command] of commands) spaces.in(namespace, ...command.split(' '));
  spaces.in(gateway, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward');
});

afterAll(() => spaces.remove());

const ping = (from: string, to: string, ...options: string[]): Outcome =>
  spaces.try(from, 'ping', '-c1', '-W0.5', ...options, to);

describe('a client of a gateway', () => {
  test('reaches the internet, which sees the address of the gateway', () => {
    spaces.load(uplink, countArriving('ip saddr 203.0.113.1', 'translated'));
    expect(ping(client, '198.51.100.80').code).toBe(0);
    expect(spaces.counted(uplink, 'translated')).toBe(1);
  });

  test('may ping the gateway inside the tunnel, and reaches nothing else of it', () => {
    expect(ping(client, '10.64.0.1').code).toBe(0);
    expect(ping(client, '203.0.113.1').code).not.toBe(0);
    expect(spaces.try(client, 'timeout', '0.5', 'bash', '-c', 'echo > /dev/tcp/10.64.0.1/22').code).not.toBe(0);
    expect(spaces.counted(gateway, 'from a client to the gateway itself')).toBeGreaterThanOrEqual(2);
  });

  test.each([
    ["the gateway's own network", '172.20.0.8'],
    ["the uplink's network", '203.0.113.2'],
    ['a private network behind the uplink', '10.77.0.1'],
  ])('is told at once that %s is prohibited', (_what, address) => {
    expect(ping(client, address).output).toMatch(/Packet filtered/);
  });

  test('reaches an allowed address in a refused network, also by another interface than the uplink', () => {
    expect(ping(client, '172.20.0.9').code).toBe(0);
  });

  test('reaches the resolver in a refused network on port 53 only', () => {
    const ask = (port: string): Outcome =>
      spaces.try(client, 'dig', '+time=1', '+tries=1', '-p', port, '@203.0.113.2', 'example.net');
    spaces.load(uplink, countArriving('udp dport { 53, 54 }', 'questions'));
    // Nobody serves there: the refusal comes from the resolver's machine, and the question arrived.
    expect(ask('53').output).toMatch(/refused/);
    expect(spaces.counted(uplink, 'questions')).toBe(1);
    ask('54');
    expect(spaces.counted(uplink, 'questions')).toBe(1);
  });

  test('reaches no other client', () => {
    spaces.in(client, 'ip', 'address', 'del', '10.64.0.3/32', 'dev', 'eth0');
    expect(ping(client, '10.64.0.3').output).toMatch(/Packet filtered/);
    expect(spaces.counted(gateway, 'client to client')).toBe(1);
  });

  test('sends from no other address', () => {
    expect(ping(client, '198.51.100.80', '-I', '10.9.9.9').code).not.toBe(0);
    expect(spaces.counted(gateway, 'from a client with a source outside of the pool')).toBe(1);
  });

  test('is not reached from the internet, answers aside', () => {
    expect(ping(uplink, '10.64.0.2').code).not.toBe(0);
    expect(spaces.counted(gateway, 'to a client, not an answer')).toBe(1);
  });
});
