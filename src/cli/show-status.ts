/** `skywire status` for people. */
import type { Result } from '../control/schema.ts';
import { type Cell, labelled, type Paint, type Style } from './table.ts';
import { agoText, bytesText, countText, durationText } from './units.ts';

type Status = Result<'status'>;
type TunnelState = Status['tunnel']['state'];

/** Names of drops that one screen shows; `--json` has them all. */
const DROPS_SHOWN = 5;

const STATE_STYLES: Readonly<Record<TunnelState, Style>> = {
  off: 'dim',
  connecting: 'yellow',
  connected: 'green',
  lost: 'red',
};

export function stateCell(state: TunnelState): Cell {
  return { text: state, style: STATE_STYLES[state] };
}

export function showStatus(status: Status, paint: Paint): string {
  const { node, datapath, links, routes } = status;
  const rows: [string, Cell][] = [
    ['Node', `${node.name}, address ${node.address}`],
    ['', `key ${node.key}`],
    ['Running', `for ${durationText(status.uptime_s)}, version ${status.version}`],
    ['Reached at', status.listen.join(', ')],
    ...tunnelRows(status.tunnel),
    ...policyRows(status.policy),
    ...wifiRows(status.wifi),
    ['LAN', status.lan === null ? 'none' : lanText(status.lan)],
    ['Links', linksCell(links)],
    ...clearnetRows(status.clearnet),
    ['Routes', `${routes.origin} begin here, ${routes.destination} end here, ${routes.relayed} of others pass through`],
    ...gatewayRows(status.gateway),
    [
      'Data path',
      `${datapath.name}: cipher ${datapath.cipher}, curve ${datapath.curve}, TUN ${datapath.tun ?? 'none'}`,
    ],
    ...offloadRows(status.offload),
    ['Memory', bytesText(status.memory_rss_bytes)],
    ['Dropped', dropsText(status.drops)],
  ];
  return labelled(rows, paint);
}

function wifiRows(wifi: Status['wifi']): [string, Cell][] {
  if (wifi === null) return [];
  const rows: [string, Cell][] = wifi.radios.map((radio) => {
    const { problem, mode, frequency_mhz: mhz, joined, mesh_members: members } = radio;
    if (problem !== null) return ['', { text: `${radio.name}: ${problem}`, style: 'yellow' }];
    const what =
      mode === 'mesh' ? `mesh of ${members + 1}` : `${mode?.replace('-', ' ')}, in ${joined.join(' ') || 'no other'}`;
    const place = radio.state === 'up' ? `${what}, ${mhz} MHz` : radio.state;
    return ['', `${radio.name}: ${place}${radio.hotspot ? ', hotspot' : ''}`];
  });
  const heading: Cell = wifi.problem === null ? `in ${wifi.country}` : { text: wifi.problem, style: 'yellow' };
  return [['Wifi', heading], ...rows];
}

function offloadRows(offload: Status['offload']): [string, Cell][] {
  if (offload === null) return [];
  const { state, last_failure, failures, times_up, redone } = offload;
  const software = Object.values(offload.software).reduce((sum, count) => sum + count, 0);
  const rows: [string, Cell][] = [
    ['Offload', { text: `${state}: ${offload.device}`, style: state === 'up' ? 'green' : 'yellow' }],
    ['', `sealed ${offload.sealed}, opened ${offload.opened}, refused ${offload.wrong_tags}; in software ${software}`],
  ];
  if (last_failure === null) return rows;
  const total = Object.values(failures).reduce((sum, count) => sum + count, 0);
  const back = state === 'up' ? `; in use again (${countText(times_up, 'start')})` : '; software does its work';
  rows.push([
    '',
    `failed ${countText(total, 'time')}, last ${last_failure}, ${countText(redone, 'job')} done again${back}`,
  ]);
  return rows;
}

