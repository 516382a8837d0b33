/**
 * A link that turns one-way in the middle of a download, which goes on, and works both ways again. Then one that carries nothing back
 * from the start, as its ends were told: its acknowledgements, credits, handshakes and keys take the way round over another node, and
 * downloads run at the rate that the link has both ways.
 *
 *   laptop ── miner ◀═══ fast, 20 Mb/s, 10 ms ════ gateway ── internet
 *               └── slow ── relay ── slow ──────────┘
 *                  2 Mb/s, 20 ms each
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { OneWayNetwork, SERVER_ADDRESS } from './harness/one-way-network.ts';
import { measureTcp, type TcpFigures, type TcpOptions } from './harness/tcp.ts';
import { runStream, TOS_REAL_TIME } from './harness/udp-stream.ts';
import { until } from './harness/until.ts';

export const about =
  'a one-way link at its full rate, acknowledged the long way round; a link that turns one-way mid-download, and back';
export const takes = '3 min';

/** Of what the same link carries while both directions work; in the gate's few seconds a pause of the machine weighs more. */
const FULL_SHARE = 0.95;
const GATE_FULL_SHARE = 0.85;
const SETTLE_S = 4;
/** The round trip is three times as long one-way, and so is the time until TCP has found the rate. */
const ONE_WAY_SETTLE_S = 8;
const READING_MS = 100;
/** A second without an answer is proof; then the way round has to be set up, and TCP has to notice that it is there. */
const LONGEST_STALL_MS = 3_000;
/** TCP, which lost a second, has its old rate back after 5 s by itself (CUBIC's K), and the link took a second before. */
const RECOVERY_S = 6;
const RECOVERED_SHARE = 0.7;
const DETOUR_BEGINS_MS = 5_000;
const DETOUR_ENDS_MS = 20_000;

export async function run(context: RunContext): Promise<RunResult> {
  const seconds = context.gate ? 5 : 15;
  const network = await OneWayNetwork.lay(context);
  await network.fast.set('ab', { on: false });
  const plain = await network.withPlainIp(async () => ({ mbit: (await download(network, { seconds })).mbit }));
  context.log(`plain IP, routed by hand: ${JSON.stringify(plain)}`);

  network.configure(false);
  await network.fast.set('ab', { on: true });
  await network.start();
  const { mbit: bothWaysMbit } = await download(network, { seconds, skipSeconds: SETTLE_S });
  context.log(`both ways: ${bothWaysMbit.toFixed(2)} Mb/s`);
  const turning = await turnsOneWay(network, bothWaysMbit);
  context.log(`turns one-way: ${JSON.stringify(turning)}`);
  const returning = await returns(network);
  context.log(`works both ways again: ${JSON.stringify(returning)}`);
  await network.stop();

  network.configure(true);
  await network.fast.set('ab', { on: false });
  await network.start();
  const fullMbit = (context.gate ? GATE_FULL_SHARE : FULL_SHARE) * bothWaysMbit;
  const allAlong = await oneWayAllAlong(network, seconds, fullMbit);
  context.log(`one-way all along: ${JSON.stringify(allAlong)}`);
  return { pass: allAlong.ok && turning.ok && returning.ok, plain, bothWaysMbit, turning, returning, allAlong };
}

function ends({ laptop, internet }: OneWayNetwork) {
  return { client: laptop, server: internet, address: SERVER_ADDRESS, direction: 'down' } as const;
}

function download(network: OneWayNetwork, options: Pick<TcpOptions, 'seconds' | 'skipSeconds'>): Promise<TcpFigures> {
  return measureTcp({ ...ends(network), congestion: 'cubic', intervalSeconds: READING_MS / 1_000, ...options });
}

/** Nothing passes up any more, in the middle of a download. */
async function turnsOneWay(network: OneWayNetwork, bothWaysMbit: number) {
  const cutAfterS = 4;
  const loaded = download(network, { seconds: cutAfterS + RECOVERY_S + 4 });
  loaded.catch(() => {});
  await pause(cutAfterS * 1_000);
  await network.fast.set('ab', { on: false });
  const noticedMs = await detourIs(network, true, DETOUR_BEGINS_MS);
  const { intervals } = await loaded;
  const { state } = await network.fastLink();

  const longestStallMs = longestRun(intervals, (mbit) => mbit === 0) * READING_MS;
  const afterMbit = mean(intervals.slice(((cutAfterS + RECOVERY_S) * 1_000) / READING_MS));
  const bounds = {
    stall: longestStallMs <= LONGEST_STALL_MS,
    recovered: afterMbit >= RECOVERED_SHARE * bothWaysMbit,
    up: state === 'up',
  };
  return { ok: Object.values(bounds).every(Boolean), bounds, noticedMs, longestStallMs, afterMbit };
}

async function returns(network: OneWayNetwork) {
  await network.fast.set('ab', { on: true });
  const detourEndsMs = await detourIs(network, false, DETOUR_ENDS_MS);
  return { ok: (await network.fastLink()).state === 'up', detourEndsMs };
}

/** Resolves with how long that took. */
async function detourIs(network: OneWayNetwork, detour: boolean, deadlineMs: number): Promise<number> {
  const startedMs = performance.now();
  const is = async () => (await network.fastLink()).detour === detour;
  await until(detour ? 'a detour' : 'the direct way again', deadlineMs, is, network.tails);
  return Math.round(performance.now() - startedMs);
}

/** A download and a call, over a link whose ends were told its direction. */
async function oneWayAllAlong(network: OneWayNetwork, seconds: number, fullMbit: number) {
  const before = await network.fastLink();
  const loaded = download(network, { seconds: seconds + 1, skipSeconds: ONE_WAY_SETTLE_S });
  loaded.catch(() => {});
  await pause(ONE_WAY_SETTLE_S * 1_000);
  await network.impairment.reset();
  const call = await runStream({ ...ends(network), packetsPerSecond: 50, bytes: 200, seconds, tos: TOS_REAL_TIME });
  const { ab, ba } = await network.fast.stats();
  const { mbit } = await loaded;
  const after = await network.fastLink();
  const rekeys = after.rekeys - before.rekeys;
  const bounds = {
    fullRate: mbit >= fullMbit,
    nothingBack: ab.passedFrames === 0,
    detour: after.detour,
    rekeyed: rekeys >= seconds + ONE_WAY_SETTLE_S - 3,
    nothingLost: call.lost === 0,
  };
  const figures = { mbit, fullMbit, busyShare: ba.busyShare, rekeys, callLost: call.lost, callP99Ms: call.p99Ms };
  return { ok: Object.values(bounds).every(Boolean), bounds, ...figures };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Length of the longest run of values that fit. */
function longestRun(values: readonly number[], fits: (value: number) => boolean): number {
  let [run, longest] = [0, 0];
  for (const value of values) {
    run = fits(value) ? run + 1 : 0;
    longest = Math.max(longest, run);
  }
  return longest;
}
