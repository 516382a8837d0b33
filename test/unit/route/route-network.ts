/**
 * Several route layers joined by links in memory, on a virtual clock. A link asks for frames as the link layer does, and
 * tells what was acknowledged and what was lost; everything may be lost, late and out of order, and a piece may arrive
 * again. Channel-0 messages go once.
 */
import { toHex } from '../../../src/base/bytes.ts';
import { Drops } from '../../../src/base/drops.ts';
import type { LinkId, NodeKey, RouteHandle, SecretKey, ServiceKey } from '../../../src/base/ids.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { BULK, RELIABLE } from '../../../src/base/traffic-class.ts';
import { sha256 } from '../../../src/crypto/hash.ts';
import { createIdentity, type Identity } from '../../../src/crypto/identity.ts';
import { createOutgoingFrame, NO_ROOM, NOTHING, type OutgoingFrame } from '../../../src/link/frame-source.ts';
import { createPiece, type Piece } from '../../../src/link/piece.ts';
import type { RouteFailure } from '../../../src/route/route-failure.ts';
import { RouteLayer } from '../../../src/route/route-layer.ts';
import type { IncomingSetUp, IncomingVerdict, LinkPort } from '../../../src/route/route-ports.ts';
import type { FinalHop } from '../../../src/route/set-up/set-up.ts';
import type { RouteTuning } from '../../../src/route/tuning.ts';
import { DATA_OVERHEAD_BYTES, DATA_TTL_BYTES, GONE_FRAME_BYTES, LIMIT_FRAME_BYTES } from '../../../src/wire/frames.ts';
import { fastCurve } from '../../helpers/fast-curve.ts';
import { type ChangeableMeasures, quietMeasures } from '../../helpers/quiet-link.ts';
import { EventHeap } from '../../sim/world/event-heap.ts';

export const WALL_START_MS = 1_700_000_000_000;

/** What goes over a link: for taps that look, lose or delay. A datagram is one parcel for each of its frames. */
export interface Parcel {
  readonly from: string;
  readonly to: string;
  /** A channel-0 message, or undefined when it is a frame of a datagram. */
  readonly message: Uint8Array | undefined;
  /** A piece or a GONE; the bytes begin with the route id. */
  readonly piece: Piece | undefined;
  /** CREDIT or BLOCKED. */
  readonly limit: { readonly kind: 'credit' | 'blocked'; readonly id: Uint8Array; readonly bytes: number } | undefined;
}

export interface TestNode {
  readonly name: string;
  readonly identity: Identity;
  readonly drops: Drops;
  readonly layer: RouteLayer;
  readonly messages: { route: RouteHandle; bytes: Uint8Array; number: number; at: number }[];
  readonly lost: { route: RouteHandle; number: number }[];
  readonly writable: RouteHandle[];
  readonly incoming: (IncomingSetUp & { route: RouteHandle; at: number })[];
  readonly failed: { route: RouteHandle; hop: number; reason: RouteFailure }[];
  readonly closed: { route: RouteHandle; reason: string }[];
  /** By link. */
  readonly measures: ChangeableMeasures[];
  verdict: IncomingVerdict;
  /** Added to the wall clock of this node. */
  clockErrorMs: number;
  /** False: its links take nothing. */
  hasRoom: boolean;
}

const curve = fastCurve();
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

/** A frame that was taken by hand; the token may be NOTHING or NO_ROOM. */
export interface Pulled {
  readonly token: number;
  readonly bytes: number;
  readonly parcel: Partial<Parcel> | undefined;
}

/** A datagram on its way, and what the sender has to hear of it. */
interface Datagram {
  readonly parcels: Parcel[];
  readonly tokens: number[];
  settled: boolean;
}

/** One direction of a link. */
interface Lane {
  readonly from: TestNode;
  readonly to: TestNode;
  inFlight: number;
  drainPending: boolean;
  session: number;
}

