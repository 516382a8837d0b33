/**
 * All links of a node: the table of neighbours, and the way of each datagram to the part that it is for. Sections 2
 * and 3 of docs/protocol.md; what one neighbour does is in neighbour.ts.
 *
 * Bounds: `peersMax` neighbours; each has one active session, one candidate and one initiation at most; 64 pending
 * handshakes of unknown origin, 8 probes.
 */
import { assert } from '../base/assert.ts';
import { equal, toHex } from '../base/bytes.ts';
import { createDatagramBatch, type DatagramBatch, type DatagramTransport, ENDPOINT_BYTES } from '../base/datagram.ts';
import type { Drops } from '../base/drops.ts';
import type { Log, RandomSource } from '../base/env.ts';
import { Failure } from '../base/failure.ts';
import type { KeyText, LinkId, NodeKey } from '../base/ids.ts';
import type { DeliveryMs } from '../base/traffic-class.ts';
import type { Cipher } from '../crypto/cipher.ts';
import type { Curve } from '../crypto/curve.ts';
import type { Identity } from '../crypto/identity.ts';
import { InlineSealing, type SealingFactory } from '../crypto/sealed-transport.ts';
import { wipeSessionKeys } from '../crypto/symmetric-state.ts';
import { MESSAGE_MAX_BYTES } from '../wire/frames.ts';
import {
  DATAGRAM_COOKIE,
  DATAGRAM_FINAL,
  DATAGRAM_INIT,
  DATAGRAM_RESPONSE,
  type HandshakeDatagram,
  parseHandshake,
} from '../wire/handshake.ts';
import { type PieceCopier, portablePieceCopier } from '../wire/piece-copier.ts';
import { DATAGRAM_SESSION, receiverIndexOf, SESSION_MIN_BYTES } from '../wire/session.ts';
import type { LinkContext } from './context.ts';
import { FrameDispatch } from './frame-dispatch.ts';
import { EMPTY_SOURCE, type FrameSource } from './frame-source.ts';
import type { Initiation } from './handshake/initiation.ts';
import { type Probe, Probes } from './handshake/probe.ts';
import { type PendingHandshake, Responder } from './handshake/responder.ts';
import { Inbox, type OpenedDatagram } from './inbox.ts';
import { IndexTable } from './index-table.ts';
import type { LinkEvents } from './link-events.ts';
import type { LinkMeasures } from './link-measures.ts';
import type { LinkStatus } from './link-status.ts';
import { Neighbour } from './neighbour.ts';
import { type BackChannelPort, NO_BACK_CHANNELS } from './one-way/back-channel-port.ts';
import { isBackEndpoint } from './one-way/back-endpoint.ts';
import type { LinkDirection } from './one-way/direction.ts';
import { ReadyList } from './ready-list.ts';
import { SendArena } from './send-arena.ts';
import type { Session } from './session.ts';
import { LINK_TUNING, type LinkTuning } from './tuning.ts';

export interface LinkLayerOptions {
  readonly identity: Identity;
  readonly curve: Curve;
  readonly cipher: Cipher;
  /** In place of the one in TypeScript. */
  readonly pieces?: PieceCopier | undefined;
  readonly sealing?: SealingFactory | undefined;
  readonly random: RandomSource;
  readonly transport: DatagramTransport;
  readonly drops: Drops;
  readonly log: Log;
  readonly tuning?: Partial<LinkTuning>;
  /** Ways to neighbours that don't hear this node; none when missing. */
  readonly backChannels?: BackChannelPort;
  readonly events?: LinkEvents;
  readonly source?: FrameSource;
  /** A node that is no peer has finished a handshake from this endpoint: whether it becomes one. Nobody does when missing. */
  readonly admits?: (key: NodeKey, endpoint: Uint8Array, now: number) => boolean;
}

/** Whom a receiver index names. */
type Indexed = Session | Initiation | PendingHandshake | Probe;

const SILENT: LinkEvents = {
  linkUp: () => undefined,
  linkDown: () => undefined,
  data: () => true,
  credit: () => undefined,
  blocked: () => undefined,
  load: () => undefined,
  channelMessage: () => undefined,
};

export class LinkLayer {
  /** Who is told; to be set before `start`. */
  events: LinkEvents;
  /** Where data comes from; to be set before `start`. */
  source: FrameSource;
  private readonly context: LinkContext;
  private readonly indices: IndexTable<Indexed>;
  private readonly responder: Responder;
  private readonly probes: Probes;
  private readonly inbox: Inbox;
  private readonly frames: FrameDispatch;
  private readonly admits: NonNullable<LinkLayerOptions['admits']>;
  /** By link id; a hole is the id of a removed peer, and given out again. */
  private readonly neighbours: (Neighbour | undefined)[] = [];
  private readonly byKey = new Map<KeyText, Neighbour>();
  private started = false;

