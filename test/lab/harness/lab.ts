/**
 * A network on one machine: hosts are network namespaces, cables are veth pairs, modems are token buckets. Everything that a
 * lab makes bears the process id and a random part in its name and is gone when the run ends, whichever way it ends.
 *
 * The kernels that this must run on have no netem: rate and queue are shaped (TBF), cuts are made with `ip link set down`.
 */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { RunContext } from '../../../scripts/run-contract.ts';
import { LabProcess, type ProcessOptions } from './lab-process.ts';
import { etcOf, pidsIn, removeNamespace, signalAll, sweepDeadLabs } from './sweep.ts';

/** How long programs get to end by themselves at the end of a lab. */
const END_GRACE_MS = 3_000;
const END_POLL_MS = 50;

/** A tool said no: carries what it printed. */
export class ToolError extends Error {}

/** Runs a tool to its end and returns what it printed. Throws ToolError when it fails. */
export function tool(command: string, ...args: string[]): string {
  const done = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  if (done.status === 0) return done.stdout;
  const why = done.error?.message ?? (done.stderr || done.stdout).trim();
  throw new ToolError(`${command} ${args.join(' ')}: ${why}`);
}

export class Host {
  /** `laptop` and the like. */
  readonly name: string;
  readonly namespace: string;
  private readonly lab: Lab;
  private started = 0;

  constructor(lab: Lab, name: string, namespace: string) {
    this.lab = lab;
    this.name = name;
    this.namespace = namespace;
  }

  /** Runs a tool in here to its end and returns what it printed. Throws ToolError when it fails. */
  run(command: string, ...args: string[]): string {
    return tool('ip', 'netns', 'exec', this.namespace, command, ...args);
  }

  /** Starts a program in here. It ends with the lab at the latest. */
  start(name: string, command: string, args: readonly string[], onLine?: ProcessOptions['onLine']): LabProcess {
    const logFile = this.lab.file(`${this.name}-${name}-${++this.started}.log`);
    const options = { name: `${this.name}/${name}`, logFile };
    const full = ['netns', 'exec', this.namespace, command, ...args];
    return new LabProcess('ip', full, onLine ? { ...options, onLine } : options);
  }

  addAddress(device: string, ...addresses: string[]): void {
    for (const address of addresses) {
      const noDad = address.includes(':') ? ['nodad'] : [];
      tool('ip', '-n', this.namespace, 'address', 'add', address, 'dev', device, ...noDad);
    }
  }

  addRoute(destination: string, via: string): void {
    const family = via.includes(':') ? '-6' : '-4';
    tool('ip', '-n', this.namespace, family, 'route', 'add', destination, 'via', via);
  }

  sysctl(key: string, value: string | number): void {
    this.run('sysctl', '-q', '-w', `${key}=${value}`);
  }

  setLink(device: string, state: 'up' | 'down'): void {
    tool('ip', '-n', this.namespace, 'link', 'set', 'dev', device, state);
  }

  setMtu(device: string, bytes: number): void {
    tool('ip', '-n', this.namespace, 'link', 'set', 'dev', device, 'mtu', String(bytes));
  }

  /** Shapes what leaves through the device, as a modem does: a rate, and a queue of at most so many milliseconds. */
  shape(device: string, rateMbit: number, queueMs: number): void {
    // A bucket smaller than what the rate brings in one 4 ms tick would hold the rate down.
    const burstBytes = Math.max(32_768, Math.ceil((rateMbit * 1e6 * 0.004) / 8));
    const shape = ['rate', `${rateMbit}mbit`, 'burst', `${burstBytes}`, 'latency', `${queueMs}ms`];
    tool('tc', '-n', this.namespace, 'qdisc', 'replace', 'dev', device, 'root', 'tbf', ...shape);
  }

