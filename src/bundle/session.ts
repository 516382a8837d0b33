/**
 * One end of an end-to-end session over several routes (docs/protocol.md section 6).
 *
 *   opening   no route has been up
 *   up        a route is up
 *   lost      none is, now; the client goes on opening routes, the service waits for them
 *   closed    for good
 *
 * The parts do the work: `Traffic` what goes out, `Inbound` what comes in, `RouteStates` the routes, `Rekeying` the
 * keys, `ClientSide` or `ServiceSide` what only one end does. All timers run in `advance`, which every drain calls for
 * whoever was touched or is due.
 */
import { assert } from '../base/assert.ts';
import { NEVER } from '../base/env.ts';
import type { ClientKey, NodeKey, RouteHandle } from '../base/ids.ts';
import { type DeliveryMs, REAL_TIME } from '../base/traffic-class.ts';
import type { SessionKeys } from '../crypto/symmetric-state.ts';
import { RangeBlocks } from '../wire/ack-ranges.ts';
import {
  type CloseReason,
  KIND,
  MAX_APPLICATION_BYTES,
  Plaintext,
  ReportReader,
  readPlaintext,
} from '../wire/route-message.ts';
import type { BundleContext } from './bundle-context.ts';
import { type ClientOptions, type ClientPort, ClientSide } from './client-side.ts';
import { type Epoch, Epochs } from './handshake/epochs.ts';
import { PlaintextSender } from './handshake/plaintext-sender.ts';
import { Rekeying } from './handshake/rekeying.ts';
import type { AcceptedHello } from './handshake/session-handshake.ts';
import { SingleSeal } from './handshake/single-seal.ts';
import { Inbound } from './inbound.ts';
import { BULK_LANE, type Lane, type RouteSetup } from './ports.ts';
import { BundleRoute, type OpenedMessage, type RouteOrigin, type RouteOwner } from './routes/bundle-route.ts';
import { RouteSet } from './routes/route-set.ts';
import { RouteStates, type RouteStatesOwner } from './routes/route-states.ts';
import { type ServicePort, ServiceSide } from './service-side.ts';
import { routeStatus, type SessionFailure, type SessionState, type SessionStatus } from './session-status.ts';
import type { TableSession } from './session-table.ts';
import { Traffic } from './traffic.ts';

/** Parsed into by whichever session reads: nothing of it outlives a call. */
const plaintext = new Plaintext();
const reportReader = new ReportReader();
const reportBlocks = new RangeBlocks();

/** What the owner of sessions hears. Called from `BundleLayer.drain`, `incoming` and `routeFailed`. */
export interface SessionEvents {
  /**
   * Both ends have keys. At the service: a client is there. At the client also whenever the service had forgotten the
   * session and a new one took its place.
   */
  opened(session: Session, now: number): void;
  /** A message: Bulk ones in the order of their flows, Real Time ones as they come; the bytes are valid during the call. */
  message(session: Session, bytes: Uint8Array, now: number): void;
  /**
   * The session is over; `reason` is what the end that closed it said, or `no-route`. Not called for one's own `close`.
   */
  closed(session: Session, reason: string, now: number): void;
  /**
   * A message has waited too long in the queue of its flow: its owner may set a congestion mark in it, or drop a part of it and
   * answer how many bytes are left. False: neither can be, and it is dropped. Without this handler all are dropped.
   */
  mark?(session: Session, message: Uint8Array): boolean | number;
}

export type SessionOrigin =
  | { readonly role: 'client'; readonly options: ClientOptions }
  | { readonly role: 'service'; readonly hello: AcceptedHello };

export class Session implements RouteOwner, RouteStatesOwner, ClientPort, ServicePort, TableSession {
  /** Counts up over the life of the process. */
  readonly id: number;
  readonly clientKey: ClientKey;
  /** The owner's own. */
  userData: unknown;

  /** For the layer and the session's parts. */
  readonly routes: RouteSet;
  private readonly context: BundleContext;
  private readonly events: SessionEvents;
  private readonly side: ClientSide | ServiceSide;
  private readonly traffic: Traffic;
  private readonly inbound: Inbound;
  private readonly states: RouteStates;
  private readonly epochs: Epochs;
  private readonly sender: PlaintextSender;
  private readonly singleSeal: SingleSeal;
  private rekeying: Rekeying | undefined;
  private wasUp = false;
  /** When there was no route last, of those that were up before. */
  private lostAt = Number.NEGATIVE_INFINITY;
  private closed = false;
  private heardAt: number | undefined;
  private failure: SessionFailure | undefined;

