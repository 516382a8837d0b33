/**
 * The kernel, its module and the boot loader of the Raspberry Pi image on QEMU's Pi 3.
 *
 * The firmware's mailbox is there as far as the log of requests that it does not know: a restart that asks for tryboot tells the firmware so, another
 * restart does not. U-Boot is started from the card as the firmware would: it starts the system of every day, one on trial once, and not one that
 * cannot be read. Each of these is over when the kernel shows its command line.
 *
 * `lab tryboot FOLDER` takes the image and the system that `scripts/build-image --fast` left in FOLDER.
 */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { PROJECT_ROOT } from '../../scripts/named-runs.ts';
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { commandLine, trialConfig } from '../../src/daemon/update/slots.ts';
import { layBootFile, readBootFile } from './harness/board-firmware.ts';
import { IMAGE_PRODUCT } from './harness/board-updates.ts';
import { buildImage, writeCard } from './harness/card-image.ts';
import { type Host, Lab, tool } from './harness/lab.ts';
import { until } from './harness/until.ts';

export const about =
  'a restart that asks for tryboot reaches the firmware of an emulated Raspberry Pi 3; U-Boot there tries a new system once';
export const takes = '5 min, and 5 more to build the image';

const RESTART_DEADLINE_MS = 240_000;
/** The mailbox property that sets the flags of the next start, as QEMU logs it. */
const REQUEST = 'unhandled tag 0x00038064';
const DEVICE_TREE = 'bcm2837-rpi-3-b.dtb';

const BOARD = ['-M', 'raspi3b', '-nodefaults', '-display', 'none', '-serial', 'null', '-serial', 'stdio', '-no-reboot'];
/** Its card is read at a rate of half a megabyte a second or two, and the kernel has fifty. */
const START_DEADLINE_MS = 900_000;

/** Kernel, device tree and an initramfs with the module and a program that restarts (tryboot/init.c), in `folder`. */
function prepare(folder: string, system: string): void {
  const tree = join(folder, 'system');
  const boot = 'usr/lib/skywire/boot';
  const module = 'usr/lib/modules/*/updates/skywire_tryboot.ko';
  const wanted = [`${boot}/vmlinuz`, `${boot}/${DEVICE_TREE}`, module];
  tool('unsquashfs', '-quiet', '-no-progress', '-dest', tree, system, ...wanted);
  for (const file of wanted.slice(0, 2)) cpSync(join(tree, file), join(folder, basename(file)));
  const root = join(folder, 'root');
  mkdirSync(join(root, 'dev'), { recursive: true });
  tool('sh', '-c', 'cp "$1"/usr/lib/modules/*/updates/skywire_tryboot.ko "$2"', 'sh', tree, root);
  const source = join(PROJECT_ROOT, 'test/lab/tryboot/init.c');
  tool('aarch64-linux-gnu-gcc', '-static', '-O1', '-Wall', '-o', join(root, 'init'), source);
  tool('sh', '-c', 'cd "$1" && find . | cpio --quiet -o -H newc > ../initramfs', 'sh', root);
}

/** Restarts with `argument` and returns the console, and how often the firmware was asked. */
async function restart(host: Host, folder: string, argument: string): Promise<{ console: string; asked: number }> {
  const log = join(folder, `requests-${argument.replace(' ', '-')}`);
  const lines: string[] = [];
  const args = [
    ...BOARD,
    ...['-kernel', join(folder, 'vmlinuz'), '-dtb', join(folder, DEVICE_TREE), '-initrd', join(folder, 'initramfs')],
    ...['-append', `console=ttyS1,115200 -- ${argument}`, '-d', 'unimp', '-D', log],
  ];
  const board = host.start('qemu', 'qemu-system-aarch64', args, (line) => lines.push(line));
  const restarting = () => lines.some((line) => line.includes('reboot: Restarting system'));
  await until(
    `restart ${argument}`,
    RESTART_DEADLINE_MS,
    restarting,
    () => `${lines.slice(-20).join('\n')}\n${board.tail()}`,
  );
  await board.stop();
  return { console: lines.join('\n'), asked: readFileSync(log, 'utf8').split(REQUEST).length - 1 };
}