  /** Every datagram leaves by itself, as on a real wire: by default veth passes trains of them on as one, and captures show that. */
  sendSingly(device: string): void {
    tool('ip', '-n', this.namespace, 'link', 'set', 'dev', device, 'gso_max_segs', '1');
  }

  /** Bytes that came in and went out through the device, Ethernet headers included. */
  linkBytes(device: string): { received: number; sent: number } {
    const [{ stats64 }] = JSON.parse(tool('ip', '-n', this.namespace, '-s', '-j', 'link', 'show', 'dev', device));
    return { received: stats64.rx.bytes, sent: stats64.tx.bytes };
  }

  hasLink(device: string): boolean {
    const links = JSON.parse(tool('ip', '-n', this.namespace, '-j', 'link', 'show')) as { ifname: string }[];
    return links.some((link) => link.ifname === device);
  }
}

/** One end of a cable. */
export interface Plug {
  readonly host: Host;
  readonly device: string;
  readonly addresses?: readonly string[];
}

export class Lab {
  /** For configurations, keys, logs, captures; removed with the lab. */
  readonly directory: string;
  private readonly prefix: string;
  private readonly hosts: Host[] = [];
  private ending = false;

  /** Needs root. Registers its own removal with the run. */
  constructor(context: RunContext) {
    if (process.getuid?.() !== 0) throw new Error('a lab makes network namespaces and needs root');
    sweepDeadLabs();
    this.directory = mkdtempSync(join(tmpdir(), `sky-${process.pid}-`));
    // Daemons that give up their privileges (dnsmasq) still have to reach their files in here.
    chmodSync(this.directory, 0o711);
    this.prefix = `sky-${process.pid}-${randomBytes(2).toString('hex')}`;
    context.onExit(() => this.remove());
  }

  /** A path in the lab's own folder. */
  file(name: string): string {
    this.assertNotEnding();
    return join(this.directory, name);
  }

  /** An interrupted run may still be on its way while the lab is taken down: it gets no further. */
  private assertNotEnding(): void {
    if (this.ending) throw new Error('the lab is being taken down');
  }

  addHost(name: string): Host {
    this.assertNotEnding();
    const host = new Host(this, name, `${this.prefix}-${name}`);
    this.hosts.push(host);
    mkdirSync(etcOf(host.namespace), { recursive: true });
    writeFileSync(join(etcOf(host.namespace), 'resolv.conf'), '');
    tool('ip', 'netns', 'add', host.namespace);
    host.setLink('lo', 'up');
    // Duplicate address detection costs a second at every `up` and proves nothing on a cable with two ends.
    for (const scope of ['all', 'default']) host.sysctl(`net.ipv6.conf.${scope}.accept_dad`, 0);
    return host;
  }

  /** Lays a cable between two hosts and brings both ends up. */
  connect(a: Plug, b: Plug): void {
    const end = (plug: Plug) => [plug.device, 'netns', plug.host.namespace];
    tool('ip', 'link', 'add', ...end(a), 'type', 'veth', 'peer', 'name', ...end(b));
    for (const plug of [a, b]) {
      plug.host.addAddress(plug.device, ...(plug.addresses ?? []));
      plug.host.setLink(plug.device, 'up');
    }
  }

  /** Ends all programs, removes all namespaces and files. Throws when something is left. */
  async remove(): Promise<void> {
    this.ending = true;
    const pids = () => this.hosts.flatMap((host) => pidsIn(host.namespace));
    signalAll(pids(), 'SIGTERM');
    const startedMs = performance.now();
    while (pids().length > 0 && performance.now() - startedMs < END_GRACE_MS) await pause(END_POLL_MS);
    for (const host of this.hosts) removeNamespace(host.namespace);
    rmSync(this.directory, { recursive: true, force: true });
    const left = this.hosts.filter((host) => existsSync(join('/run/netns', host.namespace)));
    if (left.length > 0) throw new Error(`namespaces left behind: ${left.map((host) => host.namespace).join(', ')}`);
  }
}