  constructor(
    context: BundleContext,
    id: number,
    clientKey: ClientKey,
    events: SessionEvents,
    origin: SessionOrigin,
    now: number,
  ) {
    this.context = context;
    this.id = id;
    this.clientKey = clientKey;
    this.events = events;
    this.routes = new RouteSet(context.tuning, context.routes);
    this.epochs = new Epochs((epoch) => {
      for (const route of this.routes.live) route.keys.forget(epoch);
    });
    this.sender = new PlaintextSender(context.sealer, this.epochs, context.pool);
    const wanted = origin.role === 'client' && origin.options.sealsTwice === false;
    this.singleSeal = new SingleSeal({ role: origin.role, node: context.node, wanted, sender: this.sender });
    this.traffic = new Traffic(
      context.pool,
      context.drops,
      context.tuning,
      origin.role === 'client' ? (origin.options.redundancy ?? 'auto') : 'auto',
      (bytes) => events.mark?.(this, bytes) ?? false,
    );
    this.inbound = new Inbound(context.tuning, context.pool, (bytes, at) => events.message(this, bytes, at));
    const { routes, traffic, sender } = this;
    this.states = new RouteStates({ context, role: origin.role, routes, traffic, sender, owner: this });
    if (origin.role === 'client') {
      this.side = new ClientSide(context, this, origin.options);
      this.startEarly(this.side);
    } else {
      this.side = new ServiceSide(context, this, origin.hello.messageTwo, now);
      this.epochs.add({ epoch: 0, sendKey: undefined, receiveKey: origin.hello.earlyKey });
      this.establish(origin.hello.keys, now);
    }
  }

  get state(): SessionState {
    if (this.closed) return 'closed';
    if (this.routes.hasUp()) return 'up';
    return this.wasUp ? 'lost' : 'opening';
  }

  /**
   * Queues a message of 1 to MAX_APPLICATION_BYTES bytes, copied at once; it leaves in the next drain, if no route
   * lacks room. False when the session is closed or has no memory for it. A queue that is too long drops from its
   * longest flow, counted in `status`.
   */
  send(bytes: Uint8Array, now: number, lane: Lane = BULK_LANE): boolean {
    assert(bytes.length > 0 && bytes.length <= MAX_APPLICATION_BYTES, 'an application message fits a route message');
    if (this.closed) return false;
    this.context.sessions.touched(this);
    const isRealTime = lane.trafficClass === REAL_TIME && (lane.patient !== true || !this.isUncertain(now));
    return this.traffic.offer(bytes, lane, isRealTime, now);
  }

  /** How long a message should be at most: what the slowest route carries in `messageMs`. 0 where nothing is known. */
  get messageBytes(): number {
    return Math.min(this.routes.bulkBytesIn(this.context.tuning.messageMs), MAX_APPLICATION_BYTES);
  }

  /** Client: how long the hops try to deliver, from now on: its routes are replaced by others without a pause. */
  setDelivery(deliveryMs: DeliveryMs, now: number): void {
    assert(this.side.role === 'client', 'the client sets routes up');
    this.side.setDelivery(deliveryMs, now);
    this.context.sessions.touched(this);
  }

  /** Client: gives up the routes over a path for which there is a better one; what was under way on them goes another way. */
  leavePath(path: readonly NodeKey[], now: number): void {
    assert(this.side.role === 'client', 'the client sets routes up');
    this.side.leavePath(path, now);
    this.context.sessions.touched(this);
  }

  /** Tells the other end and ends the session; what was not delivered is lost. No event follows. */
  close(reason: CloseReason, now: number): void {
    if (this.closed) return;
    for (const route of this.routes.live) {
      if (route.state === 'up' || this.side.role === 'client') this.sender.close(route, reason, now);
    }
    this.context.sealer.flush(now);
    this.end(now);
  }

