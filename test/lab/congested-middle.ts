/**
 * A slow link in the middle of a fast path. The download is throttled where it enters, nothing is dropped or piles up on the
 * way, and what shares the path hardly notices; neither does it when the slow link has a modem with a far too big queue.
 *
 *   laptop ── miner ══ 10 Mb/s ══ relay-1 ══ 2 Mb/s ══ relay-2 ══ 10 Mb/s ══ gateway ── internet
 *                       5 ms                  9 ms                  5 ms                          round trip 38 ms
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { BufferWatch } from './harness/buffer-watch.ts';
import { ChainNetwork, SERVER_ADDRESS } from './harness/chain.ts';
import { pingsUnderWay } from './harness/clients.ts';
import { median, spread } from './harness/spread.ts';
import { measureTcp, type TcpFigures } from './harness/tcp.ts';
import { runStream, TOS_REAL_TIME } from './harness/udp-stream.ts';

export const about =
  'a 2 Mb/s link between 10 Mb/s ones: full, no drop but at the ingress, pings fast; then a hidden 256 KB queue';
export const takes = '3 min, gate 1 min';

const SLOW_MBIT = 2;
const MODEM_QUEUE_BYTES = 65_536;
const HIDDEN_QUEUE_BYTES = 262_144;
const CABLES = [
  { rateMbit: 10, delayMs: 5, queueBytes: MODEM_QUEUE_BYTES },
  { rateMbit: SLOW_MBIT, delayMs: 9, queueBytes: MODEM_QUEUE_BYTES },
  { rateMbit: 10, delayMs: 5, queueBytes: MODEM_QUEUE_BYTES },
] as const;
const SLOW = 1;
/** Only what is marked is Real Time, so that both kinds of ping can be sent. */
const QOS = { real_time: ['dscp'] };
/** Until TCP and the links have found the rate. */
const SETTLE_S = 5;
const PING_EVERY_S = 0.1;

/** Of a ping beside the load, in Bulk; of one in Real Time above an idle one; and of what queues in a modem that hides it. */
const BULK_PING_MS = 150;
const REAL_TIME_PING_ABOVE_IDLE_MS = 10;
const HIDDEN_P50_MS = 40;
const HIDDEN_P95_MS = 80;
/** New keys are offered every second, and hold a round trip later. */
const LEAST_REKEYS_PER_SECOND = 0.8;

export async function run(context: RunContext): Promise<RunResult> {
  const seconds = context.gate ? 8 : 20;
  const network = await ChainNetwork.lay(context, { cables: CABLES, qos: QOS });
  const plain = context.gate ? undefined : await network.withPlainIp(() => underLoad(network, seconds));
  if (plain !== undefined) context.log(`plain IP: ${JSON.stringify(plain)}`);
  await network.start();
  const idleMs = median(await pings(network, 2, TOS_REAL_TIME));
  const middle = await congestedMiddle(network, seconds, idleMs);
  context.log(`middle: ${JSON.stringify(middle)}`);
  await network.cables[SLOW].set('both', { queueBytes: HIDDEN_QUEUE_BYTES });
  const hidden = await hiddenQueue(network, seconds);
  context.log(`hidden queue: ${JSON.stringify(hidden)}`);
  return { pass: middle.ok && hidden.ok, plain, idleMs, middle, hidden };
}

function download({ laptop, internet }: ChainNetwork, seconds: number): Promise<TcpFigures> {
  const ends = { client: laptop, server: internet, address: SERVER_ADDRESS } as const;
  return measureTcp({ ...ends, direction: 'down', congestion: 'cubic', seconds: seconds + 1, skipSeconds: SETTLE_S });
}

function pings({ laptop }: ChainNetwork, seconds: number, tos: number): Promise<number[]> {
  const count = Math.round(seconds / PING_EVERY_S);
  return pingsUnderWay(laptop, SERVER_ADDRESS, { count, everySeconds: PING_EVERY_S, tos });
}

