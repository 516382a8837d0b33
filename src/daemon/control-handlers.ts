/** Answers of the control socket (control/schema.ts): the node's own numbers in the words that people and scripts were promised. */
import { fromHex, toHex } from '../base/bytes.ts';
import { Failure } from '../base/failure.ts';
import type { NodeKey } from '../base/ids.ts';
import { BULK } from '../base/traffic-class.ts';
import type { Config } from '../control/config.ts';
import { KEY_CHARACTERS } from '../control/config-schema.ts';
import { formatEndpoint as formatConfigured, formatIpv4, formatIpv4Prefix } from '../control/ip-text.ts';
import { type ControlHandlers, MAX_GATEWAYS_LISTED, type Params, type Result } from '../control/schema.ts';
import { CONTROL_VERSION, VERSION, WIRE_VERSION } from '../control/version.ts';
import { addressHash, addressOf, addressText, parseAddress } from '../crypto/address.ts';
import type { Node } from '../node/node.ts';
import type { WantedGateway } from '../node/node-options.ts';
import type { PingReply } from '../node/pinger.ts';
import type { Uplink } from '../node/uplink.ts';
import type { Datapath } from '../os/datapath.ts';
import { directExceptions } from './direct-exceptions.ts';
import type { LanSide } from './lan-side.ts';
import type { OffloadSide } from './offload-side.ts';
import type { Runtime } from './runtime.ts';
import { delivery, links, routes, useDelivery } from './traffic-handlers.ts';
import type { WifiSide } from './wifi-side.ts';

export interface HandlerContext {
  readonly config: Config;
  readonly runtime: Runtime;
  readonly datapath: Datapath;
  readonly startedAt: number;
  readonly lan: LanSide | undefined;
  readonly offload: OffloadSide | undefined;
  readonly wifi: WifiSide | undefined;
}

const BITS_PER_KBIT = 1_000;

type TunnelState = Result<'status'>['tunnel']['state'];

export function controlHandlers(context: HandlerContext): ControlHandlers {
  const { runtime } = context;
  return {
    status: () => runtime.act((node, now) => status(context, node, now)),
    links: () => runtime.act((node, now) => ({ links: links(node, context.config.peers, now) })),
    peers: () => runtime.act((node, now) => ({ peers: links(node, context.config.peers, now) })),
    routes: () => runtime.act((node, now) => routes(node, now)),
    gateway: () => runtime.act((node, now) => gateway(context, node, now)),
    'gateway.use': (params) => runtime.act((node, now) => useGateway(context, node, params.gateway, now)),
    delivery: () => runtime.act((node, now) => delivery(node, now)),
    'delivery.use': (params) => runtime.act((node, now) => useDelivery(node, params, now)),
    ping: (params) => ping(runtime, params),
    version: () => ({
      version: VERSION,
      protocol: WIRE_VERSION,
      control: CONTROL_VERSION,
      runtime: `node ${process.versions.node}`,
    }),
  };
}

function status(context: HandlerContext, node: Node, now: number): Result<'status'> {
  const { config, datapath, startedAt } = context;
  const peers = node.links.status(now);
  const { origin, destination, relayed } = node.routes.status();
  return {
    version: VERSION,
    protocol: WIRE_VERSION,
    node: { name: config.node.name, address: node.identity.address, key: toHex(node.identity.key) },
    uptime_s: Math.floor((now - startedAt) / 1000),
    listen: config.listen.udp.map(formatConfigured),
    datapath: {
      name: datapath.name,
      cipher: context.offload === undefined ? datapath.cipher.name : 'offload',
      curve: datapath.curve.name,
      tun: config.lan !== undefined || config.gateway !== undefined ? datapath.name : null,
    },
    offload: context.offload?.status() ?? null,
    tunnel: tunnelStatus(context, node, now),
    policy: {
      rules: config.policy.length,
      direct: directExceptions(config),
      gateways: node.uplinks.slice(1).map((uplink) => ({
        ...clientStatus(context, node, uplink, now),
        gateway: addressText(uplink.gateway!),
      })),
    },
    wifi: context.wifi?.status() ?? null,
    lan: config.lan
      ? { interface: config.lan.interface, address: formatIpv4Prefix(config.lan.address), dhcp: config.lan.dhcp }
      : null,
    gateway: gatewayStatus(node),
    clearnet: {
      proofs: node.flood.graph.recordOf(node.identity.key)?.proofs.length ?? 0,
      known: node.clearnet.nearest(now).length,
    },
    links: { up: peers.filter(({ state }) => state === 'up').length, configured: peers.length },
    routes: { origin, destination, relayed },
    memory_rss_bytes: process.memoryUsage.rss(),
    drops: node.drops.toJSON(),
  };
}

