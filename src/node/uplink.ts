/**
 * The miner's way out: one session with the gateway of the user's choice over the paths that the graph gives, and the
 * tunnel that runs in it.
 *
 *   off         no gateway wanted
 *   searching   no record of the gateway within reach yet, or no link up
 *   session     a session exists; it looks after its own routes and comes back by itself after an outage
 *
 * A tunnel client outlives the sessions with its gateway, so the lease (and with it the laptop's connections) stays when the
 * gateway restarts. No timers of its own: it acts when the graph changes or the user chooses.
 */
import { equal } from '../base/bytes.ts';
import type { PacketBatch } from '../base/datagram.ts';
import type { Drops } from '../base/drops.ts';
import type { Log, RandomSource } from '../base/env.ts';
import type { NodeKey, ServiceKey } from '../base/ids.ts';
import { type DeliveryMs, RELIABLE } from '../base/traffic-class.ts';
import type { BundleLayer } from '../bundle/bundle-layer.ts';
import type { SessionEvents } from '../bundle/ports.ts';
import type { Session } from '../bundle/session.ts';
import { addressHash, addressText } from '../crypto/address.ts';
import { disjointPaths } from '../graph/disjoint-paths.ts';
import type { Graph } from '../graph/graph.ts';
import { ALL_RULES } from '../tunnel/classifier.ts';
import { markPacket } from '../tunnel/congestion-mark.ts';
import { TunnelClient, type TunnelClientEvents } from '../tunnel/tunnel-client.ts';
import { LEASE_REFUSAL, type LeaseRefusal } from '../wire/tunnel-message.ts';
import type { TunnelOptions } from './node-options.ts';

export interface UplinkOptions extends TunnelOptions {
  readonly self: NodeKey;
  readonly graph: Graph;
  readonly bundles: BundleLayer;
  readonly random: RandomSource;
  readonly drops: Drops;
  readonly log: Log;
}

interface Choice {
  readonly node: NodeKey;
  readonly service: ServiceKey;
}

export class Uplink {
  private readonly options: UplinkOptions;
  private readonly events: SessionEvents;
  private wanted: Uint8Array | undefined;
  private choice: Choice | undefined;
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
      mark: (_session, message) => markPacket(message),
      closed: (session, reason, now) => this.sessionClosed(session, reason, now),
    };
    this.tunnel = this.newTunnel();
  }

  /** The address hash (20 bytes) of the gateway's node, or undefined when none is wanted. */
  get wantedGateway(): Uint8Array | undefined {
    return this.wanted;
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

  /** Chooses a gateway by the address hash of its node; undefined leaves the present one and wants none. */
  use(gateway: Uint8Array | undefined, now: number): void {
    if (gateway !== undefined && this.wanted !== undefined && equal(gateway, this.wanted)) return;
    this.leave(now);
    this.wanted = gateway;
    this.graphChanged(now);
  }

  graphChanged(now: number): void {
    const { wanted } = this;
    if (wanted === undefined) return;
    if (this.current !== undefined) this.options.bundles.pathsChanged(now);
    const found = this.options.graph.gateways().find(({ node }) => equal(addressHash(node), wanted));
    if (found === undefined) return;
    if (this.choice !== undefined && !equal(this.choice.service, found.service)) this.leave(now);
    if (this.current === undefined) this.connect(found, now);
  }

  packets(batch: PacketBatch, now: number): void {
    this.tunnel.packets(batch, now);
  }

  wake(now: number): void {
    this.tunnel.wake(now);
  }

  nextWakeAt(): number {
    return this.tunnel.nextWakeAt();
  }

  drain(now: number): void {
    this.tunnel.drain(now);
  }

  private connect(choice: Choice, now: number): void {
    const { bundles, clientSecret, graph, self, routeCount, redundancy = 'auto', log } = this.options;
    this.choice = choice;
    log.write('info', 'gateway-found', { gateway: addressText(addressHash(choice.node)) });
    this.current = bundles.connect(
      {
        service: choice.service,
        clientSecret: clientSecret(choice.service),
        routeCount,
        deliveryMs: this.delivery,
        redundancy,
        paths: () => disjointPaths(graph, self, choice.node, routeCount),
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
    const { device, random, drops, log, mtuBytes, ownNetworks, leased, realTime = ALL_RULES } = this.options;
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
    return new TunnelClient({ tun: device, random, drops, mtuBytes, ownNetworks, realTime, events });
  }
}
