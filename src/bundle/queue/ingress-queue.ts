/**
 * The Bulk messages of a session that wait for a route with room: first those that a dead route gave back, in their
 * order, then whatever flow's turn it is (`flow-queue.ts`). A message is dropped only while it has no bundle sequence,
 * so that the far end never waits for it; that is the congestion signal for the senders inside the tunnel.
 *
 * What comes back may exceed the bounds: it was admitted once, and is no more than what was in flight.
 */
import type { CodelTiming } from './codel.ts';
import { FlowQueue, type FlowQueueLimits, type Mark } from './flow-queue.ts';
import type { MessageCopy, MessagePool } from './message-pool.ts';

export class IngressQueue {
  private readonly pool: MessagePool;
  private readonly flows: FlowQueue;
  /** Descending by sequence: the next one is the last. */
  private returned: MessageCopy[] = [];
  private returnedBytes = 0;
  /** The flow queue's choice, while no route has room for it. */
  private chosen: MessageCopy | undefined;
  private refused = 0;

  constructor(pool: MessagePool, limits: FlowQueueLimits, timing: CodelTiming, mark: Mark) {
    this.pool = pool;
    this.flows = new FlowQueue(pool, limits, timing, mark);
  }

  get length(): number {
    return this.flows.length + this.returned.length + (this.chosen === undefined ? 0 : 1);
  }

  get bytes(): number {
    return this.flows.bytes + this.returnedBytes + (this.chosen?.length ?? 0);
  }

  /** Messages that CoDel or a full queue dropped, and those there was no memory for. */
  get drops(): number {
    return this.flows.drops + this.refused;
  }

  /** Messages that were marked in place of being dropped. */
  get marks(): number {
    return this.flows.marks;
  }

  /** What CoDel aims at from now on. */
  setTiming(targetMs: number, intervalMs: number): void {
    this.flows.timing.targetMs = targetMs;
    this.flows.timing.intervalMs = intervalMs;
  }

  /** Copies the message in. False when there is no memory for it. */
  offer(bytes: Uint8Array, flow: number, now: number): boolean {
    const copy = this.pool.take(bytes);
    if (copy === undefined) {
      this.refused += 1;
      return false;
    }
    this.flows.add(copy, flow, now);
    return true;
  }

  /** Puts a message back that a route could not deliver, before all with a later sequence. */
  putBack(copy: MessageCopy): void {
    let at = this.returned.length;
    while (at > 0 && this.returned[at - 1].sequence < copy.sequence) at -= 1;
    this.returned.splice(at, 0, copy);
    this.returnedBytes += copy.length;
  }

  /** The next message, which stays; undefined when none waits. */
  peek(now: number): MessageCopy | undefined {
    const returned = this.returned.at(-1);
    if (returned !== undefined) return returned;
    this.chosen ??= this.flows.take(now);
    return this.chosen;
  }

  /** Takes what `peek` showed. */
  take(): MessageCopy {
    const returned = this.returned.pop();
    if (returned !== undefined) {
      this.returnedBytes -= returned.length;
      return returned;
    }
    const copy = this.chosen!;
    this.chosen = undefined;
    return copy;
  }

  /** Drops what was sent before. Returns how many messages that were. */
  dropSent(): number {
    const dropped = this.returned.length;
    for (const copy of this.returned) this.pool.release(copy);
    this.returned = [];
    this.returnedBytes = 0;
    return dropped;
  }

  clear(): void {
    this.dropSent();
    if (this.chosen !== undefined) this.pool.release(this.chosen);
    this.chosen = undefined;
    this.flows.clear();
  }
}
