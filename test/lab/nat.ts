/**
 * Two boxes that know each other's key, each behind its own address translation, and one neighbour that both have in common (drawing:
 * harness/nat-network.ts). They link directly where their routers let it be done, and reach each other over that neighbour where not:
 *
 *   same-port, same-port   each calls the other at the same time: direct
 *   any-port, open         the one that can't be called calls: direct
 *   any-port, same-port    neither lets the other in: over the neighbour
 *   no-udp, same-port      one reaches the neighbour in a TCP stream alone: over the neighbour
 *
 * Then nothing is said for longer than a router remembers a mapping, and the way must still be open. All four run at once: they mostly wait.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { type Nat, NatNetwork } from './harness/nat-network.ts';

export const about =
  'two boxes behind address translation link directly where their routers let them, over a neighbour else, and in TCP streams where UDP is blocked';
export const takes = '1 min';
export const gate = true;

const CASES: readonly { readonly kinds: readonly [Nat, Nat]; readonly direct: boolean }[] = [
  { kinds: ['same-port', 'same-port'], direct: true },
  { kinds: ['any-port', 'open'], direct: true },
  { kinds: ['any-port', 'same-port'], direct: false },
  { kinds: ['no-udp', 'same-port'], direct: false },
];
const DIRECT_WITHIN_MS = 5_000;
const PINGS = 5;
const LONGER_THAN_MAPPING_MS = NatNetwork.mappingLifeMs + 5_000;

export async function run(context: RunContext): Promise<RunResult> {
  const cases = await Promise.all(CASES.map((wanted) => runCase(context, wanted)));
  return { pass: cases.every(({ ok }) => ok), cases };
}

async function runCase(context: RunContext, { kinds, direct }: (typeof CASES)[number]) {
  const network = new NatNetwork(context, kinds);
  await network.start();
  const directMs = await network.directLinkMs(DIRECT_WITHIN_MS);
  const before = answered(await network.ping(PINGS));
  await pause(LONGER_THAN_MAPPING_MS);
  const after = answered(await network.ping(PINGS));
  const inStream = await network.isInStream();
  const stillDirect = (await network.directLinkMs(1)) !== undefined;
  for (const daemon of [network.a, network.b, network.helper]) await daemon.stop();
  const isDirectAsWanted = (directMs !== undefined) === direct && stillDirect === direct;
  const isStreamAsWanted = inStream === kinds.includes('no-udp');
  const result = {
    kinds: kinds.join(', '),
    ok: isDirectAsWanted && isStreamAsWanted && before + after === 2 * PINGS,
    directMs,
    before,
    after,
    stillDirect,
    inStream,
  };
  context.log(JSON.stringify(result));
  return result;
}

function answered(roundTrips: readonly (number | null)[]): number {
  return roundTrips.filter((ms) => ms !== null).length;
}
