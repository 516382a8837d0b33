/** A transport in front of another: what goes to endpoints of a kind of its own is taken out of the batch, the rest goes on. */
import { type DatagramBatch, type DatagramTransport, ENDPOINT_BYTES } from '../base/datagram.ts';

export class SplitTransport implements DatagramTransport {
  readonly maxDatagramBytes: number;
  private readonly rest: DatagramTransport;
  private readonly isTaken: (endpoints: Uint8Array, at: number) => boolean;
  private readonly take: (batch: DatagramBatch, index: number) => void;

  /** `take` is given each datagram whose endpoint `isTaken`; it copies what it wants to keep. */
  constructor(rest: DatagramTransport, isTaken: SplitTransport['isTaken'], take: SplitTransport['take']) {
    this.maxDatagramBytes = rest.maxDatagramBytes;
    this.rest = rest;
    this.isTaken = isTaken;
    this.take = take;
  }

  /** The batch is changed: what is left in it is what went on. */
  send(batch: DatagramBatch): void {
    let kept = 0;
    for (let i = 0; i < batch.count; i++) {
      if (this.isTaken(batch.endpoints, i * ENDPOINT_BYTES)) this.take(batch, i);
      else move(batch, i, kept++);
    }
    batch.count = kept;
    if (kept > 0) this.rest.send(batch);
  }
}

function move(batch: DatagramBatch, from: number, to: number): void {
  if (from === to) return;
  batch.offsets[to] = batch.offsets[from];
  batch.lengths[to] = batch.lengths[from];
  batch.endpoints.copyWithin(to * ENDPOINT_BYTES, from * ENDPOINT_BYTES, (from + 1) * ENDPOINT_BYTES);
}
