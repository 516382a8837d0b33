/**
 * A chain of real link and route layers over wires in memory, on a virtual clock: each direction of a wire has a rate, a
 * queue, a delay and a loss from one seeded stream.
 */
import { createDatagramBatch, type DatagramBatch, ENDPOINT_BYTES } from '../../../src/base/datagram.ts';
import { Drops } from '../../../src/base/drops.ts';
import { randomBytes } from '../../../src/base/env.ts';
import type { NodeKey, RouteHandle, SecretKey } from '../../../src/base/ids.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { createIdentity, type Identity } from '../../../src/crypto/identity.ts';
import { createNodeCipher } from '../../../src/crypto/node-cipher.ts';
import { LinkLayer } from '../../../src/link/link-layer.ts';
import { RouteLayer } from '../../../src/route/route-layer.ts';
import type { FinalHop } from '../../../src/route/set-up/set-up.ts';
import { fastCurve } from '../../helpers/fast-curve.ts';
import { EventHeap } from '../../sim/world/event-heap.ts';
import { final, WALL_START_MS } from './route-network.ts';

const curve = fastCurve();
/** What IP and UDP add to a datagram on a wire. */
const WIRE_OVERHEAD_BYTES = 28;

export interface Shape {
  bytesPerMs: number;
  queueBytes: number;
  delayMs: number;
  loss: number;
}

/** One direction of a wire. */
export interface Wire extends Shape {
  freeAt: number;
  carriedBytes: number;
  droppedForQueue: number;
}

export interface Arrived {
  readonly number: number;
  readonly bytes: number;
  readonly first: number;
  readonly at: number;
}

export class ChainNode {
  readonly index: number;
  readonly identity: Identity;
  readonly drops = new Drops();
  readonly links: LinkLayer;
  readonly routes: RouteLayer;
  readonly arrived: Arrived[] = [];
  readonly lost: number[] = [];
  readonly failed: string[] = [];
  incoming: RouteHandle | undefined;

  constructor(chain: LinkChain, index: number, memoryBytes: number) {
    const random = new SeededRandom(chain.seed, `node ${index}`);
    this.index = index;
    this.identity = createIdentity(curve, randomBytes(random, 32) as SecretKey);
    const { drops, identity } = this;
    const log = { write: () => undefined };
    this.links = new LinkLayer({
      identity,
      curve,
      cipher: createNodeCipher(),
      random,
      transport: { maxDatagramBytes: 1_472, send: (batch) => chain.transmit(index, batch) },
      drops,
      log,
    });
    this.routes = new RouteLayer({
      identity,
      curve,
      random,
      links: this.links,
      drops,
      log,
      memoryBytes,
      wallMs: () => WALL_START_MS + chain.now,
      events: {
        message: (_route, message, number, now) =>
          this.arrived.push({ number, bytes: message.length, first: message[0], at: now }),
        lost: (_route, number) => this.lost.push(number),
        writable: () => chain.pump(this),
        incoming: (route) => {
          this.incoming = route;
          return 'accept';
        },
        failed: (_route, { reason }) => this.failed.push(reason),
        closed: (_route, reason) => this.failed.push(reason),
      },
    });
    const { forwarding } = this.routes;
    this.links.source = forwarding;
    this.links.events = {
      linkUp: (link, peer, now) => this.routes.linkUp(link, peer, now),
      linkDown: (link, peer, _reason, now) => this.routes.linkDown(link, peer, now),
      data: (link, piece, now) => forwarding.data(link, piece, now),
      credit: (link, ids, at, limit, now) => forwarding.credit(link, ids, at, limit, now),
      blocked: (link, ids, at, limit, now) => forwarding.blocked(link, ids, at, limit, now),
      load: (link, load) => this.routes.load(link, load),
      channelMessage: (link, _channel, message, now) => this.routes.channelMessage(link, message, now),
    };
  }
}

export class LinkChain {
  now = 1_000;
  readonly seed: number;
  readonly nodes: ChainNode[] = [];
  /** Called when a node has room for more; pulls must not run inside a handler of the layers, so it is called after. */
  onWritable: (node: ChainNode) => void = () => {};
  private readonly random: SeededRandom;
  private readonly heap = new EventHeap();
  private readonly wires = new Map<string, Wire>();
  private readonly writable = new Set<ChainNode>();
  private readonly batch = createDatagramBatch(1, 65_536);

