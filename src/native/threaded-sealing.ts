/**
 * Seals and sends on a thread (core/dispatch.c) while JavaScript fills the next batch. What goes to no socket, but into a back channel or a TCP
 * stream, is sealed and handed on here, once the thread has sent what came before.
 */
import { createDatagramBatch, type DatagramBatch, type DatagramTransport } from '../base/datagram.ts';
import { type Cipher, JOB_WORDS } from '../crypto/cipher.ts';
import type { SealedTransport } from '../crypto/sealed-transport.ts';
import { type Addon, DISPATCH_BATCHES, DISPATCH_FOREIGN, DISPATCH_POSTED } from './addon.ts';

export class ThreadedSealing implements SealedTransport {
  private readonly addon: Addon;
  private readonly device: number;
  private readonly isOpen: () => boolean;
  private readonly cipher: Cipher;
  private readonly transport: DatagramTransport;
  private readonly ring: { readonly batch: DatagramBatch; readonly jobs: Uint32Array }[];
  private turn = 0;

  /** Undefined where no thread can be had. `isOpen`: whether the device is. `transport`: for what goes to none of its sockets. */
  static begin(
    addon: Addon,
    device: number,
    isOpen: () => boolean,
    cipher: Cipher,
    transport: DatagramTransport,
    capacity: number,
    arenaBytes: number,
  ): ThreadedSealing | undefined {
    const ring = Array.from({ length: DISPATCH_BATCHES }, () => ({
      batch: createDatagramBatch(capacity, arenaBytes),
      jobs: new Uint32Array(capacity * JOB_WORDS),
    }));
    const arrays = ring.flatMap(({ batch, jobs }) => [
      batch.arena,
      batch.offsets,
      batch.lengths,
      batch.endpoints,
      jobs,
    ]);
    return addon.udpDispatch(device, arrays)
      ? new ThreadedSealing(addon, device, isOpen, cipher, transport, ring)
      : undefined;
  }

  private constructor(
    addon: Addon,
    device: number,
    isOpen: () => boolean,
    cipher: Cipher,
    transport: DatagramTransport,
    ring: ThreadedSealing['ring'],
  ) {
    this.addon = addon;
    this.device = device;
    this.isOpen = isOpen;
    this.cipher = cipher;
    this.transport = transport;
    this.ring = ring;
  }

  get batch(): DatagramBatch {
    return this.ring[this.turn].batch;
  }

  get jobs(): Uint32Array {
    return this.ring[this.turn].jobs;
  }

  send(jobCount: number): void {
    if (this.isOpen()) this.sendNow(jobCount);
    this.batch.count = 0;
  }

  private sendNow(jobCount: number): void {
    const { batch } = this;
    const result = this.addon.udpDispatchSend(this.device, batch.count, jobCount);
    if (result === DISPATCH_FOREIGN) {
      this.cipher.sealBatch(batch.arena, this.jobs, jobCount);
      this.transport.send(batch);
    }
    if (result === DISPATCH_POSTED) this.turn = (this.turn + 1) % DISPATCH_BATCHES;
  }
}