function tunnelStatus(context: HandlerContext, node: Node, now: number): Result<'status'>['tunnel'] {
  const { uplink } = node;
  const session = uplink?.session?.status(now);
  const isWanted = uplink?.wantedGateway !== undefined;
  const chosen = uplink?.gateway;
  return {
    ...clientStatus(context, node, uplink, now),
    gateway: chosen === undefined ? null : addressText(chosen),
    // Routes run in pairs; the Bulk one stands for its path.
    routes_up: session?.routes.filter((route) => route.state === 'up' && route.trafficClass === BULK).length ?? 0,
    routes_wanted: isWanted ? context.config.tunnel.routes : 0,
    last_bytes_ms_ago: uplink?.client.status(now).heardMsAgo ?? null,
  };
}

/** What the tunnel and those of the user's rules tell alike. */
function clientStatus(context: HandlerContext, node: Node, uplink: Uplink | undefined, now: number) {
  const tunnel = uplink?.client.status(now);
  const state = tunnelState(context, node, uplink, now);
  return {
    state,
    leased_address: tunnel?.lease === undefined ? null : formatIpv4(tunnel.lease.address),
    bytes_in: tunnel?.bytesDown ?? 0,
    bytes_out: tunnel?.bytesUp ?? 0,
    problem: problem(state, node, uplink, now),
  };
}

/** "Connected" means that bytes came back end to end within the last seconds, and that the LAN's packets are routed there; nothing less. */
function tunnelState({ lan }: HandlerContext, node: Node, uplink: Uplink | undefined, now: number): TunnelState {
  if (uplink?.wantedGateway === undefined) return 'off';
  const tunnel = uplink.client.status(now);
  if (tunnel.state === 'leased' && tunnel.connected) {
    const isRouted = lan === undefined || lan.hasApplied(node.uplinks.indexOf(uplink), tunnel.lease!);
    return isRouted ? 'connected' : 'connecting';
  }
  return tunnel.heardMsAgo === undefined ? 'connecting' : 'lost';
}

/** Why it is not connected though it is to be; null otherwise. */
function problem(state: TunnelState, node: Node, uplink: Uplink | undefined, now: number): string | null {
  if (uplink === undefined || state === 'connected' || state === 'off') return null;
  const session = uplink.session?.status(now);
  const peers = node.links.status(now);
  if (peers.length === 0) return 'no neighbour was found, and no peer is configured: is a cable plugged in?';
  if (!peers.some(({ state }) => state === 'up')) {
    return 'no peer answers: check the endpoints and keys, and that the peers list the key of this node';
  }
  const wanted = uplink.gateway;
  if (wanted === undefined) return 'no gateway is in reach: `skywire gateways` lists those that are';
  if (node.flood.graph.find(addressText(wanted)) === undefined) {
    return 'the gateway is not known to any peer within 10 hops: check its address, and that it is running';
  }
  if (session === undefined) return 'that node is no gateway: see `skywire gateway` for those in reach';
  if (uplink.refusal !== undefined) return uplink.refusal;
  if (session.lastFailure !== undefined && session.state !== 'up') {
    return `no route works: ${session.lastFailure.reason} at hop ${session.lastFailure.hop}`;
  }
  if (state === 'connecting' && uplink.client.status(now).connected) {
    return 'the system has not taken the address of the lease yet: see lease-not-applied in the log';
  }
  return session.state === 'up'
    ? 'the gateway is silent: waiting for an address'
    : 'waiting for an answer of the gateway';
}

