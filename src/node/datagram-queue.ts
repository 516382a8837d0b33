/** Datagrams that wait for the next pass through the layers, in one preallocated batch. A full queue takes no more. */
import { createDatagramBatch, type DatagramBatch, ENDPOINT_BYTES } from '../base/datagram.ts';

export class DatagramQueue {
  private readonly capacity: number;
  private readonly bytesEach: number;
  /** Both made when first needed: most nodes never have such datagrams. */
  private waiting: DatagramBatch | undefined;
  private spare: DatagramBatch | undefined;

  /** Each of the `capacity` datagrams may be `bytesEach` long. */
  constructor(capacity: number, bytesEach: number) {
    this.capacity = capacity;
    this.bytesEach = bytesEach;
  }

  get count(): number {
    return this.waiting?.count ?? 0;
  }

  /** Copies `length` bytes of `from`, and the endpoint. False when there is no room for it. */
  add(from: Uint8Array, at: number, length: number, endpoints: Uint8Array, endpointAt: number): boolean {
    this.waiting ??= createDatagramBatch(this.capacity, this.capacity * this.bytesEach);
    const batch = this.waiting;
    if (batch.count === this.capacity || length > this.bytesEach) return false;
    const index = batch.count++;
    batch.offsets[index] = index * this.bytesEach;
    batch.lengths[index] = length;
    batch.arena.set(from.subarray(at, at + length), index * this.bytesEach);
    batch.endpoints.set(endpoints.subarray(endpointAt, endpointAt + ENDPOINT_BYTES), index * ENDPOINT_BYTES);
    return true;
  }

  /** Hands out what waits. What is added meanwhile waits for the next call. */
  empty(use: (batch: DatagramBatch) => void): void {
    const batch = this.waiting;
    if (batch === undefined || batch.count === 0) return;
    this.waiting = this.spare;
    this.spare = undefined;
    use(batch);
    batch.count = 0;
    this.spare = batch;
  }
}
