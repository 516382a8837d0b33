/**
 * The LAN's DHCP and DNS server: dnsmasq in the foreground as a child, with a configuration of our own and none of the
 * system's. It asks the gateway's resolver, through the TUN device only; without a lease it knows no resolver and refuses
 * questions at once.
 *
 * States: stopped, starting (until it says that it started), running, waiting (it died; it is started again after 500 ms,
 * doubling to 30 s, and from 500 ms again once it ran for a minute).
 *
 * A daemon that was killed leaves its dnsmasq behind, still serving the LAN; the next start ends that one first.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../base/env.ts';
import { Failure } from '../base/failure.ts';
import { broadcastAddress, formatIpv4, networkAddress } from '../control/ip-text.ts';
import { type Ipv4Prefix, netmask } from '../wire/ip.ts';
import { Child } from './child.ts';
import { runTool } from './command.ts';
import { HOTSPOT_INTERFACE } from './hotspot-rules.ts';
import { ensureDirectory, READABLE_BY_ALL, replaceFile } from './store.ts';

const FIRST_RESTART_MS = 500;
const LAST_RESTART_MS = 30_000;
const HEALTHY_AFTER_MS = 60_000;
const START_MS = 10_000;
const END_ORPHAN_MS = 5_000;
const ORPHAN_POLL_MS = 20;
/** `filter-AAAA` came with this version; without it laptops get IPv6 addresses that they then can't reach. */
const FILTERS_AAAA_SINCE = 2.87;
/** Answers kept; a household's day, 100 bytes each. */
const CACHE_ENTRIES = 2_000;
const LEASE_TIME = '12h';
/** Strangers come and go, and addresses must not run out. */
const HOTSPOT_LEASE_TIME = '1h';

export interface DnsmasqOptions {
  /** Holds its files; others may pass through it, because dnsmasq is not root. */
  readonly directory: string;
  readonly lan: string;
  /** The box's own address on the LAN. */
  readonly lanAddress: Ipv4Prefix;
  /** False when the LAN has another DHCP server; DNS is served anyway. */
  readonly dhcp: boolean;
  /** The box's own address in the hotspot, where both are always served; undefined: there is no hotspot. */
  readonly hotspotAddress?: Ipv4Prefix | undefined;
  readonly tun: string;
  readonly user: string;
  readonly log: Log;
}

export interface ResolverUser {
  readonly name: string;
  readonly uid: number;
}

/**
 * Whom dnsmasq runs as: its own user where the package made one, else nobody.
 * @throws Failure system-tool
 */
export function resolverUser(passwd = readFileSync('/etc/passwd', 'utf8')): ResolverUser {
  for (const name of ['dnsmasq', 'nobody']) {
    const uid = new RegExp(`^${name}:[^:]*:(\\d+):`, 'm').exec(passwd)?.[1];
    if (uid !== undefined) return { name, uid: Number(uid) };
  }
  throw new Failure('system-tool', 'there is no user dnsmasq', 'Make one: adduser --system --no-create-home dnsmasq');
}

/** The text of the configuration file. `version` is dnsmasq's, 2.9 for one: 2.90. */
export function dnsmasqConfig(options: Omit<DnsmasqOptions, 'log'>, version: number): string {
  const { directory, lan, lanAddress, dhcp, hotspotAddress, user } = options;
  const lines = [
    '# Written by skywired at each start.',
    `user=${user}`,
    `pid-file=${pidFile(directory)}`,
    `interface=${lan}`,
    'except-interface=lo',
    'bind-dynamic',
    'no-resolv',
    'no-hosts',
    `servers-file=${serversFile(directory)}`,
    'domain-needed',
    'bogus-priv',
    `cache-size=${CACHE_ENTRIES}`,
  ];
  if (version >= FILTERS_AAAA_SINCE) lines.push('filter-AAAA');
  if (hotspotAddress !== undefined) lines.push(`interface=${HOTSPOT_INTERFACE}`);
  if (dhcp || hotspotAddress !== undefined) {
    lines.push('dhcp-authoritative', 'quiet-dhcp', `dhcp-leasefile=${join(directory, 'dhcp-leases')}`);
  }
  if (dhcp) lines.push(...dhcpLines(lanAddress, 'lan', LEASE_TIME));
  if (hotspotAddress !== undefined) lines.push(...dhcpLines(hotspotAddress, 'hotspot', HOTSPOT_LEASE_TIME));
  return `${lines.join('\n')}\n`;
}

/** What one network is told; the mark keeps it apart from the other. */
function dhcpLines(address: Ipv4Prefix, mark: string, leaseTime: string): string[] {
  const { first, last } = dhcpRange(address);
  const range = [formatIpv4(first), formatIpv4(last), formatIpv4(netmask(address.prefixLength)), leaseTime];
  const own = formatIpv4(address.address);
  return [
    `dhcp-range=set:${mark},${range.join(',')}`,
    `dhcp-option=tag:${mark},option:router,${own}`,
    `dhcp-option=tag:${mark},option:dns-server,${own}`,
  ];
}

