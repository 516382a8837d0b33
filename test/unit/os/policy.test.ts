/**
 * The user's rules in a kernel, with the kill switch around them:
 *
 *   laptop ──eth0──lan0── box ──sky0──── gateway     (cables stand for the TUN devices; everything is behind each)
 *   .2 .3                  ├────sky0-1── other       the gateway that a rule names
 *                          └────up0───── internet    192.0.2.7 and 198.51.100.80, and the box's default route
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parseConfig } from '../../../src/control/config.ts';
import { MAX_POLICY_ITEMS, MAX_POLICY_RULES } from '../../../src/control/config-schema.ts';
import { killSwitchRuleset } from '../../../src/os/firewall.ts';
import { prefix } from '../tunnel/packets.ts';
import { Box } from './box-driver.ts';
import { countLeaving, leftBy, Namespaces } from './namespaces.ts';

const NAMED = '192.0.2.7';
const OTHER = '198.51.100.80';
/** Reached through the other gateway. */
const ELSEWHERE = '198.51.100.81';
/** A rule for each treatment, and one exception. */
const RULES = `
[[policy]]
use = "direct"
to = ["${NAMED}"]
from = ["192.168.42.2"]
protocol = "icmp"
uplink = "up0"

[[policy]]
use = "high-throughput"
to = ["${NAMED}"]

[[policy]]
use = "low-latency"
protocol = "udp"
ports = ["5060", "10000-20000"]

[[policy]]
use = "redundant"
dscp = [46]

[[policy]]
use = "gateway"
gateway = "QeGi28ogsB1ZjpwByrB4jQUKghpkkJFBhS"
to = ["${ELSEWHERE}"]
`;
/** What tunnel/policy-mark.ts reads. */
const MARKS = { 'low-latency': 7, 'high-throughput': 11, redundant: 15 };

let spaces: Namespaces;
let laptop: string;
let box: string;
let gateway: string;
let other: string;
let internet: string;
let driver: Box;

/** The kill switch with the rules of such a configuration. */
function killSwitch(rules: string): string {
  const policy = parseConfig(`[lan]\ninterface = "lan0"\n${rules}`, 'f').config!.policy;
  const lanAddress = prefix('192.168.42.1/24');
  return killSwitchRuleset({ lan: 'lan0', tun: 'sky0', lanAddress, mtuBytes: 1_400, resolverUid: 65_534, policy });
}

beforeAll(async () => {
  spaces = new Namespaces();
  laptop = spaces.add('laptop');
  box = spaces.add('box');
  gateway = spaces.add('gateway');
  other = spaces.add('other');
  internet = spaces.add('internet');
  spaces.connect(laptop, 'eth0', box, 'lan0');
  spaces.connect(box, 'sky0', gateway, 'eth0');
  spaces.connect(box, 'sky0-1', other, 'eth0');
  spaces.connect(box, 'up0', internet, 'eth0');
  const commands: [string, string][] = [
    [laptop, 'ip address add 192.168.42.2/24 dev eth0'],
    [laptop, 'ip address add 192.168.42.3/24 dev eth0'],
    [laptop, 'ip route add default via 192.168.42.1'],
    [box, 'ip address add 10.64.0.2/30 dev sky0'],
    [box, 'ip address add 10.1.0.2/24 dev up0'],
    [box, 'ip route add default via 10.1.0.1'],
    [box, 'ip address add 10.65.0.2/30 dev sky0-1'],
    [gateway, 'ip address add 10.64.0.1/30 dev eth0'],
    [other, 'ip address add 10.65.0.1/30 dev eth0'],
    [internet, 'ip address add 10.1.0.1/24 dev eth0'],
  ];
  for (const [namespace, command] of commands) spaces.in(namespace, ...command.split(' '));
  for (const far of [gateway, other, internet]) {
    for (const address of [NAMED, OTHER, ELSEWHERE])
      spaces.in(far, 'ip', 'address', 'add', `${address}/32`, 'dev', 'lo');
  }
  driver = new Box(box, spaces.directory, 'lan0', 'up0', 'rules');
  await driver.do('miner-start');
  const outBy = (device: string, router: string, table: string) =>
    spaces.in(box, 'ip', 'route', 'replace', 'default', 'via', router, 'dev', device, 'table', table);
  outBy('sky0', '10.64.0.1', '6969');
  outBy('sky0-1', '10.65.0.1', '6970');
});

