/** `skywire routes` for people. Every table fits 80 columns; a path takes as many lines as it needs. */
import type { Result } from '../control/schema.ts';
import { type Cell, type Paint, type Style, table } from './table.ts';
import { bitRateText, bytesText, countText, roundTripText } from './units.ts';

type Routes = Result<'routes'>;
type Session = NonNullable<Routes['session']>;
type Route = Session['routes'][number];
type Hop = Routes['hops'][number];

const STYLES: Readonly<Record<Route['state'], Style>> = {
  opening: 'yellow',
  up: 'green',
  stalled: 'yellow',
  down: 'red',
};
const CLASS_WORDS: Readonly<Record<Route['class'], string>> = { bulk: 'bulk', 'real-time': 'RT' };
/** Two addresses fill a line. */
const ADDRESSES_A_LINE = 2;
/** Enough of an address to know it by. */
const SHORT_ADDRESS_CHARACTERS = 8;
/** What a screen shows; `--json` has them all. */
const HOPS_SHOWN = 16;

export function showRoutes(result: Routes, paint: Paint): string {
  const { session, relayed, buffers, hops } = result;
  const promised = `${bytesText(buffers.promised_bytes)} promised`;
  return [
    session === null ? 'No session with a gateway.\n' : sessionText(session, paint),
    `${countText(relayed, 'route')} of others through this node\n` +
      `Buffers: ${bytesText(buffers.used_bytes)} in use, ${promised}, of ${bytesText(buffers.limit_bytes)}\n`,
    ...(hops.length === 0 ? [] : [hopsText(hops, paint)]),
  ].join('\n');
}

function sessionText(session: Session, paint: Paint): string {
  const { gateway, routes, order } = session;
  const paths = [...new Set(routes.map(pathText))];
  const counts = `${countText(routes.length, 'route')} on ${countText(paths.length, 'path')}`;
  if (routes.length === 0) return `Session with gateway ${gateway}\n\nNo path is known yet.\n`;
  const rows = routes.map((route): Cell[] => [
    String(route.index),
    String(paths.indexOf(pathText(route)) + 1),
    CLASS_WORDS[route.class],
    route.parked === null ? { text: route.state, style: STYLES[route.state] } : { text: 'parked', style: 'yellow' },
    roundTripText(route.rtt_ms),
    bytesText(route.in_flight_bytes),
    bytesText(route.bytes_in),
    bytesText(route.bytes_out),
    String(route.lost),
    String(route.resent),
  ]);
  const pathRows = paths.flatMap((path, index) =>
    path.split('\n').map((line, lineIndex) => [lineIndex === 0 ? String(index + 1) : '', line]),
  );
  return [
    `Session with gateway ${gateway}\n${counts}\n`,
    table(ROUTE_COLUMNS, rows, paint) + routes.map(parkedText).join('') + sealText(routes),
    table([{ title: 'PATH', align: 'right' }, { title: 'HOPS' }], pathRows, paint),
    `Order: ${countText(order.waited, 'packet')} waited for an earlier one of the same flow, ${order.waiting} now\n` +
      `       ${order.late} came too late to be waited for, ${order.lost} lost\n`,
  ].join('\n');
}

/** What goes without the second seal. */
function sealText(routes: readonly Route[]): string {
  const bare = routes.filter(({ seal }) => seal === 'link').map(({ index }) => index);
  if (bare.length === 0) return '';
  return `Sealed by the link alone, as the gateway is a neighbour: ${countText(bare.length, 'route')} (${bare.join(', ')})\n`;
}

/** Why a route that is up carries nothing. */
function parkedText({ index, parked }: Route): string {
  return parked === null ? '' : `Route ${index} is parked: ${PARK_REASONS[parked]}.\n`;
}

const PARK_REASONS: Readonly<Record<NonNullable<Route['parked']>, string>> = {
  late: 'what it carries would come too long after the rest',
  harm: 'the others carry more without it; it is tried again',
};

const ROUTE_COLUMNS = [
  { title: 'ROUTE', align: 'right' },
  { title: 'PATH', align: 'right' },
  { title: 'CLASS' },
  { title: 'STATE' },
  { title: 'RTT', align: 'right' },
  { title: 'IN FLIGHT', align: 'right' },
  { title: 'IN', align: 'right' },
  { title: 'OUT', align: 'right' },
  { title: 'LOST', align: 'right' },
  { title: 'RESENT', align: 'right' },
] as const;

/** The hops of a path, a few on each line. */
function pathText(route: Route): string {
  const lines: string[] = [];
  for (let at = 0; at < route.path.length; at += ADDRESSES_A_LINE) {
    lines.push(route.path.slice(at, at + ADDRESSES_A_LINE).join(' > '));
  }
  return lines.join('\n> ');
}

function hopsText(hops: readonly Hop[], paint: Paint): string {
  const rows = hops
    .slice(0, HOPS_SHOWN)
    .map((hop) => [
      CLASS_WORDS[hop.class],
      placeText(hop.from),
      placeText(hop.to),
      bytesText(hop.buffered_bytes),
      bytesText(hop.bound_bytes),
      hop.room_bytes === null ? '-' : bytesText(hop.room_bytes),
      bitRateText(hop.rate_bits_per_s),
      String(hop.retransmitted),
      String(hop.given_up),
    ]);
  const rest = hops.length - rows.length;
  return `${table(HOP_COLUMNS, rows, paint)}${rest === 0 ? '' : `and ${rest} more, see --json\n`}`;
}

const HOP_COLUMNS = [
  { title: 'CLASS' },
  { title: 'FROM' },
  { title: 'TO' },
  { title: 'BUFFER', align: 'right' },
  { title: 'OF', align: 'right' },
  { title: 'ROOM', align: 'right' },
  { title: 'RATE', align: 'right' },
  { title: 'RESENT', align: 'right' },
  { title: 'GONE', align: 'right' },
] as const;

function placeText(address: string | null): string {
  return address === null ? 'here' : address.slice(0, SHORT_ADDRESS_CHARACTERS);
}
