/**
 * What a box shows to the world: two packages as a person installs them, one made a gateway by one command, looked at from
 * every side with nmap, and from inside.
 *
 *   laptop ──lan0── miner ──up0─────── net0 ── gateway ──up0── internet (198.51.100.80)
 *     192.168.42.0/24    10.50.1.0/24               203.0.113.0/24
 *
 * miner: Debian 12, gateway: Debian 13. The uplink of the miner is seen from the gateway's end of the cable.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PROJECT_ROOT } from '../../scripts/named-runs.ts';
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { Container } from './harness/container.ts';
import { buildPackage, packageDependencies } from './harness/debian-package.ts';
import { type DebianRelease, debianRoot } from './harness/debian-root.ts';
import { type Host, Lab } from './harness/lab.ts';
import { until } from './harness/until.ts';

export const about =
  'open ports from every side, security score, permissions and secrets of an installed miner and gateway';
export const takes = '2 min';

const CONFIG = '/etc/skywire/skywired.toml';
const UNITS = ['skywired.service', 'skywire-firewall.service', 'skywire-identity.service'];
const MAX_EXPOSURE = 3.0;
const CONNECT_DEADLINE_MS = 60_000;
const SERVER = '198.51.100.80';
/** Where services listen that nobody meant to start: DNS, DHCP, TFTP, NTP, SNMP, DHCPv6, SSDP, mDNS, LLMNR, and ours. */
const UDP_PORTS = [53, 67, 69, 123, 161, 547, 1900, 5353, 5355, 6969];

interface Site {
  readonly laptop: Host;
  readonly internet: Host;
  readonly miner: Container;
  readonly gateway: Container;
}

/** Ports by what nmap says about them: `tcp/53 open`, closed ones left out. */
function openPorts(from: Host, address: string, ...options: string[]): string[] {
  const common = ['-n', '-Pn', '-T4', '--max-retries', '2', '-oG', '-', ...options, address];
  const listed = /Ports: (.*?)(?:\t|$)/m.exec(from.run('nmap', ...common))?.[1] ?? '';
  return listed
    .split(', ')
    .filter((entry) => entry !== '')
    .map((entry) => entry.split('/'))
    .filter(([, state]) => state.startsWith('open'))
    .map(([port, , protocol]) => `${protocol}/${port}`)
    .sort();
}

const everyTcpPort = (from: Host, address: string) => openPorts(from, address, '-sS', '-p-');
/** No answer counts as open: only an error is a refusal. */
const someUdpPorts = (from: Host, address: string) => openPorts(from, address, '-sU', '-p', UDP_PORTS.join(','));

async function lay(context: RunContext): Promise<Site> {
  const lab = new Lab(context);
  context.log('building the package');
  const file = buildPackage(lab.file('packages'), '0.1.0~lab1');
  const control = readFileSync(join(PROJECT_ROOT, 'packaging/debian/control.in'), 'utf8');
  const [laptop, internet] = [lab.addHost('laptop'), lab.addHost('internet')];
  const boot = async (name: string, release: DebianRelease) => {
    const root = debianRoot(release, packageDependencies(control));
    const container = new Container(lab, lab.addHost(name), root, [dirname(file)]);
    context.onExit(() => container.remove());
    await container.boot();
    return container;
  };
  const [miner, gateway] = [await boot('miner', 12), await boot('gateway', 13)];
  const plug = (host: Host, device: string, address: string) => ({ host, device, addresses: [address] });
  lab.connect(plug(laptop, 'eth0', '192.168.42.250/24'), plug(miner.host, 'lan0', '192.168.42.1/24'));
  lab.connect(plug(miner.host, 'up0', '10.50.1.1/24'), plug(gateway.host, 'net0', '10.50.1.2/24'));
  lab.connect(plug(gateway.host, 'up0', '203.0.113.2/24'), plug(internet, 'eth0', '203.0.113.1/24'));
  internet.addAddress('lo', `${SERVER}/32`);
  laptop.addRoute('default', '192.168.42.1');
  gateway.host.addRoute('default', '203.0.113.1');
  // A refusal that is left out to save traffic would look like an open port.
  for (const { host } of [miner, gateway]) host.sysctl('net.ipv4.icmp_ratelimit', 0);
  for (const container of [miner, gateway]) container.run('apt-get', 'install', '--yes', file);
  return { laptop, internet, miner, gateway };
}