export class RouteNetwork {
  now = 0;
  readonly nodes: TestNode[] = [];
  /** Undefined: lost. Otherwise ms until it arrives. Asked once a datagram, for its first frame. */
  delayOf: (parcel: Parcel) => number | undefined = () => 5;
  /** The same for acknowledgements, which go the other way. */
  ackDelayOf: (parcel: Parcel) => number | undefined = () => 5;
  /** A datagram without an acknowledgement for this long is taken for lost. */
  probeMs = 30;
  /** Bytes of a piece that fit a datagram. */
  pieceBytes = 1_100;
  /** Datagrams that may be under way on a lane, or on one of this node's. */
  windowDatagrams = 64;
  windowOf: (from: TestNode) => number = () => this.windowDatagrams;
  /** Everything that was put on a link, lost or not. */
  readonly parcels: Parcel[] = [];
  keepParcels = true;
  /** Called for each parcel, and after each step of time. */
  onParcel: (parcel: Parcel) => void = () => {};
  afterStep: () => void = () => {};
  private readonly heap = new EventHeap();
  private readonly lanes = new Map<string, Lane>();
  private readonly tuning: Partial<RouteTuning>;
  private readonly memoryBytes: number | undefined;

  constructor(tuning: Partial<RouteTuning> = {}, memoryBytes?: number) {
    this.tuning = tuning;
    this.memoryBytes = memoryBytes;
  }

  /** A chain of nodes with a link between each two. */
  static chain(length: number, tuning: Partial<RouteTuning> = {}, memoryBytes?: number): RouteNetwork {
    const network = new RouteNetwork(tuning, memoryBytes);
    for (let i = 0; i < length; i++) network.add();
    for (let i = 1; i < length; i++) network.connect(network.nodes[i - 1], network.nodes[i]);
    return network;
  }