/** A card whose two systems have the same kernel and an initramfs that is soon read; the second is to be tried. */
function writeTrialCard(folder: string, image: string): string {
  const card = join(folder, 'card');
  writeCard(image, card);
  const lay = (name: string, text: string) => {
    writeFileSync(join(folder, 'laid'), text);
    layBootFile(card, name, join(folder, 'laid'));
  };
  const spoken = readBootFile(card, 'a/cmdline.txt').replace(' quiet', '');
  tool('mmd', '-i', `${card}@@4M`, '::b');
  for (const slot of ['a', 'b'] as const) {
    layBootFile(card, `${slot}/vmlinuz`, join(folder, 'vmlinuz'));
    layBootFile(card, `${slot}/initrd.img`, join(folder, 'initramfs'));
    lay(`${slot}/cmdline.txt`, commandLine(spoken, slot));
  }
  lay('b/trial.txt', commandLine(spoken, 'b', { need: 'daemon', withinS: 120 }));
  lay('tryboot.txt', trialConfig(readBootFile(card, 'config.txt'), 'b'));
  return card;
}

/** What the system does before it restarts into a trial, by its own script, with the board's files in `folder`. */
function askUBoot(folder: string, card: string): void {
  const environment = join(folder, 'tryboot.env');
  const texts = { 'tryboot.env': readBootFile(card, 'tryboot.env'), asked: '0 tryboot\n', board: compatible(folder) };
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(folder, name), text);
  const script = readFileSync(join(PROJECT_ROOT, 'image/root/usr/lib/skywire/image/tryboot'), 'utf8')
    .replaceAll('/run/systemd/reboot-param', join(folder, 'asked'))
    .replaceAll('/proc/device-tree/compatible', join(folder, 'board'))
    .replaceAll('/boot/firmware', folder);
  tool('sh', '-c', `mount() { true; }\n${script}`);
  layBootFile(card, 'tryboot.env', environment);
}

const compatible = (folder: string) => tool('fdtget', '-t', 's', join(folder, DEVICE_TREE), '/', 'compatible');

/** The command line of the kernel that U-Boot starts; undefined where the board restarts before. */
async function startedByUBoot(host: Host, folder: string, card: string): Promise<string | undefined> {
  tool('mcopy', '-n', '-o', '-i', `${card}@@4M`, '::u-boot.bin', folder);
  const lines: string[] = [];
  const args = [
    ...BOARD,
    ...['-kernel', join(folder, 'u-boot.bin'), '-dtb', join(folder, DEVICE_TREE)],
    ...['-drive', `if=sd,format=raw,file=${card}`],
  ];
  const board = host.start('qemu', 'qemu-system-aarch64', args, (line) => lines.push(line));
  const shown = () =>
    lines.map((line) => /Kernel command line: (.*)/.exec(line)?.[1]).find((text) => text !== undefined);
  await until(
    'a kernel',
    START_DEADLINE_MS,
    () => shown() !== undefined || !board.running,
    () => `${lines.slice(-20).join('\n')}\n${board.tail()}`,
  );
  await board.stop();
  return shown();
}

async function tryUBoot(host: Host, folder: string, image: string): Promise<Record<string, boolean>> {
  const card = writeTrialCard(folder, image);
  const root = async () => {
    const line = await startedByUBoot(host, folder, card);
    return line && `${/root=PARTUUID=\S+-(\S+)/.exec(line)?.[1]}${line.includes('skywire.trial=') ? ' on trial' : ''}`;
  };
  askUBoot(folder, card);
  const trial = await root();
  const after = await root();
  askUBoot(folder, card);
  tool('mdel', '-i', `${card}@@4M`, '::b/vmlinuz');
  const unreadable = await root();
  const untouched = readBootFile(card, 'tryboot.env') === 'tryboot=0\n\0';
  return {
    tries: trial === '03 on trial',
    goes_back: after === '02',
    leaves_unreadable: unreadable === undefined && untouched,
  };
}

export async function run(context: RunContext): Promise<RunResult> {
  const lab = new Lab(context);
  const host = lab.addHost('board');
  const image = context.args[0] ?? lab.file('image');
  if (context.args[0] === undefined) buildImage(image);
  const folder = lab.file('tryboot');
  mkdirSync(folder);
  prepare(folder, join(image, `${IMAGE_PRODUCT}.system`));
  context.log('the firmware');
  const tried = await restart(host, folder, '0 tryboot');
  const plain = await restart(host, folder, '0');
  const loaded = [tried, plain].every(({ console }) => console.includes('init: module: done'));
  context.log('U-Boot');
  const uBoot = await tryUBoot(host, folder, join(image, `${IMAGE_PRODUCT}.img`));
  const pass = loaded && tried.asked === 1 && plain.asked === 0 && Object.values(uBoot).every(Boolean);
  return { pass, module_loads: loaded, asked_by_tryboot: tried.asked, asked_by_others: plain.asked, u_boot: uBoot };
}