/** The larger part of the LAN on one side of the box's own address. */
export function dhcpRange(lanAddress: Ipv4Prefix): { first: number; last: number } {
  const lowest = networkAddress(lanAddress) + 1;
  const highest = broadcastAddress(lanAddress) - 1;
  const own = lanAddress.address;
  return highest - own >= own - lowest ? { first: own + 1, last: highest } : { first: lowest, last: own - 1 };
}

export class Dnsmasq {
  private readonly options: DnsmasqOptions;
  private readonly child: Child;
  private startedAt = 0;
  private restart: NodeJS.Timeout | undefined;
  private restartMs = FIRST_RESTART_MS;
  private stopping = false;

  constructor(options: DnsmasqOptions) {
    this.options = options;
    this.child = new Child('dnsmasq', options.log, (reason) => this.launchAgain(reason), { explain: startFailure });
  }

  /**
   * Resolves when it serves.
   * @throws Failure system-tool (missing, or refuses its configuration), address-in-use
   */
  async start(): Promise<void> {
    const { directory } = this.options;
    ensureDirectory(directory);
    await this.endOrphan();
    await replaceFile(configFile(directory), dnsmasqConfig(this.options, await readVersion()), READABLE_BY_ALL);
    await replaceFile(serversFile(directory), '', READABLE_BY_ALL);
    this.stopping = false;
    await this.launch();
  }

  /** The resolver to ask through the TUN device, which must exist; zero for none. */
  async setResolver(address: number): Promise<void> {
    const line = address === 0 ? '' : `server=${formatIpv4(address)}@${this.options.tun}\n`;
    await replaceFile(serversFile(this.options.directory), line, READABLE_BY_ALL);
    // It reads this file again at SIGHUP, and its configuration never.
    this.child.signal('SIGHUP');
  }

  async stop(): Promise<void> {
    this.stopping = true;
    clearTimeout(this.restart);
    await this.child.stop();
  }

  /** Resolves at "started", rejects when it ends before that; from then on its end leads to a restart. */
  private launch(): Promise<void> {
    const args = ['--keep-in-foreground', `--conf-file=${configFile(this.options.directory)}`, '--log-facility=-'];
    this.startedAt = performance.now();
    return this.child.start(args, /: started, version /, START_MS);
  }

  private launchAgain(reason: string): void {
    if (performance.now() - this.startedAt > HEALTHY_AFTER_MS) this.restartMs = FIRST_RESTART_MS;
    this.options.log.write('warn', 'dnsmasq-ended', { reason, restartMs: this.restartMs });
    this.restart = setTimeout(() => {
      this.launch().catch((error: Error) => {
        if (!this.stopping) this.launchAgain(error.message);
      });
    }, this.restartMs);
    this.restartMs = Math.min(2 * this.restartMs, LAST_RESTART_MS);
  }

  /** Only a process that runs with our own configuration file. */
  private async endOrphan(): Promise<void> {
    const { directory } = this.options;
    const pid = Number(readText(pidFile(directory)));
    if (!Number.isInteger(pid) || pid <= 1) return;
    const isOurs = (): boolean => readText(`/proc/${pid}/cmdline`).includes(`--conf-file=${configFile(directory)}\0`);
    if (!isOurs()) return;
    process.kill(pid, 'SIGTERM');
    const deadline = performance.now() + END_ORPHAN_MS;
    while (isOurs() && performance.now() < deadline) await sleep(ORPHAN_POLL_MS);
    if (isOurs()) process.kill(pid, 'SIGKILL');
  }
}

async function readVersion(): Promise<number> {
  const text = await runTool('dnsmasq', ['--version']);
  return Number(/version (\d+\.\d+)/.exec(text)?.[1] ?? 0);
}

function startFailure(line: string): Failure {
  const said = `dnsmasq does not start: ${line.replace(/^.*dnsmasq(\[\d+\])?: /, '')}`;
  if (/address already in use/i.test(line)) {
    return new Failure('address-in-use', said, 'Stop the other DNS or DHCP server of this box: see `ss -lunp`');
  }
  return new Failure('system-tool', said, 'See /etc/passwd for its user, and `dnsmasq --version`');
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return '';
    throw error;
  }
}

function configFile(directory: string): string {
  return join(directory, 'dnsmasq.conf');
}

function serversFile(directory: string): string {
  return join(directory, 'dnsmasq.servers');
}

function pidFile(directory: string): string {
  return join(directory, 'dnsmasq.pid');
}
