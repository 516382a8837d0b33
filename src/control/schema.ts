/**
 * What may be asked over the control socket and what comes back: the contract between the daemon and the CLI, the page
 * and people's scripts. docs/cli.md documents every key. Keys are only ever added within a version; a reader ignores
 * those that it does not know.
 *
 * Bytes, packets and counts are totals since the daemon (or the link, or the route) started; `in` is towards this node.
 */
import * as v from 'valibot';
import { DeliveryText, DIRECTIONS, GatewayName, NodeName, PublicKeyText } from './config-schema.ts';

const Count = v.pipe(v.number(), v.minValue(0));
const Milliseconds = v.pipe(v.number(), v.minValue(0));
const Text = v.string();

/** A ping is bounded, so that a request is. */
export const MAX_PING_COUNT = 20;
export const MAX_PING_TIMEOUT_MS = 10_000;
/** Known gateways that one answer lists; keeps it within a line. */
export const MAX_GATEWAYS_LISTED = 100;
/** Routes at this node that one answer lists. */
export const MAX_HOPS_LISTED = 100;

const NoParams = v.strictObject({});

/** `connected` only while bytes come back end to end; `lost` when they no longer do. */
const TunnelStateName = v.picklist(['off', 'connecting', 'connected', 'lost']);

/** This node as a client of one gateway. */
const ClientEntries = {
  state: TunnelStateName,
  leased_address: v.nullable(Text),
  bytes_in: Count,
  bytes_out: Count,
  /** Why there is no connection, in words; null when there is one, or nothing is known. */
  problem: v.nullable(Text),
};

export const StatusResult = v.object({
  version: Text,
  /** docs/protocol.md. */
  protocol: Count,
  node: v.object({ name: Text, address: Text, key: Text }),
  uptime_s: Count,
  /** IP addresses and ports that the node is reached at. */
  listen: v.array(Text),
  datapath: v.object({
    name: v.picklist(['native', 'portable']),
    cipher: Text,
    curve: Text,
    /** What reads and writes the TUN devices; null where there is none. */
    tun: v.nullable(Text),
  }),
  /** The offload device that seals and opens; null where none is configured (docs/hardware.md). */
  offload: v.nullable(
    v.object({
      device: Text,
      /** `down`: software does everything, and the device is tried again. */
      state: v.picklist(['up', 'down']),
      /** Why it failed last; null when it never did. */
      last_failure: v.nullable(Text),
      failures: v.record(Text, Count),
      times_up: Count,
      /** Jobs done by the device; wrong tags are those it refused. */
      sealed: Count,
      opened: Count,
      wrong_tags: Count,
      /** Jobs done by software, with the reason. */
      software: v.record(Text, Count),
      /** Jobs that were under way when the device failed; software did them again. */
      redone: Count,
      checked: Count,
      self_tests: Count,
      /** In the device now, and since the start. */
      keys_loaded: Count,
      key_loads: Count,
    }),
  ),
  /** This node as a client of a gateway. */
  tunnel: v.object({
    ...ClientEntries,
    /** Address or key as chosen; null when off. */
    gateway: v.nullable(Text),
    routes_up: Count,
    routes_wanted: Count,
    last_bytes_ms_ago: v.nullable(Milliseconds),
  }),
  /** The user's rules for the LAN's packets; those of them that let packets past the tunnel, in words; the gateways that they name. */
  policy: v.object({
    rules: Count,
    direct: v.array(Text),
    gateways: v.array(v.object({ ...ClientEntries, gateway: Text })),
  }),
  /** The radios that carry links; null: none is touched. */
  wifi: v.nullable(
    v.object({
      country: Text,
      problem: v.nullable(Text),
      radios: v.array(
        v.object({
          name: Text,
          state: v.picklist(['starting', 'up']),
          /** What it is, or is about to be; null: not known yet. */
          mode: v.nullable(v.picklist(['mesh', 'access-point', 'station'])),
          frequency_mhz: v.nullable(Count),
          /** SSIDs of the boxes whose access points it has joined. */
          joined: v.array(Text),
          /** Direct neighbours in the mesh. */
          mesh_members: Count,
          hotspot: v.boolean(),
          problem: v.nullable(Text),
        }),
      ),
    }),
  ),
  lan: v.nullable(v.object({ interface: Text, address: Text, dhcp: v.boolean() })),
  /** This node as a gateway for others; counts are zero where it is none. */
  gateway: v.object({
    enabled: v.boolean(),
    service_key: v.nullable(Text),
    clients: Count,
    pool_size: Count,
    pool_free: Count,
    bytes_in: Count,
    bytes_out: Count,
  }),
  links: v.object({ up: Count, configured: Count }),
  /** How many others proved that this node is reached from the internet, and how many nodes in reach have that proven. */
  clearnet: v.object({ proofs: Count, known: Count }),
  routes: v.object({ origin: Count, destination: Count, relayed: Count }),
  memory_rss_bytes: Count,
  /** What was refused and why: name and count. */
  drops: v.record(Text, Count),
});

