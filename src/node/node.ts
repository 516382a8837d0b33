/**
 * One node: the layers put together into a deterministic machine. Nothing here decides anything by itself; it hands
 * what one layer says to the layers that listen, and owns the order in which they are woken and drained.
 *
 *   receive (datagrams) ─▶ link ─▶ route ─▶ bundle ─▶ tunnel client or gateway, pinger ─▶ packets to a TUN
 *   lanPackets, gatewayPackets (from a TUN) ─▶ tunnel ─▶ bundle ─▶ route ─▶ link ─▶ drain ─▶ datagrams
 *
 * The caller feeds input, then calls `drain`, then sleeps until `nextWakeAt`.
 */
import type { DatagramBatch, PacketBatch } from '../base/datagram.ts';
import { Drops } from '../base/drops.ts';
import { NEVER } from '../base/env.ts';
import type { LinkId, NodeKey, ServiceKey } from '../base/ids.ts';
import { BundleLayer } from '../bundle/bundle-layer.ts';
import { addressOf } from '../crypto/address.ts';
import { createIdentity, gatewaySecret, type Identity } from '../crypto/identity.ts';
import { disjointPaths } from '../graph/disjoint-paths.ts';
import { RecordFlood } from '../graph/record-flood.ts';
import { LinkLayer } from '../link/link-layer.ts';
import { RouteLayer } from '../route/route-layer.ts';
import { CHANNEL_0, CHANNEL0_KIND } from '../wire/channel0.ts';
import { GatewayService } from './gateway-service.ts';
import type { NodeOptions } from './node-options.ts';
import { echoEvents, Pinger } from './pinger.ts';
import { Uplink } from './uplink.ts';

/** How often what links measured goes into this node's record, which is signed anew only when it differs enough. */
const MEASURE_LINKS_MS = 2_000;

export class Node {
  readonly identity: Identity;
  readonly drops = new Drops();
  readonly links: LinkLayer;
  readonly routes: RouteLayer;
  readonly flood: RecordFlood;
  readonly bundles: BundleLayer;
  readonly pinger: Pinger;
  readonly uplink: Uplink | undefined;
  readonly gateway: GatewayService | undefined;
  private readonly options: NodeOptions;
  private measureAt = NEVER;

  constructor(options: NodeOptions) {
    const { curve, cipher, random, log, clock, transport } = options;
    const { drops } = this;
    const wallMs = (): number => clock.wallMs();
    this.options = options;
    const identity = createIdentity(curve, options.secret);
    this.identity = identity;
    this.links = new LinkLayer({
      identity,
      curve,
      cipher,
      random,
      transport,
      drops,
      log,
      events: {
        linkUp: (link, peer, now) => this.linkUp(link, peer, now),
        linkDown: (link, peer, reason, now) => this.linkDown(link, peer, reason, now),
        data: (link, piece, now) => this.routes.data(link, piece, now),
        channelMessage: (link, channel, message, now) => this.channelMessage(link, channel, message, now),
      },
    });
    this.routes = new RouteLayer({
      identity,
      curve,
      random,
      drops,
      log,
      wallMs,
      links: this.links,
      events: {
        message: (route, message, now) => this.bundles.message(route, message, now),
        incoming: (route, setup, now) => this.bundles.incoming(route, setup, now),
        failed: (route, failure, now) => this.bundles.routeFailed(route, failure, now),
        closed: (route, reason, now) => this.bundles.routeClosed(route, reason, now),
      },
    });
    this.flood = new RecordFlood({
      identity,
      curve,
      random,
      drops,
      wallMs,
      send: (link, message) => this.links.sendChannel(link, CHANNEL_0, message),
      changed: (now) => this.uplink?.graphChanged(now),
    });
    this.bundles = new BundleLayer({ curve, cipher, random, drops, log, wallMs, routes: this.routes });
    this.pinger = new Pinger(this.bundles, curve, random);
    this.bundles.listen(identity.key as Uint8Array as ServiceKey, identity.secret, echoEvents);
    if (options.tunnel !== undefined) {
      this.uplink = new Uplink({
        ...options.tunnel,
        self: identity.key,
        graph: this.flood.graph,
        bundles: this.bundles,
        random,
        drops,
        log,
      });
    }
    if (options.gateway !== undefined) {
      const secret = gatewaySecret(curve, identity.secret);
      const key = curve.publicKey(secret) as ServiceKey;
      this.gateway = new GatewayService(key, { ...options.gateway, wallMs, random, drops });
      this.bundles.listen(key, secret, this.gateway.events);
      this.flood.setServices([{ kind: 'gateway', key }]);
    }
    for (const peer of options.peers) this.links.addPeer(peer.key, peer.endpoint);
  }

