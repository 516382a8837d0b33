/**
 * One node: the layers put together into a deterministic machine. Nothing here decides anything by itself; it hands
 * what one layer says to the layers that listen, and owns the order in which they are woken and drained.
 *
 *   receive (datagrams) ─▶ link ─▶ route ─▶ bundle ─▶ tunnel client or gateway, pinger ─▶ packets to a TUN
 *   lanPackets, gatewayPackets (from a TUN) ─▶ tunnel ─▶ bundle ─▶ route ─▶ link ─▶ drain ─▶ datagrams
 *
 * The caller feeds input, then calls `drain`, then sleeps until `nextWakeAt`.
 */
import { equal } from '../base/bytes.ts';
import type { DatagramBatch, PacketBatch } from '../base/datagram.ts';
import { Drops } from '../base/drops.ts';
import { NEVER } from '../base/env.ts';
import type { LinkId, NodeKey, ServiceKey } from '../base/ids.ts';
import { BundleLayer } from '../bundle/bundle-layer.ts';
import { addressOf } from '../crypto/address.ts';
import { createIdentity, gatewaySecret, type Identity } from '../crypto/identity.ts';
import { Discovery } from '../discovery/discovery.ts';
import type { Segment, SegmentId } from '../discovery/segment.ts';
import { Clearnet } from '../graph/clearnet.ts';
import { disjointPaths } from '../graph/disjoint-paths.ts';
import { LOWEST_LATENCY } from '../graph/path-strategy.ts';
import { RecordFlood } from '../graph/record-flood.ts';
import { SeenLinks } from '../graph/seen-links.ts';
import { LinkLayer } from '../link/link-layer.ts';
import { isBackEndpoint } from '../link/one-way/back-endpoint.ts';
import { RouteLayer } from '../route/route-layer.ts';
import { ALL_ALIKE } from '../route/transit/transit-options.ts';
import { DEFAULT_MEMORY_BYTES } from '../route/tuning.ts';
import { CHANNEL_0, CHANNEL0_KIND } from '../wire/channel0.ts';
import type { Medium } from '../wire/link-class.ts';
import type { Proof } from '../wire/proof.ts';
import { BackChannels } from './back-channels.ts';
import type { ReachableGateway } from './gateway-choice.ts';
import { GatewayService } from './gateway-service.ts';
import { LinkRates } from './link-rates.ts';
import type { NodeOptions, TunnelOptions } from './node-options.ts';
import { echoEvents, Pinger } from './pinger.ts';
import { SplitTransport } from './split-transport.ts';
import { Uplink } from './uplink.ts';

/** How often what links measured goes into this node's record, which is signed anew only when it differs enough. */
const MEASURE_LINKS_MS = 2_000;

