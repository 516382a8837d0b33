/**
 * What the daemons cost where nothing else is slow: the demo's network with unshaped cables, first with the kernel alone
 * forwarding along one path, then through the tunnel over both.
 *
 *   laptop ── miner ──┬── relay-a ──┐
 *                     │             ├── gateway ── internet (iperf3, ping)
 *                     └── relay-b ──┘
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { pingTimes, runIperf, startIperf } from '../lab/harness/clients.ts';
import { DemoNetwork, LAN_ADDRESS, WEB_ADDRESS } from '../lab/harness/demo-topology.ts';
import { median } from '../lab/harness/spread.ts';

export const about =
  'latency that the daemons add to a ping, throughput on unshaped veth, memory, first echo over a new route';
export const takes = '1 min';

const PINGS = 50;
const IPERF_SECONDS = 8;
const GATE_IPERF_SECONDS = 2;

export async function run(context: RunContext): Promise<RunResult> {
  const seconds = context.gate ? GATE_IPERF_SECONDS : IPERF_SECONDS;
  const network = new DemoNetwork(context, { rateMbit: 0, fileBytes: 1_000 });
  const { laptop, minerHost, miner, gateway } = network;
  laptop.addAddress('eth0', '192.168.42.250/24');
  laptop.addRoute('default', LAN_ADDRESS);
  await network.startInternet();
  await startIperf(network.internetHost, WEB_ADDRESS);

  const undo = forwardByKernel(network);
  minerHost.addAddress('lan0', `${LAN_ADDRESS}/24`);
  context.log('kernel forwarding');
  const plain = await measure(network, seconds);
  undo();

  miner.loadFirewall();
  await Promise.all(network.daemons.map((daemon) => daemon.start()));
  await network.connected();
  context.log('tunnel');
  const [firstEchoMs, ...laterEchoesMs] = (await miner.ask('ping', { key: gateway.key, count: 10 })).rtts_ms;
  const tunnel = await measure(network, seconds);
  const statuses = await Promise.all(network.daemons.map((daemon) => daemon.ask('status', {})));
  const memoryMb = Object.fromEntries(
    statuses.map(({ node, memory_rss_bytes: bytes }) => [node.name, Math.round(bytes / 1e6)]),
  );
  return {
    pass: tunnel.downMbit > 0 && tunnel.upMbit > 0,
    datapath: statuses[0].datapath.name,
    addedPingMs: round(tunnel.pingMs - plain.pingMs),
    plain,
    tunnel,
    firstEchoMs,
    laterEchoMs: median(laterEchoesMs.filter((ms) => ms !== null)),
    memoryMb,
  };
}

async function measure({ laptop }: DemoNetwork, seconds: number) {
  // Before any load the daemons' code is interpreted; after it, compiled.
  const coldPingMs = round(median(pingTimes(laptop, WEB_ADDRESS, PINGS, 0.05)));
  const downMbit = Math.round(await runIperf(laptop, WEB_ADDRESS, { seconds, reverse: true }));
  const upMbit = Math.round(await runIperf(laptop, WEB_ADDRESS, { seconds }));
  const pingMs = round(median(pingTimes(laptop, WEB_ADDRESS, PINGS, 0.05)));
  return { coldPingMs, pingMs, downMbit, upMbit };
}

/** Routes of the same path for plain packets; returns what takes them away again. */
function forwardByKernel({ minerHost, relayA, gateway, internetHost }: DemoNetwork): () => void {
  const lan = '192.168.42.0/24';
  internetHost.addRoute(lan, '203.0.113.2');
  gateway.host.addRoute(lan, '10.3.0.1');
  relayA.host.addRoute(lan, '10.1.0.2');
  relayA.host.addRoute('default', '10.3.0.2');
  for (const host of [minerHost, relayA.host, gateway.host]) host.sysctl('net.ipv4.ip_forward', 1);
  return () => {
    for (const host of [internetHost, gateway.host, relayA.host]) host.run('ip', 'route', 'delete', lan);
    relayA.host.run('ip', 'route', 'delete', 'default');
  };
}

const round = (value: number) => Number(value.toFixed(3));
