/**
 * Which gateway `auto` takes: the nearest one by round trip, where one that is half full is twice as far as an empty one; one that costs something
 * only where there is none for free. It is kept as long as it delivers, because with another one the laptop's address on the internet changes
 * and its connections end. One that failed is left out for a while, unless there is no other.
 */
import { toHex } from '../base/bytes.ts';
import type { KeyText } from '../base/ids.ts';
import type { Gateway } from '../graph/graph.ts';

/** A gateway that restarts is back by then. */
const AVOID_MS = 120_000;
/** More than any path takes: ten hops of the largest round trip that a record can say, to a full gateway. */
const PRICED_COST_MS = 400_000;
/** More than any price adds. */
const FAILED_COST_MS = 1_000_000;
/** A full one is ten times as far: it may have room again by the time that it is asked. */
const LEAST_ROOM = 0.1;
/** Gateways whose failures are remembered; the oldest is forgotten first. */
const MAX_FAILED = 64;

export interface ReachableGateway extends Gateway {
  /** Of the best path to it. */
  readonly roundTripMs: number;
  /** Of its slowest link, as far as links have shown it; 0: unknown. */
  readonly rateKbps: number;
  readonly hops: number;
}

export class GatewayChoice {
  private readonly failedAt = new Map<KeyText, number>();

  /** The best of those that are in reach, or undefined when there is none. */
  best(gateways: readonly ReachableGateway[], now: number): ReachableGateway | undefined {
    let best: ReachableGateway | undefined;
    for (const gateway of gateways) {
      if (best === undefined || this.cost(gateway, now) < this.cost(best, now)) best = gateway;
    }
    return best;
  }

  failed(gateway: Gateway, now: number): void {
    const name = toHex(gateway.node);
    this.failedAt.delete(name);
    this.failedAt.set(name, now);
    if (this.failedAt.size <= MAX_FAILED) return;
    for (const oldest of this.failedAt.keys()) {
      this.failedAt.delete(oldest);
      return;
    }
  }

  /** In ms of round trip; what failed lately comes behind all others, the latest last. */
  private cost(gateway: ReachableGateway, now: number): number {
    const failedAt = this.failedAt.get(toHex(gateway.node));
    if (failedAt === undefined || now >= failedAt + AVOID_MS) return costOf(gateway);
    return FAILED_COST_MS + AVOID_MS - (now - failedAt);
  }
}

function costOf({ roundTripMs, advert }: ReachableGateway): number {
  const free = roundTripMs / Math.max(LEAST_ROOM, 1 - advert.load);
  return advert.price === 0 ? free : free + PRICED_COST_MS + advert.price;
}
