/**
 * Datagrams that are sealed and sent together: `batch` is filled and its jobs written, then `send` does both. Where there is a thread
 * for it, it is done later, and meanwhile another batch is filled; the order stays.
 */
import { createDatagramBatch, type DatagramBatch, type DatagramTransport } from '../base/datagram.ts';
import { type Cipher, JOB_WORDS } from './cipher.ts';

export interface SealedTransport {
  /** What is to be filled now; others after each `send`. Keys of its jobs must live until then. */
  readonly batch: DatagramBatch;
  readonly jobs: Uint32Array;
  /** Seals the first `jobCount` jobs, then sends all of the batch; `batch` is empty afterwards. */
  send(jobCount: number): void;
}

/** Makes one beside a transport, which has what goes to no socket; undefined where there is no thread. */
export type SealingFactory = (
  transport: DatagramTransport,
  capacity: number,
  arenaBytes: number,
) => SealedTransport | undefined;

/** Seals and sends at once. */
export class InlineSealing implements SealedTransport {
  readonly batch: DatagramBatch;
  readonly jobs: Uint32Array;
  private readonly cipher: Cipher;
  private readonly transport: DatagramTransport;

  constructor(cipher: Cipher, transport: DatagramTransport, capacity: number, arenaBytes: number) {
    this.cipher = cipher;
    this.transport = transport;
    this.batch = createDatagramBatch(capacity, arenaBytes);
    this.jobs = new Uint32Array(capacity * JOB_WORDS);
  }

  send(jobCount: number): void {
    this.cipher.sealBatch(this.batch.arena, this.jobs, jobCount);
    this.transport.send(this.batch);
    this.batch.count = 0;
  }
}
