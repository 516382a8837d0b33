/**
 * The Debian package in clean Debian 12 and 13 systems with real systemd: it installs, runs, comes back after a crash, a hang
 * and a reboot, upgrades, downgrades, and leaves as it was told to. The one for arm64 is unpacked and runs under emulation.
 *
 *   debian-12   debian-13      each: systemd-nspawn over a clean root, in a network of its own
 *      │up0        │up0
 *   nobody      nobody
 */
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { PROJECT_ROOT } from '../../scripts/named-runs.ts';
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { Container } from './harness/container.ts';
import { buildPackage, copyTree, packageDependencies, tryArm64 } from './harness/debian-package.ts';
import { DEBIAN_SUITES, type DebianRelease, debianRoot } from './harness/debian-root.ts';
import { Lab, tool } from './harness/lab.ts';
import { until } from './harness/until.ts';

export const about =
  'the Debian package installs, runs, upgrades, downgrades and purges in clean Debian 12 and 13 systems';
export const takes = '3 min, and 2 more for the systems the first time';

const DAEMON = 'skywired.service';
const FIREWALL = 'skywire-firewall.service';
const CONFIG = '/etc/skywire/skywired.toml';
const KEY = '/var/lib/skywire/node.key';
const RESTART_DEADLINE_MS = 30_000;
const OLD = '0.1.0~lab1';
const NEW = '0.1.0~lab2';
const MAX_MEMORY_BYTES = 150e6;
/** Our own are counted; what dpkg, debconf and logs remember of a package is theirs. */
const LEFT_BEHIND =
  'find / -xdev -iname "*skywire*" -not -path "/proc/*" -not -path "/var/lib/dpkg/*" -not -path "/tmp/*"';

interface Packages {
  readonly old: string;
  readonly new: string;
}

class Box {
  readonly container: Container;
  private readonly packages: Packages;
  readonly wrong: string[] = [];

  constructor(container: Container, packages: Packages) {
    this.container = container;
    this.packages = packages;
  }

  check(right: boolean, what: string): void {
    if (!right) this.wrong.push(what);
  }

  install(version: keyof Packages): void {
    this.container.run('apt-get', 'install', '--yes', '--allow-downgrades', this.packages[version]);
    const installed = /^Version: (.*)$/m.exec(this.container.run('dpkg-query', '--status', 'skywire'))?.[1];
    this.check(installed === (version === 'old' ? OLD : NEW), `${version} package: ${installed} is installed`);
    this.check(this.isActive(DAEMON) && this.isActive(FIREWALL), `${version} package: the services do not run`);
  }

  isActive(unit: string): boolean {
    return this.container.property(unit, 'ActiveState') === 'active';
  }

  get pid(): string {
    return this.container.property(DAEMON, 'MainPID');
  }

  get key(): string {
    return this.container.run('cat', KEY);
  }

  /** Runs again, as another process than before. */
  async runsAgain(what: string, before: string): Promise<void> {
    const again = () => this.isActive(DAEMON) && this.pid !== before;
    await until(`${this.container.host.name}: ${what}`, RESTART_DEADLINE_MS, again, () =>
      this.container.ask('journalctl', '--no-pager', '-n', '20', '-u', DAEMON),
    );
  }

  /** What systemd is told beside the unit, until `reset`. */
  dropIn(text: string): void {
    const folder = `/run/systemd/system/${DAEMON}.d`;
    this.container.sh(
      `mkdir -p ${folder}; printf '[Service]\\n%s\\n' '${text}' > ${folder}/lab.conf; systemctl daemon-reload`,
    );
  }

  reset(): void {
    this.container.sh(`rm -r /run/systemd/system/${DAEMON}.d; systemctl daemon-reload; systemctl restart ${DAEMON}`);
  }
}

