/**
 * A link that carries nothing back: its acknowledgements, credits, handshakes and keys take the way round over another node, and
 * downloads run at the link's full rate. Then a link that turns one-way in the middle of a download, which goes on.
 *
 *   laptop ── miner ◀═══ fast, 20 Mb/s, 10 ms ════ gateway ── internet
 *               └── slow ── relay ── slow ──────────┘
 *                  2 Mb/s, 20 ms each
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { FAST, OneWayNetwork, SERVER_ADDRESS } from './harness/one-way-network.ts';
import { measureTcp, type TcpFigures, type TcpOptions } from './harness/tcp.ts';
import { until } from './harness/until.ts';

export const about =
  'a one-way link at its full rate, acknowledged the long way round; a link that turns one-way mid-download';
export const takes = '2 min, gate 90 s';
export const gate = true;

const BUSY_SHARE = 0.95;
const SETTLE_S = 4;
const READING_MS = 100;
/** Noticing takes a second or three probe timeouts; then the way round has to be set up. */
const LONGEST_STALL_MS = 4_000;
const RECOVERED_SHARE = 0.9;
const DETOUR_ENDS_MS = 20_000;

export async function run(context: RunContext): Promise<RunResult> {
  const seconds = context.gate ? 8 : 15;
  const network = await OneWayNetwork.lay(context);
  await network.fast.set('ab', { on: false });
  const plain = await network.withPlainIp(async () => ({ mbit: (await download(network, { seconds: 5 })).mbit }));
  context.log(`plain IP, routed by hand: ${JSON.stringify(plain)}`);
  network.configure(true);
  await network.start();
  const known = await oneWayAllAlong(network, seconds);
  context.log(`one-way all along: ${JSON.stringify(known)}`);
  await network.stop();
  network.configure(false);
  await network.fast.set('ab', { on: true });
  await network.start();
  const turning = await turnsOneWay(network, seconds);
  context.log(`turns one-way: ${JSON.stringify(turning)}`);
  return { pass: known.ok && turning.ok, plain, known, turning };
}

function download(
  { laptop, internet }: OneWayNetwork,
  options: Pick<TcpOptions, 'seconds' | 'skipSeconds'>,
): Promise<TcpFigures> {
  const ends = { client: laptop, server: internet, address: SERVER_ADDRESS, direction: 'down' } as const;
  return measureTcp({ ...ends, intervalSeconds: READING_MS / 1_000, ...options });
}

async function oneWayAllAlong(network: OneWayNetwork, seconds: number) {
  const before = await network.fastLink();
  const loaded = download(network, { seconds: seconds + 1, skipSeconds: SETTLE_S });
  loaded.catch(() => {});
  await pause(SETTLE_S * 1_000);
  await network.impairment.reset();
  await pause(seconds * 1_000);
  const { ab, ba } = await network.fast.stats();
  const { mbit } = await loaded;
  const after = await network.fastLink();
  const bounds = {
    fullRate: ba.busyShare >= BUSY_SHARE,
    nothingBack: ab.passedFrames === 0,
    detour: after.detour,
    rekeyed: after.rekeys - before.rekeys >= seconds / 2,
  };
  return {
    ok: Object.values(bounds).every(Boolean),
    bounds,
    mbit,
    busyShare: ba.busyShare,
    rekeys: after.rekeys - before.rekeys,
  };
}

/** Both ways at first; then nothing passes up any more; then both ways again. */
async function turnsOneWay(network: OneWayNetwork, seconds: number) {
  const [cutAfterS, endS] = [6, 10 + seconds];
  const loaded = download(network, { seconds: endS });
  loaded.catch(() => {});
  await pause(cutAfterS * 1_000);
  await network.fast.set('ab', { on: false });
  const { intervals } = await loaded;
  const detour = (await network.fastLink()).detour;
  await network.fast.set('ab', { on: true });
  const openedMs = performance.now();
  const direct = async () => !(await network.fastLink()).detour;
  await until('the direct way in use again', DETOUR_ENDS_MS, direct, () => network.miner.tail());
  const detourEndsMs = Math.round(performance.now() - openedMs);

  const perSecond = 1_000 / READING_MS;
  const beforeMbit = mean(intervals.slice(3 * perSecond, 5 * perSecond));
  const afterMbit = mean(intervals.slice(-4 * perSecond));
  const longestStallMs = longestRun(intervals, (mbit) => mbit === 0) * READING_MS;
  const bounds = {
    noticed: detour,
    stall: longestStallMs <= LONGEST_STALL_MS,
    recovered: afterMbit >= RECOVERED_SHARE * beforeMbit,
  };
  const rates = { beforeMbit, afterMbit, linkMbit: FAST.rateMbit };
  return { ok: Object.values(bounds).every(Boolean), bounds, ...rates, longestStallMs, detourEndsMs };
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
