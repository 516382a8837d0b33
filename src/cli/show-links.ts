/** `skywire links` and `skywire delivery` for people. */
import type { Result } from '../control/schema.ts';
import { type Cell, labelled, type Paint, type Style, table } from './table.ts';
import { agoText, bitRateText, bytesText, percentText, roundTripText } from './units.ts';

type Link = Result<'links'>['links'][number];

const STYLES: Readonly<Record<Link['state'], Style>> = { down: 'red', handshake: 'yellow', up: 'green' };
/** From here on a link is worth a look. */
const MUCH_LOSS = 0.1;
const UNKNOWN = '-';

/** Two tables, because one would not fit a terminal of 80 columns: who the neighbours are, and how their links do. */
export function showLinks(links: readonly Link[], paint: Paint): string {
  if (links.length === 0) return 'No neighbour was found, and no [[peer]] is configured.\n';
  const who = links.map((link, index): Cell[] => [
    String(index + 1),
    link.address,
    { text: link.state, style: STYLES[link.state] },
    link.endpoint ?? UNKNOWN,
  ]);
  const how = links.flatMap((link, index) => (link.state === 'up' ? [measuresOf(link, index)] : []));
  const remarks = links.flatMap(remarksOn).join('');
  return [
    table(WHO, who, paint),
    ...(how.length === 0 ? [] : [table(HOW, how, paint)]),
    ...(remarks === '' ? [] : [remarks]),
  ].join('\n');
}

function measuresOf(link: Link, index: number): Cell[] {
  return [
    String(index + 1),
    heardText(link),
    roundTripText(link.rtt_ms),
    roundTripText(link.queue_ms),
    lossCell(link.loss),
    bitRateText(link.delivered_bits_per_s),
    String(link.retransmitted),
    bytesText(link.bytes_in),
    bytesText(link.bytes_out),
  ];
}

const WHO = [
  { title: 'LINK', align: 'right' },
  { title: 'ADDRESS' },
  { title: 'STATE' },
  { title: 'ENDPOINT' },
] as const;
const HOW = [
  { title: 'LINK', align: 'right' },
  { title: 'HEARD' },
  { title: 'RTT', align: 'right' },
  { title: 'QUEUE', align: 'right' },
  { title: 'LOSS', align: 'right' },
  { title: 'RATE', align: 'right' },
  { title: 'RESENT', align: 'right' },
  { title: 'IN', align: 'right' },
  { title: 'OUT', align: 'right' },
] as const;

function heardText(link: Link): string {
  return link.last_heard_ms_ago === null ? 'never' : agoText(link.last_heard_ms_ago);
}

function lossCell(loss: number | null): Cell {
  if (loss === null) return UNKNOWN;
  return loss < MUCH_LOSS ? percentText(loss) : { text: percentText(loss), style: 'yellow' };
}

/** What is not as it is on most links. */
function remarksOn(link: Link, index: number): string[] {
  const remarks: string[] = [];
  if (link.state !== 'up') remarks.push(`is ${link.state}, heard ${heardText(link)}`);
  if (link.direction === 'send-only') remarks.push('is send-only: what it sends comes over other links');
  else if (link.direction === 'receive-only') remarks.push('is receive-only: what goes to it takes other links');
  else if (link.detour) remarks.push('hears nothing of this node: what goes to it takes other links');
  if (link.delivery === 'unreliable') remarks.push('is unreliable: what is lost stays lost');
  else if (link.delivery !== 'reliable') remarks.push(`sends again for ${link.delivery} at most`);
  return remarks.map((remark) => `Link ${index + 1} ${remark}.\n`);
}

export function showDelivery(result: Result<'delivery'>, paint: Paint): string {
  const peers = result.peers.map((peer, index): [string, Cell] => [
    index === 0 ? 'Peers' : '',
    `${peer.address}  ${peer.delivery}`,
  ]);
  const none: [string, Cell][] = [['Peers', 'none']];
  return labelled([['Tunnel', result.tunnel ?? 'none'], ...(peers.length === 0 ? none : peers)], paint);
}
