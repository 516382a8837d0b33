/**
 * Network namespaces for tests of what really happens in the kernel: names of their own, removed with everything in them.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

export class Namespaces {
  readonly directory = mkdtempSync(join(tmpdir(), 'skywire-os-'));
  private readonly names: string[] = [];

  /** Makes one and gives its full name. Fails without root: these tests show nothing if they are skipped. */
  add(name: string): string {
    const full = `sky-os-${process.pid}-${this.directory.slice(-6)}-${name}`;
    this.run('ip', 'netns', 'add', full);
    this.names.push(full);
    this.in(full, 'ip', 'link', 'set', 'lo', 'up');
    // Addresses are usable at once instead of after a second of duplicate detection.
    this.in(full, 'sh', '-c', 'for f in all default; do echo 0 > /proc/sys/net/ipv6/conf/$f/accept_dad; done');
    return full;
  }

  /** A cable between two namespaces, up on both ends. */
  connect(a: string, deviceA: string, b: string, deviceB: string): void {
    this.run('ip', 'link', 'add', deviceA, 'netns', a, 'type', 'veth', 'peer', 'name', deviceB, 'netns', b);
    this.in(a, 'ip', 'link', 'set', deviceA, 'up');
    this.in(b, 'ip', 'link', 'set', deviceB, 'up');
  }

  /** Runs a command to its end; throws with what it said when it fails. */
  in(namespace: string, ...command: string[]): string {
    return this.run('ip', 'netns', 'exec', namespace, ...command);
  }

  /** Runs a command that may fail. */
  try(namespace: string, ...command: string[]): Outcome {
    const { status, stdout, stderr } = spawnSync('ip', ['netns', 'exec', namespace, ...command], { encoding: 'utf8' });
    return { code: status, output: stdout + stderr };
  }

  load(namespace: string, ruleset: string): void {
    execFileSync('ip', ['netns', 'exec', namespace, 'nft', '-f', '-'], {
      input: ruleset,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  }

  /** How many packets the rules with this comment have counted. */
  counted(namespace: string, comment: string): number {
    const rules = this.in(namespace, 'nft', 'list', 'ruleset').split('\n');
    const matching = rules.filter((rule) => rule.includes(`comment "${comment}"`));
    if (matching.length === 0) throw new Error(`no rule counts "${comment}"`);
    return matching.reduce((sum, rule) => sum + Number(/counter packets (\d+)/.exec(rule)?.[1]), 0);
  }

  /** Ends what runs in the namespaces, and removes them and the directory. */
  remove(): void {
    for (const name of this.names) {
      for (const pid of this.run('ip', 'netns', 'pids', name).split('\n').filter(Boolean)) endProcess(Number(pid));
      this.run('ip', 'netns', 'del', name);
    }
    rmSync(this.directory, { recursive: true, force: true });
  }

  private run(file: string, ...args: string[]): string {
    const { status, stdout, stderr, error } = spawnSync(file, args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${[file, ...args].join(' ')}: ${error?.message ?? stderr}`);
    return stdout;
  }
}

function endProcess(pid: number): void {
  if (existsSync(`/proc/${pid}`)) process.kill(pid, 'SIGKILL');
}

/** The packets that a device of a namespace has sent, by family, since the namespace counts them (see `countLeaving`). */
export function leftBy(spaces: Namespaces, namespace: string): { ipv4: number; ipv6: number } {
  return { ipv4: spaces.counted(namespace, 'left ipv4'), ipv6: spaces.counted(namespace, 'left ipv6') };
}

/** Rules that count what really leaves by a device: behind every other hook, ARP and neighbour discovery aside. */
export function countLeaving(device: string): string {
  return `table netdev test_${device} {
    chain egress {
      type filter hook egress device "${device}" priority filter; policy accept;
      meta protocol ip counter comment "left ipv4"
      icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, mld2-listener-report } accept
      meta protocol ip6 counter comment "left ipv6"
    }
  }\n`;
}

/** Rules that count what comes in and matches; they replace all others of the namespace. */
export function countArriving(match: string, comment: string): string {
  return `flush ruleset
  table ip test {
    chain arriving {
      type filter hook input priority filter; policy accept;
      ${match} counter comment "${comment}"
    }
  }\n`;
}