  constructor(options: LinkLayerOptions) {
    const { identity, curve, cipher, random, transport, drops, log } = options;
    const pieces = options.pieces ?? portablePieceCopier;
    const tuning = { ...LINK_TUNING, ...options.tuning };
    const { sendDatagrams, sendArenaBytes } = tuning;
    const sealing =
      options.sealing?.(transport, sendDatagrams, sendArenaBytes) ??
      new InlineSealing(cipher, transport, sendDatagrams, sendArenaBytes);
    const arena = new SendArena(sealing, pieces);
    const transportBytes = transport.maxDatagramBytes;
    const backChannels = options.backChannels ?? NO_BACK_CHANNELS;
    this.events = options.events ?? SILENT;
    this.source = options.source ?? EMPTY_SOURCE;
    this.admits = options.admits ?? (() => false);
    this.context = {
      ...{ identity, curve, cipher, random, drops, log, tuning, arena, transportBytes, backChannels },
      ready: new ReadyList(),
      clock: { now: 0 },
      source: () => this.source,
    };
    this.indices = new IndexTable(random);
    this.responder = new Responder(this.context, this.indices, (endpoint, now) => this.answerAt(endpoint, now));
    this.probes = new Probes(this.context, this.indices);
    this.inbox = new Inbox(cipher, drops, createDatagramBatch(0, 0), {
      accepts: (session, datagram, now) => this.accepts(session, datagram, now),
      opened: (session, datagram, now) => this.frames.dispatch(session, datagram, now),
    });
    this.frames = new FrameDispatch(
      drops,
      () => this.events,
      (session, now) => this.neighbourOf(session.link).closedByPeer(now),
    );
  }

  /**
   * `endpoint` (ENDPOINT_BYTES): where the peer is; without it the peer has to come. `fallbacks`: others, tried in turn with it. Fails when
   * there are too many.
   */
  addPeer(
    key: NodeKey,
    endpoint: Uint8Array | undefined,
    {
      direction = 'both',
      fallbacks = [],
    }: { direction?: LinkDirection | undefined; fallbacks?: readonly Uint8Array[] | undefined } = {},
  ): void {
    const keyText = toHex(key);
    assert(!equal(key, this.context.identity.key), 'a node is not its own peer');
    assert(!this.byKey.has(keyText), 'a peer is added once');
    assert(endpoint === undefined || endpoint.length === ENDPOINT_BYTES, 'an endpoint');
    const { peersMax } = this.context.tuning;
    if (this.byKey.size >= peersMax) {
      throw new Failure('config-invalid', `more than ${peersMax} peers`, 'remove some [[peer]] sections');
    }
    const hole = this.neighbours.indexOf(undefined);
    const link = (hole < 0 ? this.neighbours.length : hole) as LinkId;
    const { context, indices } = this;
    const options = { context, indices, link, key, endpoint, fallbacks, direction, events: () => this.events };
    const neighbour = new Neighbour(options);
    this.neighbours[link] = neighbour;
    this.byKey.set(keyText, neighbour);
    if (this.started) neighbour.startSoon();
  }

  removePeer(key: NodeKey, now: number): void {
    const neighbour = this.byKey.get(toHex(key));
    if (neighbour === undefined) return;
    this.context.clock.now = now;
    this.byKey.delete(neighbour.keyText);
    neighbour.stop('removed', now);
    this.neighbours[neighbour.link] = undefined;
  }

  /** The peer, whose link is down, may be at this endpoint: a handshake begins there unless one is under way. */
  meetPeer(key: NodeKey, endpoint: Uint8Array, now: number): void {
    const neighbour = this.byKey.get(toHex(key));
    assert(neighbour !== undefined, 'a peer');
    this.context.clock.now = now;
    neighbour.meet(endpoint, now);
  }

  /**
   * Finds out whether a node that is no peer answers at an endpoint; `answered` is called when it does, and nothing is when it does not. False: too
   * many are asked already.
   */
  probe(key: NodeKey, endpoint: Uint8Array, answered: (now: number) => void): boolean {
    return this.probes.begin(key, endpoint, answered);
  }

