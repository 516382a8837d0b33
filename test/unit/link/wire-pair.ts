/**
 * Real link layers over an in-memory wire with virtual time. Delay, loss, duplication and reorder come from one seeded
 * stream, so a run is the same every time. Whatever crosses the wire can be watched, changed or thrown away.
 */
import { concat, equal, toHex } from '../../../src/base/bytes.ts';
import {
  createDatagramBatch,
  type DatagramBatch,
  type DatagramTransport,
  ENDPOINT_BYTES,
} from '../../../src/base/datagram.ts';
import { Drops } from '../../../src/base/drops.ts';
import { NEVER, randomBytes } from '../../../src/base/env.ts';
import type { LinkId, NodeKey, SecretKey } from '../../../src/base/ids.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { type Cipher, JOB_WORDS } from '../../../src/crypto/cipher.ts';
import { createIdentity, type Identity } from '../../../src/crypto/identity.ts';
import { createNodeCipher } from '../../../src/crypto/node-cipher.ts';
import { LinkLayer } from '../../../src/link/link-layer.ts';
import type { BackChannelPort } from '../../../src/link/one-way/back-channel-port.ts';
import { backEndpoint, isBackEndpoint } from '../../../src/link/one-way/back-endpoint.ts';
import type { Piece } from '../../../src/link/piece.ts';
import type { LinkTuning } from '../../../src/link/tuning.ts';
import type { LoadFrame } from '../../../src/wire/frames.ts';
import { fastCurve } from '../../helpers/fast-curve.ts';
import { EventHeap } from '../../sim/world/event-heap.ts';
import { FakeSource, type MessageOptions } from './fake-source.ts';

export const testCurve = fastCurve();

/** A datagram on its way. A filter may change the bytes, or return false to lose it. */
export interface InFlight {
  readonly from: string;
  readonly to: string;
  /** It goes through a back channel. */
  readonly isBack: boolean;
  bytes: Uint8Array;
}

export interface Shape {
  delayMs: number;
  loss: number;
  duplication: number;
  /** This share is held back by another 1 to 20 ms. */
  reorder: number;
  mtuBytes: number;
  /** Of each direction; what does not pass at once waits, up to `queueMs`. */
  bytesPerMs: number;
  queueMs: number;
}

/** IPv4 and UDP. */
const PACKET_OVERHEAD_BYTES = 28;

/** Counts keys in slots: what is left at the end was not wiped. Lets a test write what a hostile peer would seal. */
export class CountingCipher implements Cipher {
  readonly name = 'node';
  keys = 0;
  /** Called with each plaintext before it is sealed. */
  beforeSeal: ((arena: Uint8Array, at: number, length: number) => void) | undefined;
  private readonly inner = createNodeCipher();
  addKey(key: Uint8Array): number {
    this.keys += 1;
    return this.inner.addKey(key);
  }
  removeKey(slot: number): void {
    this.keys -= 1;
    this.inner.removeKey(slot);
  }
  sealBatch(arena: Uint8Array, jobs: Uint32Array, count: number): void {
    for (let job = 0; job < count * JOB_WORDS; job += JOB_WORDS) {
      this.beforeSeal?.(arena, jobs[job + 3] + jobs[job + 4], jobs[job + 5]);
    }
    this.inner.sealBatch(arena, jobs, count);
  }
  openBatch(arena: Uint8Array, jobs: Uint32Array, count: number): void {
    this.inner.openBatch(arena, jobs, count);
  }
}

export interface ReceivedPiece {
  readonly link: LinkId;
  readonly routeId: string;
  readonly sequence: number;
  readonly message: number;
  readonly offset: number;
  readonly last: boolean;
  readonly bytes: Uint8Array;
}

export class TestNode {
  readonly name: string;
  readonly identity: Identity;
  readonly drops = new Drops();
  readonly cipher = new CountingCipher();
  readonly links: LinkLayer;
  readonly source = new FakeSource();
  /** What the user was told: 'up b', 'down b silent'. */
  readonly told: string[] = [];
  readonly toldAt: number[] = [];
  /** Each once, whatever came again. */
  readonly pieces: ReceivedPiece[] = [];
  piecesAgain = 0;
  readonly limits: string[] = [];
  readonly loads: LoadFrame[] = [];
  readonly messages: Uint8Array[] = [];
  endpoint: Uint8Array;

