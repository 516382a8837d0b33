/**
 * Either of two routes dies, again and again, at random moments, under a download, four shells and a call: pulled, silent at the miner, silent
 * behind the relay. No connection is lost, the download goes on within the third of a second, and the call loses no more than fits the time
 * in which a death is noticed; nothing at all when it goes over both routes. At last both are silent for longer than a minute.
 *
 *   laptop ── miner ──┬── relay-a ──┐
 *                     │             ├── gateway ── internet
 *                     └── relay-b ──┘
 *              each 20 Mb/s
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { takeDhcpLease } from './harness/clients.ts';
import { type Cut, pulled, silent } from './harness/cut.ts';
import { DemoNetwork, WEB_ADDRESS } from './harness/demo-topology.ts';
import { spread } from './harness/spread.ts';
import { SteadyTraffic } from './harness/steady-traffic.ts';
import { startStream, TOS_REAL_TIME } from './harness/udp-stream.ts';
import { until } from './harness/until.ts';

export const about =
  'a route dies 100 times under a download, shells and a call, with and without copies; all gone for 65 s';
export const takes =
  '12 min, gate 1 min; `failover once`, `failover twice`, `failover outage`: one part; `failover once 40`: so many cuts';
export const gate = true;

const CUTS = 100;
const GATE_CUTS = 6;
const RATE_MBIT = 20;
const DOWN_MS = 700;
/** Between two cuts, besides a random part. */
const CALM_MS = 700;
const SETTLE_MS = 3_000;
const REJOIN_DEADLINE_MS = 15_000;
/** G.711: 160 bytes every 20 ms, and RTP's header. */
const CALL = { packetsPerSecond: 50, bytes: 172, tos: TOS_REAL_TIME, seconds: 3_600 } as const;
const OUTAGE_MS = 65_000;
const GATE_OUTAGE_MS = 12_000;

const STALL_P95_MS = 300;
const CALL_LOSS_MOST = 15;
const RESUME_MS = 1_000;

const WAYS: readonly Cut[] = [
  pulled(({ relayA }) => relayA.host, 'to-miner'),
  pulled(({ relayB }) => relayB.host, 'to-miner'),
  silent(({ relayA }) => relayA.host, 'to-miner'),
  silent(({ relayB }) => relayB.host, 'to-miner'),
  silent(({ relayA }) => relayA.host, 'to-gateway'),
  silent(({ relayB }) => relayB.host, 'to-gateway'),
];

export async function run(context: RunContext): Promise<RunResult> {
  const asked = ['once', 'twice', 'outage'].filter((part) => context.args.includes(part));
  const wants = (part: string) => asked.length === 0 || asked.includes(part);
  const askedCuts = context.args.find((arg) => /^[0-9]+$/.test(arg));
  const daemonArgs = context.args.filter((arg) => !asked.includes(arg) && arg !== askedCuts);
  const network = new DemoNetwork({ ...context, args: daemonArgs }, { rateMbit: RATE_MBIT, fileBytes: 1_000 });
  const figures: Record<string, unknown> = {};
  let pass = true;
  const report = (part: string, result: { readonly good: boolean }) => {
    figures[part] = result;
    pass &&= result.good;
    context.log(`${part}: ${JSON.stringify(result)}`);
  };
  network.writeConfigurations({ redundancy: 'off' });
  await network.start();
  await takeDhcpLease(network.laptop, 'eth0');
  const cuts = Number(askedCuts ?? (context.gate ? GATE_CUTS : CUTS));
  if (wants('once')) report('once', await cutAgainAndAgain(network, cuts, CALL_LOSS_MOST));
  if (wants('outage')) report('outage', await outage(network, context.gate ? GATE_OUTAGE_MS : OUTAGE_MS));
  if (wants('twice')) {
    await network.miner.stop();
    network.writeConfigurations({ redundancy: 'on' });
    await network.miner.start();
    await network.connected();
    report('twice', await cutAgainAndAgain(network, cuts, 0));
  }
  return { pass, ...figures };
}

async function cutAgainAndAgain(network: DemoNetwork, cuts: number, callLossMost: number) {
  const { laptop, internetHost } = network;
  const random = new SeededRandom(cuts, 'cuts');
  const traffic = await SteadyTraffic.start(laptop, internetHost, WEB_ADDRESS);
  const call = startStream({ client: laptop, server: internetHost, address: WEB_ADDRESS, direction: 'down', ...CALL });
  await pause(SETTLE_MS);
  const stalls: number[] = [];
  for (let i = 0; i < cuts; i++) {
    await pause(CALM_MS + random.unit() * CALM_MS);
    const way = WAYS[random.integer(WAYS.length)];
    const from = Date.now();
    await way.cut(network);
    await pause(DOWN_MS);
    await way.mend(network);
    await network.connected(2, REJOIN_DEADLINE_MS);
    stalls.push(traffic.longestStall(from, Date.now()));
  }
  const { lost, longestLossRun, lossRuns } = await call.end();
  const { echoes } = await traffic.stop();
  const stallMs = spread(stalls);
  return {
    good:
      traffic.lost.length === 0 &&
      stallMs.p95 <= STALL_P95_MS &&
      longestLossRun <= callLossMost &&
      (callLossMost > 0 || lost === 0),
    cuts,
    connectionsLost: traffic.lost,
    stallMs,
    echoMs: spread(echoes),
    call: { lost, longestLossRun, lossRuns },
  };
}

/** Both uplinks silent: the connections wait, and go on when one comes back. */
async function outage(network: DemoNetwork, ms: number) {
  const traffic = await SteadyTraffic.start(network.laptop, network.internetHost, WEB_ADDRESS);
  await pause(SETTLE_MS);
  const [, , a, b] = WAYS;
  const from = Date.now();
  await a.cut(network);
  await b.cut(network);
  await pause(ms);
  const backAt = Date.now();
  await a.mend(network);
  await until(
    'the download goes on',
    REJOIN_DEADLINE_MS,
    () => traffic.longestStall(from, backAt) > ms / 2,
    () => network.tails(),
  );
  const resumedMs = from + traffic.longestStall(from, backAt) - backAt;
  await b.mend(network);
  await network.connected(2, REJOIN_DEADLINE_MS);
  await traffic.stop();
  return { good: traffic.lost.length === 0 && resumedMs <= RESUME_MS, ms, resumedMs, connectionsLost: traffic.lost };
}
