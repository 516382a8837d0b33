/**
 * Routes: sets them up, carries pieces along them, takes them down (docs/protocol.md sections 4 and 5).
 *
 * At a route's origin and destination the layer cuts nothing and puts messages together; at a relay it looks a piece's
 * id up, and hands it to the other neighbour under the other id. That path (`data`) allocates nothing;
 * test/bench/route-forward.ts measures it.
 *
 * A route is there or it is not: it appears when its set-up is accepted, and goes with ROUTE_FAILED, TEARDOWN,
 * ROUTE_UNKNOWN, a lost link, or idleness. An origin does not learn that its set-up arrived, and does not time it out:
 * the layer above hears from the other end, or closes the route.
 *
 * Timers: parked data is given up after 500 ms and answered with ROUTE_UNKNOWN; an unfinished message is dropped after
 * 1 s; once a second the table is searched for routes that were idle for 60 s; the routes of a lost link are taken
 * apart some at a time, as fast as `wake` is called.
 */
import { assert } from '../base/assert.ts';
import { wipe } from '../base/bytes.ts';
import type { Drops } from '../base/drops.ts';
import { type Log, NEVER, type RandomSource } from '../base/env.ts';
import type { LinkId, NodeKey, RouteHandle, SecretKey } from '../base/ids.ts';
import type { Curve } from '../crypto/curve.ts';
import { buildFailure, readFailure, wrapFailure } from '../crypto/error-onion.ts';
import type { Identity } from '../crypto/identity.ts';
import type { Piece } from '../link/piece.ts';
import {
  CHANNEL_0,
  encodeRouteFailed,
  encodeRouteUnknown,
  encodeSetup,
  encodeTeardown,
  parseRouteControl,
} from '../wire/channel0.ts';
import type { LastHop, MiddleHop } from '../wire/hop-payload.ts';
import { ID_BYTES, NONE } from './id-index.ts';
import { type Neighbour, Neighbours } from './neighbours.ts';
import { IDLE_ROUTE_MS, MAX_HOPS, MAX_MESSAGE_BYTES } from './protocol-limits.ts';
import { createInbox, type Inbox, Reassembler } from './reassembly.ts';
import { encodeFailure, type FailureName, parseFailure, type RouteFailure } from './route-failure.ts';
import type { CloseReason, LinkPort, RouteEvents } from './route-ports.ts';
import { NO_PORT, RouteTable, TOWARDS_DESTINATION, TOWARDS_ORIGIN } from './route-table.ts';
import { backwardIdOf, buildSetUp, type FinalHop, forwardIdOf } from './set-up.ts';
import { SetUpGate } from './set-up-gate.ts';
import { ROUTE_TUNING, type RouteTuning } from './tuning.ts';

export interface RouteLayerOptions {
  readonly identity: Identity;
  readonly curve: Curve;
  readonly random: RandomSource;
  readonly links: LinkPort;
  readonly events: RouteEvents;
  readonly drops: Drops;
  readonly log: Log;
  /** Unix ms, for the expiry of set-ups. */
  readonly wallMs: () => number;
  readonly tuning?: Partial<RouteTuning>;
}

export interface RouteStatus {
  readonly relayed: number;
  readonly origin: number;
  readonly destination: number;
  readonly forwardedPieces: number;
  readonly forwardedBytes: number;
  readonly parkedBytes: number;
  readonly unfinishedMessages: number;
  readonly tableBytes: number;
}

/** A route that begins or ends at this node. */
interface End {
  readonly handle: RouteHandle;
  readonly slot: number;
  /** The half that looks at the neighbour. */
  readonly half: number;
  /** At the origin: one a hop. Empty at the destination. */
  readonly sharedSecrets: readonly Uint8Array[];
  readonly inbox: Inbox;
  /** Number of the next message to send. */
  nextMessage: number;
}

export class RouteLayer {
  private readonly o: RouteLayerOptions;
  private readonly tuning: RouteTuning;
  private readonly table: RouteTable;
  private readonly neighbours: Neighbours;
  private readonly gate: SetUpGate;
  private readonly reassembler: Reassembler;
  private readonly ends = new Map<number, End>();
  /** Neighbours for whose unknown ids something waits. */
  private readonly parking = new Set<Neighbour>();
  /** Neighbours whose link is lost and whose routes are being taken apart. */
  private readonly lost: Neighbour[] = [];
  private lostAt = NEVER;
  private sweepAt = NEVER;
  private sweepFrom = 0;
  private lastHandle = 0;
  private origins = 0;
  private forwardedPieces = 0;
  private forwardedBytes = 0;