  constructor(seed: number, length: number, shape: Shape, memoryBytes = 8 * 1_024 * 1_024) {
    this.seed = seed;
    this.random = new SeededRandom(seed, 'wires');
    for (let i = 0; i < length; i++) this.nodes.push(new ChainNode(this, i, memoryBytes));
    for (let i = 1; i < length; i++) {
      const [a, b] = [this.nodes[i - 1], this.nodes[i]];
      for (const [from, to] of [
        [a, b],
        [b, a],
      ]) {
        from.links.addPeer(to.identity.key, endpointOf(to.index));
        this.wires.set(`${from.index} ${to.index}`, { ...shape, freeAt: 0, carriedBytes: 0, droppedForQueue: 0 });
      }
    }
    for (const { links } of this.nodes) links.start(this.now);
  }

  wire(from: number, to: number): Wire {
    return this.wires.get(`${from} ${to}`)!;
  }

  /** Changes all wires. */
  reshape(shape: Partial<Shape>): void {
    for (const wire of this.wires.values()) Object.assign(wire, shape);
  }

  pump(node: ChainNode): void {
    this.writable.add(node);
  }

  /** A route from the first node over all others. */
  open(over: Partial<FinalHop> = {}): RouteHandle {
    return this.openTo(this.nodes.length - 1, over);
  }

  /** A route from the first node to this one. */
  openTo(last: number, over: Partial<FinalHop> = {}): RouteHandle {
    const path: NodeKey[] = this.nodes.slice(1, last + 1).map(({ identity }) => identity.key);
    const route = this.nodes[0].routes.open(path, { ...final, ...over }, this.now);
    if (typeof route === 'string') throw new Error(`the route was refused: ${route}`);
    return route;
  }

  run(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      this.drain();
      let next = this.heap.nextAt();
      for (const { links, routes } of this.nodes) next = Math.min(next, links.nextWakeAt(), routes.nextWakeAt());
      if (next > until) break;
      this.now = Math.max(this.now, next);
      while (this.heap.nextAt() <= this.now) this.heap.take().run();
      for (const { links, routes } of this.nodes) {
        if (links.nextWakeAt() <= this.now) links.wake(this.now);
        if (routes.nextWakeAt() <= this.now) routes.wake(this.now);
      }
    }
    this.now = until;
  }

  later(ms: number, action: () => void): void {
    this.heap.add(this.now + ms, action);
  }

  transmit(from: number, batch: DatagramBatch): void {
    for (let i = 0; i < batch.count; i++) {
      const to = batch.endpoints[i * ENDPOINT_BYTES + 7];
      const wire = this.wire(from, to);
      const length = batch.lengths[i];
      const size = length + WIRE_OVERHEAD_BYTES;
      const waitingMs = Math.max(0, wire.freeAt - this.now);
      if (waitingMs * wire.bytesPerMs + size > wire.queueBytes) {
        wire.droppedForQueue++;
        continue;
      }
      wire.freeAt = this.now + waitingMs + size / wire.bytesPerMs;
      wire.carriedBytes += size;
      if (this.random.chance(wire.loss)) continue;
      const bytes = batch.arena.slice(batch.offsets[i], batch.offsets[i] + length);
      this.heap.add(wire.freeAt + wire.delayMs, () => this.arrive(from, this.nodes[to], bytes));
    }
  }

  private arrive(from: number, to: ChainNode, bytes: Uint8Array): void {
    const { batch } = this;
    batch.count = 1;
    batch.offsets[0] = 0;
    batch.lengths[0] = bytes.length;
    batch.arena.set(bytes);
    batch.endpoints.set(endpointOf(from));
    to.links.receive(batch, this.now);
  }

  private drain(): void {
    for (const node of this.writable) this.onWritable(node);
    this.writable.clear();
    for (const { links } of this.nodes) links.drain(this.now);
  }
}

function endpointOf(index: number): Uint8Array {
  const endpoint = new Uint8Array(ENDPOINT_BYTES);
  endpoint.set([0, 4, 0x1b, 0x39, 10, 0, 0, index]);
  return endpoint;
}
