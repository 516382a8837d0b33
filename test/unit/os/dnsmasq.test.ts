/**
 * dnsmasq as the box runs it, with a real DHCP client and a real resolver behind the tunnel:
 *
 *   laptop ──eth0──lan0── box ──sky0── resolver     192.0.2.53 and 192.0.2.54 (a cable stands for the TUN device)
 */
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dhcpRange, dnsmasqConfig, resolverUser } from '../../../src/os/dnsmasq.ts';
import { ipv4, prefix } from '../tunnel/packets.ts';
import { Box } from './box-driver.ts';
import { Namespaces } from './namespaces.ts';

const OPTIONS = {
  directory: '/var/lib/skywire/dnsmasq',
  lan: 'lan0',
  lanAddress: prefix('192.168.42.1/24'),
  dhcp: true,
  tun: 'sky0',
  user: 'dnsmasq',
};

describe('the configuration', () => {
  test('serves the LAN only, and asks nobody but whom the servers file names', () => {
    const lines = dnsmasqConfig(OPTIONS, 2.9).split('\n');
    for (const line of [
      'interface=lan0',
      'except-interface=lo',
      'bind-dynamic',
      'no-resolv',
      'no-hosts',
      'servers-file=/var/lib/skywire/dnsmasq/dnsmasq.servers',
      'filter-AAAA',
      'dhcp-range=set:lan,192.168.42.2,192.168.42.254,255.255.255.0,12h',
      'dhcp-option=tag:lan,option:router,192.168.42.1',
      'dhcp-option=tag:lan,option:dns-server,192.168.42.1',
      'user=dnsmasq',
    ]) {
      expect(lines).toContain(line);
    }
  });

  test('leaves out what an older dnsmasq does not know, and DHCP where it is not wanted', () => {
    const text = dnsmasqConfig({ ...OPTIONS, dhcp: false }, 2.85);
    expect(text).not.toContain('filter-AAAA');
    expect(text).not.toContain('dhcp');
  });

  test.each([
    ['192.168.42.1/24', '192.168.42.2', '192.168.42.254'],
    ['192.168.42.254/24', '192.168.42.1', '192.168.42.253'],
    ['10.0.0.100/24', '10.0.0.101', '10.0.0.254'],
    ['10.0.0.1/30', '10.0.0.2', '10.0.0.2'],
  ])('a box at %s gives out %s to %s', (lan, first, last) => {
    expect(dhcpRange(prefix(lan))).toEqual({ first: ipv4(first), last: ipv4(last) });
  });

  test("runs as the package's user, else as nobody, else says which user is missing", () => {
    const nobody = 'nobody:x:65534:65534:nobody:/:/bin/false\n';
    expect(resolverUser(`${nobody}dnsmasq:x:107:65534::/:/bin/false\n`)).toEqual({ name: 'dnsmasq', uid: 107 });
    expect(resolverUser(nobody)).toEqual({ name: 'nobody', uid: 65_534 });
    expect(() => resolverUser('root:x:0:0::/root:/bin/sh\n')).toThrow('no user dnsmasq');
  });
});

