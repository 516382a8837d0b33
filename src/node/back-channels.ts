/**
 * Back channels: ordinary sessions that carry whole datagrams of a link, in LINK messages, to a neighbour that does not
 * hear this node directly (docs/protocol.md section 2.4). The link layer sees them as endpoints. What comes out of one is
 * worth as little as a datagram of UDP until it has authenticated itself.
 *
 * own: opened here, as the client of a session with the neighbour's node key. It is kept until the link layer closes it,
 * and gets another session when one ends.
 * foreign: a session that somebody opened with this node's key and sent a LINK message on. Answers go back on it.
 *
 * A channel must not lead, by way of others' back channels, into itself. The search for its paths leaves out every link
 * that a back channel serves, and a session is ended when one of its paths has come to hold such a link. Until records
 * have told of it, a circle answers nothing: a channel whose other end was not heard yet passes 50 datagrams a second.
 *
 * Bounds: 64 own, 256 foreign; 256 datagrams waiting each way for the next pass of the node. Beyond: counted and lost.
 * Timer: an own channel whose session ended looks for a path again after a second, and when the graph changes.
 */
import { toHex } from '../base/bytes.ts';
import { type DatagramBatch, ENDPOINT_BYTES } from '../base/datagram.ts';
import type { Drops } from '../base/drops.ts';
import { NEVER, type RandomSource } from '../base/env.ts';
import type { KeyText, NodeKey, ServiceKey } from '../base/ids.ts';
import { TokenBucket } from '../base/token-bucket.ts';
import { REAL_TIME } from '../base/traffic-class.ts';
import type { BundleLayer } from '../bundle/bundle-layer.ts';
import type { Lane } from '../bundle/ports.ts';
import type { Session, SessionEvents } from '../bundle/session.ts';
import type { Curve } from '../crypto/curve.ts';
import { disjointPaths } from '../graph/disjoint-paths.ts';
import type { PathGraph } from '../graph/path-graph.ts';
import { LOWEST_LATENCY } from '../graph/path-strategy.ts';
import { WayRound } from '../graph/way-round.ts';
import { ephemeralSecret } from '../link/context.ts';
import type { BackChannelPort } from '../link/one-way/back-channel-port.ts';
import { backEndpoint, backHandleOf } from '../link/one-way/back-endpoint.ts';
import { LINK_DATAGRAM_MAX_BYTES, linkDatagramStart, TUNNEL_KIND } from '../wire/tunnel-message.ts';
import { DatagramQueue } from './datagram-queue.ts';

const MAX_OWN = 64;
const MAX_FOREIGN = 256;
const MAX_WAITING = 256;
const RETRY_MS = 1_000;
/** Enough for a handshake and PINGs, with their repetitions. */
const UNHEARD_PER_SECOND = 50;
/** Two paths where there are two: acknowledgements are small, and one path's death would be the link's. */
const PATHS = 2;
/** Acknowledgements and room must not wait behind what they acknowledge. The link repairs what is lost. */
const LANE: Lane = { trafficClass: REAL_TIME, flow: 0 };

export interface BackChannelsOptions {
  readonly self: NodeKey;
  readonly graph: PathGraph;
  readonly bundles: Pick<BundleLayer, 'connect' | 'pathsChanged'>;
  readonly curve: Curve;
  readonly random: RandomSource;
  readonly drops: Drops;
  /** What this node sends to a neighbour takes another way from now on: through a back channel or not. */
  readonly changed: (peer: NodeKey, detour: boolean) => void;
}

interface OwnChannel {
  readonly peer: NodeKey;
  readonly endpoint: Uint8Array;
  /** What may pass while the session's other end is not heard. */
  readonly unheard: TokenBucket;
  session: Session | undefined;
  retryAt: number;
}

interface ForeignChannel {
  readonly session: Session;
  readonly endpoint: Uint8Array;
}

