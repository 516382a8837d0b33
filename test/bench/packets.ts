/**
 * Small and full packets a second without loss through a direct tunnel beside wireguard-go. Topology: tunnel/tunnel-network.ts, with one cable.
 *
 * Arguments choose: ways (skywire, wireguard-go), wires (card, plain), rounds=3. Others go to our daemons.
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { contestPeers } from './tunnel/contest.ts';

export const about =
  'UDP packets a second without loss, of 64 and 1,200 bytes, beside wireguard-go; passes at 1.5 times as many';
export const takes = '4 min. Needs scripts/setup --peers';

const LEAST = { card: 1.5, plain: 1.5 };

export function run(context: RunContext): Promise<RunResult> {
  return contestPeers(context, { cables: 1, ways: ['skywire', 'wireguard-go'], parts: ['udp'] }, LEAST);
}
