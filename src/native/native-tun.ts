/** The TUN device over the addon: batches of IP packets, and superpackets of TCP as the kernel has them (core/tun.h). */
import type { PacketBatch } from '../base/datagram.ts';
import type { Failure } from '../base/failure.ts';
import { tunFailure } from '../base/open-failure.ts';
import type { Addon, TunCounters } from './addon.ts';

export function openNativeTun(addon: Addon, name: string, mtuBytes: number): NativeTun {
  try {
    const opened = addon.tunOpen(name, mtuBytes);
    return new NativeTun(addon, opened.handle, opened.name, opened.superpackets);
  } catch (error) {
    throw tunFailure((error as NodeJS.ErrnoException).code, name);
  }
}

export class NativeTun {
  readonly name: string;
  readonly offloads: readonly 'tun'[];
  private readonly addon: Addon;
  private readonly device: number;
  private failed: ((failure: Failure) => void) | undefined;
  private lastCounters: TunCounters | undefined;

  constructor(addon: Addon, device: number, name: string, superpackets: boolean) {
    this.addon = addon;
    this.device = device;
    this.name = name;
    this.offloads = superpackets ? ['tun'] : [];
  }

  /** Fills the batch with packets that the kernel routed here; returns and sets its count. */
  read(batch: PacketBatch): number {
    batch.count = 0;
    if (this.lastCounters !== undefined) return 0;
    try {
      const { arena, offsets, lengths, segments } = batch;
      batch.count = this.addon.tunRead(this.device, arena, offsets, lengths, segments);
    } catch (error) {
      // The device was deleted under us (EBADFD). A RangeError has no code: that is our own mistake.
      const { code } = error as NodeJS.ErrnoException;
      if (code === undefined) throw error;
      this.close();
      this.failed?.(tunFailure(code, this.name));
    }
    return batch.count;
  }

  write(batch: PacketBatch): void {
    if (this.lastCounters !== undefined) return;
    const { arena, offsets, lengths, segments, count } = batch;
    this.addon.tunWrite(this.device, arena, offsets, lengths, segments, count);
  }

  /** Once: `callback` runs whenever there is something to read, again and again until it was read. */
  onReadable(callback: () => void): void {
    this.addon.watch(this.device, callback);
  }

  /** `callback` runs when the device is lost; it is closed by then. */
  onFailure(callback: (failure: Failure) => void): void {
    this.failed = callback;
  }

  counters(): TunCounters {
    return this.lastCounters ?? this.addon.tunCounters(this.device);
  }

  close(): void {
    if (this.lastCounters !== undefined) return;
    this.lastCounters = this.addon.tunCounters(this.device);
    this.addon.close(this.device);
  }
}