  constructor(o: RouteLayerOptions) {
    const { curve, identity, drops, wallMs } = o;
    this.o = o;
    this.tuning = { ...ROUTE_TUNING, ...o.tuning };
    const { tuning } = this;
    this.table = new RouteTable(o.random, tuning.maxRoutes);
    this.neighbours = new Neighbours(tuning.parkedPieceOverheadBytes);
    this.gate = new SetUpGate({ curve, nodeSecret: identity.secret, drops, wallMs, tuning });
    this.reassembler = new Reassembler(tuning, drops);
  }

  /**
   * Sends a set-up along `path` (1 to 10 points, neighbour first, destination last). The route can be sent on at once.
   * `no-such-link` when the first is no neighbour that is up, `limit` when there are too many routes or the link has
   * no room.
   */
  open(path: readonly NodeKey[], final: FinalHop, now: number): RouteHandle | RouteFailure {
    assert(path.length > 0 && path.length <= MAX_HOPS, 'a path has 1 to 10 hops');
    const neighbour = this.neighbourOf(path[0]);
    if (neighbour === undefined) return 'no-such-link';
    if (this.origins >= this.tuning.maxOriginRoutes) return 'limit';
    const { curve, random, wallMs, links } = this.o;
    const sessionSecret = this.freshSecret();
    const expiry = Math.floor((wallMs() + this.tuning.expiryAheadMs) / 1000);
    const setUp = buildSetUp({ curve, random, sessionSecret, path, final, expiry });
    wipe(sessionSecret);

    const handle = this.nextHandle();
    const slot = this.claim(handle, now);
    if (slot === NONE) return 'limit';
    const half = 2 * slot + TOWARDS_DESTINATION;
    const attached = this.table.attach(half, neighbour.port, setUp.backwardId, setUp.forwardId);
    assert(attached, 'ids of 128 random bits do not collide');
    this.addEnd(handle, half, setUp.sharedSecrets);
    this.origins++;
    if (!links.sendChannel(neighbour.link, CHANNEL_0, encodeSetup(setUp.onion))) {
      this.remove(slot);
      return 'limit';
    }
    return handle;
  }

  /** Sends a message of 1 to 65,535 bytes. False when the route is gone or its link has no room. */
  send(route: RouteHandle, message: Uint8Array, now: number): boolean {
    assert(message.length > 0 && message.length <= MAX_MESSAGE_BYTES, 'a message has 1 to 65,535 bytes');
    const end = this.ends.get(route);
    if (end === undefined) return false;
    const { link } = this.neighbours.ofPort(this.table.portOf(end.half));
    const { outIds } = this.table;
    const number = end.nextMessage;
    if (!this.o.links.sendData(link, outIds, end.half * ID_BYTES, number, 0, true, message, 0, message.length))
      return false;
    end.nextMessage = (number + 1) >>> 0;
    this.table.touch(end.slot, now);
    return true;
  }

  /** Tells the other end and forgets the route; no event follows. Nothing happens when it is gone already. */
  close(route: RouteHandle, _now: number): void {
    const end = this.ends.get(route);
    if (end === undefined) return;
    const port = this.table.portOf(end.half);
    const teardown = encodeTeardown(this.table.outIdOf(end.half));
    this.remove(end.slot);
    this.tell(port, teardown);
  }

  linkUp(link: LinkId, _peer: NodeKey, _now: number): void {
    this.neighbours.add(link);
  }

  linkDown(link: LinkId, _peer: NodeKey, now: number): void {
    const neighbour = this.neighbours.ofLink(link);
    if (neighbour === undefined) return;
    this.neighbours.lose(neighbour);
    this.parking.delete(neighbour);
    this.lost.push(neighbour);
    this.lostAt = now;
    this.dismantle(now);
  }

  /** A piece that came in over a link: passed on, put together at an end, or parked. */
  data(link: LinkId, piece: Piece, now: number): void {
    const from = this.neighbours.ofLink(link);
    if (from === undefined) {
      this.o.drops.count('route-link-unknown');
      return;
    }
    const { table } = this;
    const half = table.findIncoming(from.port, piece.buffer, piece.routeIdAt);
    if (half === NONE) {
      this.park(from, piece, now);
      return;
    }
    table.touch(half >> 1, now);
    const out = half ^ 1;
    const outPort = table.portOf(out);
    if (outPort === NO_PORT) {
      this.arrive(half >> 1, piece, now);
      return;
    }
    const to = this.neighbours.ofPort(outPort);
    if (!to.up) {
      this.o.drops.count('route-link-down');
      return;
    }
    const { message, offset, last, buffer, start, length } = piece;
    const idAt = out * ID_BYTES;
    // What the link has no room for it counts itself.
    if (!this.o.links.sendData(to.link, table.outIds, idAt, message, offset, last, buffer, start, length)) return;
    this.forwardedPieces++;
    this.forwardedBytes += length;
  }

