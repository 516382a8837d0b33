/**
 * The cipher port on an offload device, through the addon (core/offload.h): a board's FPGA, or the simulated device. Software
 * in C stands in for whatever the device does not take or can't be trusted with, so this cipher always works.
 */
import type { Cipher } from '../crypto/cipher.ts';
import type { Addon } from './addon.ts';

declare const offloadBrand: unique symbol;
type OffloadHandle = { readonly [offloadBrand]: true };

/** The functions of offload_binding.c. */
interface OffloadAddon {
  offloadNew(
    device: string,
    leastBatch: number,
    checkEvery: number,
    selfTestMs: number,
    retryMs: number,
  ): OffloadHandle;
  offloadClose(cipher: OffloadHandle): void;
  offloadAddKey(cipher: OffloadHandle, key: Uint8Array): number;
  offloadRemoveKey(cipher: OffloadHandle, slot: number): void;
  offloadSeal(cipher: OffloadHandle, arena: Uint8Array, jobs: Uint32Array, count: number): void;
  offloadOpen(cipher: OffloadHandle, arena: Uint8Array, jobs: Uint32Array, count: number): void;
  offloadStatus(cipher: OffloadHandle): OffloadStatus;
}

export interface OffloadOptions {
  /** Batches with fewer jobs stay in software; 0: measured when the device comes up. */
  readonly leastBatch: number;
  /** One result in so many is compared with software's. */
  readonly checkEvery: number;
  readonly selfTestMs: number;
  /** First pause before a failed device is tried again; doubles up to a minute. */
  readonly retryMs: number;
}

export const OFFLOAD_DEFAULTS: OffloadOptions = {
  leastBatch: 0,
  // Costs a thousandth of the software cipher's time.
  checkEvery: 1024,
  selfTestMs: 10_000,
  retryMs: 1_000,
};

/** Counts are jobs since the cipher was made. */
export interface OffloadStatus {
  readonly up: boolean;
  /** `none`, or the reason of the last failure, as in `failures`. */
  readonly lastFailure: string;
  /** In force; 2^32 - 1: the device is slower than software. */
  readonly leastBatch: number;
  readonly queues: number;
  readonly keySlots: number;
  readonly keysLoaded: number;
  /** By the device. */
  readonly sealed: number;
  readonly opened: number;
  readonly wrongTags: number;
  /** By software: no trusted device; batch too small; text or associated data too long; no key slot; ring full. */
  readonly softwareDown: number;
  readonly softwareSmallBatch: number;
  readonly softwareShape: number;
  readonly softwareNoSlot: number;
  readonly softwareRingFull: number;
  /** Under way in the device when it failed. */
  readonly redone: number;
  /** Results compared with software's. */
  readonly checked: number;
  readonly selfTests: number;
  readonly timesUp: number;
  readonly failures: Readonly<Record<string, number>>;
}

export interface OffloadCipher extends Cipher {
  readonly name: 'offload';
  status(): OffloadStatus;
  /** Wipes the keys in the device and gives it back. The cipher can't be used afterwards. */
  close(): void;
}

/** `device` is `unix:/path` of a simulated device or `/dev/uioN,udmabufM` of a board. A device that is missing is tried again. */
export function openNativeOffload(addon: Addon, device: string, options: OffloadOptions): OffloadCipher {
  const native = addon as Addon & OffloadAddon;
  const { leastBatch, checkEvery, selfTestMs, retryMs } = options;
  const handle = native.offloadNew(device, leastBatch, checkEvery, selfTestMs, retryMs);
  return {
    name: 'offload',
    addKey: (key) => native.offloadAddKey(handle, key),
    removeKey: (slot) => native.offloadRemoveKey(handle, slot),
    sealBatch: (arena, jobs, count) => native.offloadSeal(handle, arena, jobs, count),
    openBatch: (arena, jobs, count) => native.offloadOpen(handle, arena, jobs, count),
    status: () => native.offloadStatus(handle),
    close: () => native.offloadClose(handle),
  };
}