  constructor(world: WirePair, name: string, identity: Identity, endpoint: Uint8Array, options: NodeOptions) {
    this.name = name;
    this.identity = identity;
    this.endpoint = endpoint;
    const transport: DatagramTransport = {
      maxDatagramBytes: options.maxDatagramBytes ?? 1_472,
      send: (batch) => world.transmit(this, batch),
    };
    this.links = new LinkLayer({
      identity,
      curve: testCurve,
      cipher: this.cipher,
      random: world.stream(`node ${name} ${world.bornNodes}`),
      transport,
      drops: this.drops,
      log: { write: () => undefined },
      tuning: options.tuning ?? {},
      backChannels: world.backChannels(name),
      source: this.source,
      ...(options.admits === undefined ? {} : { admits: options.admits }),
    });
    this.source.sendable = (link) => this.links.sendable(link);
    this.source.frameBytes = (link) => this.links.measures(link).frameBytes;
    this.links.events = {
      linkUp: (link, peer, now) => {
        this.known.delete(link);
        this.tell(`up ${world.nameOf(peer)}`, now);
      },
      linkDown: (link, peer, reason, now) => {
        this.source.drop(link);
        this.tell(`down ${world.nameOf(peer)} ${reason}`, now);
      },
      data: (link, piece) => this.data(link, piece),
      credit: (_link, buffer, at, limit) => this.limits.push(`credit ${buffer[at]} ${limit}`),
      blocked: (_link, buffer, at, limit) => this.limits.push(`blocked ${buffer[at]} ${limit}`),
      load: (_link, load) => this.loads.push(load),
      channelMessage: (_link, _channel, message) => this.messages.push(message.slice()),
    };
  }

  /** Where others find it through a back channel. */
  get backEndpoint(): Uint8Array {
    return backEndpoint(this.endpoint[7]);
  }

  /** Called behind each piece that was kept. */
  onPiece: ((link: LinkId) => void) | undefined;
  /** Whether there is room for a piece. */
  hasRoom: (piece: ReceivedPiece) => boolean = () => true;
  /** Route ids, by their first byte, that are Real Time. */
  readonly realTimeRoutes = new Set<number>();
  private readonly known = new Map<LinkId, Set<string>>();

  /** What came in a row is told apart again. */
  private data(link: LinkId, piece: Piece): boolean {
    const { buffer, routeIdAt, sequence, message, offset, start, length, sequences, eachBytes } = piece;
    const routeId = toHex(buffer.subarray(routeIdAt, routeIdAt + 16));
    piece.realTime = this.realTimeRoutes.has(buffer[routeIdAt]);
    let refused = false;
    for (let i = 0; i < sequences; i++) {
      const at = i * eachBytes;
      const isLast = i + 1 === sequences;
      const bytes = buffer.slice(start + at, start + (isLast ? length : at + eachBytes));
      const last = isLast && piece.last;
      if (!this.one({ link, routeId, sequence: (sequence + i) >>> 0, message, offset: offset + at, last, bytes }))
        refused = true;
    }
    return !refused;
  }

  private one(received: ReceivedPiece): boolean {
    const { link, routeId, sequence } = received;
    let known = this.known.get(link);
    if (known === undefined) {
      known = new Set();
      this.known.set(link, known);
    }
    const name = `${routeId}/${sequence}`;
    if (known.has(name)) this.piecesAgain += 1;
    else if (!this.hasRoom(received)) return false;
    else this.pieces.push(received);
    known.add(name);
    this.onPiece?.(link);
    return true;
  }

  private tell(what: string, now: number): void {
    this.told.push(what);
    this.toldAt.push(now);
  }
}

export interface NodeOptions {
  readonly maxDatagramBytes?: number;
  readonly tuning?: Partial<LinkTuning>;
  /** Somebody else's, for a stolen or restored key. */
  readonly identity?: Identity;
  readonly admits?: (key: NodeKey, endpoint: Uint8Array) => boolean;
}

const BATCH_DATAGRAMS = 64;

