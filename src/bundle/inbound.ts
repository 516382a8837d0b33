/**
 * What the other end's application says: Bulk is put into the order of its flows (`resequencer.ts`), Real Time delivered as it comes, and neither
 * twice.
 */
import { ReplayWindow } from '../crypto/replay-window.ts';
import type { MessagePool } from './queue/message-pool.ts';
import { type Deliver, Resequencer, type ResequencerCounters } from './resequencer.ts';
import type { BundleRoute } from './routes/bundle-route.ts';
import type { BundleTuning } from './tuning.ts';

/** How far Real Time messages may overtake each other, over all routes. */
const DATAGRAM_REPLAY_BITS = 4_096;

export class Inbound {
  private readonly tuning: BundleTuning;
  private readonly pool: MessagePool;
  private readonly deliver: Deliver;
  private resequencer: Resequencer;
  private datagrams = new ReplayWindow(DATAGRAM_REPLAY_BITS);
  private datagramDuplicates = 0;
  private newestAt = Number.NEGATIVE_INFINITY;

  constructor(tuning: BundleTuning, pool: MessagePool, deliver: Deliver) {
    this.tuning = tuning;
    this.pool = pool;
    this.deliver = deliver;
    this.resequencer = this.newResequencer();
  }

  /** When something last came. */
  get dataAt(): number {
    return this.newestAt;
  }

  get order(): ResequencerCounters {
    return this.resequencer.counters;
  }

  /** Real Time messages that came again. */
  get duplicates(): number {
    return this.datagramDuplicates;
  }

  routeOpened(route: BundleRoute): void {
    if (!route.isRealTime) this.resequencer.routeOpened(route.slot, route.deliveryMs > 0);
  }

  routeClosed(route: BundleRoute): void {
    this.resequencer.routeClosed(route.slot);
  }

  /** Message `number` of the route brings no Bulk. */
  passedOver(route: BundleRoute, number: number): void {
    this.resequencer.passedOver(route.slot, number);
  }

  /** Message `number` of the route brought this Bulk message; `back` as in DATA. */
  bulk(route: BundleRoute, number: number, sequence: number, back: number, bytes: Uint8Array, now: number): void {
    this.newestAt = now;
    this.resequencer.accept(route.slot, number, sequence, back, bytes, now);
  }

  /** A Real Time message; false when it came before. */
  datagram(sequence: number, bytes: Uint8Array, now: number): boolean {
    this.newestAt = now;
    if (this.datagrams.accept(sequence)) {
      this.deliver(bytes, now);
      return true;
    }
    this.datagramDuplicates += 1;
    return false;
  }

  /** `routeSkewMs`: how far the delays of the live routes lie apart. Returns when to be called again. */
  wake(routeSkewMs: number, now: number): number {
    this.resequencer.setRouteSkew(routeSkewMs);
    return this.resequencer.wake(now);
  }

  /** The other end numbers its messages from 0. */
  restart(): void {
    this.resequencer.close();
    this.resequencer = this.newResequencer();
    this.datagrams = new ReplayWindow(DATAGRAM_REPLAY_BITS);
  }

  close(): void {
    this.resequencer.close();
  }

  private newResequencer(): Resequencer {
    return new Resequencer(this.tuning, this.tuning.maxRoutes, this.pool, this.deliver);
  }
}
