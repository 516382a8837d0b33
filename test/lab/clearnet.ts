/**
 * Who is on the internet is found out by others, and only who is gets callers:
 *
 *                     exchange 198.51.100.0/24
 *   helper ──┬── prober ──┬── open ──┬── caller ──┬── nat ── shut (192.168.1.2)
 *            └────────────┴──────────┴────────────┴── all of them know the helper, and nobody else
 *
 * The helper is the only peer of everybody. `open`, `shut` and `caller` take anybody. The helper has the others probe `open`, `caller` and `shut`: the
 * first two answer; the address translation in front of `shut` lets nobody in whom it did not call. Then `caller` and `open` link directly, through
 * nothing but what was proven; nobody calls `shut`, which may call others.
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { Daemon, type Table } from './harness/daemon.ts';
import { NODE_PORT } from './harness/demo-topology.ts';
import { type Host, Lab } from './harness/lab.ts';
import { addNat } from './harness/nat-network.ts';
import { until } from './harness/until.ts';

export const about =
  'a third box proves who is reached from the internet: those link with strangers, one behind address translation is not called';
export const takes = '40 s';
export const gate = true;

const NET = '198.51.100';
const DEADLINE_MS = 60_000;
/** Behind the kernel's tracking of connections, in front of all rules. */
const UNCALLED = `table ip uncalled {
  chain count { type filter hook prerouting priority -150; iifname "out" meta l4proto udp ct state new counter; }
}`;

export async function run(context: RunContext): Promise<RunResult> {
  const lab = new Lab(context);
  const exchange = lab.addHost('exchange');
  exchange.run('ip', 'link', 'add', 'bridge', 'type', 'bridge');
  exchange.setLink('bridge', 'up');
  const plugIn = (host: Host, device: string, number: number) => {
    const port = `to-${host.name}`;
    lab.connect({ host, device, addresses: [`${NET}.${number}/24`] }, { host: exchange, device: port });
    exchange.run('ip', 'link', 'set', port, 'master', 'bridge');
  };
  const box = (name: string, number?: number): Daemon => {
    const host = lab.addHost(name);
    if (number !== undefined) plugIn(host, 'eth0', number);
    return new Daemon(lab, host, context.args);
  };
  const [helper, prober, open, caller] = [box('helper', 9), box('prober', 8), box('open', 7), box('caller', 6)];
  const shut = box('shut');
  const nat = addNat(lab, shut.host, 'same-port', '192.168.1');
  plugIn(nat, 'out', 1);
  nat.run('nft', UNCALLED);
  const taking: Table = { interfaces: [], accept: 'any' };
  const toHelper = { key: helper.key, endpoint: `${NET}.9:${NODE_PORT}` };
  helper.configure({ peers: [prober, open, caller, shut].map(({ key }) => ({ key })) });
  prober.configure({ peers: [toHelper], discovery: { interfaces: [], accept: 'known' } });
  for (const daemon of [open, caller, shut]) daemon.configure({ peers: [toHelper], discovery: taking });
  const daemons = [helper, prober, open, caller, shut];
  const startedMs = performance.now();
  for (const daemon of daemons) await daemon.start();
  const tails = () => daemons.map((daemon) => daemon.tail()).join('\n');
  const since = () => Math.round(performance.now() - startedMs);
  const areProven = async () => (await proofsOf(open)) > 0 && (await proofsOf(caller)) > 0;
  await until('a proof for each that is reached', DEADLINE_MS, areProven, tails);
  const provenMs = since();
  await until('a link of strangers', DEADLINE_MS, () => isLinked(caller, open), tails);
  const linkedMs = since();
  const probesOfShut = await until('a probe of the one that is not', DEADLINE_MS, () => uncalled(nat), tails);
  await until('the helper knows both', DEADLINE_MS, async () => (await knownTo(helper)) === 2, tails);
  const shutProofs = await proofsOf(shut);
  for (const daemon of daemons) await daemon.stop();
  return { pass: shutProofs === 0, provenMs, linkedMs, probesOfShut, shutProofs };
}

async function proofsOf(daemon: Daemon): Promise<number> {
  return (await daemon.ask('status', {})).clearnet.proofs;
}

async function knownTo(daemon: Daemon): Promise<number> {
  return (await daemon.ask('status', {})).clearnet.known;
}

async function isLinked(from: Daemon, to: Daemon): Promise<boolean> {
  const { links } = await from.ask('links', {});
  return links.some(({ key, state }) => key === to.key && state === 'up');
}

/** Datagrams that came to the router unasked, and went no further. */
function uncalled(nat: Host): number | undefined {
  const count = Number(/packets (\d+)/.exec(nat.run('nft', 'list', 'table', 'ip', 'uncalled'))![1]);
  return count === 0 ? undefined : count;
}
