/**
 * `skywire update` on an image (docs/cli.md):
 *
 *   update FILE [--need tunnel|link|daemon] [--within SECONDS] [--no-restart]    installs into the other slot, then tries it
 *   update --keep                                                                the system on trial has shown what it had to
 *   update                                                                       what runs, and what became of the last update
 *
 * A system on trial that does not say --keep in time restarts (image/root/.../trial), and the old one is back.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { type FileHandle, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { EXIT_CODES, Failure } from '../../base/failure.ts';
import { runTool } from '../../os/command.ts';
import { ensureDirectory, READABLE_BY_ALL, replaceFile } from '../../os/store.ts';
import { readOptions } from '../options.ts';
import type { SubcommandOutput } from '../subcommands.ts';
import { checkManifest, type Header, MAX_HEADER_BYTES, readHeader, readSigners, refusal } from './bundle.ts';
import { writeSlot } from './install.ts';
import {
  commandLine,
  defaultSlot,
  makeDefault,
  NEEDS,
  type Need,
  otherSlot,
  readCommandLine,
  type Slot,
  slotDevice,
  trialConfig,
} from './slots.ts';

const RELEASE_FILE = '/usr/share/skywire/image/release.json';
const KEYS_FILE = '/usr/share/skywire/image/update-keys.pem';
const BOOT = '/boot/firmware';
const STATE = '/state/update';
const MOUNT_POINT = '/run/skywire-update';
/** In a system, what its slot's folder on the boot partition gets. */
const KERNEL_FOLDER = 'usr/lib/skywire/boot';
/** From the restart to the first bytes from the gateway, with a slow uplink and a slow clock. */
const TRIAL_S = 600;

interface Release {
  readonly product: string;
  readonly version: number;
}

/** @throws Failure usage, failed, not-permitted, system-tool */
export async function update(args: readonly string[], output: SubcommandOutput): Promise<number> {
  const { values, positionals } = readOptions('skywire update', () =>
    parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        need: { type: 'string', default: 'tunnel' },
        within: { type: 'string', default: String(TRIAL_S) },
        'no-restart': { type: 'boolean' },
        keep: { type: 'boolean' },
        json: { type: 'boolean' },
      },
    }),
  );
  if (positionals.length > 1) throw new Failure('usage', 'update takes one file', 'See `skywire update --help`');
  const [file] = positionals;
  if (values.keep) await keep(output);
  else if (file === undefined) show(output, values.json === true);
  else await install(file, needOf(values.need), secondsOf(values.within), values['no-restart'] !== true, output);
  return EXIT_CODES.ok;
}

function needOf(text: string): Need {
  const need = NEEDS.find((name) => name === text);
  if (need === undefined) throw new Failure('usage', `there is no need "${text}"`, `It is one of ${NEEDS.join(', ')}`);
  return need;
}

function secondsOf(text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  throw new Failure('usage', `"${text}" is no number of seconds`, 'Give a whole number, as 600');
}

async function install(file: string, need: Need, withinS: number, restart: boolean, output: SubcommandOutput) {
  const { slot, trial } = runningSystem();
  if (trial) throw new Failure('failed', 'an update is on trial', 'Wait until it is kept, or restart to go back');
  const target = otherSlot(slot);
  const source = await open(file, 'r').catch((error: Error) => {
    throw new Failure('usage', `cannot read ${file}: ${error.message}`, 'Name an update file');
  });
  try {
    const header = await examine(source);
    output.printError(`skywire: installing version ${header.manifest.version} into slot ${target}\n`);
    const device = slotDevice(kernelCommandLine(), target);
    await writeSlot(source, header, device);
    await runTool('mount', ['-m', '-t', 'squashfs', '-o', 'ro', device, MOUNT_POINT]);
    try {
      await layKernel(header, target, need, withinS);
    } finally {
      await runTool('umount', [MOUNT_POINT]);
    }
    await remember('pending', header.manifest.version);
  } finally {
    await source.close();
  }
  output.print(
    restart
      ? `Restarting to try it: it is kept once it shows that it works (${need}), within ${withinS} s\n`
      : "Installed. To try it: systemctl reboot --reboot-argument='0 tryboot'\n",
  );
  if (restart) await runTool('systemctl', ['reboot', '--reboot-argument=0 tryboot']);
}