export class BackChannels implements BackChannelPort {
  private readonly options: BackChannelsOptions;
  private readonly own = new Map<KeyText, OwnChannel>();
  private readonly foreign = new Map<Session, ForeignChannel>();
  private readonly byHandle = new Map<number, OwnChannel | ForeignChannel>();
  private readonly arrived = new DatagramQueue(MAX_WAITING, LINK_DATAGRAM_MAX_BYTES);
  private readonly leaving = new DatagramQueue(MAX_WAITING, 1 + LINK_DATAGRAM_MAX_BYTES);
  private readonly message = new Uint8Array(1 + LINK_DATAGRAM_MAX_BYTES);
  private nextHandle = 1;

  constructor(options: BackChannelsOptions) {
    this.options = options;
    this.message[0] = TUNNEL_KIND.link;
  }

  /** Whether what is sent to this neighbour takes a back channel. */
  serves(peer: NodeKey): boolean {
    return this.own.has(toHex(peer));
  }

  open(peer: NodeKey, now: number): Uint8Array | undefined {
    const name = toHex(peer);
    const known = this.own.get(name);
    if (known !== undefined) return known.endpoint;
    if (this.own.size >= MAX_OWN) {
      this.options.drops.count('back-channel-limit');
      return undefined;
    }
    const { handle, endpoint } = this.newEndpoint();
    const unheard = new TokenBucket(UNHEARD_PER_SECOND, UNHEARD_PER_SECOND);
    const channel: OwnChannel = { peer, endpoint, unheard, session: undefined, retryAt: NEVER };
    // In the table first: the search leaves out the links of all that are in it.
    this.own.set(name, channel);
    if (this.paths(peer).length === 0) {
      this.own.delete(name);
      return undefined;
    }
    this.byHandle.set(handle, channel);
    this.connect(channel, now);
    this.options.changed(peer, true);
    return endpoint;
  }

  close(peer: NodeKey, now: number): void {
    const name = toHex(peer);
    const channel = this.own.get(name);
    if (channel === undefined) return;
    this.own.delete(name);
    this.byHandle.delete(backHandleOf(channel.endpoint, 0));
    channel.session?.close('done', now);
    this.options.changed(peer, false);
  }

  /** A message of a session with this node's own key as the service. False when it is not LINK. */
  serviceMessage(session: Session, bytes: Uint8Array): boolean {
    if (bytes[0] !== TUNNEL_KIND.link) return false;
    const channel = this.foreign.get(session) ?? this.admit(session);
    // Last in the table is the one used last.
    this.foreign.delete(session);
    this.foreign.set(session, channel);
    this.arrive(channel.endpoint, bytes);
    return true;
  }

  /** A session with this node's own key as the service is over. */
  serviceClosed(session: Session): void {
    const channel = this.foreign.get(session);
    if (channel === undefined) return;
    this.foreign.delete(session);
    this.byHandle.delete(backHandleOf(channel.endpoint, 0));
  }

  /** Takes a copy of a datagram for a back channel; it leaves with the next `drain`. */
  send(batch: DatagramBatch, index: number): void {
    const length = batch.lengths[index];
    if (length > LINK_DATAGRAM_MAX_BYTES) return this.options.drops.count('back-channel-length');
    const at = batch.offsets[index];
    this.message.set(batch.arena.subarray(at, at + length), 1);
    const taken = this.leaving.add(this.message, 0, 1 + length, batch.endpoints, index * ENDPOINT_BYTES);
    if (!taken) this.options.drops.count('back-channel-crowded');
  }

  /** Hands out what came since the last call; false when nothing did. */
  receive(take: (batch: DatagramBatch) => void): boolean {
    const any = this.arrived.count > 0;
    this.arrived.empty(take);
    return any;
  }

  graphChanged(now: number): void {
    if (this.own.size > 0) this.options.bundles.pathsChanged(now);
    for (const channel of this.own.values()) {
      if (channel.session !== undefined && this.hasDetour(channel.session, now)) {
        channel.session.close('done', now);
        channel.session = undefined;
      }
      if (channel.session === undefined) this.connect(channel, now);
    }
  }

