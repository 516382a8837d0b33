/**
 * A miner that reaches its gateway over parallel routes, and TCP through the tunnel:
 *
 *            ┌── relay 1 ──┐
 *   miner ───┼── relay 2 ──┼─── gateway
 *            └── relay n ──┘
 *
 * Each route is as good as its wire between miner and relay; the wires to the gateway are clean and fast.
 */
import type { PacketBatch } from '../../../src/base/datagram.ts';
import { PROTOCOL } from '../../../src/wire/ip.ts';
import { Network } from './network.ts';
import { type TcpOptions, type TcpPort, TcpReceiver, TcpSender } from './tcp.ts';
import type { WireShape } from './wire.ts';

const MTU_BYTES = 1_340;
const SERVER = ((93 << 24) | (184 << 16) | (216 << 8) | 34) >>> 0;
const TCP_PORT = 5_001;
const LEASE_WITHIN_MS = 60_000;
/** For links, routes and path MTUs to be found. */
const SETTLE_MS = 10_000;
const FAST_WIRE: Partial<WireShape> = { delayMs: 1 };

const TCP_KINDS = {
  cubic: { congestion: 'cubic', lossBy: 'rack' },
  reno: { congestion: 'reno', lossBy: 'dup3' },
} as const;

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
    while (network.address === 0) {
      if (network.world.now > LEASE_WITHIN_MS) throw new Error('no lease after a minute');
      network.world.run(network.world.now + 100);
    }
    network.world.run(network.world.now + SETTLE_MS);
  }

  /** One connection towards the laptop; payload that arrived, Mb/s. */
  download({ kind, skipMs, ms }: Download): number {
    const { network } = this;
    const { world } = network;
    const options: TcpOptions = {
      ...TCP_KINDS[kind],
      mtuBytes: MTU_BYTES,
      source: SERVER,
      destination: network.address,
      port: TCP_PORT,
    };
    const sender = new TcpSender(options, this.portAt('internet'));
    const receiver = new TcpReceiver(options, this.portAt('laptop'));
    network.onPacket = (end, packet) => {
      if (packet[9] !== PROTOCOL.tcp) return;
      if (end === 'laptop') receiver.receive(packet);
      else sender.receive(packet);
    };
    sender.start();
    world.run(world.now + skipMs);
    const before = receiver.bytes;
    world.run(world.now + ms);
    return ((receiver.bytes - before) * 8) / ms / 1_000;
  }

  private portAt(end: 'laptop' | 'internet'): TcpPort {
    const { network } = this;
    const { world } = network;
    return {
      get now() {
        return world.now;
      },
      at: (time, action) => world.at(time, action),
      // Not at once: the packet may be an answer to one that a node is just handing out.
      send: (packet) => {
        const copy = copyOf(packet);
        world.at(world.now, () => network.sendFrom(end, copy));
      },
    };
  }
}

function copyOf({ arena, lengths }: PacketBatch): PacketBatch {
  const [length] = lengths;
  return { arena: arena.slice(0, length), count: 1, offsets: new Uint32Array(1), lengths: Uint32Array.of(length) };
}