  add(): TestNode {
    const index = this.nodes.length;
    const name = `node ${index}`;
    const identity = createIdentity(curve, secretOf(index));
    const drops = new Drops();
    const layer = new RouteLayer({
      identity,
      curve,
      random: new SeededRandom(index, 'route layer'),
      links: this.portOf(name),
      drops,
      log: { write: () => {} },
      wallMs: () => WALL_START_MS + this.now + node.clockErrorMs,
      tuning: this.tuning,
      ...(this.memoryBytes === undefined ? {} : { memoryBytes: this.memoryBytes }),
      events: {
        message: (route, bytes, number) => node.messages.push({ route, bytes: bytes.slice(), number, at: this.now }),
        lost: (route, number) => node.lost.push({ route, number }),
        writable: (route) => node.writable.push(route),
        incoming: (route, setUp) => {
          node.incoming.push({ ...setUp, route, hello: setUp.hello.slice(), at: this.now });
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
      lost: [],
      writable: [],
      measures: [],
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
      const name = `${from.name} to ${to.name}`;
      const session = Math.abs(this.lanes.get(name)?.session ?? 0) + 1;
      this.lanes.set(name, { from, to, inFlight: 0, drainPending: false, session });
      from.layer.linkUp(this.linkTo(to), to.identity.key, this.now);
    }
  }

  disconnect(a: TestNode, b: TestNode): void {
    for (const name of [`${a.name} to ${b.name}`, `${b.name} to ${a.name}`]) {
      const lane = this.lanes.get(name);
      if (lane !== undefined) lane.session = -Math.abs(lane.session);
    }
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
      this.afterStep();
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

  /** Hands a piece to `to` as if `from` had sent it. False when it was not taken. */
  injectPiece(
    from: TestNode,
    to: TestNode,
    routeId: Uint8Array,
    bytes: Uint8Array,
    over: Partial<Piece> = {},
  ): boolean {
    const buffer = Uint8Array.of(...routeId, ...bytes);
    const piece = { ...createPiece(), buffer, last: true, start: 16, length: bytes.length, ...over };
    return to.layer.forwarding.data(this.linkTo(from), piece, this.now);
  }

  /** What the link of `from` to `to` says of itself: for tests to change. */
  measuresOf(from: TestNode, to: TestNode): ChangeableMeasures {
    const link = this.linkTo(to);
    const known = from.measures[link];
    if (known !== undefined) return known;
    const measures = quietMeasures(0);
    const frameBytes = { get: () => this.pieceBytes + DATA_OVERHEAD_BYTES };
    from.measures[link] = Object.defineProperty(measures, 'frameBytes', frameBytes);
    return measures;
  }

  /** Takes the next frame for a link by hand; set `windowDatagrams` to 0 so that the link takes none itself. */
  pull(from: TestNode, to: TestNode, roomBytes = this.pieceBytes + DATA_OVERHEAD_BYTES): Pulled {
    const token = from.layer.forwarding.next(this.linkTo(to), roomBytes, this.now, frame);
    return { token, bytes: token < 0 ? 0 : frameBytesOf(frame), parcel: token < 0 ? undefined : partOf(frame) };
  }

  /** Has CREDIT and BLOCKED that are due arrive at once. */
  passLimits(from: TestNode, to: TestNode): void {
    while (from.layer.forwarding.nextControl(this.linkTo(to), 100, this.now, frame) >= 0) {
      const { kind, routeId, routeIdAt, limit } = frame;
      if (kind === 'credit') to.layer.forwarding.credit(this.linkTo(from), routeId, routeIdAt, limit, this.now);
      else to.layer.forwarding.blocked(this.linkTo(from), routeId, routeIdAt, limit, this.now);
    }
  }

  private portOf(name: string): LinkPort {
    return {
      linkOf: (peer) => {
        const link = this.nodes.findIndex((node) => node.identity.key.every((byte, i) => byte === peer[i])) as LinkId;
        return this.laneUp(name, link) === undefined ? undefined : link;
      },
      measures: (link) => this.measuresOf(this.named(name), this.nodes[link]),
      sendable: (link) => this.drainSoon(this.laneUp(name, link)),
      askLoad: () => undefined,
      sendChannel: (link, _channel, message) => {
        const lane = this.laneUp(name, link);
        if (lane === undefined || !lane.from.hasRoom) return false;
        const parcel = this.parcel(lane, { message: message.slice() });
        const delay = this.delayOf(parcel);
        if (delay !== undefined) {
          this.at(lane, delay, () => lane.to.layer.channelMessage(this.linkTo(lane.from), parcel.message!, this.now));
        }
        return true;
      },
    };
  }

  /** Something that happens on a lane, if it is still that of the same session then. */
  private at(lane: Lane, delayMs: number, run: () => void): void {
    const { session } = lane;
    this.heap.add(this.now + delayMs, () => {
      if (this.lanes.get(`${lane.from.name} to ${lane.to.name}`)?.session === session) run();
    });
  }

  private laneUp(from: string, link: LinkId): Lane | undefined {
    const lane = this.lanes.get(`${from} to node ${link}`);
    return lane !== undefined && lane.session > 0 ? lane : undefined;
  }

  private drainSoon(lane: Lane | undefined): void {
    if (lane === undefined || lane.drainPending) return;
    lane.drainPending = true;
    this.at(lane, 0, () => {
      lane.drainPending = false;
      this.drain(lane);
    });
  }

  /** Fills datagrams as a link does: control frames first, then pieces until the window is full. */
  private drain(lane: Lane): void {
    const source = lane.from.layer.forwarding;
    const link = this.linkTo(lane.to);
    for (;;) {
      const whole = this.pieceBytes + DATA_OVERHEAD_BYTES;
      const datagram: Datagram = { parcels: [], tokens: [], settled: false };
      let room = whole;
      for (let pieces = false; ; ) {
        if (pieces && lane.inFlight >= this.windowOf(lane.from)) break;
        const token = pieces
          ? source.next(link, room, this.now, frame)
          : source.nextControl(link, room, this.now, frame);
        if (token === NO_ROOM && room === whole) throw new Error('a frame that fits no datagram');
        if (token === NO_ROOM) break;
        if (token === NOTHING) {
          if (pieces) break;
          pieces = true;
          continue;
        }
        room -= frameBytesOf(frame);
        if (room < 0) throw new Error('a frame that is longer than its room');
        datagram.tokens.push(token);
        datagram.parcels.push(this.parcel(lane, partOf(frame)));
      }
      if (datagram.parcels.length === 0) return;
      this.carry(lane, datagram);
    }
  }

  private carry(lane: Lane, datagram: Datagram): void {
    const [first] = datagram.parcels;
    const source = lane.from.layer.forwarding;
    const link = this.linkTo(lane.to);
    lane.inFlight++;
    const settle = (): void => {
      if (!datagram.settled) lane.inFlight--;
      datagram.settled = true;
    };
    this.at(lane, this.probeMs, () => {
      if (datagram.settled) return;
      settle();
      for (const token of datagram.tokens) source.lost(link, token, this.now);
      this.drain(lane);
    });
    const delay = this.delayOf(first);
    if (delay === undefined) return;
    this.at(lane, delay, () => {
      const back = this.ackDelayOf(first);
      if (!this.deliver(lane, datagram) || back === undefined) return;
      this.at(lane, back, () => {
        settle();
        source.acked(link, Float64Array.from(datagram.tokens), datagram.tokens.length, this.now);
        this.drain(lane);
      });
    });
  }

  /** False when a piece of it was not taken. */
  private deliver(lane: Lane, { parcels }: Datagram): boolean {
    const { forwarding } = lane.to.layer;
    const link = this.linkTo(lane.from);
    let taken = true;
    for (const { piece, limit } of parcels) {
      if (piece !== undefined && !forwarding.data(link, piece, this.now)) taken = false;
      if (limit?.kind === 'credit') forwarding.credit(link, limit.id, 0, limit.bytes, this.now);
      if (limit?.kind === 'blocked') forwarding.blocked(link, limit.id, 0, limit.bytes, this.now);
    }
    return taken;
  }

  private parcel(lane: Lane, part: Partial<Parcel>): Parcel {
    const ends = { from: lane.from.name, to: lane.to.name };
    const parcel = { ...ends, message: undefined, piece: undefined, limit: undefined, ...part };
    if (this.keepParcels) this.parcels.push(parcel);
    this.onParcel(parcel);
    return parcel;
  }

  private named(name: string): TestNode {
    return this.nodes.find((node) => node.name === name)!;
  }
}

const frame = createOutgoingFrame();

/** What a frame says, in memory of its own. */
function partOf({ kind, routeId, routeIdAt, ...f }: OutgoingFrame): Partial<Parcel> {
  const id = routeId.slice(routeIdAt, routeIdAt + 16);
  if (kind === 'credit' || kind === 'blocked') return { limit: { kind, id, bytes: f.limit } };
  const gone = kind === 'gone';
  const buffer = gone ? id : Uint8Array.of(...id, ...f.buffer.subarray(f.start, f.start + f.length));
  const { sequence, message, offset, length } = f;
  const data = gone ? {} : { last: f.last, ttlMs: f.ttlMs, start: 16 };
  return { piece: { ...createPiece(), buffer, gone, sequence, message, offset, length, ...data } };
}

function frameBytesOf(f: OutgoingFrame): number {
  if (f.kind === 'gone') return GONE_FRAME_BYTES;
  if (f.kind !== 'data') return LIMIT_FRAME_BYTES;
  return DATA_OVERHEAD_BYTES + (f.ttlMs >= 0 ? DATA_TTL_BYTES : 0) + f.length;
}

export const service = new Uint8Array(33).fill(3) as ServiceKey;
export const hello = Uint8Array.from({ length: 106 }, (_, i) => i);
export const final: FinalHop = { service, hello, routeIndex: 7, trafficClass: BULK, deliveryMs: RELIABLE };

/** Opens a route from the first node over the others, and fails the test when that is refused. */
export function openRoute(network: RouteNetwork, ...nodes: TestNode[]): RouteHandle {
  return openAs(network, {}, ...nodes);
}

/** The same with another class or delivery. */
export function openAs(network: RouteNetwork, over: Partial<FinalHop>, ...nodes: TestNode[]): RouteHandle {
  const route = nodes[0].layer.open(network.path(...nodes.slice(1)), { ...final, ...over }, network.now);
  if (typeof route === 'string') throw new Error(`the route was refused: ${route}`);
  return route;
}

/** Sends a message as soon as there is room; fails the test when that takes long. Returns its number. */
export function sendWhenRoom(network: RouteNetwork, from: TestNode, route: RouteHandle, message: Uint8Array): number {
  for (let waitedMs = 0; waitedMs < 10_000; waitedMs++) {
    const number = from.layer.send(route, message, network.now);
    if (number >= 0) return number;
    network.run(1);
  }
  throw new Error('no room for 10 s');
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

/** Stands for a long message where many are compared. */
export function digestOf(bytes: Uint8Array): string {
  return toHex(sha256(bytes));
}

export function ends(network: RouteNetwork): { origin: TestNode; destination: TestNode } {
  return { origin: network.nodes[0], destination: network.nodes[network.nodes.length - 1] };
}