export class WirePair {
  now = 1_000;
  bornNodes = 0;
  readonly shape: Shape = {
    delayMs: 10,
    loss: 0,
    duplication: 0,
    reorder: 0,
    mtuBytes: 1_472,
    bytesPerMs: NEVER,
    queueMs: NEVER,
  };
  /** Sees every datagram as it is sent. */
  filter: (datagram: InFlight) => boolean = () => true;
  /** Every datagram that entered the wire, in order. */
  readonly seen: InFlight[] = [];
  keepSeen = true;
  /** Whether datagrams may go round the wire, which takes twice as long. */
  hasWayRound = false;
  /** Who opened and closed a back channel, in order. */
  readonly backChannelCalls: string[] = [];
  private readonly seed: number;
  private readonly random: SeededRandom;
  private readonly heap = new EventHeap();
  private readonly nodes = new Map<string, TestNode>();
  private readonly names = new Map<string, string>();
  /** By sender: when its wire has passed all that it sent. */
  private readonly freeAt = new Map<string, number>();
  private readonly batch = createDatagramBatch(BATCH_DATAGRAMS, BATCH_DATAGRAMS * 9_000);

  constructor(seed = 1) {
    this.seed = seed;
    this.random = new SeededRandom(seed, 'wire');
  }

  stream(name: string): SeededRandom {
    return new SeededRandom(this.seed, name);
  }

  nameOf(key: NodeKey): string {
    return this.names.get(toHex(key)) ?? 'nobody';
  }

  identity(name: string): Identity {
    const identity = createIdentity(testCurve, randomBytes(this.stream(`secret ${name}`), 32) as SecretKey);
    this.names.set(toHex(identity.key), name);
    return identity;
  }

  /** A node at an address of its own. One of the same name takes the place of the old one: a restart. */
  add(name: string, options: NodeOptions = {}): TestNode {
    const old = this.nodes.get(name);
    this.bornNodes += 1;
    const identity = options.identity ?? old?.identity ?? this.identity(name);
    const endpoint = old?.endpoint ?? this.address(this.bornNodes);
    const node = new TestNode(this, name, identity, endpoint, options);
    this.nodes.set(name, node);
    return node;
  }

  /** Two nodes, `a` with the smaller key; each knows the other, with its endpoint where asked. */
  pair(know: 'a knows b' | 'b knows a' | 'both', options: NodeOptions = {}): { a: TestNode; b: TestNode } {
    let [first, second] = ['a', 'b'];
    const [keyA, keyB] = [this.identity('a').key, this.identity('b').key];
    if (toHex(keyA) > toHex(keyB)) [first, second] = [second, first];
    const a = this.add(first, options);
    const b = this.add(second, options);
    a.links.addPeer(b.identity.key, know === 'b knows a' ? undefined : b.endpoint);
    b.links.addPeer(a.identity.key, know === 'a knows b' ? undefined : a.endpoint);
    return { a, b };
  }

  /** A pair whose link is up at both ends. */
  upPair(options: NodeOptions = {}, know: 'a knows b' | 'both' = 'a knows b'): { a: TestNode; b: TestNode } {
    const { a, b } = this.pair(know, options);
    a.links.start(this.now);
    b.links.start(this.now);
    this.run(100);
    return { a, b };
  }

  /** What a node's link layer asks for a way round the wire. */
  backChannels(name: string): BackChannelPort {
    return {
      open: (peer) => {
        this.backChannelCalls.push(`${name} open`);
        return this.hasWayRound ? this.nodes.get(this.nameOf(peer))?.backEndpoint : undefined;
      },
      close: () => void this.backChannelCalls.push(`${name} close`),
    };
  }

  address(number: number): Uint8Array {
    const endpoint = new Uint8Array(ENDPOINT_BYTES);
    endpoint.set([0, 4, 0x1b, 0x39, 10, 0, 0, number]);
    return endpoint;
  }

  transmit(from: TestNode, batch: DatagramBatch): void {
    for (let i = 0; i < batch.count; i++) {
      const bytes = batch.arena.slice(batch.offsets[i], batch.offsets[i] + batch.lengths[i]);
      const endpoint = batch.endpoints.subarray(i * ENDPOINT_BYTES, (i + 1) * ENDPOINT_BYTES);
      const isBack = isBackEndpoint(endpoint, 0);
      const to = [...this.nodes.values()].find((node) => equal(isBack ? node.backEndpoint : node.endpoint, endpoint));
      const datagram = { from: from.name, to: to?.name ?? 'nowhere', isBack, bytes };
      if (this.keepSeen) this.seen.push({ ...datagram });
      if (to === undefined || !this.filter(datagram) || bytes.length > this.shape.mtuBytes) continue;
      if (isBack) {
        if (this.hasWayRound) this.deliverLater(to.name, from.backEndpoint, datagram.bytes, 2 * this.shape.delayMs);
        continue;
      }
      const freeAt = Math.max(this.now, this.freeAt.get(from.name) ?? 0);
      if (freeAt - this.now > this.shape.queueMs) continue;
      const passedAt = freeAt + (bytes.length + PACKET_OVERHEAD_BYTES) / this.shape.bytesPerMs;
      this.freeAt.set(from.name, passedAt);
      if (this.random.chance(this.shape.loss)) continue;
      const copies = this.random.chance(this.shape.duplication) ? 2 : 1;
      for (let i = 0; i < copies; i++)
        this.deliverLater(to.name, from.endpoint.slice(), datagram.bytes, passedAt - this.now + this.shape.delayMs);
    }
  }

