/**
 * The kill switch in a kernel:
 *
 *   laptop ──eth0──lan0── box ──sky0── gateway     203.0.113.9 (a cable stands for the TUN device)
 *                          └────up0─── internet    198.51.100.80, and the box's default route
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { killSwitchRuleset, lanAnswersRuleset, lockedRuleset } from '../../../src/os/firewall.ts';
import { prefix } from '../tunnel/packets.ts';
import { countArriving, countLeaving, leftBy, Namespaces } from './namespaces.ts';

const RESOLVER_UID = 65_534;
const KILL_SWITCH = killSwitchRuleset({
  lan: 'lan0',
  tun: 'sky0',
  lanAddress: prefix('192.168.42.1/24'),
  mtuBytes: 1_400,
  resolverUid: RESOLVER_UID,
});

let spaces: Namespaces;
let laptop: string;
let box: string;
let gateway: string;
let internet: string;

beforeAll(() => {
  spaces = new Namespaces();
  laptop = spaces.add('laptop');
  box = spaces.add('box');
  gateway = spaces.add('gateway');
  internet = spaces.add('internet');
  // Before any of the interfaces exists: that is how it is loaded at boot.
  spaces.load(box, KILL_SWITCH);
  spaces.connect(laptop, 'eth0', box, 'lan0');
  spaces.connect(box, 'sky0', gateway, 'eth0');
  spaces.connect(box, 'up0', internet, 'eth0');
  const commands: [string, string][] = [
    [laptop, 'ip address add 192.168.42.2/24 dev eth0'],
    [laptop, 'ip address add 192.168.99.2/24 dev eth0'],
    [laptop, 'ip route add default via 192.168.42.1'],
    [laptop, 'ip address add fd42::2/64 dev eth0'],
    [laptop, 'ip -6 route add default via fe80::1 dev eth0'],
    [box, 'ip address add 192.168.42.1/24 dev lan0'],
    [box, 'ip address add fe80::1/64 dev lan0'],
    [box, 'ip address add 10.64.0.2/30 dev sky0'],
    [box, 'ip address add 10.1.0.2/24 dev up0'],
    [box, 'ip address add 2001:db8:1::2/64 dev up0'],
    [box, 'ip route add default via 10.1.0.1'],
    [box, 'ip -6 route add default via 2001:db8:1::1'],
    [box, 'ip route add 203.0.113.0/24 via 10.64.0.1'],
    [gateway, 'ip address add 10.64.0.1/30 dev eth0'],
    [gateway, 'ip address add 203.0.113.9/32 dev lo'],
    [internet, 'ip address add 10.1.0.1/24 dev eth0'],
    [internet, 'ip address add 2001:db8:1::1/64 dev eth0'],
    [internet, 'ip address add 198.51.100.80/32 dev lo'],
    [internet, 'ip route add 192.168.42.0/24 via 10.1.0.2'],
    [internet, 'ip -6 route add fd42::/64 via 2001:db8:1::2'],
  ];
  for (const [namespace, command] of commands) spaces.in(namespace, ...command.split(' '));
  spaces.in(box, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding');
});

beforeEach(() => {
  spaces.in(box, 'nft', 'flush', 'ruleset');
  spaces.load(box, countLeaving('up0'));
});

afterAll(() => spaces.remove());

/** Three packets of every sort that a laptop sends to places beyond the uplink. */
function knock(): void {
  spaces.try(laptop, 'ping', '-c1', '-W0.3', '198.51.100.80');
  spaces.try(laptop, 'ping', '-c1', '-W0.3', '-I', '192.168.99.2', '198.51.100.80');
  spaces.try(laptop, 'ping', '-c1', '-W0.3', '2001:db8:80::80');
}

describe('what leaves by the uplink', () => {
  test('without a kill switch everything does: the counters of these tests see it', () => {
    knock();
    expect(leftBy(spaces, box).ipv4).toBeGreaterThanOrEqual(2);
    expect(leftBy(spaces, box).ipv6).toBeGreaterThanOrEqual(1);
  });

  test('with the kill switch nothing of the LAN does, and each refusal is counted under its name', () => {
    spaces.load(box, KILL_SWITCH);
    knock();
    expect(leftBy(spaces, box)).toEqual({ ipv4: 0, ipv6: 0 });
    expect(spaces.counted(box, 'from the LAN to an uplink')).toBe(1);
    expect(spaces.counted(box, 'from the LAN with a source outside of it')).toBe(1);
    expect(spaces.counted(box, 'IPv6 from the LAN, no way back on the LAN')).toBe(1);
  });

  test('while locked nothing does either, and the lock is replaced in one step', () => {
    spaces.load(box, lockedRuleset(RESOLVER_UID));
    knock();
    expect(leftBy(spaces, box)).toEqual({ ipv4: 0, ipv6: 0 });
    expect(spaces.counted(box, 'forwarded while locked')).toBe(3);
    spaces.load(box, KILL_SWITCH);
    expect(spaces.in(box, 'nft', 'list', 'ruleset')).not.toContain('while locked');
    spaces.load(box, KILL_SWITCH);
  });

  test("the resolver's questions do not, and it hears so at once", () => {
    spaces.load(box, KILL_SWITCH);
    const asResolver = ['setpriv', `--reuid=${RESOLVER_UID}`, '--clear-groups', 'dig', '+time=1', '+tries=1'];
    const question = spaces.try(box, ...asResolver, '@198.51.100.80', 'example.net');
    expect(question.code).not.toBe(0);
    expect(leftBy(spaces, box).ipv4).toBe(0);
    expect(spaces.counted(box, 'DNS of the LAN to an uplink')).toBeGreaterThanOrEqual(1);
  });

  test("the box's own packets do, but not with its LAN address", () => {
    spaces.load(box, KILL_SWITCH);
    expect(spaces.try(box, 'ping', '-c1', '-W1', '198.51.100.80').code).toBe(0);
    expect(spaces.try(box, 'ping', '-c1', '-W0.3', '-I', '192.168.42.1', '198.51.100.80').code).not.toBe(0);
    expect(leftBy(spaces, box).ipv4).toBe(1);
    expect(spaces.counted(box, 'an address of the LAN on an uplink')).toBe(1);
  });
});

