/**
 * Flow queueing with CoDel (RFC 8290): each flow waits in a queue of its own, flows take turns by bytes (deficit round
 * robin), and one that has just begun to wait goes before those that have waited longer. So a download that fills the
 * path delays itself and nobody else, and CoDel tells it to slow down.
 *
 * Bounded in bytes and messages: beyond, the oldest message of the longest flow is dropped. Bounded in time, too: a flow
 * that does not answer to drops loses whatever waited for longer than `queueMs`. Only time in which messages leave
 * counts, so that a route that dies takes nothing along that another could still carry. On the hot path: no allocation a
 * message but for a flow that was not waiting.
 */
import { Codel, type CodelTiming } from './codel.ts';
import type { MessageCopy, MessagePool } from './message-pool.ts';

/** RFC 8290 section 4.1: flows are hashed to this many queues. */
export const FLOW_BUCKETS = 1_024;
/** What a flow may send in its turn: a full-size packet. */
const QUANTUM_BYTES = 1_514;
/** Between two messages that leave no more than this counts as waiting: a longer pause is an outage. */
const PAUSE_MS = 250;

export interface FlowQueueLimits {
  readonly queueBytes: number;
  readonly queueMessages: number;
  readonly queueMs: number;
}

/**
 * Sets the congestion mark in a message; false when its sender does not understand marks. A number: a part of it was dropped, so
 * many bytes are left.
 */
export type Mark = (message: Uint8Array) => boolean | number;

interface Flow {
  readonly bucket: number;
  readonly codel: Codel;
  head: MessageCopy | undefined;
  tail: MessageCopy | undefined;
  bytes: number;
  deficit: number;
  /** In the same list. */
  next: Flow | undefined;
}

class FlowList {
  first: Flow | undefined;
  private last: Flow | undefined;

  append(flow: Flow): void {
    flow.next = undefined;
    if (this.last === undefined) this.first = flow;
    else this.last.next = flow;
    this.last = flow;
  }

  removeFirst(): void {
    this.first = this.first?.next;
    if (this.first === undefined) this.last = undefined;
  }
}

export class FlowQueue {
  /** What CoDel aims at; the owner adapts it to the routes. */
  readonly timing: CodelTiming;
  private readonly pool: MessagePool;
  private readonly limits: FlowQueueLimits;
  private readonly mark: Mark;
  /** Those that wait. */
  private readonly flows = new Map<number, Flow>();
  private readonly fresh = new FlowList();
  private readonly seasoned = new FlowList();
  private messages = 0;
  private waitingBytes = 0;
  private dropCount = 0;
  private markCount = 0;
  /** The queue's clock, which stands still while nothing leaves. */
  private servedMs = 0;
  private servedAt = 0;

  constructor(pool: MessagePool, limits: FlowQueueLimits, timing: CodelTiming, mark: Mark) {
    this.pool = pool;
    this.limits = limits;
    this.timing = { ...timing };
    this.mark = mark;
  }

  get length(): number {
    return this.messages;
  }

  get bytes(): number {
    return this.waitingBytes;
  }

  get drops(): number {
    return this.dropCount;
  }

  get marks(): number {
    return this.markCount;
  }

  /**
   * Queues a copy, which belongs to the queue from now on. `flow` is any 32-bit number, the same for all messages of a
   * flow.
   */
  add(copy: MessageCopy, flow: number, now: number): void {
    const queue = this.flowOf((flow >>> 0) % FLOW_BUCKETS);
    if (this.messages === 0) this.servedAt = now;
    copy.bucket = queue.bucket;
    copy.queuedAt = this.servedUntil(now);
    copy.next = undefined;
    if (queue.tail === undefined) queue.head = copy;
    else queue.tail.next = copy;
    queue.tail = copy;
    queue.bytes += copy.length;
    this.messages += 1;
    this.waitingBytes += copy.length;
    while (this.waitingBytes > this.limits.queueBytes || this.messages > this.limits.queueMessages) {
      this.drop(this.removeHead(this.longest()));
    }
  }

  /** The message whose turn it is; undefined when nothing waits. */
  take(now: number): MessageCopy | undefined {
    this.servedMs = this.servedUntil(now);
    this.servedAt = now;
    for (;;) {
      const list = this.fresh.first === undefined ? this.seasoned : this.fresh;
      const flow = list.first;
      if (flow === undefined) return undefined;
      if (flow.deficit <= 0) {
        flow.deficit += QUANTUM_BYTES;
        list.removeFirst();
        this.seasoned.append(flow);
        continue;
      }
      const copy = this.takeFrom(flow);
      if (copy !== undefined) {
        flow.deficit -= copy.length;
        return copy;
      }
      list.removeFirst();
      // A flow that was fresh and is empty goes once through the other list, or it could come back as fresh at once and
      // starve the rest.
      if (list === this.fresh && this.seasoned.first !== undefined) this.seasoned.append(flow);
      else this.flows.delete(flow.bucket);
    }
  }

  /** Drops all. */
  clear(): void {
    for (const flow of this.flows.values()) while (flow.head !== undefined) this.pool.release(this.removeHead(flow));
    this.flows.clear();
    while (this.fresh.first !== undefined) this.fresh.removeFirst();
    while (this.seasoned.first !== undefined) this.seasoned.removeFirst();
  }

  private servedUntil(now: number): number {
    return this.servedMs + Math.min(now - this.servedAt, PAUSE_MS);
  }

  private takeFrom(flow: Flow): MessageCopy | undefined {
    while (flow.head !== undefined) {
      const copy = this.removeHead(flow);
      const waitedMs = this.servedMs - copy.queuedAt;
      // The last one of a flow is never too old: where many flows share little, each has one at least.
      if (flow.head !== undefined && waitedMs > this.limits.queueMs) {
        this.drop(copy);
        continue;
      }
      if (!flow.codel.condemns(waitedMs, flow.bytes, this.timing, this.servedMs)) return copy;
      const told = this.mark(copy.buffer.subarray(0, copy.length));
      if (told === false) {
        this.drop(copy);
        continue;
      }
      if (told === true) this.markCount += 1;
      else {
        this.dropCount += 1;
        copy.length = told;
      }
      return copy;
    }
    flow.codel.emptied();
    return undefined;
  }

  private drop(copy: MessageCopy): void {
    this.dropCount += 1;
    this.pool.release(copy);
  }

  private removeHead(flow: Flow): MessageCopy {
    const copy = flow.head!;
    flow.head = copy.next;
    if (flow.head === undefined) flow.tail = undefined;
    copy.next = undefined;
    flow.bytes -= copy.length;
    this.messages -= 1;
    this.waitingBytes -= copy.length;
    return copy;
  }

  private longest(): Flow {
    let longest: Flow | undefined;
    for (const flow of this.flows.values()) if (longest === undefined || flow.bytes > longest.bytes) longest = flow;
    return longest!;
  }

  private flowOf(bucket: number): Flow {
    const known = this.flows.get(bucket);
    if (known !== undefined) return known;
    const flow: Flow = {
      bucket,
      codel: new Codel(),
      head: undefined,
      tail: undefined,
      bytes: 0,
      deficit: QUANTUM_BYTES,
      next: undefined,
    };
    this.flows.set(bucket, flow);
    this.fresh.append(flow);
    return flow;
  }
}
