/**
 * What the firmware of a Raspberry Pi does with the boot partition, for an emulator that has none: config.txt says in which
 * folder (os_prefix) kernel, initramfs and command line lie; tryboot.txt does in its place, once, after a restart that asked for it.
 * Source: Raspberry Pi documentation, "config.txt: boot options" and "Fail-safe OS updates (tryboot)".
 */
import { join } from 'node:path';
import { tool } from './lab.ts';

/** Where the first partition begins (scripts/build-image). */
const BOOT_PARTITION = '@@4M';

export interface SystemStart {
  readonly kernel: string;
  readonly initramfs: string;
  readonly cmdline: string;
}

/** Copies what is to start from the disk into `folder`. */
export function findSystem(disk: string, folder: string, tryboot: boolean): SystemStart {
  const config = readBootFile(disk, tryboot ? 'tryboot.txt' : 'config.txt');
  const setting = (name: string) => new RegExp(`^${name}[= ]([^ \\n]+)`, 'm').exec(config)?.[1];
  const prefix = setting('os_prefix') ?? '';
  const fetch = (name: string) => {
    const copy = join(folder, name);
    tool('mcopy', '-n', '-o', '-i', `${disk}${BOOT_PARTITION}`, `::${prefix}${name}`, copy);
    return copy;
  };
  return {
    kernel: fetch(setting('kernel') ?? 'kernel8.img'),
    initramfs: fetch(setting('initramfs') ?? 'initrd.img'),
    cmdline: readBootFile(disk, `${prefix}${setting('cmdline') ?? 'cmdline.txt'}`).trim(),
  };
}

export function readBootFile(disk: string, name: string): string {
  return tool('mtype', '-i', `${disk}${BOOT_PARTITION}`, `::${name}`);
}

/** As a person does who puts the card into another computer. */
export function layBootFile(disk: string, name: string, file: string): void {
  tool('mcopy', '-o', '-i', `${disk}${BOOT_PARTITION}`, file, `::${name}`);
}