  wake(now: number): void {
    for (const channel of this.own.values()) if (now >= channel.retryAt) this.connect(channel, now);
  }

  nextWakeAt(): number {
    if (this.arrived.count > 0 || this.leaving.count > 0) return 0;
    let at = NEVER;
    for (const channel of this.own.values()) at = Math.min(at, channel.retryAt);
    return at;
  }

  /** Gives what waits to the sessions. True when they are to be drained again. */
  drain(now: number): boolean {
    const any = this.leaving.count > 0;
    this.leaving.empty((batch) => {
      for (let i = 0; i < batch.count; i++) this.pass(batch, i, now);
    });
    return any;
  }

  private pass(batch: DatagramBatch, index: number, now: number): void {
    const channel = this.byHandle.get(backHandleOf(batch.endpoints, index * ENDPOINT_BYTES));
    if (channel?.session === undefined) return this.options.drops.count('back-channel-closed');
    if ('unheard' in channel && channel.session.state !== 'up' && !channel.unheard.take(now)) {
      return this.options.drops.count('back-channel-unheard');
    }
    const at = batch.offsets[index];
    const message = batch.arena.subarray(at, at + batch.lengths[index]);
    if (!channel.session.send(message, now, LANE)) this.options.drops.count('back-channel-room');
  }

  private paths(peer: NodeKey): NodeKey[][] {
    const { graph, self } = this.options;
    return disjointPaths(new WayRound(graph, self, new Set(this.own.keys())), self, peer, PATHS, LOWEST_LATENCY);
  }

  /** Whether a route of the session takes a link that a back channel serves. One that is merely gone is its own matter. */
  private hasDetour(session: Session, now: number): boolean {
    const { graph, self } = this.options;
    const wayRound = new WayRound(graph, self, new Set(this.own.keys()));
    return session.status(now).routes.some(({ path }) => path !== undefined && wayRound.hasDetour([self, ...path]));
  }

  private connect(channel: OwnChannel, now: number): void {
    const { bundles, curve, random } = this.options;
    const { peer } = channel;
    channel.retryAt = now + RETRY_MS;
    if (this.paths(peer).length === 0) return;
    channel.retryAt = NEVER;
    const events: SessionEvents = {
      opened: () => {},
      message: (_session, bytes) => {
        if (bytes[0] === TUNNEL_KIND.link) this.arrive(channel.endpoint, bytes);
      },
      closed: (_session, _reason, at) => {
        channel.session = undefined;
        channel.retryAt = at + RETRY_MS;
      },
    };
    channel.session = bundles.connect(
      {
        service: peer as Uint8Array as ServiceKey,
        clientSecret: ephemeralSecret({ curve, random }),
        routeCount: PATHS,
        paths: () => this.paths(peer),
        events,
      },
      now,
    );
  }

  private admit(session: Session): ForeignChannel {
    if (this.foreign.size >= MAX_FOREIGN) this.giveWay();
    const { handle, endpoint } = this.newEndpoint();
    const channel = { session, endpoint };
    this.byHandle.set(handle, channel);
    return channel;
  }

  /** The one that is idle for the longest: with refusal, 256 sessions of a stranger would keep every neighbour out. */
  private giveWay(): void {
    for (const idle of this.foreign.keys()) {
      this.options.drops.count('back-channel-limit');
      return this.serviceClosed(idle);
    }
  }

  private arrive(endpoint: Uint8Array, message: Uint8Array): void {
    const at = linkDatagramStart(message);
    if (at === undefined) return this.options.drops.count('back-channel-malformed');
    if (!this.arrived.add(message, at, message.length - at, endpoint, 0)) {
      this.options.drops.count('back-channel-crowded');
    }
  }

  /** Handles are never used twice, so an answer never takes a later channel. */
  private newEndpoint(): { handle: number; endpoint: Uint8Array } {
    const handle = this.nextHandle++;
    return { handle, endpoint: backEndpoint(handle) };
  }
}
