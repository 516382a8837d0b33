/**
 * A Debian with its own systemd in the network of a lab's host: systemd-nspawn over a root that stays as it is (debian-root.ts). What
 * the container writes lies in the lab's folder, so it lives through a reboot and goes with the lab.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { type Host, type Lab, tool } from './lab.ts';
import { LabProcess } from './lab-process.ts';
import { until } from './until.ts';

const BOOT_DEADLINE_MS = 60_000;
const HALT_DEADLINE_MS = 30_000;
/** An answer of `systemctl is-system-running` that will not change by itself. */
const SETTLED = /^(running|degraded)$/;
const ENVIRONMENT = ['-i', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'LC_ALL=C.UTF-8', 'DEBIAN_FRONTEND=noninteractive'];

export class Container {
  readonly host: Host;
  private readonly lab: Lab;
  private readonly root: string;
  /** Folders of this machine that it sees, read-only, under the same path. */
  private readonly visible: readonly string[];
  private process: LabProcess | undefined;
  private leader = '';
  private boots = 0;

  constructor(lab: Lab, host: Host, root: string, visible: readonly string[] = []) {
    this.lab = lab;
    this.host = host;
    this.root = root;
    this.visible = visible;
    for (const name of ['upper', 'work', 'root']) mkdirSync(this.folder(name), { recursive: true });
  }

  /** Resolves when systemd has started everything it was to start; its state is `running` or `degraded`. */
  async boot(): Promise<string> {
    const { name, namespace } = this.host;
    // Mounted in a namespace of its own, which goes with the process however that ends.
    const layers = `lowerdir=${this.root},upperdir=${this.folder('upper')},workdir=${this.folder('work')}`;
    const mount = 'mount -t overlay overlay -o "$1" "$2" && shift 2 && exec "$@"';
    // The network is its own, so its switches under /proc/sys/net are, too.
    const nspawn = [
      ...['env', 'SYSTEMD_NSPAWN_API_VFS_WRITABLE=network'],
      ...['systemd-nspawn', '--quiet', '--boot', '--register=no', '--keep-unit', '--console=pipe'],
      ...['--directory', this.folder('root'), '--machine', namespace, '--hostname', name],
      ...['--network-namespace-path', `/run/netns/${namespace}`, '--capability=CAP_NET_ADMIN,CAP_NET_RAW'],
      ...this.visible.map((path) => `--bind-ro=${path}`),
    ];
    const logFile = this.lab.file(`${name}-boot-${++this.boots}.log`);
    const args = ['--mount', 'sh', '-c', mount, 'sh', layers, this.folder('root'), ...nspawn];
    const process = new LabProcess('unshare', args, { name: `${name}/nspawn`, logFile });
    this.process = process;
    const settled = () => {
      if (!process.running) throw new Error('it ended');
      this.leader = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').trim();
      if (!/^\d+$/.test(this.leader)) return undefined;
      const state = this.ask('systemctl', 'is-system-running').trim();
      return SETTLED.test(state) ? state : undefined;
    };
    return until(`${name} to boot`, BOOT_DEADLINE_MS, settled, () => process.tail());
  }

  /** Runs a command in it and returns what it printed. Throws ToolError when it fails. */
  run(command: string, ...args: string[]): string {
    const enter = ['--target', this.leader, '-m', '-u', '-i', '-n', '-p', '-C', '--root', '--wd'];
    return tool('nsenter', ...enter, 'env', ...ENVIRONMENT, command, ...args);
  }

  /** As `run`, for commands whose exit code is part of the answer. */
  ask(command: string, ...args: string[]): string {
    return this.run('sh', '-c', '"$@" || true', 'sh', command, ...args);
  }

  sh(script: string): string {
    return this.run('sh', '-euc', script);
  }

  /** A property of a unit, as `systemctl show` has it. */
  property(unit: string, name: string): string {
    return this.run('systemctl', 'show', '--value', '--property', name, unit).trim();
  }

  async powerOff(): Promise<void> {
    const { process } = this;
    if (process === undefined || !process.running) return;
    this.ask('systemctl', 'poweroff');
    await until(
      `${this.host.name} to halt`,
      HALT_DEADLINE_MS,
      () => !process.running,
      () => process.tail(),
    );
  }

  /** Whatever state it is in. */
  async remove(): Promise<void> {
    await this.process?.kill();
  }

  private folder(name: string): string {
    return this.lab.file(`${this.host.name}-${name}`);
  }
}
