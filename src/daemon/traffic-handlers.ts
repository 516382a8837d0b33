/** Answers of the control socket about links, routes and what is done about losses. */
import { toHex } from '../base/bytes.ts';
import { Failure } from '../base/failure.ts';
import type { LinkId, NodeKey } from '../base/ids.ts';
import { REAL_TIME, type TrafficClass } from '../base/traffic-class.ts';
import type { ResequencerCounters } from '../bundle/resequencer.ts';
import type { RouteStatus } from '../bundle/session-status.ts';
import type { Config } from '../control/config.ts';
import { formatDelivery, parseDelivery } from '../control/delivery-text.ts';
import { MAX_HOPS_LISTED, type Params, type Result } from '../control/schema.ts';
import { addressOf, addressText } from '../crypto/address.ts';
import type { LinkStatus } from '../link/link-status.ts';
import type { Node } from '../node/node.ts';
import { formatEndpoint } from '../os/endpoint.ts';
import { isStreamEndpoint } from '../os/tcp-streams.ts';
import type { RouteRow } from '../route/route-status.ts';

type LinkRow = Result<'links'>['links'][number];
type Session = NonNullable<Result<'routes'>['session']>;
type HopRow = Result<'routes'>['hops'][number];

/** A node may hold 100,000 routes, and people ask while it works. */
const MAX_ROWS_SORTED = 2_000;
const BITS_PER_BYTE = 8;
const MS_PER_SECOND = 1_000;

/** @param configured the peers of the configuration */
export function links(node: Node, configured: Config['peers'], now: number): LinkRow[] {
  const directions = new Map(configured.map(({ key, direction }) => [key, direction]));
  return node.links.status(now).map((link) => {
    const key = toHex(link.key);
    return {
      address: addressOf(link.key),
      key,
      state: link.state,
      endpoint: link.endpoint === undefined ? null : endpointText(link.endpoint),
      direction: directions.get(key) ?? 'both',
      medium: node.mediumOf(link.endpoint),
      detour: node.backChannels.serves(link.key),
      delivery: formatDelivery(link.deliveryMs),
      ...measuresRow(link.session),
      datagrams_in: link.receivedDatagrams,
      datagrams_out: link.sentDatagrams,
      bytes_in: link.receivedBytes,
      bytes_out: link.sentBytes,
      last_heard_ms_ago: link.session?.lastHeardMsAgo ?? null,
    };
  });
}

function endpointText(endpoint: Uint8Array): string {
  return isStreamEndpoint(endpoint, 0) ? `tcp:${formatEndpoint(endpoint)}` : formatEndpoint(endpoint);
}

/** Nothing is measured on a link that is down. */
function measuresRow(session: LinkStatus['session']) {
  return {
    rtt_ms: session?.roundTripMs ?? null,
    least_rtt_ms: session?.leastRoundTripMs ?? null,
    queue_ms: session?.queueMs ?? null,
    loss: session?.lossShare ?? null,
    sent_bits_per_s: bitsPerSecond(session?.sentBytesPerMs ?? 0),
    delivered_bits_per_s: bitsPerSecond(session?.deliveredBytesPerMs ?? 0),
    in_flight_bytes: session?.inFlightBytes ?? 0,
    window_bytes: Math.round(session?.windowBytes ?? 0),
    retransmitted: session?.retransmittedDatagrams ?? 0,
    ack_datagrams: session?.ackDatagrams ?? 0,
    epoch: session?.epoch ?? 0,
    rekeys: session?.rekeys ?? 0,
    path_mtu_bytes: session?.pathMtuBytes ?? 0,
  };
}