  /** SETUP, ROUTE_FAILED, TEARDOWN or ROUTE_UNKNOWN, kind byte included. */
  channelMessage(link: LinkId, message: Uint8Array, now: number): void {
    const from = this.neighbours.ofLink(link);
    if (from === undefined) {
      this.o.drops.count('route-link-unknown');
      return;
    }
    const control = parseRouteControl(message);
    switch (control?.kind) {
      case undefined:
        this.o.drops.count('route-control-malformed');
        break;
      case 'setup':
        this.setUp(from, control.onion, now);
        break;
      case 'route-failed':
        this.routeFailed(from, control.routeId, control.errorOnion, now);
        break;
      case 'teardown':
        this.tornDown(from, control.routeId, now);
        break;
      case 'route-unknown':
        this.routeUnknown(from, control.routeId, now);
        break;
    }
  }

  wake(now: number): void {
    this.dismantle(now);
    this.giveUpParked(now);
    this.reassembler.wake(now);
    this.sweep(now);
  }

  nextWakeAt(): number {
    let at = Math.min(this.sweepAt, this.reassembler.nextWakeAt());
    if (this.lost.length > 0) at = Math.min(at, this.lostAt);
    for (const { parking } of this.parking) at = Math.min(at, parking.nextExpiryAt());
    return at;
  }

  status(): RouteStatus {
    let parkedBytes = 0;
    for (const { parking } of this.parking) parkedBytes += parking.bytes;
    return {
      relayed: this.table.count - this.ends.size,
      origin: this.origins,
      destination: this.ends.size - this.origins,
      forwardedPieces: this.forwardedPieces,
      forwardedBytes: this.forwardedBytes,
      parkedBytes,
      unfinishedMessages: this.reassembler.unfinished,
      tableBytes: this.table.memoryBytes,
    };
  }

  private setUp(from: Neighbour, onion: Uint8Array, now: number): void {
    const verdict = this.gate.judge(from, onion, now);
    if (verdict.kind === 'dropped') return;
    const { secret } = verdict;
    if (verdict.kind === 'failed') this.refuse(from, verdict.previousId, secret, verdict.failure);
    else {
      const failure =
        verdict.kind === 'relay'
          ? this.relay(from, verdict.hop, secret, verdict.next, now)
          : this.accept(from, verdict.hop, secret, now);
      if (failure === undefined) this.unpark(from, forwardIdOf(secret), now);
      else this.refuse(from, verdict.hop.previousId, secret, failure);
    }
    wipe(secret);
  }

  /** A set-up that goes on to the next hop. */
  private relay(
    from: Neighbour,
    hop: MiddleHop,
    secret: Uint8Array,
    onion: Uint8Array,
    now: number,
  ): FailureName | undefined {
    const to = this.neighbourOf(hop.nextNode);
    if (to === undefined) return 'no-such-link';
    const { table } = this;
    const slot = this.claim(0, now);
    if (slot === NONE) return 'limit';
    const attached =
      this.attachOrigin(slot, from, hop.previousId, secret) &&
      table.attach(2 * slot + TOWARDS_DESTINATION, to.port, backwardIdOf(secret), hop.nextId);
    if (!attached) {
      this.remove(slot);
      return 'malformed';
    }
    table.setSecret(slot, secret);
    if (this.o.links.sendChannel(to.link, CHANNEL_0, encodeSetup(onion))) return undefined;
    this.remove(slot);
    return 'limit';
  }

  /** A set-up that ends here. */
  private accept(from: Neighbour, hop: LastHop, secret: Uint8Array, now: number): FailureName | undefined {
    const handle = this.nextHandle();
    const slot = this.claim(handle, now);
    if (slot === NONE) return 'limit';
    this.addEnd(handle, 2 * slot + TOWARDS_ORIGIN, []);
    if (!this.attachOrigin(slot, from, hop.previousId, secret)) {
      this.remove(slot);
      return 'malformed';
    }
    const { service, hello, routeIndex } = hop;
    const verdict = this.o.events.incoming(handle, { service, hello, routeIndex }, now);
    if (verdict === 'accept') return undefined;
    // The handler may have closed the route itself.
    if (this.ends.has(handle)) this.remove(slot);
    return verdict;
  }

