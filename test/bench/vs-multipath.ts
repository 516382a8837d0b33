/**
 * Two routes, and what a person would have on the same machines without us: downloads over kernel MPTCP between a proxy on either end (socat,
 * RFC 8684), over equal-cost multipath of the kernel, over one route alone, and through the tunnel. Same cables, one after the other.
 *
 *   laptop ── miner ──┬── relay-a ──┐
 *                     │             ├── gateway ── internet (iperf3)
 *                     └── relay-b ──┘
 *
 * MPTCP carries TCP only and needs the proxies; it leaves a call, a ping and DNS on one route. Equal-cost multipath keeps each connection on
 * one route. Neither seals anything.
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { runIperf, startIperf } from '../lab/harness/clients.ts';
import { DemoNetwork, LAN_ADDRESS, UPLINKS, WEB_ADDRESS } from '../lab/harness/demo-topology.ts';
import type { Host } from '../lab/harness/lab.ts';
import type { LabProcess } from '../lab/harness/lab-process.ts';
import { until } from '../lab/harness/until.ts';

export const about =
  'downloads over two routes: kernel MPTCP through proxies, equal-cost multipath, one route, and the tunnel';
export const takes = '2 min, gate 1 min; needs socat and a kernel with MPTCP';

const LAN = '192.168.42.0/24';
const PORT = 5_201;
const PROXY_PORT = 5_200;
const IPPROTO_MPTCP = 262;
const QUEUE_MS = 50;
const PROXY_START_MS = 5_000;
const SECONDS = 8;
const GATE_SECONDS = 5;
/** Before code is compiled and links know their rates. */
const WARM_UP_SECONDS = 4;

interface Case {
  readonly name: string;
  /** Of the two modems. */
  readonly mbit: readonly [number, number];
  readonly connections: number;
}

const CASES: readonly Case[] = [
  { name: '20+20, one connection', mbit: [20, 20], connections: 1 },
  { name: '20+20, eight connections', mbit: [20, 20], connections: 8 },
  { name: '20+5, one connection', mbit: [20, 5], connections: 1 },
];

type Way = 'one_route' | 'multipath' | 'mptcp' | 'tunnel';

export async function run(context: RunContext): Promise<RunResult> {
  const network = new DemoNetwork(context, { rateMbit: CASES[0].mbit[0], fileBytes: 1_000 });
  const { laptop, minerHost } = network;
  const seconds = context.gate ? GATE_SECONDS : SECONDS;
  laptop.addAddress('eth0', '192.168.42.250/24');
  laptop.addRoute('default', LAN_ADDRESS);
  minerHost.addAddress('lan0', `${LAN_ADDRESS}/24`);
  await network.startInternet();
  await startIperf(network.internetHost, WEB_ADDRESS);
  const figures = Object.fromEntries(CASES.map(({ name }) => [name, {} as Record<Way, number>]));
  const measure = async (way: Way, server: string) => {
    await runIperf(laptop, server, { seconds: WARM_UP_SECONDS, reverse: true });
    for (const { name, mbit, connections } of CASES) {
      for (const [side, rate] of mbit.entries()) shape(network, side, rate);
      const rate = await runIperf(laptop, server, { seconds, reverse: true, streams: connections });
      figures[name][way] = Math.round(10 * rate) / 10;
      context.log(`${way}, ${name}: ${rate.toFixed(1)} Mb/s`);
    }
  };
  routePlainly(network);
  await measure('one_route', WEB_ADDRESS);
  spread(network, ['10.1.0.1', '10.2.0.1'], ['10.3.0.1', '10.4.0.1']);
  await measure('multipath', WEB_ADDRESS);
  const proxies = await startProxies(network);
  await measure('mptcp', LAN_ADDRESS);
  for (const proxy of proxies) await proxy.stop();
  await startDaemons(network);
  await measure('tunnel', WEB_ADDRESS);
  const ratios = Object.fromEntries(
    Object.entries(figures).map(([name, { tunnel, mptcp, multipath, one_route: one }]) => [
      name,
      { to_mptcp: ratio(tunnel, mptcp), to_multipath: ratio(tunnel, multipath), to_one_route: ratio(tunnel, one) },
    ]),
  );
  return { pass: true, mbit: figures, ratios };
}

function ratio(ours: number, theirs: number): number {
  return Math.round((100 * ours) / theirs) / 100;
}

