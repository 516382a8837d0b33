/**
 * Copies of application messages: waiting to leave, in flight until reported, or held for order. Buffers
 * come in powers of two and go round, so nothing is allocated a message once the pool is warm; all together stay below
 * `limitBytes`.
 */
import { assert } from '../../base/assert.ts';

const SMALLEST_BYTES = 256;
/** A copy that has no sequence yet. */
export const UNSENT = -1;

export class MessageCopy {
  /** Longer than the message. */
  readonly buffer: Uint8Array;
  /** Bytes of the message; 0 while the copy lies in the pool. */
  length = 0;
  /** Bundle sequence, or datagram sequence of what is real time. */
  sequence = UNSENT;
  realTime = false;
  /** Its owner wants a copy of it to go over a second route. */
  twice = false;
  /** Another route carries the message itself: this one only shows what its own carries, and goes out once. */
  spare = false;
  /** The queue of its flow, and how far back the bundle sequence of the one before it in the flow lies; 0: none. */
  bucket = 0;
  back = 0;
  /** When it came from its owner or, after a route failed it, back to the queue; by the clock of that queue. */
  queuedAt = 0;
  /** Behind it in the same queue. */
  next: MessageCopy | undefined;

  constructor(bytes: number) {
    this.buffer = new Uint8Array(bytes);
  }
}

export class MessagePool {
  private readonly limitBytes: number;
  private readonly free = new Map<number, MessageCopy[]>();
  private allocatedBytes = 0;
  private usedBytes = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  /** Bytes of the buffers given out. */
  get used(): number {
    return this.usedBytes;
  }

  /** More than three quarters are given out: copies that only insure against the death of a route should go. */
  get scarce(): boolean {
    return this.usedBytes > 0.75 * this.limitBytes;
  }

  /** Copies `bytes` (at least one). Undefined when the pool is exhausted. */
  take(bytes: Uint8Array): MessageCopy | undefined {
    let size = SMALLEST_BYTES;
    while (size < bytes.length) size *= 2;
    const copy = this.free.get(size)?.pop() ?? this.allocate(size);
    if (copy === undefined) return undefined;
    this.usedBytes += size;
    copy.buffer.set(bytes);
    copy.length = bytes.length;
    copy.sequence = UNSENT;
    copy.realTime = false;
    copy.twice = false;
    copy.spare = false;
    return copy;
  }

  release(copy: MessageCopy): void {
    assert(copy.length > 0, 'a copy is released once');
    copy.length = 0;
    const size = copy.buffer.length;
    this.usedBytes -= size;
    const list = this.free.get(size);
    if (list === undefined) this.free.set(size, [copy]);
    else list.push(copy);
  }

  private allocate(size: number): MessageCopy | undefined {
    if (this.allocatedBytes + size > this.limitBytes) {
      // Buffers of other sizes lie idle: let them go before refusing.
      this.free.clear();
      this.allocatedBytes = this.usedBytes;
      if (this.allocatedBytes + size > this.limitBytes) return undefined;
    }
    this.allocatedBytes += size;
    return new MessageCopy(size);
  }
}
