/**
 * The one queue of a session that its routes pull from: bounded in bytes, in messages, and in the time that its oldest
 * message has waited. What arrives at a full queue is dropped, before it has a bundle sequence, so that the far end never
 * waits for it; that is the congestion signal for the senders inside the tunnel.
 *
 * Messages taken back from a dead route go to the front and may exceed the bounds: they were admitted once, and are no more
 * than what the windows held.
 */
import { type MessageCopy, type MessagePool, UNSENT } from './message-pool.ts';

export interface IngressQueueLimits {
  readonly queueBytes: number;
  readonly queueMessages: number;
  readonly queueSojournMs: number;
}

const FIRST_CAPACITY = 64;

export class IngressQueue {
  private readonly pool: MessagePool;
  private readonly limits: IngressQueueLimits;
  private ring: (MessageCopy | undefined)[] = new Array(FIRST_CAPACITY).fill(undefined);
  private head = 0;
  private messages = 0;
  private waitingBytes = 0;
  private refused = 0;

  constructor(pool: MessagePool, limits: IngressQueueLimits) {
    this.pool = pool;
    this.limits = limits;
  }

  get length(): number {
    return this.messages;
  }

  get bytes(): number {
    return this.waitingBytes;
  }

  /** Messages dropped on arrival. */
  get drops(): number {
    return this.refused;
  }

  /** Copies the message in. False when it was dropped. */
  offer(bytes: Uint8Array, now: number): boolean {
    const copy = this.hasRoom(bytes.length, now) ? this.pool.take(bytes) : undefined;
    if (copy === undefined) {
      this.refused += 1;
      return false;
    }
    copy.queuedAt = now;
    this.grow();
    this.ring[(this.head + this.messages) & (this.ring.length - 1)] = copy;
    this.messages += 1;
    this.waitingBytes += copy.length;
    return true;
  }

  /** Puts a message back that a route could not deliver, before all with a later bundle sequence. It waits anew. */
  putBack(copy: MessageCopy, now: number): void {
    copy.queuedAt = now;
    this.grow();
    const mask = this.ring.length - 1;
    this.head = (this.head - 1) & mask;
    let at = this.head;
    for (;;) {
      const after = this.ring[(at + 1) & mask];
      if (after === undefined || after.bundleSequence === UNSENT || after.bundleSequence > copy.bundleSequence) break;
      this.ring[at] = after;
      at = (at + 1) & mask;
    }
    this.ring[at] = copy;
    this.messages += 1;
    this.waitingBytes += copy.length;
  }

  take(): MessageCopy | undefined {
    const copy = this.ring[this.head];
    if (copy === undefined) return undefined;
    this.ring[this.head] = undefined;
    this.head = (this.head + 1) & (this.ring.length - 1);
    this.messages -= 1;
    this.waitingBytes -= copy.length;
    return copy;
  }

  /** Drops what was sent before and taken back, which always stands at the front. Returns how many that were. */
  dropSent(): number {
    let dropped = 0;
    for (; this.messages > 0 && this.ring[this.head]!.bundleSequence !== UNSENT; dropped++)
      this.pool.release(this.take()!);
    return dropped;
  }

  clear(): void {
    for (let copy = this.take(); copy !== undefined; copy = this.take()) this.pool.release(copy);
  }

  private hasRoom(bytes: number, now: number): boolean {
    if (this.waitingBytes + bytes > this.limits.queueBytes || this.messages >= this.limits.queueMessages) return false;
    const oldest = this.ring[this.head];
    return oldest === undefined || now - oldest.queuedAt <= this.limits.queueSojournMs;
  }

  private grow(): void {
    if (this.messages < this.ring.length) return;
    const larger: (MessageCopy | undefined)[] = new Array(2 * this.ring.length).fill(undefined);
    for (let i = 0; i < this.messages; i++) larger[i] = this.ring[(this.head + i) & (this.ring.length - 1)];
    this.ring = larger;
    this.head = 0;
  }
}
