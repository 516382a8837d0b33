/**
 * A miner that reaches its gateway over parallel routes, and TCP through the tunnel:
 *
 *            ┌── relay 1 ──┐
 *   miner ───┼── relay 2 ──┼─── gateway
 *            └── relay n ──┘
 *
 * Each route is as good as its wire between miner and relay; the wires to the gateway are clean and fast.
 */
import { Network } from './network.ts';
import { startDownload, type TCP_KINDS } from './tunnel-tcp.ts';
import type { WireShape } from './wire.ts';

/** For links, routes and path MTUs to be found. */
const SETTLE_MS = 10_000;
const FAST_WIRE: Partial<WireShape> = { delayMs: 1 };

export interface Download {
  readonly kind: keyof typeof TCP_KINDS;
  /** Left out of the figure. */
  readonly skipMs: number;
  readonly ms: number;
}

export class RouteSetNetwork {
  readonly network: Network;

  constructor(seed: number, routes: readonly Partial<WireShape>[]) {
    const gateway = routes.length + 1;
    const wires = routes.flatMap((shape, i) => [
      { a: 0, b: i + 1, shape },
      { a: i + 1, b: gateway, shape: FAST_WIRE },
    ]);
    const world = { traced: false };
    this.network = new Network({ seed, nodes: gateway + 1, wires, routeCount: routes.length, world });
    const { network } = this;
    network.bootAll();
    network.untilLeased();
    network.world.run(network.world.now + SETTLE_MS);
  }

  /** One connection towards the laptop; payload that arrived, Mb/s. */
  download({ kind, skipMs, ms }: Download): number {
    const { world } = this.network;
    const { receiver } = startDownload(this.network, kind);
    world.run(world.now + skipMs);
    const before = receiver.arrivedBytes;
    world.run(world.now + ms);
    return ((receiver.arrivedBytes - before) * 8) / ms / 1_000;
  }
}
