/**
 * Tells flows that send little, a call, a game, somebody typing, from flows that send what they can.
 *
 * Each flow fills a bucket that drains with time. While it never runs over, the flow is sparse. When it does, the flow is
 * dense from then on, and sparse again only after a pause: its later packets would otherwise overtake the earlier ones
 * that still wait in a Bulk queue, and TCP takes that for loss.
 *
 * A packet fills its bytes, and not less than a least cost: many small packets are no sparse flow either. For TCP that
 * cost is high, so that the acknowledgements of a download, small as they are, stay with the download's class.
 *
 * Flows are named by a hash with a secret key, and those that share a bucket count as one: a stranger can't aim at
 * somebody's flow, and a collision makes a flow dense at worst. Fixed memory; on the packet path, no allocation.
 */
import {
  SPARSE_BUCKETS,
  SPARSE_BURST_BYTES,
  SPARSE_BYTES_PER_MS,
  SPARSE_LEAST_COST_BYTES,
  SPARSE_LEAST_TCP_COST_BYTES,
  SPARSE_PAUSE_MS,
} from './tuning.ts';

export class SparseFlows {
  private readonly filledBytes = new Float64Array(SPARSE_BUCKETS);
  private readonly lastPacketAt = new Float64Array(SPARSE_BUCKETS).fill(Number.NEGATIVE_INFINITY);
  private readonly dense = new Uint8Array(SPARSE_BUCKETS);

  /** Counts a packet of `bytes` to its flow; whether the flow is sparse, this packet included. `flow` is a 32-bit hash. */
  count(flow: number, bytes: number, isTcp: boolean, now: number): boolean {
    const at = flow % SPARSE_BUCKETS;
    const quietMs = now - this.lastPacketAt[at];
    this.lastPacketAt[at] = now;
    if (quietMs >= SPARSE_PAUSE_MS) this.dense[at] = 0;
    const cost = Math.max(bytes, isTcp ? SPARSE_LEAST_TCP_COST_BYTES : SPARSE_LEAST_COST_BYTES);
    const filled = Math.max(0, this.filledBytes[at] - quietMs * SPARSE_BYTES_PER_MS) + cost;
    // A full bucket stays just full, so that the pause alone decides when a dense flow is forgiven.
    this.filledBytes[at] = Math.min(filled, SPARSE_BURST_BYTES);
    if (filled > SPARSE_BURST_BYTES) this.dense[at] = 1;
    return this.dense[at] === 0;
  }
}