export function routes(node: Node, now: number): Result<'routes'> {
  const { relayed, memory } = node.routes.status();
  const gateway = node.uplink?.gateway;
  const session = node.uplink?.session?.status(now);
  const addresses = new Map(node.links.status(now).map(({ link, key }) => [link, addressOf(key)]));
  return {
    session:
      gateway === undefined || session === undefined
        ? null
        : {
            gateway: addressText(gateway),
            routes: session.routes.map(bundleRouteRow),
            sent_twice: session.realTimeTwice,
            order: orderOf(session.resequencer),
          },
    relayed,
    buffers: {
      used_bytes: memory.usedBytes,
      promised_bytes: memory.promisedBytes,
      limit_bytes: memory.limitBytes,
    },
    hops: node.routes
      .rows(MAX_ROWS_SORTED)
      .sort((a, b) => b.bufferedBytes - a.bufferedBytes)
      .slice(0, MAX_HOPS_LISTED)
      .map((row) => hopRow(row, addresses)),
  };
}

function orderOf({ waiting, waited, late, lost, duplicate }: ResequencerCounters): Session['order'] {
  return { waiting, waited, late, lost, duplicates: duplicate };
}

function bundleRouteRow(route: RouteStatus): Session['routes'][number] {
  return {
    index: route.index,
    path: (route.path ?? []).map((key) => addressOf(key)),
    class: className(route.trafficClass),
    state: route.state === 'closed' ? 'down' : route.state,
    parked: route.parked ?? null,
    seal: route.seal,
    rtt_ms: route.roundTripMs ?? null,
    window_bytes: route.inFlightBytes + route.roomBytes,
    in_flight_bytes: route.inFlightBytes,
    bytes_in: route.receivedBytes,
    bytes_out: route.sentBytes,
    lost: route.lost,
    resent: route.resent,
  };
}

function hopRow(row: RouteRow, addresses: ReadonlyMap<LinkId, string>): HopRow {
  const place = (link: LinkId | undefined): string | null =>
    link === undefined ? null : (addresses.get(link) ?? null);
  return {
    role: row.role,
    class: className(row.trafficClass),
    delivery: formatDelivery(row.deliveryMs),
    from: place(row.fromLink),
    to: place(row.toLink),
    buffered_bytes: row.bufferedBytes,
    bound_bytes: row.boundBytes,
    room_bytes: row.creditBytes ?? null,
    rate_bits_per_s: bitsPerSecond(row.rateBytesPerMs),
    retransmitted: row.retransmittedPieces,
    given_up: row.gonePieces,
    bytes: row.forwardedBytes,
  };
}

export function delivery(node: Node, now: number): Result<'delivery'> {
  const { uplink } = node;
  return {
    tunnel: uplink === undefined ? null : formatDelivery(uplink.deliveryMs),
    peers: node.links.status(now).map(({ key, deliveryMs }) => ({
      address: addressOf(key),
      key: toHex(key),
      delivery: formatDelivery(deliveryMs),
    })),
  };
}

/** @throws Failure failed when there is no such peer or no tunnel here */
export function useDelivery(node: Node, params: Params<'delivery.use'>, now: number): Result<'delivery'> {
  // The schema has checked the text, and that one of the two is named.
  const deliveryMs = parseDelivery(params.delivery)!;
  if (params.peer !== undefined) node.links.setDelivery(peerKey(node, params.peer, now), deliveryMs);
  else if (node.uplink !== undefined) node.uplink.setDelivery(deliveryMs, now);
  else throw new Failure('failed', 'this node has no LAN to carry', 'Add a [lan] table to the configuration');
  return delivery(node, now);
}

function peerKey(node: Node, name: string, now: number): NodeKey {
  const found = node.links.status(now).find(({ key }) => addressOf(key) === name || toHex(key) === name.toLowerCase());
  if (found !== undefined) return found.key;
  throw new Failure('failed', `${name} is no peer of this node`, '`skywire links` lists them');
}

function className(trafficClass: TrafficClass): 'bulk' | 'real-time' {
  return trafficClass === REAL_TIME ? 'real-time' : 'bulk';
}

function bitsPerSecond(bytesPerMs: number): number {
  return Math.round(bytesPerMs * BITS_PER_BYTE * MS_PER_SECOND);
}
