/** Switches of the kernel under /proc/sys, and what puts back whatever was changed. */
import { readFileSync, writeFileSync } from 'node:fs';
import { Failure } from '../base/failure.ts';

/** A switch under /proc/sys; undefined when the kernel has none of this name. */
export function readSysctl(name: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${name}`, 'utf8').trim();
  } catch (error) {
    // A kernel without IPv6, or a device that went.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** What was changed and how to change it back. */
export class UndoList {
  private readonly steps: (() => Promise<void>)[] = [];

  add(step: () => Promise<void>): void {
    this.steps.push(step);
  }

  /** Sets a switch under /proc/sys, if the kernel has it, until `run`. */
  sysctl(name: string, value: number): void {
    const before = readSysctl(name);
    if (before === undefined || before === String(value)) return;
    writeSysctl(name, String(value));
    this.add(async () => {
      // The device may have gone, and its switches with it.
      if (readSysctl(name) !== undefined) writeSysctl(name, before);
    });
  }

  /** Every step is tried; the first error is thrown at the end. */
  async run(): Promise<void> {
    let failed: unknown;
    for (let step = this.steps.pop(); step !== undefined; step = this.steps.pop()) {
      try {
        await step();
      } catch (error) {
        failed ??= error;
      }
    }
    if (failed !== undefined) throw failed;
  }
}

/** @throws Failure not-permitted */
export function writeSysctl(name: string, value: string): void {
  try {
    writeFileSync(`/proc/sys/${name}`, value);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const remedy = 'Run as root; in a container, with a writable /proc/sys/net';
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') throw new Failure('not-permitted', message, remedy);
    throw error;
  }
}