describe('what passes', () => {
  beforeEach(() => spaces.load(box, KILL_SWITCH));

  test('a ping into the tunnel comes back, with the address of the tunnel on the way', () => {
    spaces.load(gateway, countArriving('ip saddr 10.64.0.2', 'translated'));
    expect(spaces.try(laptop, 'ping', '-c1', '-W2', '203.0.113.9').code).toBe(0);
    expect(spaces.counted(gateway, 'translated')).toBe(1);
  });

  test('the box answers pings of the LAN on its LAN address, and refuses its other addresses and ports', () => {
    expect(spaces.try(laptop, 'ping', '-c1', '-W1', '192.168.42.1').code).toBe(0);
    const other = spaces.try(laptop, 'ping', '-c1', '-W1', '10.1.0.2');
    expect(other.output).toMatch(/Packet filtered/);
    expect(spaces.counted(box, 'from the LAN to a port of the box')).toBe(1);
  });

  test('from the tunnel only answers: the gateway reaches neither the box nor the laptop', () => {
    spaces.in(gateway, 'ip', 'route', 'replace', '192.168.42.0/24', 'via', '10.64.0.2');
    expect(spaces.try(gateway, 'ping', '-c1', '-W0.3', '10.64.0.2').code).not.toBe(0);
    expect(spaces.try(gateway, 'ping', '-c1', '-W0.3', '192.168.42.2').code).not.toBe(0);
    // The cable's own IPv6 chatter counts as well.
    expect(spaces.counted(box, 'from the tunnel to the box')).toBeGreaterThanOrEqual(1);
    expect(spaces.counted(box, 'to the LAN, not an answer from the tunnel')).toBe(1);
  });

  test('a TCP handshake through the tunnel carries a segment size that fits it', () => {
    spaces.load(gateway, countArriving('tcp flags syn tcp option maxseg size 1360', 'clamped'));
    // Nobody listens there: the reset is the answer.
    const attempt = spaces.try(laptop, 'bash', '-c', 'echo > /dev/tcp/203.0.113.9/80');
    expect(attempt.output).toMatch(/refused/);
    expect(spaces.counted(gateway, 'clamped')).toBe(1);
  });
});

describe('IPv6 from the LAN', () => {
  beforeEach(() => spaces.load(box, KILL_SWITCH));

  test('is answered with an ICMPv6 error when the sender is on the LAN', () => {
    spaces.in(box, 'ip', 'address', 'replace', 'fd42::1/64', 'dev', 'lan0');
    const ping = spaces.try(laptop, 'ping', '-c1', '-W0.3', '2001:db8:80::80');
    spaces.in(box, 'ip', 'address', 'del', 'fd42::1/64', 'dev', 'lan0');
    expect(ping.output).toMatch(/Administratively prohibited/);
    expect(spaces.counted(box, 'IPv6 from the LAN')).toBe(1);
  });

  test('is answered at the interface even when the box has no route to the sender, TCP with a reset', () => {
    spaces.load(box, lanAnswersRuleset('lan0'));
    expect(spaces.try(laptop, 'ping', '-c1', '-W1', '2001:db8:80::80').output).toMatch(/Administratively prohibited/);
    expect(spaces.try(laptop, 'bash', '-c', 'echo > /dev/tcp/2001:db8:80::80/80').output).toMatch(/refused/);
    expect(leftBy(spaces, box)).toEqual({ ipv4: 0, ipv6: 0 });
  });

  test('neighbours are still found, so that the answer reaches the laptop', () => {
    spaces.load(box, lanAnswersRuleset('lan0'));
    spaces.in(laptop, 'ip', '-6', 'neigh', 'flush', 'dev', 'eth0');
    const ping = spaces.try(laptop, 'ping', '-c1', '-W1', 'fe80::1%eth0');
    expect(ping.output).toMatch(/Administratively prohibited/);
  });
});