/** `real-time` goes first at every node, `bulk` takes what is left. */
const TrafficClassName = v.picklist(['bulk', 'real-time']);

const LinkRow = v.object({
  address: Text,
  key: Text,
  state: v.picklist(['down', 'handshake', 'up']),
  endpoint: v.nullable(Text),
  /** What the neighbour is reached over, as far as the interfaces of this box tell. */
  medium: v.picklist(['lan', 'wifi', 'unknown']),
  /** As configured. */
  direction: v.picklist(DIRECTIONS),
  /** What this node sends to the neighbour travels over other links now. */
  detour: v.boolean(),
  /** `reliable`, `unreliable` or a deadline such as `150ms`. */
  delivery: Text,
  rtt_ms: v.nullable(Milliseconds),
  /** The least of late: without any queue. */
  least_rtt_ms: v.nullable(Milliseconds),
  /** What of the round trip is queueing. */
  queue_ms: v.nullable(Milliseconds),
  /** Share of this node's datagrams that did not arrive, 0 to 1, smoothed. */
  loss: v.nullable(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
  sent_bits_per_s: Count,
  /** Of them, those that the neighbour acknowledged. */
  delivered_bits_per_s: Count,
  /** Sent and not yet acknowledged, and how much may be. */
  in_flight_bytes: Count,
  window_bytes: Count,
  /** Datagrams whose contents were sent again. */
  retransmitted: Count,
  /** Datagrams that were sent for an acknowledgement only. */
  ack_datagrams: Count,
  /** Of the keys in use; counts up with each rekeying of a session. */
  epoch: Count,
  rekeys: Count,
  path_mtu_bytes: Count,
  datagrams_in: Count,
  datagrams_out: Count,
  bytes_in: Count,
  bytes_out: Count,
  last_heard_ms_ago: v.nullable(Milliseconds),
});

export const LinksResult = v.object({ links: v.array(LinkRow) });

/** The links under their older name. */
export const PeersResult = v.object({ peers: v.array(LinkRow) });

const BundleRouteRow = v.object({
  /** Never used twice in a session. */
  index: Count,
  /** Addresses of the hops, the neighbour first. */
  path: v.array(Text),
  class: TrafficClassName,
  state: v.picklist(['opening', 'up', 'stalled', 'down']),
  /** Why it carries nothing that this node sends although it is up; null: it may. */
  parked: v.nullable(v.picklist(['late', 'harm'])),
  /** Who seals packets on it: both ends for each other, or the link between them alone, for they are neighbours. */
  seal: v.picklist(['end-to-end', 'link']),
  rtt_ms: v.nullable(Milliseconds),
  /** What may be under way at once: in flight, and room left. */
  window_bytes: Count,
  in_flight_bytes: Count,
  bytes_in: Count,
  bytes_out: Count,
  /** Messages given up on this route, and those of them that were sent again on another. */
  lost: Count,
  resent: Count,
});

/** One direction of a route, as this node carries it to the next. */
const HopRow = v.object({
  role: v.picklist(['origin', 'destination', 'relay']),
  class: TrafficClassName,
  delivery: Text,
  /** Addresses of the neighbours that it comes from and goes to; null: begins or ends here. */
  from: v.nullable(Text),
  to: v.nullable(Text),
  /** Kept here until the next node has it, and how much may be. */
  buffered_bytes: Count,
  bound_bytes: Count,
  /** What the next node has room for; null where it is not asked: Real Time, and at the end of a route. */
  room_bytes: v.nullable(Count),
  rate_bits_per_s: Count,
  /** Pieces sent again, and pieces given up. */
  retransmitted: Count,
  given_up: Count,
  bytes: Count,
});

export const RoutesResult = v.object({
  /** The session with the gateway; null when there is none. */
  session: v.nullable(
    v.object({
      gateway: Text,
      routes: v.array(BundleRouteRow),
      /** Real Time messages that went out over two routes at once. */
      sent_twice: Count,
      /** Bulk messages that came before one that their flow sent earlier, and what became of those. */
      order: v.object({ waiting: Count, waited: Count, late: Count, lost: Count, duplicates: Count }),
    }),
  ),
  /** Routes of others through this node. */
  relayed: Count,
  /** Memory for what is on its way: used, promised to other nodes, and the limit of both. */
  buffers: v.object({ used_bytes: Count, promised_bytes: Count, limit_bytes: Count }),
  /** The routes at this node through which something flowed lately, the fullest first. */
  hops: v.pipe(v.array(HopRow), v.maxLength(MAX_HOPS_LISTED)),
});

export const DeliveryResult = v.object({
  /** Of the routes to the gateway; null: this node has no LAN to carry. */
  tunnel: v.nullable(Text),
  peers: v.array(v.object({ address: Text, key: Text, delivery: Text })),
});

export const GatewayResult = v.object({
  /** "none", or the address of the gateway in use. */
  selected: Text,
  /** The daemon chooses it. */
  auto: v.boolean(),
  state: TunnelStateName,
  /** Gateways in reach, the nearest first. */
  known: v.pipe(
    v.array(
      v.object({
        address: Text,
        key: Text,
        service_key: Text,
        selected: v.boolean(),
        /** Of the best path: sum of the round trips that its nodes measured, and its length. */
        rtt_ms: Milliseconds,
        hops: Count,
        /** Of the slowest link of that path, as far as its nodes have seen; null: none was used enough to know. */
        rate_bits_per_s: v.nullable(Count),
        /** What the gateway says of itself: ISO 3166-1; satoshi for 10^9 bytes; its line to the internet; 0 to 1 of what it can serve. */
        country: v.nullable(Text),
        price: Count,
        uplink_bits_per_s: v.nullable(Count),
        load: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
      }),
    ),
    v.maxLength(MAX_GATEWAYS_LISTED),
  ),
});

export const PingResult = v.object({
  key: Text,
  address: Text,
  /** One entry for each echo sent, in order; null: no answer in time. */
  rtts_ms: v.array(v.nullable(Milliseconds)),
});

export const VersionResult = v.object({ version: Text, protocol: Count, control: Count, runtime: Text });

const PingParams = v.strictObject({
  key: PublicKeyText,
  count: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_PING_COUNT)), 4),
  /** How long each echo may take. */
  timeout_ms: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_PING_TIMEOUT_MS)), 2000),
});