/** Crash, hang, and a data path without the addon. */
async function comesBack(box: Box): Promise<void> {
  const { container } = box;
  let { pid } = box;
  container.run('systemctl', 'kill', '--signal=KILL', '--kill-whom=main', DAEMON);
  await box.runsAgain('back after kill -9', pid);

  box.dropIn('WatchdogSec=2s');
  container.run('systemctl', 'restart', DAEMON);
  pid = box.pid;
  container.run('systemctl', 'kill', '--signal=STOP', '--kill-whom=main', DAEMON);
  // A stopped process does not end by itself: the watchdog has ended it.
  await box.runsAgain('back after a hang', pid);

  // An empty ExecStart takes back the unit's own.
  box.dropIn(`ExecStart=\nExecStart=/usr/sbin/skywired --config ${CONFIG} --datapath portable`);
  container.run('systemctl', 'restart', DAEMON);
  const status = JSON.parse(container.run('skywire', 'status', '--json'));
  box.check(status.datapath.name === 'portable', 'the portable data path does not start under systemd');
  box.reset();
}

/** A configuration with a mistake stops the daemon, not the kill switch, and no amount of trying is made. */
async function refusesMistakes(box: Box): Promise<void> {
  const { container } = box;
  container.sh(`cp ${CONFIG} /root/right.toml; echo 'nonsense = 1' >> ${CONFIG}`);
  const code = container.ask('sh', '-c', `systemctl restart ${DAEMON} 2> /dev/null; echo $?`).trim();
  box.check(code !== '0', 'a wrong configuration was accepted');
  box.check(container.property(DAEMON, 'ActiveState') === 'failed', 'a wrong configuration is tried again and again');
  container.sh(`cp /root/right.toml ${CONFIG}; systemctl restart ${DAEMON}`);
  box.check(box.isActive(DAEMON), 'it does not start with the configuration mended');
}

async function reboots(box: Box): Promise<void> {
  const { container, key } = box;
  await container.powerOff();
  const state = await container.boot();
  const why = () =>
    container.ask('sh', '-c', 'systemctl --failed --no-legend; journalctl --boot --no-pager -u "skywire*"');
  box.check(state === 'running', `after a reboot the system is ${state}: ${state === 'running' ? '' : why()}`);
  box.check(box.isActive(DAEMON) && box.key === key, 'after a reboot it is another node, or none');
  const at = (unit: string) => Number(container.property(unit, 'ActiveEnterTimestampMonotonic'));
  box.check(
    at(FIREWALL) > 0 && at(FIREWALL) <= at('network-pre.target'),
    'a network may come up before the kill switch',
  );
}

/** As new, as the same node or as another one. */
function resets(box: Box): void {
  const { container, key } = box;
  container.sh(`printf '[lan]\\ninterface = "up0"\\n' >> ${CONFIG}`);
  container.run('skywire', 'setup', 'reset', '--keep-identity');
  box.check(box.isActive(DAEMON) && box.key === key, 'a reset that was to keep the identity did not');
  box.check(!/^\[lan\]/m.test(container.run('cat', CONFIG)), 'a reset kept the configuration');
  container.run('skywire', 'setup', 'reset', '--new-identity');
  box.check(box.isActive(DAEMON) && box.key !== key, 'a reset that was to make a new identity did not');
}

/** Kept unless somebody says otherwise; then gone without a trace. */
function purges(box: Box): void {
  const { container, key } = box;
  container.run('apt-get', 'purge', '--yes', 'skywire');
  box.check(container.ask('cat', KEY) === key, 'a purge took the identity without being told to');
  box.check(!box.isActive(DAEMON), 'the daemon runs on after a purge');
  box.install('new');
  box.check(box.key === key, 'installed again it is another node');
  // As a miner and a gateway at once it leaves everything loaded that there is.
  const gateway = 'enable = true\\npool = "10.64.0.0/16"\\nuplink = "lo"\\ndns = "192.0.2.53"';
  container.sh(
    `printf '[lan]\\ninterface = "up0"\\n[gateway]\\n${gateway}\\n' >> ${CONFIG}; systemctl restart ${FIREWALL} ${DAEMON}`,
  );
  const rules = () =>
    container.run('nft', 'list', 'tables') + container.run('ip', 'rule') + container.run('ip', 'route');
  box.check(
    /skywire_lan/.test(rules()) && /6969/.test(rules()) && /blackhole/.test(rules()),
    'not all rules are loaded',
  );
  container.sh('echo "skywire skywire/remove-identity boolean true" | debconf-set-selections');
  container.run('apt-get', 'purge', '--yes', 'skywire');
  const left = container.ask('sh', '-c', LEFT_BEHIND).trim();
  box.check(left === '', `left behind by a purge: ${left}`);
  box.check(!/skywire|6969|blackhole/.test(rules()), `a purge left rules behind: ${rules()}`);
}