function tunnelRows(tunnel: Status['tunnel']): [string, Cell][] {
  const rows: [string, Cell][] = [['Tunnel', stateCell(tunnel.state)]];
  if (tunnel.state === 'off') return rows;
  if (tunnel.problem !== null) rows.push(['', { text: tunnel.problem, style: 'yellow' }]);
  rows.push(['', `to gateway ${tunnel.gateway}`]);
  if (tunnel.leased_address !== null) rows.push(['', `as ${tunnel.leased_address}`]);
  rows.push(['', `over ${tunnel.routes_up} of ${countText(tunnel.routes_wanted, 'route')}`]);
  const last =
    tunnel.last_bytes_ms_ago === null ? 'nothing came back yet' : `last ${agoText(tunnel.last_bytes_ms_ago)}`;
  rows.push(['', `in ${bytesText(tunnel.bytes_in)}, out ${bytesText(tunnel.bytes_out)}, ${last}`]);
  return rows;
}

/** Exceptions from the tunnel stand out: each is a hole that somebody made on purpose, and may have forgotten. */
function policyRows({ rules, direct, gateways }: Status['policy']): [string, Cell][] {
  const heading = `NOT IN THE TUNNEL: ${countText(direct.length, 'exception')} in the clear`;
  const holes: [string, Cell][] = direct.map((text) => ['', { text, style: 'red' }]);
  if (direct.length > 0) holes.unshift(['Direct', { text: heading, style: 'red' }]);
  return rules === 0 ? [] : [['Policy', countText(rules, 'rule')], ...gateways.flatMap(ruleGatewayRows), ...holes];
}

/** A gateway that rules name, and what goes through it. */
function ruleGatewayRows(gateway: Status['policy']['gateways'][number]): [string, Cell][] {
  const address = gateway.leased_address === null ? '' : ` as ${gateway.leased_address}`;
  const text = `${gateway.state} to gateway ${gateway.gateway}${address}`;
  const rows: [string, Cell][] = [['', { text, style: STATE_STYLES[gateway.state] }]];
  if (gateway.problem !== null) rows.push(['', { text: gateway.problem, style: 'yellow' }]);
  rows.push(['', `in ${bytesText(gateway.bytes_in)}, out ${bytesText(gateway.bytes_out)}`]);
  return rows;
}

function lanText(lan: NonNullable<Status['lan']>): string {
  return `${lan.interface}, this box is ${lan.address}, ${lan.dhcp ? 'gives out addresses' : 'no DHCP'}`;
}

function clearnetRows({ proofs, known }: Status['clearnet']): [string, Cell][] {
  const rows: [string, Cell][] = [];
  if (proofs > 0) rows.push(['Clearnet', `the internet reaches this node, as ${countText(proofs, 'other')} found out`]);
  if (known > 0) rows.push([proofs > 0 ? '' : 'Clearnet', `${countText(known, 'node')} in reach found to be on it`]);
  return rows;
}

function linksCell(links: Status['links']): Cell {
  const text = `${links.up} of ${links.configured} up`;
  if (links.configured === 0) return 'no peers configured';
  if (links.up === links.configured) return { text, style: 'green' };
  return { text, style: links.up === 0 ? 'red' : 'yellow' };
}

function gatewayRows(gateway: Status['gateway']): [string, Cell][] {
  if (!gateway.enabled) return [['Gateway', 'not a gateway for others']];
  const free = `${gateway.pool_free} of ${gateway.pool_size} addresses free`;
  return [
    ['Gateway', `${countText(gateway.clients, 'client')}, ${free}`],
    ['', `in ${bytesText(gateway.bytes_in)}, out ${bytesText(gateway.bytes_out)}`],
  ];
}

function dropsText(drops: Status['drops']): string {
  const entries = Object.entries(drops).sort(([, a], [, b]) => b - a);
  if (entries.length === 0) return 'nothing';
  const shown = entries.slice(0, DROPS_SHOWN).map(([name, count]) => `${name} ${count}`);
  const rest = entries.length - shown.length;
  return rest === 0 ? shown.join(', ') : `${shown.join(', ')}, and ${countText(rest, 'more reason')}`;
}