beforeEach(() => {
  spaces.in(box, 'nft', 'flush', 'ruleset');
  spaces.in(box, 'conntrack', '-F');
  spaces.load(box, countLeaving('up0'));
  spaces.load(box, killSwitch(RULES));
  const counters = Array.from({ length: 64 }, (_, dscp) => `ip dscp ${dscp} counter comment "dscp ${dscp}"`).join('\n');
  spaces.load(
    gateway,
    `flush ruleset\ntable ip test { chain arriving { type filter hook input priority filter;\n${counters}\n}\n}\n`,
  );
});

afterAll(async () => {
  await driver.kill();
  spaces.remove();
});

const ping = (to: string, ...args: string[]) => spaces.try(laptop, 'ping', '-n', '-c1', '-W1', ...args, to);
const datagram = (port: number) => spaces.try(laptop, 'bash', '-c', `echo > /dev/udp/${OTHER}/${port}`);

/** How many packets came through the tunnel with each code point. */
function throughTunnel(): Record<number, number> {
  const listed = spaces.in(gateway, 'nft', 'list', 'ruleset');
  const counts = [...listed.matchAll(/counter packets ([1-9]\d*) .*comment "dscp (\d+)"/g)];
  return Object.fromEntries(counts.map(([, count, dscp]) => [Number(dscp), Number(count)]));
}

describe('a direct rule', () => {
  test('lets out of the uplink what it names, and is answered', () => {
    expect(ping(NAMED, '-I', '192.168.42.2').code).toBe(0);
    expect(leftBy(spaces, box).ipv4).toBe(1);
    expect(throughTunnel()).toEqual({});
    expect(spaces.counted(box, 'direct, outside of the tunnel')).toBe(1);
  });

  test.each([
    ['another client', () => ping(NAMED, '-I', '192.168.42.3')],
    ['another destination', () => ping(OTHER, '-I', '192.168.42.2')],
    ['another protocol', () => spaces.try(laptop, 'bash', '-c', `echo > /dev/udp/${NAMED}/9`)],
  ])('and nothing else: %s goes through the tunnel', (_name, send) => {
    send();
    expect(leftBy(spaces, box)).toEqual({ ipv4: 0, ipv6: 0 });
    expect(Object.values(throughTunnel())).toEqual([1]);
  });

  test('lets nothing out of another uplink than the one that it names', () => {
    spaces.load(box, killSwitch(RULES.replace('"up0"', '"up9"')));
    expect(ping(NAMED, '-I', '192.168.42.2').output).toMatch(/Packet filtered/);
    expect(leftBy(spaces, box).ipv4).toBe(0);
    expect(spaces.counted(box, 'from the LAN to an uplink')).toBe(1);
  });

  test('lets nobody in from there', () => {
    spaces.in(internet, 'ip', 'route', 'replace', '192.168.42.0/24', 'via', '10.1.0.2');
    expect(spaces.try(internet, 'ping', '-c1', '-W0.3', '192.168.42.2').code).not.toBe(0);
    expect(spaces.counted(box, 'to the LAN, not an answer from the tunnel')).toBe(1);
  });

  test('moves no connection that began in the tunnel', () => {
    spaces.load(box, killSwitch(''));
    const exception = join(spaces.directory, 'exception');
    writeFileSync(exception, killSwitch(RULES.replace('"icmp"', '"udp"')));
    const load = `ip netns exec ${box} nft -f ${exception}`;
    // Nobody listens there: the error of the first one is told by the second, and gone.
    spaces.in(laptop, 'bash', '-c', `exec 3<>/dev/udp/${NAMED}/9; echo >&3; ${load}; echo >&3 || echo >&3`);
    expect(throughTunnel()).toEqual({ 0: 1, [MARKS['high-throughput']]: 1 });
    spaces.try(laptop, 'bash', '-c', `echo > /dev/udp/${NAMED}/9`);
    expect(leftBy(spaces, box).ipv4).toBe(1);
  });
});