  status(now: number): SessionStatus {
    return {
      id: this.id,
      role: this.side.role,
      state: this.state,
      epoch: this.rekeying?.epoch ?? 0,
      rekeys: this.rekeying?.rekeys ?? 0,
      queueBytes: this.traffic.bulk.bytes,
      queueDrops: this.traffic.bulk.drops,
      queueMarks: this.traffic.bulk.marks,
      realTimeQueueBytes: this.traffic.realTime.bytes,
      realTimeDrops: this.traffic.realTime.drops,
      realTimeDuplicates: this.inbound.duplicates,
      realTimeTwice: this.traffic.duplicator.count,
      resequencer: this.inbound.order,
      lastHeardMsAgo: this.heardAt === undefined ? undefined : now - this.heardAt,
      lastFailure: this.failure,
      routes: this.routes.live.map((route) => {
        const parked = this.routes.parkedFor(route);
        return routeStatus(route, this.context.routes.room(route.handle, now), parked, now);
      }),
    };
  }

  // From here on: for the layer and the session's parts.

  get heard(): boolean {
    return this.heardAt !== undefined;
  }

  advance(now: number): number {
    this.runTimers(now);
    if (this.closed) return NEVER;
    if (this.traffic.pump(this.routes, this.sender, now)) this.rekeying?.sawTraffic();
    return this.runTimers(now);
  }

  excuse(ms: number, now: number): void {
    this.states.excuse(ms, now);
  }

  pathsChanged(now: number): void {
    if (this.side.role !== 'client') return;
    this.side.pathsChanged(now);
    this.context.sessions.touched(this);
  }

  incoming(handle: RouteHandle, setup: RouteSetup, now: number): 'accept' | 'refused' | 'limit' {
    const { side } = this;
    assert(side.role === 'service', 'set-ups end at the service');
    if (this.closed || !side.takeIndex(setup.routeIndex)) return 'refused';
    if (this.routes.freePlace() < 0) {
      const quietest = this.routes.quietest();
      if (now - quietest.heardAt < this.context.tuning.replaceQuietMs) return 'limit';
      this.states.close(quietest, 'replaced', now);
    }
    side.sendMessageTwo(this.addRoute(handle, setup, undefined, now), now);
    return 'accept';
  }

  addRoute(handle: RouteHandle, setup: RouteSetup, path: readonly NodeKey[] | undefined, now: number): BundleRoute {
    const { cipher, sessions } = this.context;
    const { routeIndex, trafficClass, deliveryMs } = setup;
    const slot = this.routes.freePlace();
    const origin: RouteOrigin = {
      owner: this,
      handle,
      index: routeIndex,
      slot,
      path,
      trafficClass,
      deliveryMs,
      cipher,
    };
    const route = new BundleRoute(origin, now);
    this.routes.add(route);
    this.inbound.routeOpened(route);
    sessions.routeOpened(route);
    sessions.touched(this);
    return route;
  }

  messageTwo(route: BundleRoute, bytes: Uint8Array, now: number): void {
    const outcome = this.side.role === 'client' ? this.side.messageTwo(bytes, now) : 'refused';
    if (outcome === 'refused') {
      this.context.drops.count('bundle-message-two');
      this.context.sessions.touched(this);
      return;
    }
    if (outcome !== 'repeat') this.establish(outcome, now);
    this.heardAt = now;
    route.heardAt = now;
    this.states.confirmed(route, now);
    this.context.sessions.touched(this);
    if (outcome !== 'repeat') this.events.opened(this, now);
  }

  receiveKeys(epochByte: number): Epoch | undefined {
    return this.epochs.receiving(epochByte);
  }

  opened(route: BundleRoute, message: OpenedMessage, arena: Uint8Array, at: number, end: number, now: number): void {
    const { epoch, sequence, number } = message;
    this.heardAt = now;
    route.heardAt = now;
    this.context.sessions.touched(this);
    const parsed = readPlaintext(arena, at, end, plaintext);
    route.arrivals.note(sequence, end - at, parsed === 'ok' && asksReport(plaintext.kind), now);
    if (parsed !== 'ok' || plaintext.kind !== KIND.data) this.inbound.passedOver(route, number);
    this.states.confirmed(route, now);
    if (epoch === undefined) route.seal = 'link';
    else this.openedUnder(epoch, route, now);
    if (parsed === 'ok') this.act(route, number, arena, now);
    else this.context.drops.count(parsed);
  }

