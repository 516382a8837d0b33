/**
 * Nodes in a row, of links and routes only: no graph, no bundles, no tunnels. One end opens routes to the other and sends messages.
 *
 *   0 ── 1 ── 2 ── ... ── last
 */
import { createHash } from 'node:crypto';
import { utf8 } from '../../../src/base/bytes.ts';
import type { DatagramBatch } from '../../../src/base/datagram.ts';
import { Drops } from '../../../src/base/drops.ts';
import type { NodeKey, RouteHandle, SecretKey, ServiceKey } from '../../../src/base/ids.ts';
import type { DeliveryMs, TrafficClass } from '../../../src/base/traffic-class.ts';
import { createIdentity, type Identity } from '../../../src/crypto/identity.ts';
import { createNodeCipher } from '../../../src/crypto/node-cipher.ts';
import { LinkLayer } from '../../../src/link/link-layer.ts';
import { RouteLayer } from '../../../src/route/route-layer.ts';
import type { RouteEvents } from '../../../src/route/route-ports.ts';
import type { RouteTuning } from '../../../src/route/tuning.ts';
import { fastCurve } from '../../helpers/fast-curve.ts';
import type { Wire, WireShape } from './wire.ts';
import { type Machine, World, type WorldOptions } from './world.ts';

const SILENT_LOG = { write: () => {} };
const DEFAULT_MEMORY_BYTES = 64 * 1_024 * 1_024;
const HELLO_BYTES = 106;
const LINKS_UP_WITHIN_MS = 60_000;

export interface ChainOptions {
  readonly seed: number;
  /** One a hop. */
  readonly wires: readonly Partial<WireShape>[];
  readonly memoryBytes?: number;
  readonly route?: Partial<RouteTuning>;
  readonly world?: Partial<WorldOptions>;
}

/** What happens at the ends of routes; what is missing is ignored. */
export type EndEvents = Partial<Pick<RouteEvents, 'message' | 'lost' | 'writable'>>;

/** One node of the chain. */
export class ChainNode implements Machine {
  readonly identity: Identity;
  readonly drops = new Drops();
  readonly links: LinkLayer;
  readonly routes: RouteLayer;
  events: EndEvents = {};
  /** Routes that ended here, newest last. */
  readonly incoming: RouteHandle[] = [];
  /** What failed or was closed, and why. */
  readonly ended: string[] = [];

  constructor(world: World, identity: Identity, transport: LinkTransport, random: LinkRandom, o: ChainOptions) {
    const { drops } = this;
    const curve = fastCurve();
    this.identity = identity;
    this.links = new LinkLayer({
      ...{ identity, curve, random, transport, drops, log: SILENT_LOG },
      cipher: createNodeCipher(),
      events: {
        linkUp: (link, peer, now) => this.routes.linkUp(link, peer, now),
        linkDown: (link, peer, _reason, now) => this.routes.linkDown(link, peer, now),
        data: (link, piece, now) => this.routes.forwarding.data(link, piece, now),
        credit: (link, ids, idAt, limit, now) => this.routes.forwarding.credit(link, ids, idAt, limit, now),
        blocked: (link, ids, idAt, limit, now) => this.routes.forwarding.blocked(link, ids, idAt, limit, now),
        load: (link, load) => this.routes.load(link, load),
        channelMessage: (link, _channel, message, now) => this.routes.channelMessage(link, message, now),
      },
    });
    this.routes = new RouteLayer({
      ...{ identity, curve, random, drops, log: SILENT_LOG },
      memoryBytes: o.memoryBytes ?? DEFAULT_MEMORY_BYTES,
      tuning: o.route ?? {},
      links: this.links,
      wallMs: () => world.wallMs(),
      events: {
        message: (route, message, number, now) => this.events.message?.(route, message, number, now),
        lost: (route, number, now) => this.events.lost?.(route, number, now),
        writable: (route, now) => this.events.writable?.(route, now),
        incoming: (route) => {
          this.incoming.push(route);
          return 'accept';
        },
        failed: (_route, { hop, reason }) => this.ended.push(`failed at ${hop}: ${reason}`),
        closed: (_route, reason) => this.ended.push(`closed: ${reason}`),
      },
    });
    this.links.source = this.routes.forwarding;
  }

