/**
 * A home of the future (drawing: harness/home-network.ts): its own modem of 8 Mb/s, the neighbour's of 6 by radio, a business's fibre by two radio hops of
 * 12. One download of the laptop's uses all three; then the own modem is unplugged for good, and the same connection goes on over the
 * other two.
 *
 * The radio hops are cables with loss and jitter; real radios are in `lab wifi`.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { payloadShare } from './demo/overhead.ts';
import {
  HomeNetwork,
  NEIGHBOUR_MODEM_MBIT,
  OWN_MODEM_MBIT,
  RADIO_LOSS,
  RADIO_MBIT,
  SERVER_ADDRESS,
} from './harness/home-network.ts';
import type { Cable } from './harness/impairment.ts';
import { measureTcp } from './harness/tcp.ts';

export const about =
  "own modem, neighbour's modem by radio, a business's fibre by two radio hops: one download uses all three, and survives the own modem";
export const takes = '1 min';
export const gate = true;

const TUNNEL_MTU_BYTES = 1_340;
/** Until the window has grown to three ways, one of them of two lossy hops. */
const SETTLE_S = 10;
const BEFORE_S = 10;
/** From the unplugging until what is left is used; then it is measured. */
const OVER_S = 6;
const AFTER_S = 10;
/** Of what headers leave of the rates. */
const LEAST_SHARE = 0.75;
/** Of its rate: a way that carries less does not count as used. */
const LEAST_SHARE_OF_EACH = 0.5;
const MS_PER_SECOND = 1_000;

export async function run(context: RunContext): Promise<RunResult> {
  const network = await HomeNetwork.lay(context);
  const connectedMs = await network.start();
  const { laptop, internet, cables } = network;
  const seconds = BEFORE_S + OVER_S + AFTER_S;
  const startedMs = performance.now();
  const ends = { client: laptop, server: internet, address: SERVER_ADDRESS, congestion: 'bbr' } as const;
  const download = measureTcp({ ...ends, direction: 'down', seconds, skipSeconds: SETTLE_S, intervalSeconds: 1 });
  const sleepTo = (second: number) => pause(startedMs + second * MS_PER_SECOND - performance.now());
  await sleepTo(SETTLE_S);
  const ways = [cables.ownModem, cables.hisModem, cables.fibre];
  const bytesBefore = await passed(ways);
  await sleepTo(SETTLE_S + BEFORE_S);
  const carriedMbit = (await passed(ways)).map((bytes, i) => (8 * (bytes - bytesBefore[i])) / BEFORE_S / 1e6);
  await cables.ownModem.set('both', { on: false });
  const { intervals } = await download;
  const before = mean(intervals.slice(0, BEFORE_S));
  const after = mean(intervals.slice(-AFTER_S));
  const stillS = intervals.filter((mbit) => mbit < 0.1).length;
  const rates = [OWN_MODEM_MBIT, NEIGHBOUR_MODEM_MBIT, RADIO_MBIT * (1 - RADIO_LOSS) ** 2];
  const ideal = (lines: readonly number[]) =>
    lines.reduce((sum, rate) => sum + rate, 0) * payloadShare(TUNNEL_MTU_BYTES);
  const [share, shareAfter] = [before / ideal(rates), after / ideal(rates.slice(1))];
  const usesAll = carriedMbit.every((mbit, i) => mbit >= LEAST_SHARE_OF_EACH * rates[i]);
  return {
    pass: usesAll && Math.min(share, shareAfter) >= LEAST_SHARE,
    connectedMs,
    beforeMbit: round(before),
    share: round(share),
    carriedMbit: carriedMbit.map(round),
    afterMbit: round(after),
    shareAfter: round(shareAfter),
    stillS,
  };
}

/** Bytes towards the home so far. */
async function passed(ways: readonly Cable[]): Promise<number[]> {
  return Promise.all(ways.map(async (cable) => (await cable.stats()).ba.passedBytes));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function round(value: number): number {
  return Number(value.toFixed(2));
}
