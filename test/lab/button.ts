/**
 * The button for a reset of the Raspberry Pi image, on a board that is alone: a key of a device that the kernel knows (uinput; button/press.c)
 * is held for 5 s, which does nothing, then for 12 s, which makes the box as new with the same key; after the restart another key for 65 s,
 * which is too long, then for 35 s, which makes another node of it.
 *
 * `lab button FOLDER` takes the image that `scripts/build-image --fast` left in FOLDER.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { layBootFile } from './harness/board-firmware.ts';
import { comesUp } from './harness/board-life.ts';
import { IMAGE_PRODUCT } from './harness/board-updates.ts';
import { buildImage, writeCard } from './harness/card-image.ts';
import { Lab, tool } from './harness/lab.ts';
import { VirtualBoard } from './harness/virtual-board.ts';

export const about =
  'a button makes the Raspberry Pi image as new, with the same key or another by how long it is held';
export const takes = '8 min, and 5 more to build the image';

const DEADLINE_MS = 3_600_000;
const [KEY_RESTART, KEY_WPS_BUTTON] = [408, 529];
const HAS_LEARNED = /lab: has learned:(.*)/;
const SAY_LEARNED =
  'echo "<2>lab: has learned:$(ls /var/lib/skywire | grep -x learned)" > /dev/kmsg; touch /var/lib/skywire/learned';

/** A disk with the program for the board. */
function pressStick(lab: Lab): string {
  const [folder, disk] = [lab.file('stick'), lab.file('stick-disk')];
  mkdirSync(folder);
  const source = join(import.meta.dirname, 'button/press.c');
  tool('aarch64-linux-gnu-gcc', '-static', '-O1', '-Wall', '-Wextra', '-o', join(folder, 'press'), source);
  tool('mksquashfs', folder, disk, '-no-progress', '-quiet');
  return disk;
}

export async function run(context: RunContext): Promise<RunResult> {
  const lab = new Lab(context);
  const image = context.args[0] ? join(context.args[0], `${IMAGE_PRODUCT}.img`) : buildImage(lab.file('image'));
  const card = lab.file('card');
  writeCard(image, card);
  writeFileSync(lab.file('skywire.toml'), '[node]\nname = "box"\n[discovery]\ninterfaces = []\n');
  layBootFile(card, 'skywire.toml', lab.file('skywire.toml'));
  const board = new VirtualBoard(lab, lab.addHost('board'), card, [], [pressStick(lab)]);
  context.onExit(() => board.machine.powerCut());
  const wrong: string[] = [];
  const start = async (key: number, ...seconds: number[]) => {
    const press = `modprobe uinput && mount -o ro /dev/vdb /mnt && /mnt/press ${key} ${seconds.join(' ')}`;
    const sight = await comesUp(board, { script: `${SAY_LEARNED}; ${press}` });
    const [, learned] = await board.machine.says(HAS_LEARNED, DEADLINE_MS);
    if (learned !== '') wrong.push('what it had learned is still there');
    if (sight.failed !== '') wrong.push(`failed units: ${sight.failed}`);
    if (sight.nodeName !== 'box') wrong.push(`it is called ${sight.nodeName}`);
    return sight.address;
  };
  const ends = async (...said: RegExp[]) => {
    for (const pattern of said) await board.machine.says(pattern, DEADLINE_MS);
    const end = await board.machine.ends(DEADLINE_MS);
    if (end !== 'restart') wrong.push(`it ended with ${end}`);
  };
  context.log('held for 5 s and for 12 s');
  const first = await start(KEY_RESTART, 5, 12);
  await ends(/button: let go now, .* the same key/, /button: reset-keep-identity/);
  context.log('held for 65 s and for 35 s');
  const second = await start(KEY_WPS_BUTTON, 65, 35);
  await ends(/button: held for too long/, /button: reset-new-identity/);
  context.log('what became of it');
  const third = await start(KEY_WPS_BUTTON, 1);
  await board.machine.powerCut();
  if (second !== first) wrong.push('after 12 s it is another node');
  if (third === first) wrong.push('after 35 s it is the same node');
  return { pass: wrong.length === 0, wrong };
}
