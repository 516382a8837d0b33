/**
 * What the daemons add to a packet's way: the ping under load beside wireguard-go's, the idle one beside the bare kernel's over one cable and
 * over two, and what a hammered control plane adds (latency/hammering.ts). Topology:
 * tunnel/tunnel-network.ts.
 *
 * Arguments choose: wires (card, plain), rounds=3, seconds=4. Others go to our daemons.
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import type { Spread } from '../lab/harness/spread.ts';
import { hammering } from './latency/hammering.ts';
import { byWire, contest, type Standings } from './tunnel/contest.ts';
import { round } from './tunnel/measures.ts';
import type { WayName } from './tunnel/ways.ts';

export const about =
  "ping under load, no slower than wireguard-go's; idle, 0.1 ms a hop more than the kernel's; what hammered control sockets add to forwarding";
export const takes = '5 min. Needs scripts/setup --peers';

const MOST_HOP_US = 100;
/** Of half of the packets, and of 19 of 20. */
const MOST_HAMMERED_MS = 0.1;
/** Less is no hammering. */
const LEAST_ANSWERS_PER_SECOND = 100;

export async function run(context: RunContext): Promise<RunResult> {
  const direct = await contest(context, {
    cables: 1,
    ways: ['raw', 'skywire', 'wireguard-go'],
    parts: ['ping', 'tcp'],
  });
  const relayed = await contest(context, { cables: 2, ways: ['raw', 'skywire'], parts: ['ping'] });
  const loads = await hammering(context);
  const loadedRatio = byWire(direct, (ways) =>
    round(median(ways, 'skywire', 'loadedPingUs') / median(ways, 'wireguard-go', 'loadedPingUs')),
  );
  const hopUs = { direct: addedByHop(direct, 1), relayed: addedByHop(relayed, 2) };
  const hammeredMs = addedMs(loads.hammered.ms, loads.beside.ms);
  const bounds = {
    loaded: Object.values(loadedRatio).every((ratio) => ratio <= 1),
    hop: Object.values(hopUs).every((added) => Object.values(added).every((us) => us <= MOST_HOP_US)),
    asked: loads.hammered.answersPerSecond >= LEAST_ANSWERS_PER_SECOND,
    hammered: hammeredMs.p50 <= MOST_HAMMERED_MS && hammeredMs.p95 <= MOST_HAMMERED_MS,
  };
  const pass = Object.values(bounds).every(Boolean);
  return { pass, bounds, loadedRatio, hopUs, hammeredMs, loads, direct, relayed };
}

type Ways = NonNullable<Standings[keyof Standings]>;

function median(ways: Ways, way: WayName, figure: string): number {
  return ways[way]?.[figure]?.median ?? Number.NaN;
}

/** To an idle ping, there and back, against the bare kernel on the same cables. */
function addedByHop(standings: Standings, hops: number) {
  return byWire(standings, (ways) => round((median(ways, 'skywire', 'pingUs') - median(ways, 'raw', 'pingUs')) / hops));
}

function addedMs(more: Spread, less: Spread) {
  const added = (figure: 'p50' | 'p95' | 'p99' | 'max') => Number((more[figure] - less[figure]).toFixed(3));
  return { p50: added('p50'), p95: added('p95'), p99: added('p99'), max: added('max') };
}
