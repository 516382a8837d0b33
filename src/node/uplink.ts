/**
 * The miner's way out: one session with the gateway of the user's choice, over paths that the graph gives.
 *
 *   off         no gateway wanted
 *   searching   no record of the gateway within reach yet, or no link up
 *   session     a session exists; it looks after its own routes and comes back by itself after an outage
 *
 * No timers of its own: it acts when the graph changes or the user chooses.
 */
import { equal } from '../base/bytes.ts';
import type { NodeKey, SecretKey, ServiceKey } from '../base/ids.ts';
import type { BundleLayer, SessionEvents } from '../bundle/bundle-layer.ts';
import type { Session } from '../bundle/session.ts';
import { addressHash } from '../crypto/address.ts';
import { disjointPaths } from '../graph/disjoint-paths.ts';
import type { Graph } from '../graph/graph.ts';

export interface UplinkOptions {
  readonly self: NodeKey;
  readonly graph: Graph;
  readonly bundles: BundleLayer;
  readonly routeCount: number;
  /** The client secret kept for a gateway: the same one each time, so that the lease stays. */
  readonly clientSecret: (service: ServiceKey) => SecretKey;
  readonly events: SessionEvents;
}

export class Uplink {
  private readonly options: UplinkOptions;
  private wanted: Uint8Array | undefined;
  private chosen: { readonly node: NodeKey; readonly service: ServiceKey } | undefined;
  private current: Session | undefined;

  constructor(options: UplinkOptions) {
    this.options = options;
  }

  /** The address hash (20 bytes) of the gateway's node, or undefined when none is wanted. */
  get wantedGateway(): Uint8Array | undefined {
    return this.wanted;
  }

  get session(): Session | undefined {
    return this.current;
  }

  /** Chooses a gateway by the address hash of its node; undefined leaves the present one and wants none. */
  use(gateway: Uint8Array | undefined, now: number): void {
    if (gateway !== undefined && this.wanted !== undefined && equal(gateway, this.wanted)) return;
    this.leave(now);
    this.wanted = gateway;
    this.graphChanged(now);
  }

  graphChanged(now: number): void {
    const wanted = this.wanted;
    if (wanted === undefined) return;
    const gateway = this.options.graph.gateways().find(({ node }) => equal(addressHash(node), wanted));
    if (gateway === undefined) return;
    if (this.current !== undefined && this.chosen !== undefined && equal(this.chosen.service, gateway.service)) {
      this.options.bundles.pathsChanged(now);
      return;
    }
    this.leave(now);
    this.chosen = gateway;
    const { bundles, clientSecret, events, routeCount } = this.options;
    this.current = bundles.connect(
      {
        service: gateway.service,
        clientSecret: clientSecret(gateway.service),
        routeCount,
        paths: () => disjointPaths(this.options.graph, this.options.self, gateway.node, routeCount),
        events,
      },
      now,
    );
  }

  /** The session ended by itself (refused, or closed by the gateway): the next change of the graph starts anew. */
  sessionClosed(session: Session): void {
    if (session !== this.current) return;
    this.current = undefined;
    this.chosen = undefined;
  }

  private leave(now: number): void {
    const session = this.current;
    this.current = undefined;
    this.chosen = undefined;
    session?.close('done', now);
  }
}