  passedOver(route: BundleRoute, number: number): void {
    this.inbound.passedOver(route, number);
    this.context.sessions.touched(this);
  }

  writable(): void {
    if (this.traffic.waiting) this.context.sessions.touched(this);
  }

  refused(route: BundleRoute, sequence: number, now: number): void {
    this.traffic.refused(route, sequence, now);
    this.context.sessions.touched(this);
  }

  routeFailed(route: BundleRoute, hop: number, reason: string, now: number): void {
    this.noteFailure(hop, reason);
    this.states.gone(route, reason, now);
  }

  routeUp(route: BundleRoute, now: number): void {
    this.wasUp = true;
    this.singleSeal.routeUp(route, now);
    this.side.routeUp(route, now);
  }

  routeGone(route: BundleRoute, reason: string, now: number): void {
    this.inbound.routeClosed(route);
    this.context.sessions.routeClosed(route);
    this.context.sessions.touched(this);
    this.side.routeGone(route, reason, now);
  }

  closeRoute(route: BundleRoute, reason: string, now: number): void {
    this.states.close(route, reason, now);
  }

  noteFailure(hop: number, reason: string): void {
    this.failure = { hop, reason };
  }

  restart(now: number): void {
    assert(this.side.role === 'client', 'the client starts handshakes');
    this.states.closeAll(now);
    this.traffic.restart();
    this.inbound.restart();
    this.epochs.clear();
    this.rekeying?.close();
    this.rekeying = undefined;
    this.startEarly(this.side);
  }

  /** Ends the session because of the other end or of time, and says so. */
  finish(reason: string, now: number): void {
    if (this.closed) return;
    this.end(now);
    this.events.closed(this, reason, now);
  }

  replace(now: number): void {
    this.close('replaced', now);
    this.events.closed(this, 'replaced', now);
  }

  private openedUnder(epoch: number, route: BundleRoute, now: number): void {
    this.rekeying!.received(epoch, now);
    if (this.side.role !== 'service') return;
    if (epoch === 0) this.side.earlyMessage(route, now);
    else if (this.side.confirm()) this.context.sessions.confirmed(this, now);
  }

  /** No route is up, or the first one has just come back: what is sent once may be lost on it. */
  private isUncertain(now: number): boolean {
    return !this.routes.hasUp() || now < this.lostAt + this.context.tuning.uncertainMs;
  }

  private runTimers(now: number): number {
    const { live } = this.routes;
    const { tuning } = this.context;
    let wakeAt = this.epochs.wake(now);
    const { waiting } = this.traffic;
    const sends = waiting || this.routes.hasFlight();
    const busy = sends || now < this.inbound.dataAt + tuning.busyAfterMs;
    const hasUp = this.routes.hasUp();
    if (!hasUp && this.wasUp) this.lostAt = now;
    // Backwards: a route may leave the list, and the other one of its path with it.
    for (let i = live.length - 1; i >= 0; i = Math.min(i, live.length) - 1) {
      const route = live[i];
      wakeAt = Math.min(wakeAt, this.states.wake(route, busy, hasUp, now));
      if (route.state === 'closed') continue;
      wakeAt = Math.min(wakeAt, this.traffic.wake(route, now), this.report(route, now));
      if (waiting && route.pausedUntil > now) wakeAt = Math.min(wakeAt, route.pausedUntil);
    }
    wakeAt = Math.min(wakeAt, this.states.guard.wake(live, sends, now));
    wakeAt = Math.min(wakeAt, this.inbound.wake(this.routes.skewMs(), now), this.rekey(now));
    // What was delivered may have made the owner close the session.
    return this.closed ? NEVER : Math.min(wakeAt, this.runSide(now));
  }

  private runSide(now: number): number {
    const wakeAt = this.side.wake(now);
    if (wakeAt !== 'no-route') return wakeAt;
    this.finish('no-route', now);
    return NEVER;
  }

  private rekey(now: number): number {
    const wakeAt = this.rekeying?.wake(this.routes.fastest(), now) ?? NEVER;
    if (wakeAt !== 'failed') return wakeAt;
    this.handshakeAnew(now);
    return now;
  }

  /** Sends the report that is due about a route, over it where it works; returns when the next one is. */
  private report(route: BundleRoute, now: number): number {
    const dueAt = route.arrivals.dueAt(this.context.tuning, now);
    if (dueAt > now) return dueAt;
    const via = this.routes.reporter(route);
    if (via !== undefined) this.sender.report(via, route, this.routes.live, now);
    route.arrivals.reported();
    return NEVER;
  }

