/**
 * The Real Time messages of a session that wait for a route: few and short of life. Bounded in bytes, of which the
 * oldest are dropped first, and in age: what is too old is noise.
 */
import { type MessageCopy, type MessagePool, UNSENT } from './message-pool.ts';

export interface RealTimeLimits {
  readonly realTimeBytes: number;
  readonly realTimeLifeMs: number;
}

export class RealTimeQueue {
  private readonly pool: MessagePool;
  private readonly limits: RealTimeLimits;
  private head: MessageCopy | undefined;
  private tail: MessageCopy | undefined;
  private waitingBytes = 0;
  private dropCount = 0;

  constructor(pool: MessagePool, limits: RealTimeLimits) {
    this.pool = pool;
    this.limits = limits;
  }

  get bytes(): number {
    return this.waitingBytes;
  }

  get drops(): number {
    return this.dropCount;
  }

  /** Copies the message in; `twice`: over two routes. False when there is no memory for it. */
  offer(bytes: Uint8Array, twice: boolean, now: number): boolean {
    const copy = this.pool.take(bytes);
    if (copy === undefined) {
      this.dropCount += 1;
      return false;
    }
    copy.realTime = true;
    copy.twice = twice;
    copy.queuedAt = now;
    if (this.tail === undefined) this.head = copy;
    else this.tail.next = copy;
    this.tail = copy;
    this.waitingBytes += copy.length;
    while (this.waitingBytes > this.limits.realTimeBytes) this.drop();
    return true;
  }

  /** Puts a message back that a route could not deliver; it goes on ageing. */
  putBack(copy: MessageCopy): void {
    copy.next = this.head;
    this.head = copy;
    this.tail ??= copy;
    this.waitingBytes += copy.length;
  }

  /** The oldest message that is young enough, which stays; undefined when none waits. */
  peek(now: number): MessageCopy | undefined {
    while (this.head !== undefined && now - this.head.queuedAt > this.limits.realTimeLifeMs) this.drop();
    return this.head;
  }

  /** Takes what `peek` showed. */
  take(): MessageCopy {
    const copy = this.head!;
    this.head = copy.next;
    if (this.head === undefined) this.tail = undefined;
    copy.next = undefined;
    this.waitingBytes -= copy.length;
    return copy;
  }

  /** Drops what was sent before, which always stands at the front. Returns how many messages that were. */
  dropSent(): number {
    let dropped = 0;
    for (; this.head !== undefined && this.head.sequence !== UNSENT; dropped++) this.pool.release(this.take());
    return dropped;
  }

  clear(): void {
    while (this.head !== undefined) this.pool.release(this.take());
  }

  private drop(): void {
    this.pool.release(this.take());
    this.dropCount += 1;
  }
}