async function live(box: Box): Promise<Record<string, unknown>> {
  const { container } = box;
  const startedMs = performance.now();
  box.install('old');
  const installSeconds = Math.round((performance.now() - startedMs) / 100) / 10;
  const { key } = box;
  const status = JSON.parse(container.run('skywire', 'status', '--json'));
  box.check(status.datapath.curve === 'libsecp256k1', `the addon does not load: ${JSON.stringify(status.datapath)}`);
  const memoryBytes = 1024 * Number(/VmRSS:\s+(\d+)/.exec(container.run('cat', `/proc/${box.pid}/status`))![1]);
  box.check(memoryBytes < MAX_MEMORY_BYTES, `the daemon takes ${memoryBytes} bytes`);
  await comesBack(box);
  await refusesMistakes(box);
  container.sh(`echo '# mine' >> ${CONFIG}`);
  const config = container.run('cat', CONFIG);
  const before = box.pid;
  box.install('new');
  await box.runsAgain('restarted by an upgrade', before);
  box.install('old');
  box.check(
    box.key === key && container.run('cat', CONFIG) === config,
    'an upgrade or downgrade changed key or configuration',
  );
  await reboots(box);
  resets(box);
  purges(box);
  const failed = container.ask('systemctl', '--failed', '--plain', '--no-legend').trim();
  box.check(failed === '', `failed units: ${failed}`);
  return { install_s: installSeconds, memory_mb: Math.round(memoryBytes / 1e6), wrong: box.wrong };
}

export async function run(context: RunContext): Promise<RunResult> {
  const lab = new Lab(context);
  context.log('building the package four times, once at another path, once for arm64');
  const old = buildPackage(lab.file('packages'), OLD);
  const again = buildPackage(lab.file('again'), OLD, { tree: copyTree(lab.file('copy')) });
  const packages = { old, new: buildPackage(lab.file('packages'), NEW) };
  const sha256 = (file: string) => tool('sha256sum', file).split(' ')[0];
  const reproducible = sha256(old) === sha256(again);
  const arm64 = tryArm64(buildPackage(lab.file('packages'), OLD, { arch: 'arm64' }), lab.file('arm64'));
  const complaints = lintian(old);
  const dependencies = packageDependencies(readFileSync(join(PROJECT_ROOT, 'packaging/debian/control.in'), 'utf8'));
  const figures: Record<string, { wrong?: readonly string[] }> = {};
  for (const release of Object.keys(DEBIAN_SUITES).map(Number) as DebianRelease[]) {
    const host = lab.addHost(`debian-${release}`);
    lab.connect(
      { host, device: 'up0', addresses: [`203.0.113.2/24`] },
      { host: lab.addHost(`nobody-${release}`), device: 'up0' },
    );
    context.log(`Debian ${release}`);
    const container = new Container(lab, host, debianRoot(release, dependencies), [dirname(packages.old)]);
    context.onExit(() => container.remove());
    await container.boot();
    figures[`debian_${release}`] = await live(new Box(container, packages));
    await container.remove();
  }
  const pass =
    reproducible &&
    complaints.length === 0 &&
    arm64.length === 0 &&
    Object.values(figures).every(({ wrong }) => wrong?.length === 0);
  return { pass, package: basename(old), reproducible, lintian: complaints, arm64, ...figures };
}

/** What lintian calls an error; it ends with a failure when there is one. */
function lintian(file: string): string[] {
  const report = tool('sh', '-c', 'lintian "$1" 2> /dev/null || true', 'sh', file);
  return report.split('\n').filter((line) => line.startsWith('E:'));
}