function shape({ minerHost, relayA, relayB }: DemoNetwork, side: number, mbit: number): void {
  minerHost.shape(UPLINKS[side], mbit, QUEUE_MS);
  [relayA, relayB][side].host.shape('to-miner', mbit, QUEUE_MS);
}

/** Everything over relay-a: kernels forward, nothing is translated. */
function routePlainly({ minerHost, relayA, relayB, gateway, internetHost }: DemoNetwork): void {
  for (const { host } of [relayA, relayB, gateway]) host.sysctl('net.ipv4.ip_forward', 1);
  for (const host of [minerHost, gateway.host]) host.sysctl('net.ipv4.fib_multipath_hash_policy', 1);
  relayA.host.addRoute('default', '10.3.0.2');
  relayB.host.addRoute('default', '10.4.0.2');
  relayA.host.addRoute(LAN, '10.1.0.2');
  relayB.host.addRoute(LAN, '10.2.0.2');
  internetHost.addRoute('default', '203.0.113.2');
  gateway.host.addRoute(LAN, '10.3.0.1');
}

/** Up from the miner and down from the gateway, each connection over the one or the other. */
function spread({ minerHost, gateway }: DemoNetwork, up: readonly string[], down: readonly string[]): void {
  const hops = (addresses: readonly string[]) => addresses.flatMap((address) => ['nexthop', 'via', address]);
  minerHost.run('ip', 'route', 'replace', 'default', ...hops(up));
  gateway.host.run('ip', 'route', 'replace', LAN, ...hops(down));
}

/** TCP of the LAN becomes MPTCP at the miner and TCP again at the gateway; a second subflow goes from up-b to the gateway's other address. */
async function startProxies({ minerHost, gateway }: DemoNetwork): Promise<LabProcess[]> {
  minerHost.addRoute('10.3.0.0/24', '10.1.0.1');
  minerHost.addRoute('10.4.0.0/24', '10.2.0.1');
  gateway.host.addRoute('10.1.0.0/24', '10.3.0.1');
  gateway.host.addRoute('10.2.0.0/24', '10.4.0.1');
  for (const host of [minerHost, gateway.host]) {
    host.run('ip', 'mptcp', 'limits', 'set', 'subflow', '2', 'add_addr_accepted', '2');
  }
  gateway.host.run('ip', 'mptcp', 'endpoint', 'add', '10.4.0.2', 'dev', 'from-b', 'signal');
  const exit = proxy(
    gateway.host,
    `SOCKET-LISTEN:${mptcp(PROXY_PORT, '0.0.0.0')},fork,reuseaddr`,
    `TCP:${WEB_ADDRESS}:${PORT}`,
  );
  await listening(gateway.host, PROXY_PORT, exit);
  const entry = proxy(
    minerHost,
    `TCP-LISTEN:${PORT},bind=${LAN_ADDRESS},fork,reuseaddr`,
    `SOCKET-CONNECT:${mptcp(PROXY_PORT, '10.3.0.2')}`,
  );
  await listening(minerHost, PORT, entry);
  return [entry, exit];
}

function proxy(host: Host, from: string, to: string): LabProcess {
  return host.start('socat', 'socat', ['-b', '65536', from, to]);
}

async function listening(host: Host, port: number, process: LabProcess): Promise<void> {
  const listens = () => host.run('ss', '-Htln').includes(`:${port} `);
  await until('the proxy', PROXY_START_MS, listens, () => process.tail());
}

/** socat's words for an MPTCP socket of AF_INET: the address as in `sockaddr_in` behind the family. */
function mptcp(port: number, address: string): string {
  const bytes = [port >> 8, port & 0xff, ...address.split('.').map(Number), 0, 0, 0, 0, 0, 0, 0, 0];
  return `2:${IPPROTO_MPTCP}:x${Buffer.from(bytes).toString('hex')}`;
}

/** What the kernels were told for the others must not help, or stand in the way. */
async function startDaemons(network: DemoNetwork): Promise<void> {
  const { minerHost, gateway, miner, daemons } = network;
  minerHost.run('ip', 'route', 'replace', 'default', 'via', '10.1.0.1');
  gateway.host.run('ip', 'route', 'delete', LAN);
  miner.loadFirewall();
  await Promise.all(daemons.map((daemon) => daemon.start()));
  await network.connected();
}
