/**
 * One relay: miner, relay and gateway beside what a person would install on the same three boxes, wireguard-go with a tunnel on either side of
 * the relay, which sees what it forwards, and yggdrasil; yggdrasil-jumbo is shown and does not count. Topology: tunnel/tunnel-network.ts, with two cables.
 *
 * Arguments choose: ways (skywire, wireguard-go, yggdrasil, yggdrasil-jumbo), wires (card, plain), parts (ping, tcp, tcp4), rounds=3, seconds=4. Others go to our daemons.
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { contestPeers } from './tunnel/contest.ts';

export const about =
  'one relay beside chained wireguard-go and yggdrasil: TCP, ping, processor, memory; passes at 1.3 times the better one, 1.5 over plain wires';
export const takes = '14 min. Needs scripts/setup --peers';

const LEAST = { card: 1.3, plain: 1.5 };

export function run(context: RunContext): Promise<RunResult> {
  const ways = ['skywire', 'wireguard-go', 'yggdrasil', 'yggdrasil-jumbo'] as const;
  return contestPeers(context, { cables: 2, ways, parts: ['ping', 'tcp', 'tcp4'] }, LEAST);
}
