/**
 * The miner's way out: one session with the gateway of the user's choice over the paths that the graph gives, and the
 * tunnel that runs in it.
 *
 *   off         no gateway wanted
 *   searching   no record of the gateway within reach yet, or no link up
 *   session     a session exists; it looks after its own routes and comes back by itself after an outage
 *
 * A tunnel client outlives the sessions with its gateway, so the lease (and with it the laptop's connections) stays when the
 * gateway restarts. It acts when the graph changes or the user chooses.
 *
 * With `auto` the gateway is chosen here (gateway-choice.ts). Timer: once a second, whether it still delivers; when for 5 s nothing has come
 * back from it, or nothing of the internet through it, and another one is in reach, that one is taken.
 */
import { equal } from '../base/bytes.ts';
import type { PacketBatch } from '../base/datagram.ts';
import type { Drops } from '../base/drops.ts';
import { type Log, NEVER, type RandomSource } from '../base/env.ts';
import type { NodeKey } from '../base/ids.ts';
import { type DeliveryMs, REAL_TIME, RELIABLE } from '../base/traffic-class.ts';
import type { BundleLayer } from '../bundle/bundle-layer.ts';
import type { Session, SessionEvents } from '../bundle/session.ts';
import { addressHash, addressText } from '../crypto/address.ts';
import { disjointPaths } from '../graph/disjoint-paths.ts';
import type { Gateway, Graph } from '../graph/graph.ts';
import { BALANCED } from '../graph/path-strategy.ts';
import type { SeenLinks } from '../graph/seen-links.ts';
import { ALL_RULES } from '../tunnel/classifier.ts';
import { tellCongestion } from '../tunnel/congestion-mark.ts';
import { TunnelClient, type TunnelClientEvents } from '../tunnel/tunnel-client.ts';
import { LEASE_REFUSAL, type LeaseRefusal } from '../wire/tunnel-message.ts';
import { GatewayChoice, type ReachableGateway } from './gateway-choice.ts';
import type { TunnelOptions, WantedGateway } from './node-options.ts';

const WATCH_MS = 1_000;
/** Three of the tunnel's ECHOs were lost by then, and a cut route is mended much sooner. */
const DELIVERS_WITHIN_MS = 5_000;

export interface UplinkOptions extends TunnelOptions {
  readonly self: NodeKey;
  readonly graph: Graph;
  readonly seenLinks: SeenLinks;
  /** Those of other nodes, to which there is a path now. */
  readonly gatewaysInReach: () => ReachableGateway[];
  readonly bundles: BundleLayer;
  readonly random: RandomSource;
  readonly drops: Drops;
  readonly log: Log;
}

export class Uplink {
  private readonly options: UplinkOptions;
  private readonly events: SessionEvents;
  private readonly auto = new GatewayChoice();
  private wanted: WantedGateway;
  private choice: Gateway | undefined;
  private chosenAt = 0;
  private watchAt = NEVER;
  /** What the gateway said when it had no address for us; undefined once it has one. */
  private lastRefusal: LeaseRefusal | undefined;
  private current: Session | undefined;
  private delivery: DeliveryMs;
  private tunnel: TunnelClient;

  constructor(options: UplinkOptions) {
    this.options = options;
    this.delivery = options.deliveryMs ?? RELIABLE;
    this.events = {
      opened: (session, now) => this.tunnel.sessionOpened(session, now),
      message: (_session, bytes, now) => this.tunnel.message(bytes, now),
      mark: (_session, message) => tellCongestion(message),
      closed: (session, reason, now) => this.sessionClosed(session, reason, now),
    };
    this.tunnel = this.newTunnel();
  }

  get wantedGateway(): WantedGateway {
    return this.wanted;
  }

  /** The address hash (20 bytes) of the gateway's node: the one that is wanted, or that `auto` took. */
  get gateway(): Uint8Array | undefined {
    if (this.wanted !== 'auto') return this.wanted;
    return this.choice && addressHash(this.choice.node);
  }

  get session(): Session | undefined {
    return this.current;
  }

  /** Why the gateway gives no address, in words; undefined unless it said so. */
  get refusal(): string | undefined {
    if (this.lastRefusal === undefined) return undefined;
    return this.lastRefusal === LEASE_REFUSAL.poolFull
      ? 'the gateway has no free address left: choose another one, or ask its operator for a larger pool'
      : 'the gateway does not serve this node';
  }

  get client(): TunnelClient {
    return this.tunnel;
  }

  /** How long the hops of the Bulk routes to the gateway try a lost piece again. */
  get deliveryMs(): DeliveryMs {
    return this.delivery;
  }

  /** Takes effect on routes that are set up anew; the session changes over to such at once. */
  setDelivery(deliveryMs: DeliveryMs, now: number): void {
    this.delivery = deliveryMs;
    this.current?.setDelivery(deliveryMs, now);
  }

  start(now: number): void {
    this.use(this.options.gateway, now);
  }

  stop(now: number): void {
    this.leave(now);
  }

  /** Chooses a gateway by the address hash of its node, or `auto`; undefined leaves the present one and wants none. */
  use(wanted: WantedGateway, now: number): void {
    if (isSame(wanted, this.wanted)) return;
    this.leave(now);
    this.wanted = wanted;
    this.watchAt = wanted === 'auto' ? now + WATCH_MS : NEVER;
    this.graphChanged(now);
  }

  graphChanged(now: number): void {
    const { wanted } = this;
    if (wanted === undefined) return;
    if (this.current !== undefined) this.options.bundles.pathsChanged(now);
    const found = wanted === 'auto' ? this.best(now) : this.named(wanted);
    if (found !== undefined) this.take(found, now);
  }

