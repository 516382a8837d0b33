/**
 * The cipher port on an offload device, through the addon (core/offload.h): a board's FPGA, or the simulated device. Software
 * in C stands in for whatever the device does not take or can't be trusted with, so this cipher always works.
 */
import type { OffloadCipher, OffloadOptions, OffloadStatus } from '../crypto/offload-cipher.ts';
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