  /** Hands bytes to a node now, as if they came from `endpoint`; what it answers goes out. */
  inject(to: TestNode, endpoint: Uint8Array, ...datagrams: Uint8Array[]): void {
    for (let at = 0; at < datagrams.length; at += BATCH_DATAGRAMS) {
      const some = datagrams.slice(at, at + BATCH_DATAGRAMS);
      const { batch } = this;
      batch.count = some.length;
      let offset = 0;
      some.forEach((bytes, i) => {
        batch.arena.set(bytes, offset);
        batch.offsets[i] = offset;
        batch.lengths[i] = bytes.length;
        batch.endpoints.set(endpoint, i * ENDPOINT_BYTES);
        offset += bytes.length;
      });
      to.links.receive(batch, this.now);
    }
    to.links.drain(this.now);
  }

  /** Lets time pass: deliveries and wake-ups in order. */
  run(ms: number): void {
    const until = this.now + ms;
    for (let steps = 0; ; steps++) {
      if (steps > 5_000_000) throw new Error('time stands still');
      for (const node of this.nodes.values()) node.links.drain(this.now);
      let next = this.heap.nextAt();
      for (const node of this.nodes.values()) next = Math.min(next, node.links.nextWakeAt());
      if (next > until) break;
      this.now = Math.max(this.now, next);
      if (this.heap.nextAt() <= this.now) this.heap.take().run();
      else for (const node of this.nodes.values()) if (node.links.nextWakeAt() <= this.now) node.links.wake(this.now);
    }
    this.now = until;
  }

  /** How long a datagram that `from` sends now waits until the wire is free. */
  queueMs(from: string): number {
    return Math.max(0, (this.freeAt.get(from) ?? 0) - this.now);
  }

  /** Something that happens on its own, `ms` from now. */
  later(ms: number, action: () => void): void {
    this.heap.add(this.now + ms, action);
  }

  private deliverLater(to: string, from: Uint8Array, bytes: Uint8Array, delayMs = this.shape.delayMs): void {
    const { reorder } = this.shape;
    const heldBackMs = this.random.chance(reorder) ? 1 + this.random.unit() * 19 : 0;
    this.heap.add(this.now + delayMs + heldBackMs, () => {
      const node = this.nodes.get(to);
      if (node !== undefined) this.inject(node, from, bytes);
    });
  }
}

/** A route id of 16 equal bytes. */
export function routeId(fill: number): Uint8Array {
  return new Uint8Array(16).fill(fill);
}

/** Sends a whole message of a route. */
export function sendMessage(
  node: TestNode,
  peer: TestNode,
  id: Uint8Array,
  message: number,
  bytes: Uint8Array,
  options: MessageOptions = {},
): boolean {
  const link = node.links.linkOf(peer.identity.key);
  if (link === undefined) return false;
  node.source.send(link, id, message, bytes, options);
  return true;
}

/** What a set of pieces amounts to. */
export function joined(pieces: readonly ReceivedPiece[]): Uint8Array {
  return concat(...[...pieces].sort((x, y) => x.offset - y.offset).map((piece) => piece.bytes));
}

/** Datagrams of one type that crossed the wire. */
export function ofType(seen: readonly InFlight[], type: number, from?: string): InFlight[] {
  return seen.filter((datagram) => datagram.bytes[0] === type && (from === undefined || datagram.from === from));
}

export function sessionOf(node: TestNode, peer: TestNode, now: number) {
  const status = node.links.status(now).find((entry) => equal(entry.key, peer.identity.key));
  if (status?.session === undefined) throw new Error('the link is down');
  return status.session;
}
