/**
 * Addresses, routes and switches in a kernel:
 *
 *   laptop ──eth0──lan0── box ──sky0 (a TUN device that nobody reads)
 *                          └────up0─── internet
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatIpv4Prefix } from '../../../src/control/ip-text.ts';
import { Box } from './box-driver.ts';
import { Namespaces } from './namespaces.ts';

let spaces: Namespaces;
let laptop: string;
let namespace: string;
let box: Box;

beforeAll(() => {
  spaces = new Namespaces();
  laptop = spaces.add('laptop');
  namespace = spaces.add('box');
  const internet = spaces.add('internet');
  spaces.connect(laptop, 'eth0', namespace, 'lan0');
  spaces.connect(namespace, 'up0', internet, 'eth0');
  const commands: [string, string][] = [
    [laptop, 'ip address add 192.168.42.2/24 dev eth0'],
    [laptop, 'ip route add default via 192.168.42.1'],
    [namespace, 'ip address add 10.1.0.2/24 dev up0'],
    [namespace, 'ip route add default via 10.1.0.1'],
    [namespace, 'ip route add 10.99.0.0/16 dev up0 scope link'],
  ];
  for (const [where, command] of commands) spaces.in(where, ...command.split(' '));
  box = new Box(namespace, spaces.directory);
});

afterAll(async () => {
  await box.kill();
  spaces.remove();
});

const inBox = (command: string): string => spaces.in(namespace, ...command.split(' '));
const sysctl = (name: string): string => inBox(`cat /proc/sys/${name}`).trim();
const setSysctl = (name: string, value: string): string =>
  spaces.in(namespace, 'sh', '-c', `echo ${value} > /proc/sys/${name}`);

test("every node has its neighbours' addresses asked for four times a second, but for the LAN's, until it stops", async () => {
  const retryMs = (table: string, device: string): string => sysctl(`net/${table}/neigh/${device}/retrans_time_ms`);
  expect(await box.do('pace-start')).toBe('ok null');
  expect([retryMs('ipv4', 'up0'), retryMs('ipv6', 'up0'), retryMs('ipv4', 'lan0')]).toEqual(['240', '240', '1000']);
  expect(await box.do('pace-stop')).toBe('ok null');
  expect([retryMs('ipv4', 'up0'), retryMs('ipv6', 'up0')]).toEqual(['1000', '1000']);
});

describe('a miner', () => {
  test('routes the LAN nowhere until there is a lease, and says so to the laptop', async () => {
    expect(await box.do('miner-start')).toBe('ok null');
    expect(inBox('ip -4 address show dev lan0')).toContain('192.168.42.1/24');
    const ping = spaces.try(laptop, 'ping', '-c1', '-W1', '198.51.100.80');
    expect(ping.output).toMatch(/From 192\.168\.42\.1 .*Unreachable/);
    expect(sysctl('net/ipv4/ip_forward')).toBe('1');
  });

  test('answers IPv6 of the LAN at once', () => {
    spaces.in(laptop, 'ip', 'address', 'add', 'fd42::2/64', 'dev', 'eth0');
    const router = spaces.in(namespace, 'cat', '/sys/class/net/lan0/address').trim();
    const neighbour = ['fe80::1', 'lladdr', router, 'dev', 'eth0'];
    spaces.in(laptop, 'ip', '-6', 'neigh', 'replace', ...neighbour, 'nud', 'permanent');
    spaces.in(laptop, 'ip', '-6', 'route', 'add', 'default', 'via', 'fe80::1', 'dev', 'eth0');
    const ping = spaces.try(laptop, 'ping', '-c1', '-W1', '2001:db8:80::80');
    expect(ping.output).toMatch(/Administratively prohibited/);
  });

  test('may start twice', async () => {
    expect(await box.do('miner-start')).toBe('ok null');
    expect(inBox('ip rule show priority 6969').trim().split('\n')).toHaveLength(1);
  });

  test('takes the reverse path filter off the tunnel, and leaves the other interfaces what they had', async () => {
    setSysctl('net/ipv4/conf/all/rp_filter', '1');
    inBox('ip tuntap add sky0 mode tun');
    expect(await box.do('miner-tun 1400')).toBe('ok null');
    expect(sysctl('net/ipv4/conf/all/rp_filter')).toBe('0');
    expect(sysctl('net/ipv4/conf/sky0/rp_filter')).toBe('0');
    expect(sysctl('net/ipv4/conf/up0/rp_filter')).toBe('1');
    expect(inBox('ip link show dev sky0')).toMatch(/mtu 1400/);
  });

  test('sends the LAN into the tunnel once it has a lease, and its own packets as before', async () => {
    expect(await box.do('miner-leased 10.64.0.2 1380')).toBe('ok null');
    expect(inBox('ip route get 198.51.100.80 from 192.168.42.2 iif lan0')).toContain('dev sky0');
    expect(inBox('ip route get 198.51.100.80')).toContain('dev up0');
    expect(inBox('ip link show dev sky0')).toMatch(/mtu 1380/);
  });

  test('changes over to another leased address', async () => {
    expect(await box.do('miner-leased 10.64.0.77 1380')).toBe('ok null');
    const addresses = inBox('ip -4 -o address show dev sky0');
    expect(addresses).toContain('10.64.0.77/32');
    expect(addresses).not.toContain('10.64.0.2/32');
    expect(inBox('ip route get 198.51.100.80 from 192.168.42.2 iif lan0')).toContain('dev sky0');
  });

  test('loses the tunnel without falling back to the uplink', () => {
    inBox('ip link del sky0');
    const route = spaces.try(namespace, ...'ip route get 198.51.100.80 from 192.168.42.2 iif lan0'.split(' '));
    expect(route.output).toMatch(/unreachable|No route/i);
  });

  test('changes back at its stop all but the rule that keeps the LAN off the uplink', async () => {
    expect(await box.do('miner-stop')).toBe('ok null');
    expect(inBox('ip -4 address show dev lan0')).not.toContain('192.168.42.1');
    expect(sysctl('net/ipv4/ip_forward')).toBe('0');
    expect(sysctl('net/ipv4/conf/all/rp_filter')).toBe('1');
    expect(sysctl('net/ipv4/conf/up0/rp_filter')).toBe('0');
    expect(inBox('ip rule show')).toContain('iif lan0 lookup 6969');
    expect(inBox('ip route show table 6969')).toContain('unreachable default');
  });

  test('without its LAN interface says which one is missing', async () => {
    const other = new Box(namespace, spaces.directory, 'lan9', 'up9');
    expect(await other.do('miner-start')).toMatch(/^failed config-invalid: there is no network interface lan9\. /);
    expect(await other.do('gateway-start 1400')).toMatch(
      /^failed config-invalid: there is no network interface up9\. /,
    );
    await other.kill();
  });
});

describe('a gateway', () => {
  test('has the first address of the pool on its TUN device, and the pool behind it', async () => {
    inBox('ip tuntap add skyg mode tun');
    expect(await box.do('gateway-start 1400')).toBe('ok null');
    expect(await box.do('gateway-start 1400')).toBe('ok null');
    expect(inBox('ip route get 10.64.7.7')).toContain('dev skyg src 10.64.0.1');
    expect(await box.do('gateway-stop')).toBe('ok null');
    expect(sysctl('net/ipv4/ip_forward')).toBe('0');
    expect(inBox('ip route show type blackhole')).toContain('10.64.0.0/16');
  });

  test("knows the machine's own networks, by address and by direct route", async () => {
    const answer = await box.do('own-networks skyg');
    const networks = JSON.parse(answer.slice('ok '.length)).map(formatIpv4Prefix);
    expect(networks).toContain('10.1.0.0/24');
    expect(networks).toContain('10.99.0.0/16');
    expect(networks).not.toContain('10.64.0.0/16');
    expect(networks).not.toContain('0.0.0.0/0');
  });
});

describe('a ruleset', () => {
  test('is there after it was loaded', async () => {
    expect(await box.do('kill-switch-loaded')).toBe('ok false');
    expect(await box.do('lock')).toBe('ok null');
    expect(await box.do('kill-switch-loaded')).toBe('ok true');
  });

  test('that nft refuses is a failure of a system tool, with what nft said', async () => {
    expect(await box.do('bad-ruleset')).toMatch(/^failed system-tool: nft -f -: .*syntax error/);
  });

  test('may be removed whether they were loaded or not', async () => {
    expect(await box.do('lock')).toBe('ok null');
    expect(await box.do('remove-rulesets')).toBe('ok null');
    expect(await box.do('remove-rulesets')).toBe('ok null');
    expect(await box.do('kill-switch-loaded')).toBe('ok false');
  });
});