describe('a rule inside the tunnel', () => {
  test.each([
    ['by port', () => datagram(5_060), MARKS['low-latency']],
    ['by a range of ports', () => datagram(20_000), MARKS['low-latency']],
    ['by destination', () => ping(NAMED, '-I', '192.168.42.3'), MARKS['high-throughput']],
    ['by code point', () => ping(OTHER, '-Q', String(46 * 4)), MARKS.redundant],
    [
      'the first one that matches',
      () => ping(NAMED, '-I', '192.168.42.3', '-Q', String(46 * 4)),
      MARKS['high-throughput'],
    ],
    ['none of them', () => datagram(5_061), 0],
    ['none of them, with a code point of the sender', () => ping(OTHER, '-Q', String(34 * 4)), 34],
    ['none of them, with a mark that only rules make', () => ping(OTHER, '-Q', String(MARKS.redundant * 4)), 0],
  ])('marks %s', (_name, send, mark) => {
    send();
    expect(throughTunnel()).toEqual({ [mark]: 1 });
    expect(leftBy(spaces, box).ipv4).toBe(0);
  });

  test('leaves the congestion bits as they are', () => {
    spaces.load(
      gateway,
      `flush ruleset
      table ip test { chain arriving { type filter hook input priority filter; ip ecn 2 counter comment "ect0"
      }
      }\n`,
    );
    ping(OTHER, '-Q', String(46 * 4 + 2));
    expect(spaces.counted(gateway, 'ect0')).toBe(1);
  });
});

describe('a rule that names a gateway', () => {
  /** Packets that came through its device. */
  const throughOther = () => spaces.counted(other, 'arrived');

  beforeEach(() => {
    const chain =
      'chain arriving { type filter hook input priority filter; ip protocol { icmp, udp, tcp } counter comment "arrived"';
    spaces.load(other, `flush ruleset\ntable ip test { ${chain}\n}\n}\n`);
  });

  test('has its device carry what it names, and be answered', () => {
    expect(ping(ELSEWHERE).code).toBe(0);
    expect(throughOther()).toBe(1);
    expect(throughTunnel()).toEqual({});
    expect(leftBy(spaces, box).ipv4).toBe(0);
  });

  test('and nothing else', () => {
    expect(ping(OTHER).code).toBe(0);
    expect(throughOther()).toBe(0);
    expect(throughTunnel()).toEqual({ 0: 1 });
  });

  test('while it is away, sends its packets nowhere else', () => {
    spaces.in(box, 'ip', 'route', 'del', 'default', 'table', '6970', 'dev', 'sky0-1');
    expect(ping(ELSEWHERE).output).toMatch(/Destination Host Unreachable/);
    spaces.in(box, 'ip', 'rule', 'del', 'priority', '6964');
    expect(ping(ELSEWHERE).output).toMatch(/Packet filtered/);
    spaces.in(box, ...'ip rule add priority 6964 iif lan0 fwmark 0x6970 lookup 6970'.split(' '));
    spaces.in(box, ...'ip route add default via 10.65.0.1 dev sky0-1 table 6970'.split(' '));
    expect(throughTunnel()).toEqual({});
    expect(leftBy(spaces, box).ipv4).toBe(0);
    expect(ping(ELSEWHERE).code).toBe(0);
  });
});

test('without rules that need one there is no way past the tunnel, and no routing rule besides the one for the LAN', async () => {
  const without = RULES.slice(RULES.indexOf('[[policy]]', 2), RULES.lastIndexOf('[[policy]]'));
  expect(killSwitch(without)).not.toMatch(/0x69/);
  const next = new Box(box, spaces.directory, 'lan0', 'up0');
  await next.do('miner-start');
  for (const priority of ['6964', '6968']) {
    expect(spaces.in(box, 'ip', 'rule', 'show', 'priority', priority).trim()).toBe('');
  }
  await next.kill();
});

test('the longest rules load', () => {
  const list = (item: (i: number) => string) =>
    JSON.stringify(Array.from({ length: MAX_POLICY_ITEMS }, (_, i) => item(i)));
  const lists = `from = ${list((i) => `192.168.42.${i}`)}\nports = ${list((i) => `${2 * i + 1}`)}`;
  const rule = (i: number) => `[[policy]]\nuse = "redundant"\nto = ["10.${i}.0.0/16"]\n`;
  const rules = Array.from({ length: MAX_POLICY_RULES }, (_, i) => rule(i) + (i === 0 ? `${lists}\n` : ''));
  spaces.load(box, killSwitch(rules.join('')));
});