  /**
   * Compares what the paths in use take with what records promise, and leaves those that were chosen for a promise that does not hold: one
   * at a time, and only for a better one.
   */
  measurePaths(now: number): void {
    const { current, choice } = this;
    if (current === undefined || choice === undefined) return;
    // Real Time goes first at every hop, so its round trip has no queue of this node's own making in it.
    const measured = current.status(now).routes.flatMap(({ path, settledRoundTripMs: roundTripMs, trafficClass }) => {
      return trafficClass === REAL_TIME && path !== undefined && roundTripMs !== undefined
        ? [{ path, roundTripMs }]
        : [];
    });
    const slow = this.options.seenLinks.learn(measured, now);
    const best = slow.length === 0 ? [] : this.paths(choice);
    const isBetter = (path: NodeKey[]) => !measured.some((used) => isSamePath(used.path, path));
    const worse = slow.find(({ path }) => !best.some((kept) => isSamePath(kept, path)));
    if (worse !== undefined && best.some(isBetter)) current.leavePath(worse.path, now);
  }

  packets(batch: PacketBatch, now: number): void {
    this.tunnel.packets(batch, now);
  }

  wake(now: number): void {
    if (now >= this.watchAt) this.watch(now);
    this.tunnel.wake(now);
  }

  nextWakeAt(): number {
    return Math.min(this.watchAt, this.tunnel.nextWakeAt());
  }

  drain(now: number): void {
    this.tunnel.drain(now);
  }

  private take(gateway: Gateway, now: number): void {
    if (this.choice !== undefined && !equal(this.choice.service, gateway.service)) this.leave(now);
    if (this.current === undefined) this.connect(gateway, now);
  }

  private named(hash: Uint8Array): Gateway | undefined {
    return this.options.graph.gateways().find(({ node }) => equal(addressHash(node), hash));
  }

  /** What `auto` takes: the present one as long as it is in reach. */
  private best(now: number): Gateway | undefined {
    const { choice } = this;
    const inReach = this.options.gatewaysInReach();
    return (choice && inReach.find(({ node }) => equal(node, choice.node))) ?? this.auto.best(inReach, now);
  }

  /** Leaves a gateway that does not deliver, when there is another. */
  private watch(now: number): void {
    this.watchAt = now + WATCH_MS;
    const { choice } = this;
    if (choice === undefined) return;
    const { state, heardMsAgo = NEVER, silentMs } = this.tunnel.status(now);
    const deliveredAt = state === 'leased' ? Math.max(this.chosenAt, now - heardMsAgo) : this.chosenAt;
    const delivers = now < deliveredAt + DELIVERS_WITHIN_MS && silentMs < DELIVERS_WITHIN_MS;
    if (this.lastRefusal === undefined && delivers) return;
    const others = this.options.gatewaysInReach().filter(({ node }) => !equal(node, choice.node));
    this.auto.failed(choice, now);
    const next = this.auto.best(others, now);
    if (next === undefined) return;
    this.options.log.write('warn', 'gateway-left', { gateway: addressText(addressHash(choice.node)) });
    this.take(next, now);
  }

  private paths(choice: Gateway): NodeKey[][] {
    const { seenLinks, self, routeCount } = this.options;
    return disjointPaths(seenLinks, self, choice.node, routeCount, BALANCED);
  }

  private connect(choice: Gateway, now: number): void {
    const { bundles, clientSecret, routeCount, redundancy = 'auto', sealsTwice = true, log } = this.options;
    this.choice = choice;
    this.chosenAt = now;
    log.write('info', 'gateway-found', { gateway: addressText(addressHash(choice.node)) });
    this.current = bundles.connect(
      {
        service: choice.service,
        clientSecret: clientSecret(choice.service),
        routeCount,
        deliveryMs: this.delivery,
        redundancy,
        sealsTwice,
        paths: () => this.paths(choice),
        events: this.events,
      },
      now,
    );
    // The first messages leave right behind the set-up: no need to wait for `opened`.
    this.tunnel.sessionOpened(this.current, now);
  }

  private leave(now: number): void {
    const session = this.current;
    this.current = undefined;
    this.choice = undefined;
    if (session === undefined) return;
    this.tunnel.sessionClosed(session, now);
    session.close('done', now);
    this.tunnel = this.newTunnel();
  }

  /** The gateway ended the session: it is searched anew, and the lease stays with the tunnel client. */
  private sessionClosed(session: Session, reason: string, now: number): void {
    if (session !== this.current) return;
    this.options.log.write('warn', 'gateway-closed', { reason });
    this.tunnel.sessionClosed(session, now);
    this.current = undefined;
  }

  private newTunnel(): TunnelClient {
    const { device, random, drops, log, mtuBytes, ownNetworks, leased } = this.options;
    const { realTime = ALL_RULES, hasPolicy = false } = this.options;
    this.lastRefusal = undefined;
    const events: TunnelClientEvents = {
      leased: (lease) => {
        this.lastRefusal = undefined;
        leased(lease);
      },
      refused: (reason) => {
        this.lastRefusal = reason;
        log.write('warn', 'gateway-refused', { reason: this.refusal ?? '' });
      },
    };
    return new TunnelClient({ tun: device, random, drops, mtuBytes, ownNetworks, realTime, hasPolicy, events });
  }
}

function isSamePath(a: readonly NodeKey[], b: readonly NodeKey[]): boolean {
  return a.length === b.length && a.every((node, i) => equal(node, b[i]));
}

function isSame(a: WantedGateway, b: WantedGateway): boolean {
  return typeof a === 'object' && typeof b === 'object' ? equal(a, b) : a === b;
}