describe('the server', () => {
  let spaces: Namespaces;
  let laptop: string;
  let namespace: string;
  let box: Box;

  beforeAll(() => {
    spaces = new Namespaces();
    // The state directory's mode: dnsmasq, which is not root, passes through.
    chmodSync(spaces.directory, 0o711);
    laptop = spaces.add('laptop');
    namespace = spaces.add('box');
    const resolver = spaces.add('resolver');
    spaces.connect(laptop, 'eth0', namespace, 'lan0');
    spaces.connect(namespace, 'sky0', resolver, 'eth0');
    const commands: [string, string][] = [
      [namespace, 'ip address add 192.168.42.1/24 dev lan0'],
      [namespace, 'ip address add 192.0.2.2/24 dev sky0'],
      [resolver, 'ip address add 192.0.2.53/24 dev eth0'],
      [resolver, 'ip address add 192.0.2.54/24 dev eth0'],
    ];
    for (const [where, command] of commands) spaces.in(where, ...command.split(' '));
    for (const [address, answer] of [
      ['192.0.2.53', '198.51.100.80'],
      ['192.0.2.54', '198.51.100.81'],
    ]) {
      const names = [`--address=/www.example.net/${answer}`, '--address=/www.example.net/2001:db8::80'];
      const only = ['--conf-file=/dev/null', '--pid-file=', '--bind-interfaces', '--no-resolv', '--no-hosts'];
      // Returns when it serves: dnsmasq goes to the background by itself.
      spaces.in(resolver, 'dnsmasq', ...only, `--listen-address=${address}`, ...names);
    }
    box = new Box(namespace, spaces.directory);
  });

  afterAll(async () => {
    await box.kill();
    spaces.remove();
  });

  /** The answers to a question of the laptop, or the reason why there are none. */
  const ask = (type: string): string => {
    const question = ['dig', '+time=2', '+tries=1', '@192.168.42.1', 'www.example.net', type];
    const { output } = spaces.try(laptop, ...question);
    const answers = [...output.matchAll(/^www\.example\.net\.\s.*\s(\S+)$/gm)].map(([, answer]) => answer);
    return answers.join() || (/status: (\w+)/.exec(output)?.[1] ?? output);
  };

  const pid = (): number => Number(readFileSync(join(spaces.directory, 'dnsmasq', 'dnsmasq.pid'), 'utf8'));

  test('starts', async () => {
    expect(await box.do('dnsmasq-start')).toBe('ok null');
    expect(statSync(`/proc/${pid()}`).uid).toBe(resolverUser('nobody:x:65534:').uid);
  });

  test('gives the laptop an address, itself as router and as DNS server', () => {
    const script = join(spaces.directory, 'dhclient-script');
    writeFileSync(script, '#!/bin/sh\nip address replace "$new_ip_address/24" dev "$interface" 2>/dev/null || true\n', {
      mode: 0o755,
    });
    const file = (name: string): string => join(spaces.directory, name);
    const options = ['-1', '-sf', script, '-lf', file('lease'), '-pf', file('dhclient.pid'), '-cf', '/dev/null'];
    spaces.in(laptop, 'dhclient', ...options, 'eth0');
    const lease = readFileSync(file('lease'), 'utf8');
    expect(lease).toMatch(/fixed-address 192\.168\.42\.\d+;/);
    expect(lease).toMatch(/option routers 192\.168\.42\.1;/);
    expect(lease).toMatch(/option domain-name-servers 192\.168\.42\.1;/);
    expect(spaces.in(laptop, 'ip', '-4', 'address', 'show', 'dev', 'eth0')).toMatch(/192\.168\.42\.\d+\/24/);
  });

  test('refuses questions at once while there is no resolver', () => {
    expect(ask('A')).toBe('REFUSED');
  });

  test('asks the resolver of the lease through the tunnel, and keeps IPv6 addresses to itself', async () => {
    expect(await box.do('dnsmasq-resolver 192.0.2.53')).toBe('ok null');
    await box.logged('using nameserver 192.0.2.53#53(via sky0)');
    expect(ask('A')).toBe('198.51.100.80');
    expect(ask('AAAA')).toBe('NOERROR');
  });

  test('changes over to the resolver of another lease without an old answer', async () => {
    expect(await box.do('dnsmasq-resolver 192.0.2.54')).toBe('ok null');
    await box.logged('using nameserver 192.0.2.54#53(via sky0)');
    expect(ask('A')).toBe('198.51.100.81');
  });

  test('comes back when it dies', async () => {
    process.kill(pid(), 'SIGKILL');
    await box.logged('dnsmasq-ended');
    await box.logged('using nameserver 192.0.2.54#53(via sky0)');
    expect(ask('A')).toBe('198.51.100.81');
  });

  test('outlives a daemon that was killed, and is taken over by the next one', async () => {
    await box.kill();
    const orphan = pid();
    expect(ask('A')).toBe('198.51.100.81');
    box = new Box(namespace, spaces.directory);
    expect(await box.do('dnsmasq-start')).toBe('ok null');
    expect(pid()).not.toBe(orphan);
    expect(ask('A')).toBe('REFUSED');
  });

  test('ends with the daemon', async () => {
    const last = pid();
    expect(await box.do('dnsmasq-stop')).toBe('ok null');
    expect(() => process.kill(last, 0)).toThrow('ESRCH');
  });

  test('says that another server has the port', async () => {
    const other = ['--conf-file=/dev/null', '--pid-file=', '--listen-address=192.168.42.1', '--bind-interfaces'];
    spaces.in(namespace, 'dnsmasq', ...other);
    expect(await box.do('dnsmasq-start')).toMatch(
      /^failed address-in-use: dnsmasq does not start: .*in use\. Stop the/,
    );
  });
});
