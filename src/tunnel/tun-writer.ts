/**
 * Collects packets for the TUN device in one preallocated batch and hands them over when it is full or at `flush`, so
 * that the system is called once a batch. Both ends of the tunnel write through this.
 */
import { assert } from '../base/assert.ts';
import { createPacketBatch, type PacketBatch } from '../base/datagram.ts';
import { TUN_BATCH_BYTES, TUN_BATCH_PACKETS } from './tuning.ts';

/** The TUN device as the tunnel sees it. The batch is valid during the call only. */
export interface TunPort {
  write(batch: PacketBatch): void;
}

export class TunWriter {
  private readonly tun: TunPort;
  private readonly batch = createPacketBatch(TUN_BATCH_PACKETS, TUN_BATCH_BYTES);
  private used = 0;

  constructor(tun: TunPort) {
    this.tun = tun;
  }

  /** Copies a packet of `length` bytes; `segmentBytes` as in PacketBatch. */
  append(bytes: Uint8Array, start: number, length: number, segmentBytes = 0): void {
    const at = this.reserve(length);
    this.batch.arena.set(bytes.subarray(start, start + length), at);
    this.commit(length, segmentBytes);
  }

  /** Room for a packet of up to `length` bytes in `arena`; returns where it begins. `commit` makes it part of the batch. */
  reserve(length: number): number {
    assert(length <= TUN_BATCH_BYTES, 'packet fits a batch');
    if (this.batch.count === TUN_BATCH_PACKETS || this.used + length > TUN_BATCH_BYTES) this.flush();
    return this.used;
  }

  commit(length: number, segmentBytes = 0): void {
    const { batch } = this;
    batch.segments[batch.count] = segmentBytes;
    batch.offsets[batch.count] = this.used;
    batch.lengths[batch.count] = length;
    batch.count++;
    this.used += length;
  }

  get arena(): Uint8Array {
    return this.batch.arena;
  }

  flush(): void {
    if (this.batch.count === 0) return;
    this.tun.write(this.batch);
    this.batch.count = 0;
    this.used = 0;
  }
}