  start(now: number): void {
    this.started = true;
    this.context.clock.now = now;
    for (const neighbour of this.neighbours) neighbour?.start(now);
  }

  /** Says CLOSE to everybody. Peers stay configured, so `start` may follow. */
  stop(now: number): void {
    this.started = false;
    this.context.clock.now = now;
    this.responder.stop();
    this.probes.stop();
    for (const neighbour of this.neighbours) neighbour?.stop('stopped', now);
    this.context.arena.drain(now);
  }

  receive(batch: DatagramBatch, now: number): void {
    this.context.clock.now = now;
    if (!this.started) return this.context.drops.count('link-stopped', batch.count);
    this.inbox.begin(batch);
    for (let i = 0; i < batch.count; i++) {
      const at = batch.offsets[i];
      const type = batch.lengths[i] === 0 ? 0 : batch.arena[at];
      if (type === DATAGRAM_SESSION) {
        this.gather(batch, i);
      } else if (type >= DATAGRAM_INIT && type <= DATAGRAM_COOKIE) {
        // A handshake may begin or end a session: what came before it is dealt with before it.
        this.inbox.open(now);
        this.handshake(batch, i, now);
      } else {
        this.context.drops.count('link-type');
      }
    }
    this.inbox.open(now);
  }

  wake(now: number): void {
    if (!this.started) return;
    this.context.clock.now = now;
    this.responder.wake(now);
    this.probes.wake(now);
    for (const neighbour of this.neighbours) neighbour?.wake(now);
  }

  nextWakeAt(): number {
    // Somebody's turn is left over from the last drain.
    if (!this.context.ready.isEmpty) return this.context.clock.now;
    let at = Math.min(this.responder.nextWakeAt(), this.probes.nextWakeAt());
    for (const neighbour of this.neighbours) {
      if (neighbour !== undefined) at = Math.min(at, neighbour.nextWakeAt());
    }
    return at;
  }

  /** Takes from the source what may leave, then seals and sends everything. */
  drain(now: number): void {
    this.context.clock.now = now;
    this.context.ready.drain(now);
    this.context.arena.drain(now);
  }

  /** There may be something to take from the source for this link; the next `drain` asks. */
  sendable(link: LinkId): void {
    this.neighbours[link]?.active?.outbound.sendable();
  }

  /** Asks the neighbour how busy its direction of the link is; `LinkEvents.load` has the answer, unless one of both is lost. */
  askLoad(link: LinkId): void {
    this.neighbours[link]?.active?.askLoad();
  }

  /**
   * Sends a message of a channel, 1 to 65,535 bytes; copied at once, and kept until the peer has it. False when the link is
   * down, or when 256 KiB wait already; both are counted.
   */
  sendChannel(link: LinkId, channel: number, message: Uint8Array): boolean {
    assert(message.length > 0 && message.length <= MESSAGE_MAX_BYTES, 'a message');
    const session = this.sessionOf(link);
    if (session === undefined) return false;
    if (session.outbound.sendChannel(channel, message)) return true;
    this.context.drops.count('link-channel-full');
    return false;
  }

  /** The link to a peer while it is up. */
  linkOf(peer: NodeKey): LinkId | undefined {
    const neighbour = this.byKey.get(toHex(peer));
    return neighbour?.active === undefined ? undefined : neighbour.link;
  }

  /** Whether a node is a peer, and its link up; undefined when it is none. */
  stateOf(key: NodeKey): 'up' | 'down' | undefined {
    const neighbour = this.byKey.get(toHex(key));
    if (neighbour === undefined) return undefined;
    return neighbour.active === undefined ? 'down' : 'up';
  }

  /** Where a peer is heard; undefined while its link is down. */
  endpointOf(key: NodeKey): Uint8Array | undefined {
    return this.byKey.get(toHex(key))?.active?.address;
  }

  /** Of a link that exists, up or not. */
  peerOf(link: LinkId): NodeKey {
    return this.neighbourOf(link).key;
  }

  /** Smoothed; the initial guess before the first sample, and while the link is down. */
  roundTripMs(link: LinkId): number {
    return this.neighbourOf(link).active?.roundTrip.smoothedMs ?? this.context.tuning.initialRoundTripMs;
  }

  /** What the link knows of itself: one live object, which stays the same over all sessions of the link. */
  measures(link: LinkId): LinkMeasures {
    return this.neighbourOf(link).measures;
  }