  /** Connects a route's half towards its origin. False when an id is in use. */
  private attachOrigin(slot: number, from: Neighbour, previousId: Uint8Array, secret: Uint8Array): boolean {
    if (!this.table.attach(2 * slot + TOWARDS_ORIGIN, from.port, forwardIdOf(secret), previousId)) return false;
    from.routes++;
    return true;
  }

  private routeFailed(from: Neighbour, routeId: Uint8Array, errorOnion: Uint8Array, now: number): void {
    const half = this.table.findIncoming(from.port, routeId, 0);
    if (half === NONE) this.o.drops.count('route-failed-unknown-id');
    // Failures travel towards the origin only.
    else if ((half & 1) !== TOWARDS_DESTINATION) this.o.drops.count('route-failed-wrong-way');
    else {
      const end = this.endOf(half >> 1);
      if (end === undefined) this.passFailureOn(half, errorOnion);
      else this.readFailureOf(end, errorOnion, now);
    }
  }

  private passFailureOn(half: number, errorOnion: Uint8Array): void {
    const { table } = this;
    const slot = half >> 1;
    const out = half ^ 1;
    const outPort = table.portOf(out);
    const message = encodeRouteFailed(table.outIdOf(out), wrapFailure(table.secretOf(slot), errorOnion));
    this.remove(slot);
    this.tell(outPort, message);
  }

  private readFailureOf(end: End, errorOnion: Uint8Array, now: number): void {
    const failure = readFailure(end.sharedSecrets, errorOnion);
    this.remove(end.slot);
    // What can't be read was spoilt by somebody on the path; the neighbour is the only one known to have had it in
    // hand.
    if (failure === undefined) this.reportFailed(end, 1, 'unreadable', now);
    else this.reportFailed(end, failure.hop + 1, parseFailure(failure.message), now);
  }

  private tornDown(from: Neighbour, routeId: Uint8Array, now: number): void {
    const half = this.table.findIncoming(from.port, routeId, 0);
    if (half === NONE) {
      this.o.drops.count('route-teardown-unknown-id');
      return;
    }
    const slot = half >> 1;
    const end = this.endOf(slot);
    const out = half ^ 1;
    const outPort = this.table.portOf(out);
    const message = end === undefined ? encodeTeardown(this.table.outIdOf(out)) : undefined;
    this.remove(slot);
    if (message !== undefined) this.tell(outPort, message);
    else if (end !== undefined) this.o.events.closed(end.handle, 'torn-down', now);
  }

  private routeUnknown(from: Neighbour, routeId: Uint8Array, now: number): void {
    const half = this.table.findOutgoing(from.port, routeId, 0);
    if (half === NONE) {
      this.o.drops.count('route-unknown-unknown-id');
      return;
    }
    this.cutAt(half, 'next-hop-forgot', 'forgotten', now);
  }

  /** The neighbour of this half is lost to its route: tells the end on the other side, and forgets the route. */
  private cutAt(half: number, failure: FailureName, closeReason: CloseReason, now: number): void {
    const { table } = this;
    const slot = half >> 1;
    const lostDestination = (half & 1) === TOWARDS_DESTINATION;
    const end = this.endOf(slot);
    if (end !== undefined) {
      this.remove(slot);
      if (lostDestination) this.reportFailed(end, 0, failure, now);
      else this.o.events.closed(end.handle, closeReason, now);
      return;
    }
    const out = half ^ 1;
    const outPort = table.portOf(out);
    const outId = table.outIdOf(out);
    const message = lostDestination
      ? encodeRouteFailed(outId, buildFailure(table.secretOf(slot), encodeFailure(failure)))
      : encodeTeardown(outId);
    this.remove(slot);
    this.tell(outPort, message);
  }

  private arrive(slot: number, piece: Piece, now: number): void {
    const end = this.endOf(slot);
    assert(end !== undefined, 'a half without a port is an end');
    const message = this.reassembler.put(end.inbox, piece, now);
    if (message !== undefined) this.o.events.message(end.handle, message, now);
  }

  private park(from: Neighbour, piece: Piece, now: number): void {
    if (from.parking.put(piece, now) === 'full') {
      this.o.drops.count('route-parking-full');
      return;
    }
    this.parking.add(from);
  }

  /** The set-up of `id` is in: what waited for it goes its way. */
  private unpark(from: Neighbour, id: Uint8Array, now: number): void {
    for (const piece of from.parking.take(id)) this.data(from.link, piece, now);
  }