/** A download, and once it has settled both kinds of ping beside it, while the cables count. */
async function underLoad(network: ChainNetwork, seconds: number) {
  const loaded = download(network, seconds);
  loaded.catch(() => {});
  await pause(SETTLE_S * 1_000);
  await network.impairment.reset();
  const [bulk, realTime] = await Promise.all([pings(network, seconds, 0), pings(network, seconds, TOS_REAL_TIME)]);
  const stats = await network.stats();
  const slow = stats[SLOW].ba;
  return {
    mbit: (await loaded).mbit,
    busyShare: slow.busyShare,
    droppedOnCables: stats.reduce((sum, { ab, ba }) => sum + ab.droppedQueue + ba.droppedQueue, 0),
    // What the source sends, measured in what the slow link takes: 1 when it is throttled to that.
    sourceShare: stats.at(-1)!.ba.bytes / slow.bytes,
    modemQueueMeanMs: (slow.queueMeanBytes * 8) / (SLOW_MBIT * 1e3),
    bulkPingMs: spread(bulk),
    realTimePingMs: spread(realTime),
  };
}

async function congestedMiddle(network: ChainNetwork, seconds: number, idleMs: number) {
  const before = await drops(network);
  const watch = new BufferWatch(network.daemons);
  const { result: loaded, rekeysPerSecond } = await network.countingRekeys(() => underLoad(network, seconds));
  const buffers = await watch.stop();
  const dropped = difference(before, await drops(network));
  const bounds = {
    busy: loaded.busyShare >= 0.96,
    droppedOnlyAtIngress:
      loaded.droppedOnCables === 0 && !Object.keys(dropped).some(isOnTheWay) && buffers.givenUp === 0,
    sourceThrottled: loaded.sourceShare <= 1.05,
    rekeyed: rekeysPerSecond >= LEAST_REKEYS_PER_SECOND,
    buffersWithinBound: buffers.looks > 0 && buffers.aboveBound.length === 0,
    bulkPing: loaded.bulkPingMs.p95 <= BULK_PING_MS,
    realTimePing: loaded.realTimePingMs.p95 <= idleMs + REAL_TIME_PING_ABOVE_IDLE_MS,
  };
  return { ok: Object.values(bounds).every(Boolean), bounds, ...loaded, rekeysPerSecond, dropped, buffers };
}

/** Links and routes carry: what they drop was already on its way. The ingress is the bundle's, before that the tunnel's. */
const isOnTheWay = (name: string) => / (link|route)-/.test(name);

/** Every drop counter of every node, as `node counter`. */
async function drops(network: ChainNetwork): Promise<Record<string, number>> {
  const all: Record<string, number> = {};
  for (const daemon of network.daemons) {
    const status = await daemon.ask('status', {});
    for (const [name, count] of Object.entries(status.drops)) all[`${daemon.host.name} ${name}`] = count;
  }
  return all;
}

function difference(before: Readonly<Record<string, number>>, after: Readonly<Record<string, number>>) {
  const grown = Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)] as const);
  return Object.fromEntries(grown.filter(([, count]) => count > 0));
}

/** Nothing but delay tells of the queue in the modem: what a call waits in it, beside a download. */
async function hiddenQueue(network: ChainNetwork, seconds: number) {
  const { laptop, internet } = network;
  const call = (callSeconds: number) =>
    runStream({
      ...{ client: laptop, server: internet, address: SERVER_ADDRESS, direction: 'down' },
      ...{ packetsPerSecond: 25, bytes: 100, seconds: callSeconds, tos: TOS_REAL_TIME },
    });
  const idle = await call(3);
  const loaded = download(network, seconds);
  loaded.catch(() => {});
  await pause(SETTLE_S * 1_000);
  await network.impairment.reset();
  const { p50Ms, p95Ms, maxMs, lost } = await call(seconds);
  const { busyShare, queueMeanBytes, queueMaxBytes, droppedQueue } = (await network.stats())[SLOW].ba;
  const { mbit } = await loaded;
  const queueing = { p50: p50Ms - idle.p50Ms, p95: p95Ms - idle.p50Ms, max: maxMs - idle.p50Ms };
  const bounds = { use: busyShare >= 0.97, p50: queueing.p50 <= HIDDEN_P50_MS, p95: queueing.p95 <= HIDDEN_P95_MS };
  const ok = Object.values(bounds).every(Boolean) && lost === 0;
  return { ok, bounds, mbit, busyShare, queueing, lost, queueMeanBytes, queueMaxBytes, droppedQueue };
}
