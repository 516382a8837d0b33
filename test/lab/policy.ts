/**
 * The rules of the user inside the tunnel: what each of them makes of a stream, both ways, seen from what the miner's routes of both classes carry.
 * Direct rules are in `lab kill-switch`, the conditions in test/unit/os/policy.test.ts.
 *
 *   laptop ── miner ──┬── relay-a ──┐
 *                     │             ├── gateway ── internet
 *                     └── relay-b ──┘
 *              each 20 Mb/s
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { DATA_OVERHEAD_BYTES } from '../../src/wire/route-message.ts';
import { PACKET_HEADER_BYTES } from '../../src/wire/tunnel-message.ts';
import { takeDhcpLease } from './harness/clients.ts';
import { DemoNetwork, WEB_ADDRESS } from './harness/demo-topology.ts';
import { runStream } from './harness/udp-stream.ts';

export const about = "the user's rules: low latency, high throughput, redundant, each up and down, and without a rule";
export const takes = '50 s, gate 25 s';
export const gate = true;

const RATE_MBIT = 20;
const SECONDS = 3;
const GATE_SECONDS = 1;
/** What nobody would take for a call by itself, and a call. The first is less than what may be sent twice. */
const DENSE = { packetsPerSecond: 200, bytes: 1_000 } as const;
const SPARSE = { packetsPerSecond: 50, bytes: 172 } as const;
const PORTS = { lowLatency: 5_001, highThroughput: 5_002, redundant: 5_003, none: 5_004 } as const;
const RULES = [
  { use: 'low-latency', protocol: 'udp', ports: [String(PORTS.lowLatency)] },
  { use: 'high-throughput', to: [WEB_ADDRESS], ports: [String(PORTS.highThroughput)] },
  { use: 'redundant', protocol: 'udp', ports: [String(PORTS.redundant)] },
];
/** Of a stream's bytes: the first packets of a flow are sparse whatever follows, and Real Time routes carry the reports of Bulk, too: 0.12 of a call. */
const NEARLY_ALL = 0.9;
const HARDLY_ANY = 0.2;

type Direction = 'up' | 'down';

export async function run(context: RunContext): Promise<RunResult> {
  const network = new DemoNetwork(context, { rateMbit: RATE_MBIT, fileBytes: 1_000 });
  network.writeConfigurations({ redundancy: 'off' }, RULES);
  await network.start();
  await takeDhcpLease(network.laptop, 'eth0');
  const cases = [
    { port: PORTS.none, stream: DENSE, realTime: false, copies: 0 },
    { port: PORTS.lowLatency, stream: DENSE, realTime: true, copies: 0 },
    { port: PORTS.none, stream: SPARSE, realTime: true, copies: 0 },
    { port: PORTS.highThroughput, stream: SPARSE, realTime: false, copies: 0 },
    { port: PORTS.redundant, stream: DENSE, realTime: true, copies: 1 },
  ];
  const seconds = context.gate ? GATE_SECONDS : SECONDS;
  let pass = true;
  const figures: Record<string, unknown> = {};
  for (const { port, stream, realTime, copies } of cases) {
    for (const direction of ['up', 'down'] as const) {
      const { share, lost, duplicates } = await carried(network, { port, stream, direction, seconds });
      const asWanted = realTime
        ? share >= NEARLY_ALL * (1 + copies) && share <= 1 + copies + HARDLY_ANY
        : share <= HARDLY_ANY;
      const good = asWanted && lost === 0 && duplicates === 0;
      const name = `port ${port}, ${stream.packetsPerSecond} packets a second ${direction}`;
      figures[name] = { good, realTimeShare: share, lost, duplicates };
      pass &&= good;
      context.log(`${name}: ${JSON.stringify(figures[name])}`);
    }
  }
  return { pass, ...figures };
}

interface Carried {
  readonly port: number;
  readonly stream: typeof DENSE | typeof SPARSE;
  readonly direction: Direction;
  readonly seconds: number;
}

/** Runs a stream; how much of it the Real Time routes carried: 1 when they carried all of it, 2 when all of it twice. */
async function carried(network: DemoNetwork, { port, stream, direction, seconds }: Carried) {
  const before = await realTimeBytes(network, direction);
  const { sent, lost, duplicates } = await runStream({
    client: network.laptop,
    server: network.internetHost,
    address: WEB_ADDRESS,
    port,
    direction,
    ...stream,
    seconds,
  });
  const bytes = (await realTimeBytes(network, direction)) - before;
  return { share: bytes / (sent * (stream.bytes + HEADER_BYTES)), lost, duplicates };
}

/** IPv4, UDP, and what the tunnel and the session put around a packet. */
const HEADER_BYTES = 20 + 8 + PACKET_HEADER_BYTES + DATA_OVERHEAD_BYTES;

async function realTimeBytes(network: DemoNetwork, direction: Direction): Promise<number> {
  const { session } = await network.miner.ask('routes', {});
  const routes = (session?.routes ?? []).filter((route) => route.class === 'real-time');
  return routes.reduce((sum, route) => sum + (direction === 'up' ? route.bytes_out : route.bytes_in), 0);
}