export class Node {
  readonly identity: Identity;
  readonly drops = new Drops();
  readonly links: LinkLayer;
  readonly routes: RouteLayer;
  readonly flood: RecordFlood;
  readonly clearnet: Clearnet;
  readonly seenLinks: SeenLinks;
  readonly bundles: BundleLayer;
  readonly pinger: Pinger;
  readonly backChannels: BackChannels;
  /** The tunnel's first, then those beside it in the order of the options; none without a tunnel. */
  readonly uplinks: readonly Uplink[];
  readonly gateway: GatewayService | undefined;
  readonly discovery: Discovery | undefined;
  private readonly options: NodeOptions;
  private readonly rates = new LinkRates();
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
      pieces: options.pieces,
      sealing: options.sealing,
      random,
      transport: new SplitTransport(transport, isBackEndpoint, (batch, index) => this.backChannels.send(batch, index)),
      backChannels: {
        open: (peer, now) => this.backChannels.open(peer, now),
        close: (peer, now) => this.backChannels.close(peer, now),
      },
      drops,
      log,
      events: {
        linkUp: (link, peer, now) => this.linkUp(link, peer, now),
        linkDown: (link, peer, reason, now) => this.linkDown(link, peer, reason, now),
        data: (link, piece, now) => this.routes.forwarding.data(link, piece, now),
        credit: (link, ids, idAt, limit, now) => this.routes.forwarding.credit(link, ids, idAt, limit, now),
        blocked: (link, ids, idAt, limit, now) => this.routes.forwarding.blocked(link, ids, idAt, limit, now),
        load: (link, load) => this.routes.load(link, load),
        channelMessage: (link, channel, message, now) => this.channelMessage(link, channel, message, now),
      },
      admits: (key, endpoint, now) => this.discovery?.admits(key, endpoint, now) ?? false,
    });
    this.routes = new RouteLayer({
      identity,
      curve,
      random,
      drops,
      log,
      wallMs,
      memoryBytes: options.buffersBytes ?? DEFAULT_MEMORY_BYTES,
      transit: options.transit ?? ALL_ALIKE,
      links: this.links,
      events: {
        message: (route, message, number, now) => this.bundles.message(route, message, number, now),
        lost: (route, number) => this.bundles.lost(route, number),
        writable: (route) => this.bundles.writable(route),
        incoming: (route, setup, now) => this.bundles.incoming(route, setup, now),
        failed: (route, failure, now) => this.bundles.routeFailed(route, failure, now),
        closed: (route, reason, now) => this.bundles.routeClosed(route, reason, now),
      },
    });
    this.links.source = this.routes.forwarding;
    this.flood = new RecordFlood({
      identity,
      curve,
      random,
      drops,
      wallMs,
      send: (link, message) => this.links.sendChannel(link, CHANNEL_0, message),
      changed: (now) => this.graphChanged(now),
    });
    this.flood.setPrice(options.price ?? 0);
    this.clearnet = new Clearnet(this.flood.graph, identity.key, wallMs);
    this.seenLinks = new SeenLinks(this.flood.graph, identity.key);
    const node = identity.key;
    this.bundles = new BundleLayer({ curve, cipher, node, random, drops, log, wallMs, routes: this.routes });
    this.pinger = new Pinger(this.bundles, curve, random);
    this.backChannels = new BackChannels({
      self: identity.key,
      graph: this.seenLinks,
      bundles: this.bundles,
      curve,
      random,
      drops,
      changed: (peer, detour) => this.setDetour(this.links.linkOf(peer), detour),
    });
    this.bundles.listen(identity.key as Uint8Array as ServiceKey, identity.secret, {
      ...echoEvents,
      message: (session, bytes, now) => {
        if (!this.backChannels.serviceMessage(session, bytes)) echoEvents.message(session, bytes, now);
      },
      closed: (session) => this.backChannels.serviceClosed(session),
    });
    const uplinkOf = (tunnel: TunnelOptions) =>
      new Uplink({
        ...tunnel,
        self: identity.key,
        graph: this.flood.graph,
        seenLinks: this.seenLinks,
        gatewaysInReach: () => this.gatewaysInReach(),
        bundles: this.bundles,
        random,
        drops,
        log,
      });
    this.uplinks = options.tunnel === undefined ? [] : [options.tunnel, ...(options.besides ?? [])].map(uplinkOf);
    if (options.gateway !== undefined) {
      const secret = gatewaySecret(curve, identity.secret);
      const key = curve.publicKey(secret) as ServiceKey;
      this.gateway = new GatewayService(key, { ...options.gateway, wallMs, random, drops });
      this.bundles.listen(key, secret, this.gateway.events);
    }
    if (options.discovery !== undefined) {
      const { links } = this;
      const peers = {
        stateOf: (key: NodeKey) => links.stateOf(key),
        add: (key: NodeKey, endpoint: Uint8Array | undefined) => links.addPeer(key, endpoint),
        meet: (key: NodeKey, endpoint: Uint8Array, now: number) => links.meetPeer(key, endpoint, now),
        remove: (key: NodeKey, now: number) => links.removePeer(key, now),
        endpointOf: (key: NodeKey) => links.endpointOf(key),
        probe: (key: NodeKey, endpoint: Uint8Array, answered: (now: number) => void) =>
          links.probe(key, endpoint, answered),
      };
      const clearnet = {
        nearest: (now: number) => this.clearnet.nearest(now),
        areLinked: (a: NodeKey, b: NodeKey) => this.flood.graph.areLinked(a, b),
        proven: (proofs: readonly Proof[]) => this.flood.setProofs(proofs),
      };
      const configured = options.peers.map(({ key }) => key);
      const messages = { send: (to: NodeKey, message: Uint8Array) => this.sendMessage(to, message) };
      const ports = { peers, configured, messages, clearnet };
      this.discovery = new Discovery({ ...options.discovery, ...ports, identity, curve, random, drops, log, wallMs });
    }
    for (const { key, endpoint, direction, fallbacks, deliveryMs } of options.peers) {
      this.links.addPeer(key, endpoint, { direction, fallbacks });
      if (deliveryMs !== undefined) this.links.setDelivery(key, deliveryMs);
    }
  }

  /** The tunnel's. */
  get uplink(): Uplink | undefined {
    return this.uplinks[0];
  }

  start(now: number): void {
    this.links.start(now);
    this.discovery?.start(now);
    this.measureAt = now + MEASURE_LINKS_MS;
    this.gateway?.tunnel.start(now);
    this.advertise(now);
    for (const uplink of this.uplinks) uplink.start(now);
  }

  /** Tells neighbours, clients and gateway goodbye; a last `drain` sends it. */
  stop(now: number): void {
    this.discovery?.stop(now);
    for (const uplink of this.uplinks) uplink.stop(now);
    this.gateway?.tunnel.stop(now);
    // What was said to the far ends leaves before the links are closed.
    this.drain(now);
    this.links.stop(now);
  }

  receive(batch: DatagramBatch, now: number): void {
    this.links.receive(batch, now);
    this.bundles.open(now);
    this.receiveBack(now);
  }

  /** What came to the beacons' group on a segment, from an endpoint. */
  beacon(segment: SegmentId, endpoint: Uint8Array, bytes: Uint8Array, now: number): void {
    this.discovery?.receive(segment, endpoint, bytes, now);
  }

  segmentsChanged(segments: readonly Segment[], now: number): void {
    this.discovery?.segmentsChanged(segments, now);
  }

  /** Packets read from a TUN of the miner: the tunnel's, or one beside it. */
  lanPackets(batch: PacketBatch, now: number, uplink: Uplink | undefined = this.uplink): void {
    uplink?.packets(batch, now);
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
    for (const uplink of this.uplinks) uplink.wake(now);
    this.gateway?.tunnel.wake(now);
    this.pinger.wake(now);
    this.backChannels.wake(now);
    this.discovery?.wake(now);
    this.receiveBack(now);
  }

  nextWakeAt(): number {
    return Math.min(
      this.measureAt,
      this.links.nextWakeAt(),
      this.routes.nextWakeAt(),
      this.flood.nextWakeAt(),
      this.bundles.nextWakeAt(),
      this.uplinksWakeAt(),
      this.gateway?.tunnel.nextWakeAt() ?? NEVER,
      this.pinger.nextWakeAt(),
      this.backChannels.nextWakeAt(),
      this.discovery?.nextWakeAt() ?? NEVER,
    );
  }

  /** Sessions first: they open what came in, which fills the tunnels, and seal what goes out, which fills the links. */
  drain(now: number): void {
    this.bundles.drain(now);
    for (const uplink of this.uplinks) uplink.drain(now);
    this.gateway?.tunnel.drain(now);
    this.flood.drain(now);
    this.discovery?.drain(now);
    this.links.drain(now);
    if (!this.backChannels.drain(now)) return;
    // What links sent into back channels are messages of sessions now, and leave over other links.
    this.bundles.drain(now);
    this.links.drain(now);
  }

  /** Paths to any node of the graph, fastest first; a neighbour is reached without the graph. */
  paths(target: NodeKey, count: number): NodeKey[][] {
    const paths = disjointPaths(this.seenLinks, this.identity.key, target, count, LOWEST_LATENCY);
    if (paths.length === 0 && this.links.linkOf(target) !== undefined) return [[target]];
    return paths;
  }

  /** Those of other nodes, with what is known of the best path to each. */
  gatewaysInReach(): ReachableGateway[] {
    const { graph } = this.flood;
    return graph.gateways().flatMap((gateway) => {
      const [path] = equal(gateway.node, this.identity.key) ? [] : this.paths(gateway.node, 1);
      if (path === undefined) return [];
      return [{ ...gateway, ...graph.measuresOf([this.identity.key, ...path]), hops: path.length }];
    });
  }

  private uplinksWakeAt(): number {
    let earliest = NEVER;
    for (const uplink of this.uplinks) earliest = Math.min(earliest, uplink.nextWakeAt());
    return earliest;
  }

  /** What came out of back channels are datagrams like those of the sockets. */
  private receiveBack(now: number): void {
    while (this.backChannels.receive((batch) => this.links.receive(batch, now))) this.bundles.open(now);
  }

  private graphChanged(now: number): void {
    this.backChannels.graphChanged(now);
    for (const uplink of this.uplinks) uplink.graphChanged(now);
  }

  private setDetour(link: LinkId | undefined, detour: boolean): void {
    if (link !== undefined) this.flood.setDetour(link, detour);
  }

  private measureLinks(now: number): void {
    this.measureAt = now + MEASURE_LINKS_MS;
    for (const { link, endpoint, session } of this.links.status(now)) {
      if (session === undefined) continue;
      const { leastRoundTripMs: roundTripMs, lossShare } = session;
      const rateKbps = this.rates.note(link, session);
      this.flood.setMeasurement(link, { roundTripMs, lossShare, rateKbps, medium: this.mediumOf(endpoint) });
    }
    for (const uplink of this.uplinks) uplink.measurePaths(now);
    this.advertise(now);
  }

  /** What a neighbour is reached over, as far as the segments of this box tell. */
  mediumOf(endpoint: Uint8Array | undefined): Medium {
    return (endpoint && this.discovery?.mediumOf(endpoint)) ?? 'unknown';
  }

  private advertise(now: number): void {
    const { gateway } = this;
    if (gateway !== undefined) this.flood.setGateway(gateway.key, gateway.advert(now));
  }

  private sendMessage(to: NodeKey, message: Uint8Array): boolean {
    const link = this.links.linkOf(to);
    return link !== undefined && this.links.sendChannel(link, CHANNEL_0, message);
  }

  private linkUp(link: LinkId, peer: NodeKey, now: number): void {
    this.routes.linkUp(link, peer, now);
    this.flood.linkUp(link, peer, now);
    this.discovery?.linkUp(peer, now);
    this.setDetour(link, this.backChannels.serves(peer));
  }

  private linkDown(link: LinkId, peer: NodeKey, reason: string, now: number): void {
    this.options.log.write('info', 'link-down', { peer: addressOf(peer), reason });
    this.routes.linkDown(link, peer, now);
    this.flood.linkDown(link, peer, now);
    this.rates.linkDown(link);
    this.discovery?.linkDown(peer, now);
  }

  private channelMessage(link: LinkId, channel: number, message: Uint8Array, now: number): void {
    if (channel !== CHANNEL_0 || message.length === 0) return this.drops.count('channel-unknown');
    const kind = message[0];
    const isOfDiscovery = kind >= CHANNEL0_KIND.seek && kind <= CHANNEL0_KIND.proof;
    if (kind === CHANNEL0_KIND.records || kind === CHANNEL0_KIND.recordsAck) this.flood.receive(link, message, now);
    else if (isOfDiscovery) this.discovery?.message(this.links.peerOf(link), message, now);
    else this.routes.channelMessage(link, message, now);
  }
}
