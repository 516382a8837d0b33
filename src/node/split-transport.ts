/** The link layer's transport: what goes to a back channel is taken out of the batch, the rest goes to the sockets. */
import { type DatagramBatch, type DatagramTransport, ENDPOINT_BYTES } from '../base/datagram.ts';
import { isBackEndpoint } from '../link/one-way/back-endpoint.ts';

export class SplitTransport implements DatagramTransport {
  readonly maxDatagramBytes: number;
  private readonly direct: DatagramTransport;
  private readonly back: (batch: DatagramBatch, index: number) => void;

  /** `back` is given each datagram for a back channel; it copies what it wants to keep. */
  constructor(direct: DatagramTransport, back: (batch: DatagramBatch, index: number) => void) {
    this.maxDatagramBytes = direct.maxDatagramBytes;
    this.direct = direct;
    this.back = back;
  }

  /** The batch is changed: what is left in it is what went to the sockets. */
  send(batch: DatagramBatch): void {
    let kept = 0;
    for (let i = 0; i < batch.count; i++) {
      if (isBackEndpoint(batch.endpoints, i * ENDPOINT_BYTES)) this.back(batch, i);
      else move(batch, i, kept++);
    }
    batch.count = kept;
    if (kept > 0) this.direct.send(batch);
  }
}

function move(batch: DatagramBatch, from: number, to: number): void {
  if (from === to) return;
  batch.offsets[to] = batch.offsets[from];
  batch.lengths[to] = batch.lengths[from];
  batch.endpoints.copyWithin(to * ENDPOINT_BYTES, from * ENDPOINT_BYTES, (from + 1) * ENDPOINT_BYTES);
}
