/**
 * The cipher port on an offload device, with software beside it (docs/hardware.md): what a back end of this kind can be told
 * and asked besides the port itself.
 */
import type { Cipher } from './cipher.ts';

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
  /** Keys that were brought into the device and proved themselves. */
  readonly keyLoads: number;
  readonly failures: Readonly<Record<string, number>>;
}

export interface OffloadCipher extends Cipher {
  readonly name: 'offload';
  status(): OffloadStatus;
  /** Wipes the keys in the device and gives it back. The cipher can't be used afterwards. */
  close(): void;
}
