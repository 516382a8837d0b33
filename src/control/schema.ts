/**
 * What may be asked over the control socket and what comes back: the contract between the daemon and the CLI, the page
 * and people's scripts. docs/cli.md documents every key. Keys are only ever added within a version; a reader ignores
 * those that it does not know.
 *
 * Bytes, packets and counts are totals since the daemon (or the link, or the route) started; `in` is towards this node.
 */
import * as v from 'valibot';
import { GatewayName, PublicKeyText } from './config-schema.ts';

const Count = v.pipe(v.number(), v.minValue(0));
const Milliseconds = v.pipe(v.number(), v.minValue(0));
const Text = v.string();

/** A ping is bounded, so that a request is. */
export const MAX_PING_COUNT = 20;
export const MAX_PING_TIMEOUT_MS = 10_000;
/** Known gateways that one answer lists; keeps it within a line. */
export const MAX_GATEWAYS_LISTED = 100;

const NoParams = v.strictObject({});

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
  /** This node as a client of a gateway. */
  tunnel: v.object({
    /** `connected` only while bytes come back end to end; `lost` when they no longer do. */
    state: v.picklist(['off', 'connecting', 'connected', 'lost']),
    /** Address or key as chosen; null when off. */
    gateway: v.nullable(Text),
    leased_address: v.nullable(Text),
    routes_up: Count,
    routes_wanted: Count,
    last_bytes_ms_ago: v.nullable(Milliseconds),
    bytes_in: Count,
    bytes_out: Count,
    /** Why there is no connection, in words; null when there is one, or nothing is known. */
    problem: v.nullable(Text),
  }),
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
  routes: v.object({ origin: Count, destination: Count, relayed: Count }),
  memory_rss_bytes: Count,
  /** What was refused and why: name and count. */
  drops: v.record(Text, Count),
});

export const PeersResult = v.object({
  peers: v.array(
    v.object({
      address: Text,
      key: Text,
      state: v.picklist(['down', 'handshake', 'up']),
      endpoint: v.nullable(Text),
      rtt_ms: v.nullable(Milliseconds),
      /** Of the keys in use; counts up with each rekeying of a session. */
      epoch: Count,
      rekeys: Count,
      path_mtu_bytes: Count,
      datagrams_in: Count,
      datagrams_out: Count,
      bytes_in: Count,
      bytes_out: Count,
      last_heard_ms_ago: v.nullable(Milliseconds),
    }),
  ),
});

export const RoutesResult = v.object({
  /** The session with the gateway; null when there is none. */
  session: v.nullable(
    v.object({
      gateway: Text,
      routes: v.array(
        v.object({
          /** Never used twice in a session. */
          index: Count,
          /** Addresses of the hops, the neighbour first. */
          path: v.array(Text),
          state: v.picklist(['opening', 'up', 'stalled', 'down']),
          rtt_ms: v.nullable(Milliseconds),
          window_bytes: Count,
          in_flight_bytes: Count,
          bytes_in: Count,
          bytes_out: Count,
          /** Messages given up on this route, and those of them that were sent again on another. */
          lost: Count,
          resent: Count,
        }),
      ),
    }),
  ),
  /** Routes of others through this node. */
  relayed: Count,
});

export const GatewayResult = v.object({
  /** "none", or the address or key as chosen. */
  selected: Text,
  state: v.picklist(['off', 'connecting', 'connected', 'lost']),
  /** Gateways in reach, the nearest first. */
  known: v.pipe(
    v.array(v.object({ address: Text, key: Text, service_key: Text, selected: v.boolean() })),
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

/** Every method: the schema of its parameters and of its result. */
export const METHODS = {
  status: { params: NoParams, result: StatusResult },
  peers: { params: NoParams, result: PeersResult },
  routes: { params: NoParams, result: RoutesResult },
  gateway: { params: NoParams, result: GatewayResult },
  'gateway.use': { params: v.strictObject({ gateway: GatewayName }), result: GatewayResult },
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
