/**
 * A lab names its namespaces `sky-<pid>-<random>-<host>` and its folder `sky-<pid>-<random>`. One that was killed with SIGKILL
 * could not clean up: the next lab finds what belongs to a process that is gone and removes it, with whatever still runs inside.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** iproute2 binds the files in here over /etc for programs in the namespace: each host has its own resolv.conf. */
const PER_NAMESPACE_ETC = '/etc/netns';
const OURS = /^sky-(\d+)-/;

function lines(command: string, args: readonly string[]): string[] {
  const { stdout } = spawnSync(command, args, { encoding: 'utf8' });
  return (stdout ?? '').split('\n').filter((line) => line !== '');
}

/** Names of all namespaces that some lab made and not yet removed. */
export function labNamespaces(): string[] {
  return lines('ip', ['netns', 'list'])
    .map((line) => line.split(' ')[0])
    .filter((name) => OURS.test(name));
}

export function etcOf(namespace: string): string {
  return join(PER_NAMESPACE_ETC, namespace);
}

/** Process ids of all that runs in the namespace: what the lab started and what that started in turn. */
export function pidsIn(namespace: string): number[] {
  return lines('ip', ['netns', 'pids', namespace]).map(Number);
}

export function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // It ended by itself in between.
    }
  }
}

/** Removes the namespace, what runs in it, and its part of /etc. The interfaces in it go with it. */
export function removeNamespace(namespace: string): void {
  signalAll(pidsIn(namespace), 'SIGKILL');
  spawnSync('ip', ['netns', 'delete', namespace]);
  rmSync(etcOf(namespace), { recursive: true, force: true });
}

export function sweepDeadLabs(): void {
  for (const namespace of labNamespaces()) {
    if (!isAlive(Number(OURS.exec(namespace)![1]))) removeNamespace(namespace);
  }
  for (const folder of readdirSync(tmpdir())) {
    const ours = OURS.exec(folder);
    if (ours && !isAlive(Number(ours[1]))) rmSync(join(tmpdir(), folder), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
