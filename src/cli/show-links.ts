/** `skywire peers` and `skywire routes` for people. */
import type { Result } from '../control/schema.ts';
import { type Cell, type Paint, type Style, table } from './table.ts';
import { agoText, bytesText, countText, millisecondsText } from './units.ts';

type Peer = Result<'peers'>['peers'][number];
type Route = NonNullable<Result<'routes'>['session']>['routes'][number];

const PEER_STYLES: Readonly<Record<Peer['state'], Style>> = { down: 'red', handshake: 'yellow', up: 'green' };
const ROUTE_STYLES: Readonly<Record<Route['state'], Style>> = {
  opening: 'yellow',
  up: 'green',
  stalled: 'yellow',
  down: 'red',
};
const UNKNOWN = '-';

export function showPeers(result: Result<'peers'>, paint: Paint): string {
  if (result.peers.length === 0) return 'No peers. Add a [[peer]] to the configuration.\n';
  const rows = result.peers.map((peer): Cell[] => [
    peer.address,
    { text: peer.state, style: PEER_STYLES[peer.state] },
    peer.endpoint ?? UNKNOWN,
    roundTripText(peer.rtt_ms),
    bytesText(peer.bytes_in),
    bytesText(peer.bytes_out),
    String(peer.rekeys),
    String(peer.path_mtu_bytes),
    peer.last_heard_ms_ago === null ? 'never' : agoText(peer.last_heard_ms_ago),
  ]);
  return table(
    [
      { title: 'ADDRESS' },
      { title: 'STATE' },
      { title: 'ENDPOINT' },
      { title: 'RTT', align: 'right' },
      { title: 'IN', align: 'right' },
      { title: 'OUT', align: 'right' },
      { title: 'REKEYS', align: 'right' },
      { title: 'MTU', align: 'right' },
      { title: 'HEARD' },
    ],
    rows,
    paint,
  );
}

export function showRoutes(result: Result<'routes'>, paint: Paint): string {
  const relayed = `${countText(result.relayed, 'route')} of others through this node\n`;
  if (result.session === null) return `No session with a gateway.\n${relayed}`;
  const { gateway, routes } = result.session;
  const heading = `Session with gateway ${gateway}, ${countText(routes.length, 'route')}\n\n`;
  if (routes.length === 0) return `${heading}No path is known yet.\n${relayed}`;
  const rows = routes.map((route): Cell[] => [
    String(route.index),
    { text: route.state, style: ROUTE_STYLES[route.state] },
    roundTripText(route.rtt_ms),
    bytesText(route.window_bytes),
    bytesText(route.in_flight_bytes),
    bytesText(route.bytes_in),
    bytesText(route.bytes_out),
    String(route.lost),
    String(route.resent),
    route.path.join(' > '),
  ]);
  const columns = [
    { title: 'ROUTE', align: 'right' as const },
    { title: 'STATE' },
    { title: 'RTT', align: 'right' as const },
    { title: 'WINDOW', align: 'right' as const },
    { title: 'IN FLIGHT', align: 'right' as const },
    { title: 'IN', align: 'right' as const },
    { title: 'OUT', align: 'right' as const },
    { title: 'LOST', align: 'right' as const },
    { title: 'RESENT', align: 'right' as const },
    { title: 'PATH' },
  ];
  return `${heading}${table(columns, rows, paint)}\n${relayed}`;
}

function roundTripText(ms: number | null): string {
  return ms === null ? UNKNOWN : millisecondsText(ms);
}