  /** How long this node tries on the link to this peer at most, whatever a route asks; from now on. */
  setDelivery(peer: NodeKey, deliveryMs: DeliveryMs): void {
    const neighbour = this.byKey.get(toHex(peer));
    assert(neighbour !== undefined, 'a configured peer');
    neighbour.measures.deliveryMs = deliveryMs;
  }

  /** Every configured peer. */
  status(now: number): LinkStatus[] {
    const status: LinkStatus[] = [];
    for (const neighbour of this.neighbours) if (neighbour !== undefined) status.push(neighbour.status(now));
    return status;
  }

  private neighbourOf(link: LinkId): Neighbour {
    const neighbour = this.neighbours[link];
    assert(neighbour !== undefined, 'a link that exists');
    return neighbour;
  }

  private sessionOf(link: LinkId): Session | undefined {
    const session = this.neighbours[link]?.active;
    if (session === undefined) this.context.drops.count('link-down');
    return session;
  }

  private gather(batch: DatagramBatch, index: number): void {
    if (batch.lengths[index] < SESSION_MIN_BYTES) return this.context.drops.count('session-length');
    const named = this.indices.get(receiverIndexOf(batch.arena, batch.offsets[index]));
    if (named === undefined || named.kind !== 'session') return this.context.drops.count('session-index');
    this.inbox.gather(named, index);
  }

  private accepts(session: Session, datagram: OpenedDatagram, now: number): boolean {
    const { batch, index, epoch, counter } = datagram;
    if (!session.accept(epoch, counter, batch.endpoints, index * ENDPOINT_BYTES, now)) {
      this.context.drops.count('session-replayed');
      return false;
    }
    const neighbour = this.neighbourOf(session.link);
    neighbour.traffic.received(batch.lengths[index]);
    neighbour.heard(session, now);
    return true;
  }

  /** Where the answer to an INIT from this endpoint goes: back, unless it is of a neighbour that does not hear us there. */
  private answerAt(endpoint: Uint8Array, now: number): Uint8Array {
    if (isBackEndpoint(endpoint, 0)) return endpoint;
    const neighbour = this.neighbours.find((known) => known?.isAt(endpoint, now));
    return neighbour?.begged(now) ?? endpoint;
  }

  private handshake(batch: DatagramBatch, index: number, now: number): void {
    const { drops } = this.context;
    const at = batch.offsets[index];
    const datagram = parseHandshake(batch.arena.subarray(at, at + batch.lengths[index]));
    if (typeof datagram === 'string') return drops.count(datagram);
    const endpoint = batch.endpoints.subarray(index * ENDPOINT_BYTES, (index + 1) * ENDPOINT_BYTES);
    if (datagram.type === DATAGRAM_INIT) return this.responder.init(datagram, endpoint, now);
    const named = this.indices.get(datagram.receiverIndex);
    if (named === undefined) return drops.count('handshake-index');
    if (datagram.type === DATAGRAM_FINAL) return this.final(named, datagram, endpoint, now);
    if (named.kind === 'probe' && datagram.type === DATAGRAM_RESPONSE)
      return this.probes.response(named, datagram, now);
    if (named.kind !== 'initiation') return drops.count('handshake-unexpected');
    if (datagram.type === DATAGRAM_RESPONSE) return named.response(datagram, endpoint, now);
    named.cookieArrived(datagram, endpoint, now);
  }

  private final(named: Indexed, datagram: HandshakeDatagram, endpoint: Uint8Array, now: number): void {
    const { drops } = this.context;
    if (named.kind === 'session') {
      const repeated = this.neighbourOf(named.link).finalRepeated(named, datagram.bytes, now);
      if (!repeated) drops.count('handshake-unexpected');
      return;
    }
    if (named.kind !== 'pending') return drops.count('handshake-unexpected');
    const finished = this.responder.final(named, datagram);
    if (finished === undefined) return;
    const neighbour = this.byKey.get(toHex(finished.remoteKey)) ?? this.newcomer(finished.remoteKey, endpoint, now);
    if (neighbour === undefined) {
      wipeSessionKeys(finished.keys);
      return drops.count('handshake-stranger');
    }
    neighbour.answered(finished, datagram.bytes, endpoint, now);
  }

  /** Who proved its key is made a peer, if it may be one. */
  private newcomer(remoteKey: Uint8Array, endpoint: Uint8Array, now: number): Neighbour | undefined {
    const key = remoteKey.slice() as NodeKey;
    if (equal(key, this.context.identity.key) || !this.admits(key, endpoint, now)) return undefined;
    this.addPeer(key, undefined);
    return this.byKey.get(toHex(key));
  }
}
