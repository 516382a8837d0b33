/**
 * Several route layers joined by links in memory, on a virtual clock. A link carries messages and pieces as the link
 * layer does: pieces are cut to what fits a datagram, everything may be lost, late and out of order, and nothing
 * arrives twice.
 */
import { Drops } from '../../../src/base/drops.ts';
import type { LinkId, NodeKey, RouteHandle, SecretKey, ServiceKey } from '../../../src/base/ids.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { createIdentity, type Identity } from '../../../src/crypto/identity.ts';
import { nobleCurve } from '../../../src/crypto/noble-curve.ts';
import type { Piece } from '../../../src/link/piece.ts';
import type { RouteFailure } from '../../../src/route/route-failure.ts';
import { RouteLayer } from '../../../src/route/route-layer.ts';
import type { IncomingVerdict, LinkPort } from '../../../src/route/route-ports.ts';
import type { RouteTuning } from '../../../src/route/tuning.ts';
import { EventHeap } from '../../sim/world/event-heap.ts';

export const WALL_START_MS = 1_700_000_000_000;

/** What goes over a link: for taps that look, lose or delay. */
export interface Parcel {
  readonly from: string;
  readonly to: string;
  /** A channel-0 message, or undefined when it is a piece. */
  readonly message: Uint8Array | undefined;
  readonly piece: Piece | undefined;
}

export interface TestNode {
  readonly name: string;
  readonly identity: Identity;
  readonly drops: Drops;
  readonly layer: RouteLayer;
  readonly messages: { route: RouteHandle; bytes: Uint8Array; at: number }[];
  readonly incoming: { route: RouteHandle; service: ServiceKey; hello: Uint8Array; routeIndex: number; at: number }[];
  readonly failed: { route: RouteHandle; hop: number; reason: RouteFailure }[];
  readonly closed: { route: RouteHandle; reason: string }[];
  verdict: IncomingVerdict;
  /** Added to the wall clock of this node. */
  clockErrorMs: number;
  /** False: its links take nothing. */
  hasRoom: boolean;
}

const secrets: SecretKey[] = [];
/** Key pairs are dear to make; every network uses the same ones. */
function secretOf(index: number): SecretKey {
  while (secrets.length <= index) {
    const secret = new SeededRandom(secrets.length, 'node secret');
    const bytes = new Uint8Array(32);
    secret.fill(bytes);
    secrets.push(bytes as SecretKey);
  }
  return secrets[index];
}

export class RouteNetwork {
  now = 0;
  readonly nodes: TestNode[] = [];
  /** Undefined: lost. Otherwise ms until it arrives. */
  delayOf: (parcel: Parcel) => number | undefined = () => 5;
  /** Bytes of a piece that fit a datagram. */
  pieceBytes = 1_100;
  /** Everything that was put on a link, lost or not. */
  readonly parcels: Parcel[] = [];
  private readonly heap = new EventHeap();
  private readonly up = new Set<string>();
  private readonly tuning: Partial<RouteTuning>;

  constructor(tuning: Partial<RouteTuning> = {}) {
    this.tuning = tuning;
  }

  /** A chain of nodes with a link between each two. */
  static chain(length: number, tuning: Partial<RouteTuning> = {}): RouteNetwork {
    const network = new RouteNetwork(tuning);
    for (let i = 0; i < length; i++) network.add();
    for (let i = 1; i < length; i++) network.connect(network.nodes[i - 1], network.nodes[i]);
    return network;
  }

  add(): TestNode {
    const index = this.nodes.length;
    const name = `node ${index}`;
    const identity = createIdentity(nobleCurve, secretOf(index));
    const drops = new Drops();
    const layer = new RouteLayer({
      identity,
      curve: nobleCurve,
      random: new SeededRandom(index, 'route layer'),
      links: this.portOf(name),
      drops,
      log: { write: () => {} },
      wallMs: () => WALL_START_MS + this.now + node.clockErrorMs,
      tuning: this.tuning,
      events: {
        message: (route, bytes) => node.messages.push({ route, bytes: bytes.slice(), at: this.now }),
        incoming: (route, { service, hello, routeIndex }) => {
          node.incoming.push({ route, service, hello: hello.slice(), routeIndex, at: this.now });
          return node.verdict;
        },
        failed: (route, { hop, reason }) => node.failed.push({ route, hop, reason }),
        closed: (route, reason) => node.closed.push({ route, reason }),
      },
    });
    const node: TestNode = {
      name,
      identity,
      drops,
      layer,
      messages: [],
      incoming: [],
      failed: [],
      closed: [],
      verdict: 'accept',
      clockErrorMs: 0,
      hasRoom: true,
    };
    this.nodes.push(node);
    return node;
  }

