/**
 * A direct tunnel beside what a person would install instead, and beside two bounds: the kernel alone, and a loop in C that seals, cuts and
 * sends without any protocol. Topology: tunnel/tunnel-network.ts, with one cable.
 *
 * Arguments choose: ways (tunnel/ways.ts), wires (card, plain), parts (ping, tcp, tcp4, udp), rounds=3, seconds=4. Others go to our daemons.
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { contest, ratios } from './tunnel/contest.ts';
import { PARTS } from './tunnel/measures.ts';
import { WAYS } from './tunnel/ways.ts';

export const about =
  'a direct tunnel beside wireguard-go, yggdrasil, tinc, openvpn, the bare kernel and a loop in C without protocol: TCP, UDP, ping, processor, memory';
export const takes = '50 min; fewer ways, wires, parts or rounds take less. Needs scripts/setup --peers';

export async function run(context: RunContext): Promise<RunResult> {
  const figures = await contest(context, { cables: 1, ways: WAYS, parts: PARTS });
  const ours = ['skywire', 'skywire-once'] as const;
  return { pass: true, figures, ratios: Object.fromEntries(ours.map((name) => [name, ratios(figures, name)])) };
}
