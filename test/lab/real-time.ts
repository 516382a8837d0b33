/**
 * A call beside downloads over one 10 Mb/s link: it waits for no more than the datagram that is being sent, the downloads lose
 * no more than what the call uses, and a flood that calls itself Real Time leaves them a fifth.
 *
 *   laptop ── miner ══ 10 Mb/s, 5 ms ══ gateway ── internet
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { ChainNetwork, SERVER_ADDRESS } from './harness/chain.ts';
import { measureTcp } from './harness/tcp.ts';
import { runStream, type StreamFigures, TOS_REAL_TIME } from './harness/udp-stream.ts';

export const about =
  'a call beside downloads waits for one datagram at most, costs them its own bytes, and cannot starve them';
export const takes = '2 min, gate 1 min';

const RATE_MBIT = 10;
const CABLE = { rateMbit: RATE_MBIT, delayMs: 5, queueBytes: 131_072 } as const;
const FULL_FRAME_BYTES = 1_514;
const DATAGRAM_MS = (FULL_FRAME_BYTES * 8) / (RATE_MBIT * 1e3);
const ABOVE_IDLE_MS = DATAGRAM_MS + 2;
const DOWNLOADS = 4;
const FLOOD_MBIT = 12;
const FLOOD_BYTES = 1_200;
/** Until TCP and the links have found the rate. */
const SETTLE_S = 4;
/** New keys are offered every second, and hold a round trip later. */
const LEAST_REKEYS_PER_SECOND = 0.8;

export async function run(context: RunContext): Promise<RunResult> {
  const seconds = context.gate ? 5 : 15;
  const network = await ChainNetwork.lay(context, { cables: [CABLE] });
  const plain = context.gate ? undefined : await network.withPlainIp(() => plainIp(network, seconds));
  if (plain !== undefined) context.log(`plain IP: ${JSON.stringify(plain)}`);
  await network.start();
  // The downloads come first: a daemon that has just begun interprets the code that it later runs compiled.
  const alone = await beside(network, seconds, () => pause(seconds * 1_000));
  await network.impairment.reset();
  const idle = quieter(await call(network, seconds), await call(network, seconds));
  const { bytes, seconds: counted } = (await network.cables[0].stats()).ba;
  const callMbit = (bytes * 8) / counted / 1e6;
  context.log(`downloads alone: ${JSON.stringify(alone)}, call alone: ${JSON.stringify(delays(idle))}`);
  const { result: both, rekeysPerSecond } = await network.countingRekeys(() =>
    beside(network, 2 * seconds + 2, async () => quieter(await call(network, seconds), await call(network, seconds))),
  );
  context.log(`call beside downloads: ${JSON.stringify(both)}`);
  const flood = await beside(network, seconds, () => floodWith(network, seconds));
  context.log(`flood beside downloads: ${JSON.stringify(flood)}`);

  const aboveIdleMs = both.stream.p99Ms - idle.p99Ms;
  const restShare = both.bulkMbit / (alone.bulkMbit * (1 - callMbit / RATE_MBIT));
  const bounds = {
    callDelay: aboveIdleMs <= ABOVE_IDLE_MS && both.stream.lost === 0,
    bulkKeepsRest: restShare >= 0.97,
    busy: alone.busyShare >= 0.97 && both.busyShare >= 0.97,
    rekeyed: rekeysPerSecond >= LEAST_REKEYS_PER_SECOND,
    // 19: a fifth of what downloads alone get, and one percent for what the readings differ.
    floodLeavesBulk: flood.bulkMbit >= 0.19 * alone.bulkMbit,
  };
  const pass = Object.values(bounds).every(Boolean);
  const calls = {
    idle: delays(idle),
    beside: delays(both.stream),
    aboveIdleMs,
    limitMs: ABOVE_IDLE_MS,
    rekeysPerSecond,
  };
  const bulk = { aloneMbit: alone.bulkMbit, besideMbit: both.bulkMbit, restShare, busyShare: both.busyShare };
  const flooded = {
    bulkMbit: flood.bulkMbit,
    bulkShare: flood.bulkMbit / alone.bulkMbit,
    floodMbit: flood.stream.arrivedMbit,
  };
  return { pass, bounds, plain, calls, bulk, flooded };
}

async function plainIp(network: ChainNetwork, seconds: number) {
  const idle = await call(network, 3);
  const { bulkMbit, stream } = await beside(network, seconds, () => call(network, seconds));
  return { idleP99Ms: idle.p99Ms, bulkMbit, ...delays(stream) };
}

/** Of two readings: a pause of the machine itself falls into one of them only. */
function quieter(first: StreamFigures, second: StreamFigures): StreamFigures {
  return first.p99Ms <= second.p99Ms ? first : second;
}

const delays = ({ p50Ms, p99Ms, maxMs, lost }: StreamFigures) => ({ p50Ms, p99Ms, maxMs, lost });

function ends({ laptop, internet }: ChainNetwork) {
  return { client: laptop, server: internet, address: SERVER_ADDRESS, direction: 'down' } as const;
}

/** 100 packets a second of 200 bytes. */
function call(network: ChainNetwork, seconds: number): Promise<StreamFigures> {
  return runStream({ ...ends(network), packetsPerSecond: 100, bytes: 200, seconds, tos: TOS_REAL_TIME });
}

function floodWith(network: ChainNetwork, seconds: number): Promise<StreamFigures> {
  const packetsPerSecond = (FLOOD_MBIT * 1e6) / (8 * FLOOD_BYTES);
  return runStream({ ...ends(network), packetsPerSecond, bytes: FLOOD_BYTES, seconds, tos: TOS_REAL_TIME });
}

/** Downloads, and what goes on beside them once they have settled. */
async function beside<Stream>(network: ChainNetwork, seconds: number, during: () => Promise<Stream>) {
  const downloads = measureTcp({
    ...ends(network),
    congestion: 'cubic',
    streams: DOWNLOADS,
    seconds: seconds + 2,
    skipSeconds: SETTLE_S,
  });
  downloads.catch(() => {});
  await pause(SETTLE_S * 1_000);
  await network.impairment.reset();
  const stream = await during();
  const { busyShare } = (await network.cables[0].stats()).ba;
  return { bulkMbit: (await downloads).mbit, busyShare, stream };
}