/** As the README says it: one command at the gateway, a few lines at home. Resolves when a ping comes back from the internet. */
async function configure({ laptop, miner, gateway }: Site): Promise<string> {
  const { key } = JSON.parse(miner.run('skywire', 'address', '--key-file', '/var/lib/skywire/node.key', '--json'));
  const command = ['skywire', 'setup', 'gateway', '--dns', '192.0.2.53', '--peer', key, '--json'];
  const made = JSON.parse(gateway.run(command[0], ...command.slice(1)));
  const again = JSON.parse(gateway.run(command[0], ...command.slice(1)));
  const lines = [
    `[[peer]]\nkey = "${made.key}"\nendpoint = "10.50.1.2:6969"`,
    '[lan]\ninterface = "lan0"',
    `[tunnel]\ngateway = "${made.address}"`,
  ];
  miner.sh(
    `printf '%s\\n' '${lines.join('\n')}' >> ${CONFIG}; skywire check-config ${CONFIG}; systemctl restart ${UNITS[1]} ${UNITS[0]}`,
  );
  const explain = () => miner.ask('skywire', 'status') + miner.ask('journalctl', '--no-pager', '-n', '20');
  await until(
    'a ping through the tunnel',
    CONNECT_DEADLINE_MS,
    () => laptop.run('ping', '-c1', '-W1', SERVER),
    explain,
  );
  return again.key === made.key && again.address === made.address ? made.endpoint : 'another key than before';
}

/** Each side with what may be open there. */
function lookAround(site: Site): Record<string, { open: readonly string[]; right: boolean }> {
  const { laptop, internet, gateway } = site;
  const views: Record<string, [readonly string[], readonly string[]]> = {
    'miner from its uplink, TCP': [everyTcpPort(gateway.host, '10.50.1.1'), []],
    'miner from its uplink, UDP': [someUdpPorts(gateway.host, '10.50.1.1'), ['udp/6969']],
    'miner from its LAN, TCP': [everyTcpPort(laptop, '192.168.42.1'), ['tcp/53']],
    'miner from its LAN, UDP': [someUdpPorts(laptop, '192.168.42.1'), ['udp/53', 'udp/67']],
    'miner from its LAN, the address of its uplink': [someUdpPorts(laptop, '10.50.1.1'), []],
    'gateway from the internet, TCP': [everyTcpPort(internet, '203.0.113.2'), []],
    'gateway from the internet, UDP': [someUdpPorts(internet, '203.0.113.2'), ['udp/6969']],
    'gateway from a client, TCP': [openPorts(laptop, '10.64.0.1', '-sS', '-F'), []],
  };
  return Object.fromEntries(
    Object.entries(views).map(([side, [open, allowed]]) => [side, { open, right: open.join() === allowed.join() }]),
  );
}

/** The score of each unit, as the systemd of that system sees it while it runs. */
function exposures(container: Container): Record<string, number> {
  const scoreOf = (unit: string) => {
    const report = container.ask('systemd-analyze', 'security', '--no-pager', unit);
    return Number(/Overall exposure level for \S+: ([\d.]+)/.exec(report)?.[1]);
  };
  return Object.fromEntries(UNITS.map((unit) => [unit, scoreOf(unit)]));
}

/** What is wrong with files: who may write or read them, and where a secret stands that is none of theirs. */
function wrongFiles(container: Container): string[] {
  const found = (what: string, command: string) =>
    container
      .ask('sh', '-c', command)
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => `${container.host.name}: ${what}: ${line}`);
  const packaged = 'dpkg -L skywire | while read -r f; do [ -d "$f" ] || echo "$f"; done | xargs -d "\\n"';
  const own = '/var/lib/skywire /run/skywire /etc/skywire';
  return [
    ...found('others may write', `${packaged} -I{} find {} -perm /022`),
    ...found("not root's", `${packaged} -I{} find {} ! -user root`),
    ...found('set-id', `${packaged} -I{} find {} -perm /6000`),
    ...found('others may write', `find ${own} -perm /002 ! -type l`),
    ...found('others may read a key', `find ${own} -name '*.key' -perm /077`),
    ...found('others may read the configuration', `find /etc/skywire -type f -perm /007`),
    ...found('a key in the package', `${packaged} -I{} find {} -name '*.key'`),
    ...found(
      'a private key in the package',
      `${packaged} grep -lE -- '-----BEGIN [A-Z ]*PRIVATE KEY' | grep -v '/node$'`,
    ),
    ...found(
      'the secret in the log',
      `journalctl --no-pager | grep -cF "$(cat /var/lib/skywire/node.key)" | grep -v '^0$'`,
    ),
  ];
}

export async function run(context: RunContext): Promise<RunResult> {
  const site = await lay(context);
  context.log('configuring');
  const endpoint = await configure(site);
  context.log('looking from every side');
  const sides = lookAround(site);
  const scores = { miner: exposures(site.miner), gateway: exposures(site.gateway) };
  const files = [site.miner, site.gateway].flatMap(wrongFiles);
  const exposed = Object.values(scores)
    .flatMap((units) => Object.values(units))
    .some((score) => !(score < MAX_EXPOSURE));
  const open = Object.values(sides).some(({ right }) => !right);
  const pass = !exposed && !open && files.length === 0 && endpoint === '203.0.113.2:6969';
  return { pass, endpoint, exposures: scores, files, sides };
}