  private act(route: BundleRoute, number: number, arena: Uint8Array, now: number): void {
    const { bodyAt, bodyEnd } = plaintext;
    switch (plaintext.kind) {
      case KIND.data:
        this.rekeying!.sawTraffic();
        this.inbound.bulk(route, number, plaintext.sequence, plaintext.back, arena.subarray(bodyAt, bodyEnd), now);
        break;
      case KIND.datagram:
        this.rekeying!.sawTraffic();
        if (!this.inbound.datagram(plaintext.sequence, arena.subarray(bodyAt, bodyEnd), now)) this.datagramTwice(now);
        break;
      case KIND.report:
        this.readReport(route, arena, bodyAt, bodyEnd, now);
        break;
      case KIND.probe:
        this.sender.probeReply(route, plaintext.token, now);
        break;
      case KIND.probeReply:
        this.states.probeAnswered(route, plaintext.token, now);
        break;
      case KIND.rekey:
        this.countUnless('ok', this.rekeying!.rekey(route, plaintext.epoch, arena.subarray(bodyAt, bodyEnd), now));
        break;
      case KIND.rekeyAck:
        this.countUnless('ok', this.rekeying!.rekeyAck(route, plaintext.epoch, arena.subarray(bodyAt, bodyEnd), now));
        break;
      case KIND.neighbour:
        this.countUnless('ok', this.singleSeal.asked(route, arena.subarray(bodyAt, bodyEnd), now));
        break;
      case KIND.neighbourOk:
        this.countUnless('ok', this.singleSeal.granted(route));
        break;
      case KIND.close:
        // A service that is done may be back soon; whoever refuses or replaces means it.
        if (this.side.role === 'client' && plaintext.closeReason === 'done') this.handshakeAnew(now);
        else this.finish(plaintext.closeReason, now);
        break;
    }
  }

  /** What comes twice to the service is sent twice by the client. */
  private datagramTwice(now: number): void {
    if (this.side.role === 'service') this.traffic.duplicator.warned(now);
  }

  private readReport(via: BundleRoute, arena: Uint8Array, at: number, end: number, now: number): void {
    reportReader.begin(arena, at, end);
    for (;;) {
      const read = reportReader.next(reportBlocks);
      if (read !== 'entry') {
        this.countUnless('end', read);
        return;
      }
      const route = this.routes.byIndex(reportReader.routeIndex);
      // Reports about a route that was closed meanwhile are usual.
      if (route === undefined) continue;
      const samePath = route === via || route.isPartnerOf(via);
      this.traffic.reported(route, reportReader, reportBlocks, samePath, now);
    }
  }

  /** Client: the present session is of no use any more. */
  private handshakeAnew(now: number): void {
    assert(this.side.role === 'client', 'the client starts handshakes');
    this.states.closeAll(now);
    this.side.outdated(now);
  }

  /** Client: sends under epoch 0 until message two is in. */
  private startEarly(side: ClientSide): void {
    this.epochs.add({ epoch: 0, sendKey: side.earlyKey, receiveKey: undefined });
    this.epochs.sendUnder(0);
  }

  private establish(keys: SessionKeys, now: number): void {
    const { curve, random, tuning } = this.context;
    const role = this.side.role === 'client' ? 'initiator' : 'responder';
    const { epochs, sender } = this;
    const longestRoundTripMs = () => this.routes.longestRoundTripMs();
    this.rekeying = new Rekeying({ curve, random, role, keys, epochs, sender, tuning, longestRoundTripMs }, now);
  }

  private end(now: number): void {
    this.closed = true;
    this.states.closeAll(now);
    this.traffic.clear();
    this.inbound.close();
    this.epochs.clear();
    this.rekeying?.close();
    this.side.close();
    this.context.sessions.ended(this);
  }

  private countUnless(good: string, outcome: string): void {
    if (outcome !== good) this.context.drops.count(outcome);
  }
}

/** What is kept in flight, and probes, which may be all that is left to learn from. */
function asksReport(kind: number): boolean {
  return kind === KIND.data || kind === KIND.datagram || kind === KIND.probe;
}