async function examine(source: FileHandle): Promise<Header> {
  if (!existsSync(KEYS_FILE)) {
    throw new Failure('failed', 'this image was built without a key for updates', 'Write a new image to the card');
  }
  const { bytesRead, buffer } = await source.read(Buffer.alloc(MAX_HEADER_BYTES), 0, MAX_HEADER_BYTES, 0);
  const header = readHeader(buffer.subarray(0, bytesRead), readSigners(readFileSync(KEYS_FILE, 'utf8')));
  const { product, version } = readRelease('/');
  const here = { product, version, floor: recall('floor') ?? 0, nowS: Date.now() / 1000 };
  checkManifest(header.manifest, (await source.stat()).size - header.payloadOffset, here);
  return header;
}

/** Kernel and command lines of the new system on the boot partition, beside those of the old one. */
async function layKernel(header: Header, slot: Slot, need: Need, withinS: number) {
  const { version } = readRelease(MOUNT_POINT);
  if (version !== header.manifest.version) throw refusal(`it holds version ${version}`, 'Take another update');
  const source = join(MOUNT_POINT, KERNEL_FOLDER);
  const template = readFileSync(join(source, 'cmdline.txt'), 'utf8');
  await onBootPartition(async () => {
    const folder = join(BOOT, slot);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    for (const name of readdirSync(source)) await copyWhole(join(source, name), join(folder, name));
    await replaceFile(join(folder, 'cmdline.txt'), commandLine(template, slot));
    await replaceFile(join(folder, 'trial.txt'), commandLine(template, slot, { need, withinS }));
    await replaceFile(join(BOOT, 'tryboot.txt'), trialConfig(readFileSync(join(BOOT, 'config.txt'), 'latin1'), slot));
  });
}

/** Resolves when the copy is on the card: a card may take longer for a kernel than a remount may take. */
async function copyWhole(source: string, copy: string): Promise<void> {
  await writeFile(copy, await readFile(source), { flush: true });
}

async function keep(output: SubcommandOutput): Promise<void> {
  const { slot, trial } = readCommandLine(kernelCommandLine());
  if (!trial) throw new Failure('failed', 'no update is on trial', 'There is nothing to do');
  const { version } = readRelease('/');
  await onBootPartition(async () => makeDefault(join(BOOT, 'config.txt'), slot));
  // After the letter: an update that is cut here is installed, and its version counts all the same because it runs.
  await remember('floor', version);
  rmSync(join(STATE, 'pending'), { force: true });
  output.print(`Version ${version} works and is kept: slot ${slot}\n`);
}

function show(output: SubcommandOutput, json: boolean): void {
  const { slot, trial, starts } = runningSystem();
  const { product, version } = readRelease('/');
  const pending = recall('pending');
  const failed = trial || pending === undefined || pending === version ? null : pending;
  const state = { product, version, slot, trial, default_slot: starts, failed_version: failed };
  if (json) output.print(`${JSON.stringify(state)}\n`);
  else {
    output.print(`${product} version ${version} in slot ${slot}${trial ? ', on trial' : ''}\n`);
    if (failed !== null) output.print(`The update to version ${failed} did not show that it works, and is gone\n`);
  }
}

/** The slot that runs, and the one that starts next; while these differ after a start for a trial, the trial goes on. */
function runningSystem(): { slot: Slot; starts: Slot; trial: boolean } {
  const { slot, trial } = readCommandLine(kernelCommandLine());
  const starts = defaultSlot(readFileSync(join(BOOT, 'config.txt'), 'latin1'));
  return { slot, starts, trial: trial && starts !== slot };
}

function kernelCommandLine(): string {
  return readFileSync('/proc/cmdline', 'utf8');
}

/** It is read-only but for the moment of a change. */
async function onBootPartition(change: () => Promise<void>): Promise<void> {
  await runTool('mount', ['-o', 'remount,rw', BOOT]);
  try {
    await change();
  } finally {
    await runTool('mount', ['-o', 'remount,ro', BOOT]);
  }
}

function readRelease(root: string): Release {
  return JSON.parse(readFileSync(join(root, RELEASE_FILE), 'utf8')) as Release;
}

type Memory = 'floor' | 'pending';

async function remember(name: Memory, version: number): Promise<void> {
  ensureDirectory(STATE);
  await replaceFile(join(STATE, name), `${version}\n`, READABLE_BY_ALL);
}

function recall(name: Memory): number | undefined {
  const file = join(STATE, name);
  return existsSync(file) ? Number(readFileSync(file, 'utf8')) || undefined : undefined;
}