function gatewayStatus(node: Node): Result<'status'>['gateway'] {
  const service = node.gateway;
  if (service === undefined) {
    return { enabled: false, service_key: null, clients: 0, pool_size: 0, pool_free: 0, bytes_in: 0, bytes_out: 0 };
  }
  const { clients, poolSize, leases } = service.tunnel.status();
  return {
    enabled: true,
    service_key: toHex(service.key),
    clients: clients.length,
    pool_size: poolSize,
    pool_free: poolSize - leases,
    bytes_in: clients.reduce((sum, client) => sum + client.bytesUp, 0),
    bytes_out: clients.reduce((sum, client) => sum + client.bytesDown, 0),
  };
}

function gateway(context: HandlerContext, node: Node, now: number): Result<'gateway'> {
  const chosen = node.uplink?.gateway;
  const selected = chosen === undefined ? 'none' : addressText(chosen);
  const known = node
    .gatewaysInReach()
    .sort((a, b) => a.roundTripMs - b.roundTripMs)
    .slice(0, MAX_GATEWAYS_LISTED)
    .map(({ node: key, service, roundTripMs, rateKbps, hops, advert }) => {
      const address = addressOf(key);
      return {
        address,
        key: toHex(key),
        service_key: toHex(service),
        selected: address === selected,
        rtt_ms: roundTripMs,
        hops,
        rate_bits_per_s: knownBits(rateKbps),
        country: advert.country ?? null,
        price: advert.price,
        uplink_bits_per_s: knownBits(advert.rateKbps),
        load: advert.load,
      };
    });
  const auto = node.uplink?.wantedGateway === 'auto';
  return { selected, auto, state: tunnelState(context, node, node.uplink, now), known };
}

/** Zero stands for unknown. */
function knownBits(kbps: number): number | null {
  return kbps === 0 ? null : Math.round(kbps * BITS_PER_KBIT);
}

function useGateway(context: HandlerContext, node: Node, name: string, now: number): Result<'gateway'> {
  if (node.uplink === undefined) {
    throw new Failure('failed', 'this node has no LAN to carry', 'Add a [lan] table to the configuration');
  }
  node.uplink.use(wantedGateway(name), now);
  return gateway(context, node, now);
}

/** What "none", "auto", an address or a key stands for. */
export function wantedGateway(name: string): WantedGateway {
  if (name === 'none') return undefined;
  if (name === 'auto') return name;
  const key = name.length === KEY_CHARACTERS ? fromHex(name) : undefined;
  const hash = key === undefined ? parseAddress(name) : addressHash(key);
  if (hash === undefined) {
    throw new Failure(
      'usage',
      `${name} is no address and no key`,
      'Copy it again; `skywire gateway` lists those in reach',
    );
  }
  return hash;
}

function ping(runtime: Runtime, params: Params<'ping'>): Promise<Result<'ping'>> {
  const target = fromHex(params.key) as NodeKey;
  return new Promise((resolve, reject) => {
    const done = (replies: PingReply[]): void => {
      const rtts: (number | null)[] = Array.from({ length: params.count }, () => null);
      for (const { sequence, roundTripMs } of replies) rtts[sequence] = roundTripMs;
      resolve({ key: params.key, address: addressOf(target), rtts_ms: rtts });
    };
    runtime.act((node, now) => {
      if (node.paths(target, 1).length === 0) {
        reject(
          new Failure('gateway-unreachable', 'no path to that node is known', 'Check the key, and `skywire links`'),
        );
      } else if (
        !node.pinger.start(
          { target, count: params.count, timeoutMs: params.timeout_ms, paths: () => node.paths(target, 1), done },
          now,
        )
      ) {
        reject(new Failure('failed', 'too many pings run already', 'Try again in a moment'));
      }
    });
  });
}