/** Of one neighbour's link, or of the tunnel. */
const DeliveryParams = v.pipe(
  v.strictObject({
    peer: v.optional(NodeName),
    tunnel: v.optional(v.literal(true)),
    delivery: DeliveryText,
  }),
  v.check(({ peer, tunnel }) => (peer === undefined) !== (tunnel === undefined), 'name a peer or the tunnel'),
);

/** Every method: the schema of its parameters and of its result. */
export const METHODS = {
  status: { params: NoParams, result: StatusResult },
  links: { params: NoParams, result: LinksResult },
  peers: { params: NoParams, result: PeersResult },
  routes: { params: NoParams, result: RoutesResult },
  gateway: { params: NoParams, result: GatewayResult },
  'gateway.use': { params: v.strictObject({ gateway: GatewayName }), result: GatewayResult },
  delivery: { params: NoParams, result: DeliveryResult },
  'delivery.use': { params: DeliveryParams, result: DeliveryResult },
  ping: { params: PingParams, result: PingResult },
  version: { params: NoParams, result: VersionResult },
} as const;

export type MethodName = keyof typeof METHODS;
export type Params<Method extends MethodName> = v.InferOutput<(typeof METHODS)[Method]['params']>;
export type Result<Method extends MethodName> = v.InferOutput<(typeof METHODS)[Method]['result']>;

/** What the daemon gives the control server. A `Failure` that is thrown becomes the error of the response. */
export type ControlHandlers = {
  readonly [Method in MethodName]: (params: Params<Method>) => Result<Method> | Promise<Result<Method>>;
};

/** A request of any method, its parameters checked and defaults filled in. */
export type ControlCall = { [Method in MethodName]: { method: Method; params: Params<Method> } }[MethodName];

/** What a handler may take before its caller is told that the daemon hangs. */
const HANDLER_MS = 10_000;

export function longestAnswerMs(call: ControlCall): number {
  return call.method === 'ping' ? HANDLER_MS + call.params.count * call.params.timeout_ms : HANDLER_MS;
}
