/**
 * Four hops: miner, three relays and gateway beside yggdrasil on the same five boxes; yggdrasil-jumbo is shown and does not count. Topology: tunnel/tunnel-network.ts, with four cables.
 *
 * Arguments choose: ways (skywire, yggdrasil, yggdrasil-jumbo), wires (card, plain), parts (ping, tcp, tcp4), rounds=3, seconds=4. Others go to our daemons.
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { contestPeers } from './tunnel/contest.ts';

export const about = 'four hops beside yggdrasil: TCP, ping, processor, memory; passes at 1.5 times its throughput';
export const takes = '12 min. Needs scripts/setup --peers';

const LEAST = { card: 1.5, plain: 1.5 };

export function run(context: RunContext): Promise<RunResult> {
  const ways = ['skywire', 'yggdrasil', 'yggdrasil-jumbo'] as const;
  return contestPeers(context, { cables: 4, ways, parts: ['ping', 'tcp', 'tcp4'] }, LEAST);
}
