/**
 * What a gateway owes its clients and what it keeps from them: two miners at once, no way from one to the other, none into the
 * gateway's own networks; and a restart that a download of a laptop lives through.
 *
 *   laptop ── miner ──┬── relay-a ──┐
 *                     │             ├── gateway ── internet
 *                     └── relay-b ──┘
 *                            │
 *   laptop-2 ── miner-2 ─────┘
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { fetchPage, RunningDownload, takeDhcpLease } from './harness/clients.ts';
import { Daemon } from './harness/daemon.ts';
import { DemoNetwork, DNS_ADDRESS, NODE_PORT, WEB_ADDRESS, WEB_NAME } from './harness/demo-topology.ts';
import { type Host, ToolError } from './harness/lab.ts';
import { until } from './harness/until.ts';

export const about =
  'two miners on one gateway, kept apart and out of its networks; a download lives through its restart';
export const takes = '1 min';
export const gate = true;

const RATE_MBIT = 50;
const FILE_BYTES = 40_000_000;
const DEADLINE_MS = 60_000;
/** Seen from outside, every client is the gateway. */
const GATEWAY_OUTSIDE = '203.0.113.2';

interface SecondMiner {
  readonly laptop: Host;
  readonly miner: Daemon;
}

function addSecondMiner(network: DemoNetwork): SecondMiner {
  const { lab, relayB, gateway, miner } = network;
  const laptop = lab.addHost('laptop-2');
  const host = lab.addHost('miner-2');
  lab.connect({ host: laptop, device: 'eth0' }, { host, device: 'lan0' });
  const plug = { host: relayB.host, device: 'to-miner-2', addresses: ['10.6.0.1/24'] };
  lab.connect({ host, device: 'up-b', addresses: ['10.6.0.2/24'] }, plug);
  const second = new Daemon(lab, host);
  second.configure({
    peers: [{ key: relayB.key, endpoint: `10.6.0.1:${NODE_PORT}` }],
    lan: { interface: 'lan0', address: '192.168.43.1/24', dhcp: true },
    tunnel: { gateway: gateway.address, routes: 2 },
  });
  const toGateway = { key: gateway.key, endpoint: `10.4.0.2:${NODE_PORT}` };
  relayB.configure({ peers: [{ key: miner.key }, { key: second.key }, toGateway] });
  return { laptop, miner: second };
}

function reaches(host: Host, address: string): boolean {
  try {
    host.run('ping', '-n', '-c', '2', '-i', '0.2', '-W', '1', address);
    return true;
  } catch (error) {
    if (error instanceof ToolError) return false;
    throw error;
  }
}

export async function run(context: RunContext): Promise<RunResult> {
  const network = new DemoNetwork(context, { rateMbit: RATE_MBIT, fileBytes: FILE_BYTES });
  const second = addSecondMiner(network);
  await network.start();
  second.miner.loadFirewall();
  await second.miner.start();
  const statusOfSecond = async () => (await second.miner.ask('status', {})).tunnel;
  const online = async () => (await statusOfSecond()).state === 'connected';
  await until('the second miner connected', DEADLINE_MS, online, () => second.miner.tail());
  await takeDhcpLease(network.laptop, 'eth0');
  await takeDhcpLease(second.laptop, 'eth0');

  const pages = [network.laptop, second.laptop].map((laptop) => fetchPage(laptop, `http://${WEB_NAME}/`));
  const bothOnline = pages.every((page) => page.includes(GATEWAY_OUTSIDE));
  const leases = [(await network.miner.ask('status', {})).tunnel, await statusOfSecond()].map(
    (tunnel) => tunnel.leased_address,
  );
  const forbidden = {
    otherClient: reaches(network.laptop, leases[1]!),
    otherLaptop: reaches(network.laptop, '192.168.43.1'),
    gatewayUplink: reaches(network.laptop, '203.0.113.1'),
    gatewayLan: reaches(network.laptop, '10.3.0.1'),
  };
  const allowed = { web: reaches(network.laptop, WEB_ADDRESS), resolverPort: resolves(network.laptop) };

  const restarts: Record<string, Awaited<ReturnType<typeof downloadThroughRestart>>> = {};
  for (const how of ['kill', 'stop'] as const) {
    restarts[how] = await downloadThroughRestart(network, how);
    context.log(`${how}: ${JSON.stringify(restarts[how])}`);
  }
  const apart = Object.values(forbidden).every((reached) => !reached);
  const works = bothOnline && leases[0] !== leases[1] && Object.values(allowed).every(Boolean);
  const survived = Object.values(restarts).every(({ complete, sameLease }) => complete && sameLease);
  return { pass: apart && works && survived, bothOnline, leases, forbidden, allowed, restarts };
}

/** The gateway's resolver may be asked directly, although it lies in no network that is open otherwise. */
function resolves(laptop: Host): boolean {
  return laptop.run('dig', '+short', `@${DNS_ADDRESS}`, WEB_NAME).includes(WEB_ADDRESS);
}

async function downloadThroughRestart(network: DemoNetwork, how: 'stop' | 'kill') {
  const lease = async () => (await network.miner.ask('status', {})).tunnel.leased_address;
  const before = await lease();
  const download = new RunningDownload(network.laptop, `http://${WEB_NAME}/file`);
  await download.passes(FILE_BYTES / 3, DEADLINE_MS, () => network.tails());
  const startedMs = performance.now();
  await network.gateway[how]();
  await network.gateway.start();
  const downMs = Math.round(performance.now() - startedMs);
  const { sha256, longestStallMs } = await download.finished;
  await network.connected(2, DEADLINE_MS);
  const sameLease = (await lease()) === before;
  return { complete: sha256 === network.internet.sha256, longestStallMs, downMs, sameLease };
}
