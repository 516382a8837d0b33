/**
 * A business shares its line: its own LAN goes first in both directions, the network's transit gets what is left, up to a cap,
 * and nobody told the daemon how fast the line is.
 *
 *   laptop ──lan0── business ══ line, 20 Mb/s, 10 ms ══ gateway ── internet
 *                      │
 *   laptop-2 ── miner ─┘  (transit)
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { BusinessNetwork, SERVER_ADDRESS } from './harness/business-network.ts';
import type { Host } from './harness/lab.ts';
import { measureTcp, type TcpFigures } from './harness/tcp.ts';

export const about =
  "a business's own traffic loses nothing to transit, which fills what is left within a second, up to a cap";
export const takes = '4 min';

type Direction = 'up' | 'down';

const SETTLE_S = 3;
const TRANSIT_STREAMS = 4;
const OWN_LEFT_SHARE = 0.97;
const FILL_MS = 1_000;
/** Transit counts as filling the line from here on, of what it gets alone. */
const FILLED_SHARE = 0.9;
const TOTAL_SHARE = 0.95;
const OWN_LIMIT_MBIT = 6;
const CAP = 0.5;
const READING_MS = 100;
/** Readings that make up a rate: single ones jump by whole windows of TCP. */
const SMOOTH_READINGS = 3;

export async function run(context: RunContext): Promise<RunResult> {
  const seconds = context.gate ? 5 : 12;
  const directions: readonly Direction[] = context.gate ? ['down'] : ['down', 'up'];
  const network = await BusinessNetwork.lay(context);
  const plain = await network.withPlainIp(async () => {
    const alone = await measure(network, network.laptop, 'down', { seconds });
    const [own, transit] = await Promise.all([
      measure(network, network.laptop, 'down', { seconds }),
      measure(network, network.laptop2, 'down', { seconds, streams: TRANSIT_STREAMS }),
    ]);
    return { ownAloneMbit: alone.mbit, ownMbit: own.mbit, transitMbit: transit.mbit, ownShare: own.mbit / alone.mbit };
  });
  context.log(`plain IP: ${JSON.stringify(plain)}`);
  network.configure({ own_first: true });
  await network.start();
  const figures: Record<string, Awaited<ReturnType<typeof shared>>> = {};
  for (const direction of directions) {
    figures[direction] = await shared(network, direction, seconds);
    context.log(`${direction}: ${JSON.stringify(figures[direction])}`);
  }
  const capped = await withCap(network, seconds, figures.down.transitAloneMbit);
  const pass = Object.values(figures).every(({ ok }) => ok) && capped.ok;
  return { pass, plain, ...figures, capped };
}

interface Load {
  readonly seconds: number;
  readonly skipSeconds?: number;
  readonly streams?: number;
  readonly limitMbit?: number;
}

function measure({ internet }: BusinessNetwork, client: Host, direction: Direction, load: Load): Promise<TcpFigures> {
  const ends = { client, server: internet, address: SERVER_ADDRESS, direction } as const;
  return measureTcp({
    ...ends,
    congestion: 'cubic',
    skipSeconds: SETTLE_S,
    intervalSeconds: READING_MS / 1_000,
    ...load,
  });
}

async function shared(network: BusinessNetwork, direction: Direction, seconds: number) {
  const own = (load: Load) => measure(network, network.laptop, direction, load);
  const transit = (load: Load) => measure(network, network.laptop2, direction, { streams: TRANSIT_STREAMS, ...load });
  const ownAloneMbit = (await own({ seconds })).mbit;
  const transitAloneMbit = (await transit({ seconds })).mbit;
  const [ownBeside, transitBeside] = await Promise.all([own({ seconds }), transit({ seconds })]);
  const [ownLimited, transitRest] = await Promise.all([
    own({ seconds, limitMbit: OWN_LIMIT_MBIT }),
    transit({ seconds }),
  ]);
  const ownShare = ownBeside.mbit / ownAloneMbit;
  const totalShare = (ownLimited.mbit + transitRest.mbit) / transitAloneMbit;
  const fillMs = await timeToFill(own, transit, transitAloneMbit);
  const bounds = {
    ownFirst: ownShare >= OWN_LEFT_SHARE,
    ownLimitedKept: ownLimited.mbit >= OWN_LEFT_SHARE * OWN_LIMIT_MBIT,
    transitTakesRest: totalShare >= TOTAL_SHARE,
    fillsInTime: fillMs <= FILL_MS,
  };
  return {
    ok: Object.values(bounds).every(Boolean),
    ...{ bounds, ownAloneMbit, transitAloneMbit, ownMbit: ownBeside.mbit, ownShare, transitMbit: transitBeside.mbit },
    ...{ ownLimitedMbit: ownLimited.mbit, transitRestMbit: transitRest.mbit, totalShare, fillMs },
  };
}

/** How long after the end of the own traffic transit has the line; -1 would be before it ended, Infinity never. */
async function timeToFill(
  own: (load: Load) => Promise<TcpFigures>,
  transit: (load: Load) => Promise<TcpFigures>,
  aloneMbit: number,
) {
  const [ownSeconds, transitSeconds] = [4, 10];
  const transitStartedMs = performance.now();
  const under = transit({ seconds: transitSeconds, skipSeconds: 0 });
  under.catch(() => {});
  await pause(2_000);
  const ownStartedMs = performance.now();
  await own({ seconds: ownSeconds, skipSeconds: 0 });
  const { intervals } = await under;
  // Counted from when the own connection was asked for: a little early, so never in transit's favour.
  const freeMs = ownStartedMs - transitStartedMs + ownSeconds * 1_000;
  const first = Math.ceil(freeMs / READING_MS);
  for (let at = first; at + SMOOTH_READINGS <= intervals.length; at++) {
    const readings = intervals.slice(at, at + SMOOTH_READINGS);
    const mbit = readings.reduce((sum, reading) => sum + reading, 0) / SMOOTH_READINGS;
    if (mbit >= FILLED_SHARE * aloneMbit) return Math.round(at * READING_MS - freeMs);
  }
  return Number.POSITIVE_INFINITY;
}

async function withCap(network: BusinessNetwork, seconds: number, aloneMbit: number) {
  network.configure({ own_first: true, cap: `${CAP * 100}%` });
  await network.restartBusiness();
  // What the line carries at most is learnt from own traffic too.
  await measure(network, network.laptop, 'down', { seconds: 3 });
  const { mbit } = await measure(network, network.laptop2, 'down', { seconds, streams: TRANSIT_STREAMS });
  const share = mbit / aloneMbit;
  return { ok: share <= CAP * 1.05 && share >= CAP * 0.85, transitMbit: mbit, share };
}
