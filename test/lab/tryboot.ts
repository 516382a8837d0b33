/**
 * The kernel and the module of the Raspberry Pi image on QEMU's Pi 3, whose firmware's mailbox is there as far as the log of requests that it does
 * not know: a restart that asks for tryboot tells the firmware so, another restart does not.
 *
 * `lab tryboot FOLDER` takes the system that `scripts/build-image` left in FOLDER.
 */
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { PROJECT_ROOT } from '../../scripts/named-runs.ts';
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { IMAGE_PRODUCT } from './harness/board-updates.ts';
import { buildImage } from './harness/card-image.ts';
import { type Host, Lab, tool } from './harness/lab.ts';
import { until } from './harness/until.ts';

export const about = 'a restart that asks for tryboot reaches the firmware of an emulated Raspberry Pi 3';
export const takes = '1 min, and 5 more to build the image';

const RESTART_DEADLINE_MS = 240_000;
/** The mailbox property that sets the flags of the next start, as QEMU logs it. */
const REQUEST = 'unhandled tag 0x00038064';
const DEVICE_TREE = 'bcm2837-rpi-3-b.dtb';

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
    ...['-M', 'raspi3b', '-nodefaults', '-display', 'none', '-serial', 'null', '-serial', 'stdio', '-no-reboot'],
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

export async function run(context: RunContext): Promise<RunResult> {
  const lab = new Lab(context);
  const host = lab.addHost('board');
  const image = context.args[0] ?? lab.file('image');
  if (context.args[0] === undefined) buildImage(image);
  const folder = lab.file('tryboot');
  mkdirSync(folder);
  prepare(folder, join(image, `${IMAGE_PRODUCT}.system`));
  const tried = await restart(host, folder, '0 tryboot');
  const plain = await restart(host, folder, '0');
  const loaded = [tried, plain].every(({ console }) => console.includes('init: module: done'));
  const pass = loaded && tried.asked === 1 && plain.asked === 0;
  return { pass, module_loads: loaded, asked_by_tryboot: tried.asked, asked_by_others: plain.asked };
}
