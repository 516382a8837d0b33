/**
 * A machine with simulated radios, emulated: Debian's kernel over the root of this machine (scripts/radio-guest). A named run that needs radios starts
 * itself once more in there, and what it prints there is what it prints here.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { PROJECT_ROOT } from '../../../scripts/named-runs.ts';
import type { RunContext, RunResult } from '../../../scripts/run-contract.ts';

const GUEST = '/var/cache/skywire/radio-guest';
const MEMORY_MB = 1536;

/** Whether this process is in there. */
export function isInRadioGuest(): boolean {
  return process.env.skywire_run !== undefined;
}

/** Runs `lab NAME` in an emulated machine; resolves with its result. */
export async function runInRadioGuest(context: RunContext, name: string): Promise<RunResult> {
  const gate = context.gate ? ['--gate'] : [];
  const program = ['scripts/named-run.ts', 'lab', name, ...gate, ...context.args].join(' ');
  const commandLine = ['console=ttyS0', 'quiet', 'loglevel=1', 'panic=-1', 'mitigations=off'];
  commandLine.push(`skywire_root=${PROJECT_ROOT}`, `skywire_run="${program}"`);
  const child = spawn('qemu-system-x86_64', [...machine(), '-append', commandLine.join(' ')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve());
  });
  ended.catch(() => {});
  context.onExit(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  let result: RunResult | undefined;
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.startsWith(`{"name":"${name}"`)) result = JSON.parse(line) as RunResult;
    else context.log(line);
  });
  await ended;
  if (result === undefined) throw new Error('the machine with the radios ended without a result');
  return result;
}

/**
 * Emulated even where there is a hypervisor, and its clock counts instructions, 2 ns each: time in there passes as the machine works, however slow and busy
 * the one around it is, and where it waits, time is skipped.
 */
function machine(): string[] {
  const root = `local,id=root,path=/,security_model=passthrough,readonly=on,multidevs=remap`;
  return [
    ...['-accel', 'tcg', '-icount', 'shift=1,sleep=off', '-cpu', 'max', '-m', `${MEMORY_MB}`],
    ...['-nodefaults', '-no-reboot', '-display', 'none', '-serial', 'stdio'],
    ...['-kernel', `${GUEST}/vmlinuz`, '-initrd', `${GUEST}/initrd`],
    ...['-fsdev', root, '-device', 'virtio-9p-pci,fsdev=root,mount_tag=root', '-device', 'virtio-rng-pci'],
  ];
}