  private giveUpParked(now: number): void {
    for (const neighbour of this.parking) {
      for (let given = neighbour.parking.expire(now); given !== undefined; given = neighbour.parking.expire(now)) {
        this.o.drops.count('route-unknown-id', given.pieces);
        if (neighbour.unknowns.take(now)) this.tell(neighbour.port, encodeRouteUnknown(given.id));
      }
      if (neighbour.parking.nextExpiryAt() === NEVER) this.parking.delete(neighbour);
    }
  }

  /** Takes routes of lost links apart, a bounded number; `nextWakeAt` asks for the next go at once. */
  private dismantle(now: number): void {
    let left = this.tuning.dismantledAtOnce;
    while (this.lost.length > 0) {
      const neighbour = this.lost[0];
      const half = this.table.firstOf(neighbour.port);
      if (half === NONE) {
        this.lost.shift();
        this.neighbours.release(neighbour);
      } else {
        if (left-- === 0) return;
        this.cutAt(half, 'no-such-link', 'link-down', now);
      }
    }
  }

  /** Removes idle routes: a bounded part of the table in one go, all of it once a second. */
  private sweep(now: number): void {
    if (now < this.sweepAt) return;
    const to = Math.min(this.table.capacity, this.sweepFrom + this.tuning.sweptAtOnce);
    for (let left = this.tuning.idledAtOnce; left > 0; left--) {
      const slot = this.table.nextIdle(this.sweepFrom, to, now - IDLE_ROUTE_MS);
      if (slot === NONE) {
        this.sweepFrom = to;
        break;
      }
      this.sweepFrom = slot + 1;
      const end = this.endOf(slot);
      this.remove(slot);
      if (end !== undefined) this.o.events.closed(end.handle, 'idle', now);
    }
    this.sweepAt = now;
    if (this.sweepFrom < this.table.capacity) return;
    this.sweepFrom = 0;
    this.sweepAt = this.table.count === 0 ? NEVER : now + this.tuning.sweepEveryMs;
  }

  private claim(handle: number, now: number): number {
    if (this.sweepAt === NEVER) this.sweepAt = now + this.tuning.sweepEveryMs;
    return this.table.claim(handle, now);
  }

  private addEnd(handle: RouteHandle, half: number, sharedSecrets: readonly Uint8Array[]): void {
    this.ends.set(handle, { handle, slot: half >> 1, half, sharedSecrets, inbox: createInbox(), nextMessage: 0 });
  }

  /** Undefined at a relay. */
  private endOf(slot: number): End | undefined {
    return this.ends.get(this.table.handleOf(slot));
  }

  /** Forgets a route: table, secrets, unfinished messages. */
  private remove(slot: number): void {
    const originPort = this.table.portOf(2 * slot + TOWARDS_ORIGIN);
    if (originPort !== NO_PORT) this.neighbours.ofPort(originPort).routes--;
    const end = this.endOf(slot);
    if (end !== undefined) {
      if ((end.half & 1) === TOWARDS_DESTINATION) this.origins--;
      this.ends.delete(end.handle);
      this.reassembler.empty(end.inbox);
      for (const secret of end.sharedSecrets) wipe(secret);
    }
    this.table.release(slot);
  }

  /** Answers a set-up that is not accepted. */
  private refuse(to: Neighbour, routeId: Uint8Array, secret: Uint8Array, failure: FailureName): void {
    this.o.drops.count(`route-setup-${failure}`);
    this.tell(to.port, encodeRouteFailed(routeId, buildFailure(secret, encodeFailure(failure))));
  }

  private reportFailed(end: End, hop: number, reason: RouteFailure, now: number): void {
    this.o.log.write('debug', 'route-failed', { route: end.handle, hop, reason });
    this.o.events.failed(end.handle, { hop, reason }, now);
  }

  /** Best effort: who does not hear that a route is gone learns it from ROUTE_UNKNOWN or forgets it when it is idle. */
  private tell(port: number, message: Uint8Array): void {
    const { link, up } = this.neighbours.ofPort(port);
    if (!up || !this.o.links.sendChannel(link, CHANNEL_0, message)) this.o.drops.count('route-control-unsent');
  }

  private neighbourOf(peer: NodeKey): Neighbour | undefined {
    const link = this.o.links.linkOf(peer);
    return link === undefined ? undefined : this.neighbours.ofLink(link);
  }

  private nextHandle(): RouteHandle {
    return ++this.lastHandle as RouteHandle;
  }

  private freshSecret(): SecretKey {
    const secret = new Uint8Array(32);
    do this.o.random.fill(secret);
    while (!this.o.curve.isSecret(secret));
    return secret;
  }
}
