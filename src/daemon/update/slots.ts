/**
 * The two slots of the image and which of them starts. The boards' firmware reads config.txt, whose os_prefix names the folder of a
 * slot's kernel; after a restart that asks for it, it reads tryboot.txt in its place, once. So a trial is a restart with
 * tryboot.txt naming the other slot: whatever then goes wrong, the next start is the old system's. To keep the new one
 * is to change one letter of config.txt where it stands: one sector of the card, whole or not at all.
 */
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { Failure } from '../../base/failure.ts';

export type Slot = 'a' | 'b';
/** What has to work again under the new system before it is kept: what worked under the old one. */
export const NEEDS = ['tunnel', 'link', 'daemon'] as const;
export type Need = (typeof NEEDS)[number];

const PARTITION_NUMBERS: Readonly<Record<Slot, string>> = { a: '02', b: '03' };
const ROOT = /(\broot=PARTUUID=[0-9a-f]{8}-)(0[23])\b/;
const PREFIX = /^os_prefix=([ab])\/$/m;
/** In the command line of a trial; image/root/.../trial reads it. */
const TRIAL = 'skywire.trial=';

export function otherSlot(slot: Slot): Slot {
  return slot === 'a' ? 'b' : 'a';
}

/** The slot that runs, and whether it is on trial. @throws Failure failed where this is no image */
export function readCommandLine(text: string): { slot: Slot; trial: boolean } {
  const number = ROOT.exec(text)?.[2];
  if (number === undefined) {
    throw new Failure('failed', 'this system has no slots', 'Update the package as others: apt-get install skywire');
  }
  return { slot: number === PARTITION_NUMBERS.a ? 'a' : 'b', trial: text.includes(TRIAL) };
}

/** The partition of a slot beside that of the running system. */
export function slotDevice(commandLine: string, slot: Slot): string {
  const disk = ROOT.exec(commandLine)?.[1].split('=').at(-1);
  return `/dev/disk/by-partuuid/${disk}${PARTITION_NUMBERS[slot]}`;
}

/** A slot's command line made of the one that its system brings along; for a trial with what it has to show and by when. */
export function commandLine(template: string, slot: Slot, trial?: { need: Need; withinS: number }): string {
  const line = template.trim().replace(ROOT, (_, before) => `${before}${PARTITION_NUMBERS[slot]}`);
  return trial === undefined ? `${line}\n` : `${line} ${TRIAL}${trial.need},${trial.withinS}\n`;
}

/** tryboot.txt made of config.txt: the other slot, and the command line of a trial. */
export function trialConfig(config: string, slot: Slot): string {
  const start = config.replace(PREFIX, `os_prefix=${slot}/`);
  return `${start.trimEnd()}\ncmdline=trial.txt\n`;
}

/** The slot that starts by default. @throws Failure failed when config.txt names none */
export function defaultSlot(config: string): Slot {
  const letter = PREFIX.exec(config)?.[1];
  if (letter === 'a' || letter === 'b') return letter;
  const remedy = 'Write the line os_prefix=a/ or os_prefix=b/ into config.txt on the boot partition';
  throw new Failure('failed', 'config.txt names no slot', remedy);
}

/** Makes `slot` the one that starts, by one letter of the file in its place. Done when it is on the card. */
export function makeDefault(configFile: string, slot: Slot): void {
  const config = readFileSync(configFile, 'latin1');
  defaultSlot(config);
  const position = config.search(PREFIX) + 'os_prefix='.length;
  const file = openSync(configFile, 'r+');
  try {
    writeSync(file, slot, position);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