  start(now: number): void {
    this.links.start(now);
    this.measureAt = now + MEASURE_LINKS_MS;
    this.gateway?.tunnel.start(now);
    this.uplink?.start(now);
  }

  /** Tells neighbours, clients and gateway goodbye; a last `drain` sends it. */
  stop(now: number): void {
    this.uplink?.stop(now);
    this.gateway?.tunnel.stop(now);
    this.links.stop(now);
  }

  receive(batch: DatagramBatch, now: number): void {
    this.links.receive(batch, now);
    this.bundles.open(now);
  }

  /** Packets read from the miner's TUN. */
  lanPackets(batch: PacketBatch, now: number): void {
    this.uplink?.packets(batch, now);
  }

  /** Packets read from the gateway's TUN. */
  gatewayPackets(batch: PacketBatch, now: number): void {
    this.gateway?.tunnel.packets(batch, now);
  }

  wake(now: number): void {
    this.links.wake(now);
    if (now >= this.measureAt) this.measureLinks(now);
    this.routes.wake(now);
    this.flood.wake(now);
    this.bundles.wake(now);
    this.uplink?.wake(now);
    this.gateway?.tunnel.wake(now);
    this.pinger.wake(now);
  }

  nextWakeAt(): number {
    return Math.min(
      this.measureAt,
      this.links.nextWakeAt(),
      this.routes.nextWakeAt(),
      this.flood.nextWakeAt(),
      this.bundles.nextWakeAt(),
      this.uplink?.nextWakeAt() ?? NEVER,
      this.gateway?.tunnel.nextWakeAt() ?? NEVER,
      this.pinger.nextWakeAt(),
    );
  }

  /** Sessions first: they open what came in, which fills the tunnels, and seal what goes out, which fills the links. */
  drain(now: number): void {
    this.bundles.drain(now);
    this.uplink?.drain(now);
    this.gateway?.tunnel.drain(now);
    this.flood.drain(now);
    this.links.drain(now);
  }

  /** Paths to any node of the graph, best first; a neighbour is reached without the graph. */
  paths(target: NodeKey, count: number): NodeKey[][] {
    const paths = disjointPaths(this.flood.graph, this.identity.key, target, count);
    if (paths.length === 0 && this.links.linkOf(target) !== undefined) return [[target]];
    return paths;
  }

  private measureLinks(now: number): void {
    this.measureAt = now + MEASURE_LINKS_MS;
    for (const { link, session } of this.links.status(now)) {
      if (session !== undefined) this.flood.setRoundTrip(link, session.leastRoundTripMs);
    }
  }

  private linkUp(link: LinkId, peer: NodeKey, now: number): void {
    this.routes.linkUp(link, peer, now);
    this.flood.linkUp(link, peer, now);
  }

  private linkDown(link: LinkId, peer: NodeKey, reason: string, now: number): void {
    this.options.log.write('info', 'link-down', { peer: addressOf(peer), reason });
    this.routes.linkDown(link, peer, now);
    this.flood.linkDown(link, peer, now);
  }

  private channelMessage(link: LinkId, channel: number, message: Uint8Array, now: number): void {
    if (channel !== CHANNEL_0 || message.length === 0) return this.drops.count('channel-unknown');
    const kind = message[0];
    if (kind === CHANNEL0_KIND.records || kind === CHANNEL0_KIND.recordsAck) this.flood.receive(link, message, now);
    else this.routes.channelMessage(link, message, now);
  }
}
