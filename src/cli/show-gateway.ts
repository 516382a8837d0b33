/** `skywire gateway` and `skywire ping` for people. */
import type { Result } from '../control/schema.ts';
import { stateCell } from './show-status.ts';
import { labelled, type Paint, table } from './table.ts';
import { bitRateText, millisecondsText, percentText, roundTripText } from './units.ts';

export function showGateway(result: Result<'gateway'>, paint: Paint): string {
  const rows = labelled(
    [
      ['Selected', result.auto ? `${result.selected} (auto)` : result.selected],
      ['State', stateCell(result.state)],
    ],
    paint,
  );
  if (result.known.length === 0) return `${rows}\nNo gateway is in reach.\n`;
  const known = result.known.map((gateway) => [
    gateway.selected ? '*' : '',
    gateway.address,
    roundTripText(gateway.rtt_ms),
    String(gateway.hops),
    knownRate(gateway.rate_bits_per_s),
    gateway.country ?? '-',
    gateway.price === 0 ? 'free' : `${gateway.price} sat/GB`,
    knownRate(gateway.uplink_bits_per_s),
    percentText(gateway.load),
    gateway.key,
  ]);
  return `${rows}\n${table(GATEWAYS, known, paint)}`;
}

function knownRate(bitsPerSecond: number | null): string {
  return bitsPerSecond === null ? '-' : bitRateText(bitsPerSecond);
}

const GATEWAYS = [
  { title: '' },
  { title: 'GATEWAY IN REACH' },
  { title: 'RTT', align: 'right' },
  { title: 'HOPS', align: 'right' },
  { title: 'RATE', align: 'right' },
  { title: 'COUNTRY' },
  { title: 'PRICE', align: 'right' },
  { title: 'UPLINK', align: 'right' },
  { title: 'LOAD', align: 'right' },
  { title: 'KEY' },
] as const;

export function showPing(result: Result<'ping'>): string {
  let out = `Echo from ${result.address}\n`;
  for (const [index, rttMs] of result.rtts_ms.entries()) {
    out += `  ${index + 1}: ${rttMs === null ? 'no answer' : millisecondsText(rttMs)}\n`;
  }
  const answered = result.rtts_ms.filter((rttMs) => rttMs !== null);
  out += `${result.rtts_ms.length} sent, ${answered.length} answered`;
  if (answered.length === 0) return `${out}\n`;
  const average = answered.reduce((sum, rttMs) => sum + rttMs, 0) / answered.length;
  const [least, middle, most] = [Math.min(...answered), average, Math.max(...answered)].map(millisecondsText);
  return `${out}; least ${least}, average ${middle}, most ${most}\n`;
}