  start(now: number): void {
    this.links.start(now);
  }

  stop(now: number): void {
    this.links.stop(now);
  }

  receive(batch: DatagramBatch, now: number): void {
    this.links.receive(batch, now);
  }

  wake(now: number): void {
    this.links.wake(now);
    this.routes.wake(now);
  }

  nextWakeAt(): number {
    return Math.min(this.links.nextWakeAt(), this.routes.nextWakeAt());
  }

  drain(now: number): void {
    this.links.drain(now);
  }
}

type LinkTransport = ConstructorParameters<typeof LinkLayer>[0]['transport'];
type LinkRandom = ConstructorParameters<typeof LinkLayer>[0]['random'];

export class Chain {
  readonly world: World;
  readonly wires: Wire[] = [];
  readonly nodes: ChainNode[] = [];

  constructor(options: ChainOptions) {
    const { seed, wires } = options;
    this.world = new World(seed, options.world);
    const identities = Array.from({ length: wires.length + 1 }, (_, i) => identityOf(seed, i));
    identities.forEach((identity, i) => {
      this.world.addHost(`node ${i}`, (transport, random) => {
        const node = new ChainNode(this.world, identity, transport, random, options);
        this.nodes[i] = node;
        for (const wire of this.wires) {
          if (!wire.ends.includes(i)) continue;
          const other = wire.other(i);
          node.links.addPeer(identities[other].key, this.world.endpoint(wire, other));
        }
        return node;
      });
    });
    wires.forEach((shape, i) => {
      this.wires.push(this.world.connect(i, i + 1, shape));
    });
    identities.forEach((_, i) => {
      this.world.boot(i);
    });
  }

  get first(): ChainNode {
    return this.nodes[0];
  }

  get last(): ChainNode {
    return this.nodes[this.nodes.length - 1];
  }

  /** Opens a route from the first node to the last. */
  open(trafficClass: TrafficClass, deliveryMs: DeliveryMs): RouteHandle {
    const path = this.nodes.slice(1).map(({ identity }) => identity.key as NodeKey);
    const service = this.last.identity.key as Uint8Array as ServiceKey;
    const final = { service, hello: new Uint8Array(HELLO_BYTES), routeIndex: 0, trafficClass, deliveryMs };
    const opened = this.act(0, (now) => this.first.routes.open(path, final, now));
    if (typeof opened !== 'number') throw new Error(`the route did not open: ${String(opened)}`);
    return opened;
  }

  /** Runs until every link is up; answers when that was. */
  runUntilUp(): number {
    const { world, nodes } = this;
    const isUp = (): boolean =>
      nodes.every(({ links }) => links.status(world.now).every(({ state }) => state === 'up'));
    while (!isUp()) {
      if (world.now > LINKS_UP_WITHIN_MS) throw new Error('a link does not come up');
      world.run(world.now + 100);
    }
    return world.now;
  }

  /** Lets a node do something now, and sends what comes of it. */
  act<T>(index: number, run: (now: number) => T): T {
    let result: T | undefined;
    this.world.act(index, () => {
      result = run(this.world.now);
    });
    return result as T;
  }

  /** From now on the first node sends messages of `bytes` bytes on a route whenever there is room for one. */
  saturate(route: RouteHandle, bytes: number): void {
    const message = new Uint8Array(bytes);
    const fill = (now: number): void => {
      while (this.first.routes.room(route, now) >= bytes && this.first.routes.send(route, message, now) >= 0);
    };
    this.first.events = { ...this.first.events, writable: (_route, now) => fill(now) };
    this.act(0, fill);
  }
}

/** The same keys for the same seed. */
function identityOf(seed: number, index: number): Identity {
  const curve = fastCurve();
  const secret = new Uint8Array(
    createHash('sha256')
      .update(utf8(`${seed} chain ${index}`))
      .digest(),
  ) as SecretKey;
  if (!curve.isSecret(secret)) throw new Error('one hash in 2^128 is no scalar');
  return createIdentity(curve, secret);
}
