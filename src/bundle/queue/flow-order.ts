/** The newest message of each flow that has a bundle sequence: what the next one of the flow names (docs/protocol.md section 6.2). */
import { MAX_BACK } from '../../wire/route-message.ts';
import { FLOW_BUCKETS } from './flow-queue.ts';

const NONE = -1;

export class FlowOrder {
  private readonly newest = new Float64Array(FLOW_BUCKETS).fill(NONE);

  /**
   * Numbers the next message of the flow in `bucket`; returns how far the one before it lies back, 0 when there is none or it
   * can't be told. Flows that share a bucket are one.
   */
  follow(bucket: number, sequence: number): number {
    const before = this.newest[bucket];
    this.newest[bucket] = sequence;
    return before === NONE || sequence - before > MAX_BACK ? 0 : sequence - before;
  }

  clear(): void {
    this.newest.fill(NONE);
  }
}