  connect(a: TestNode, b: TestNode): void {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ]) {
      this.up.add(`${from.name} to ${to.name}`);
      from.layer.linkUp(this.linkTo(to), to.identity.key, this.now);
    }
  }

  disconnect(a: TestNode, b: TestNode): void {
    this.up.delete(`${a.name} to ${b.name}`);
    this.up.delete(`${b.name} to ${a.name}`);
    a.layer.linkDown(this.linkTo(b), b.identity.key, this.now);
    b.layer.linkDown(this.linkTo(a), a.identity.key, this.now);
  }

  /** A link's number is the number of the node at its other end. */
  linkTo(node: TestNode): LinkId {
    return this.nodes.indexOf(node) as LinkId;
  }

  path(...nodes: TestNode[]): NodeKey[] {
    return nodes.map((node) => node.identity.key);
  }

  /** Lets everything happen that happens until `at`. */
  runUntil(at: number): void {
    for (;;) {
      const wakeAt = Math.min(...this.nodes.map((node) => node.layer.nextWakeAt()));
      const next = Math.min(this.heap.nextAt(), wakeAt);
      if (next > at) break;
      this.now = Math.max(this.now, next);
      while (this.heap.nextAt() <= this.now) this.heap.take().run();
      for (const { layer } of this.nodes) if (layer.nextWakeAt() <= this.now) layer.wake(this.now);
    }
    this.now = at;
  }

  run(ms: number): void {
    this.runUntil(this.now + ms);
  }

  /** Hands a channel-0 message to `to` as if `from` had sent it. */
  inject(from: TestNode, to: TestNode, message: Uint8Array): void {
    to.layer.channelMessage(this.linkTo(from), message, this.now);
  }

  /** Hands a piece to `to` as if `from` had sent it. */
  injectPiece(from: TestNode, to: TestNode, routeId: Uint8Array, bytes: Uint8Array): void {
    const buffer = Uint8Array.of(...routeId, ...bytes);
    const piece = { buffer, routeIdAt: 0, message: 0, offset: 0, last: true, start: 16, length: bytes.length };
    to.layer.data(this.linkTo(from), piece, this.now);
  }

  private portOf(name: string): LinkPort {
    const isUp = (link: LinkId): boolean => this.up.has(`${name} to node ${link}`);
    return {
      linkOf: (peer) => {
        const link = this.nodes.findIndex((node) => node.identity.key.every((byte, i) => byte === peer[i])) as LinkId;
        return isUp(link) ? link : undefined;
      },
      sendChannel: (link, _channel, message) => {
        if (!isUp(link) || !this.named(name).hasRoom) return false;
        this.carry(name, link, message.slice(), undefined);
        return true;
      },
      sendData: (link, routeId, routeIdAt, message, offset, last, buffer, start, length) => {
        if (!isUp(link) || !this.named(name).hasRoom) return false;
        for (let at = 0; at < length; at += this.pieceBytes) {
          const part = Math.min(this.pieceBytes, length - at);
          const bytes = new Uint8Array(16 + part);
          bytes.set(routeId.subarray(routeIdAt, routeIdAt + 16));
          bytes.set(buffer.subarray(start + at, start + at + part), 16);
          const ends = last && at + part === length;
          const piece = {
            buffer: bytes,
            routeIdAt: 0,
            message,
            offset: offset + at,
            last: ends,
            start: 16,
            length: part,
          };
          this.carry(name, link, undefined, piece);
        }
        return true;
      },
    };
  }

  private carry(from: string, link: LinkId, message: Uint8Array | undefined, piece: Piece | undefined): void {
    const to = this.nodes[link];
    const parcel = { from, to: to.name, message, piece };
    this.parcels.push(parcel);
    const delay = this.delayOf(parcel);
    if (delay === undefined) return;
    const fromLink = this.nodes.indexOf(this.named(from)) as LinkId;
    this.heap.add(this.now + delay, () => {
      if (!this.up.has(`${to.name} to ${from}`)) return;
      if (message !== undefined) to.layer.channelMessage(fromLink, message, this.now);
      if (piece !== undefined) to.layer.data(fromLink, piece, this.now);
    });
  }

  private named(name: string): TestNode {
    return this.nodes.find((node) => node.name === name)!;
  }
}

export const service = new Uint8Array(33).fill(3) as ServiceKey;
export const hello = Uint8Array.from({ length: 106 }, (_, i) => i);
export const final = { service, hello, routeIndex: 7 };

/** Opens a route from the first node over the others, and fails the test when that is refused. */
export function openRoute(network: RouteNetwork, ...nodes: TestNode[]): RouteHandle {
  const route = nodes[0].layer.open(network.path(...nodes.slice(1)), final, network.now);
  if (typeof route === 'string') throw new Error(`the route was refused: ${route}`);
  return route;
}

/** Entries of all tables of a network. */
export function entries(network: RouteNetwork): number {
  return network.nodes.reduce((sum, { layer }) => {
    const { relayed, origin, destination } = layer.status();
    return sum + relayed + origin + destination;
  }, 0);
}

/** Bytes that differ from message to message. */
export function bytesOf(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  new SeededRandom(seed, 'message').fill(bytes);
  return bytes;
}

export function ends(network: RouteNetwork): { origin: TestNode; destination: TestNode } {
  return { origin: network.nodes[0], destination: network.nodes[network.nodes.length - 1] };
}
