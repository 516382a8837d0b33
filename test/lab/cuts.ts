/**
 * One of two routes dies in the middle of a download, in every way that a route can die. No byte is lost, nothing stands
 * still for longer than a second, and the route comes back by itself.
 *
 *   laptop ── miner ──┬──(1)── relay-a ──(2)──┐         (1) pulled: carrier lost     (2) silent: packets vanish
 *                     │                       ├── gateway ── internet
 *                     └─────── relay-b ───────┘         (3) relay-a's daemon killed (4) (1), but silent
 *              each 50 Mb/s
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { RunningDownload, takeDhcpLease } from './harness/clients.ts';
import { type Cut, pulled, silent } from './harness/cut.ts';
import { DemoNetwork, WEB_NAME } from './harness/demo-topology.ts';

export const about =
  'a route dies mid-download by cable, silently, behind the relay, by kill -9: nothing lost, no stall past 1 s';
export const takes = '1 min';
export const gate = true;

const RATE_MBIT = 50;
const FILE_BYTES = 40_000_000;
const LONGEST_STALL_MS = 1_000;
const DEADLINE_MS = 60_000;

const CUTS: Readonly<Record<string, Cut>> = {
  pulled: pulled(({ relayA }) => relayA.host, 'to-miner'),
  silent: silent(({ relayA }) => relayA.host, 'to-miner'),
  behindRelay: silent(({ relayA }) => relayA.host, 'to-gateway'),
  relayKilled: {
    cut: ({ relayA }) => relayA.kill(),
    mend: async ({ relayA }) => void (await relayA.start()),
  },
};

export async function run(context: RunContext): Promise<RunResult> {
  const network = new DemoNetwork(context, { rateMbit: RATE_MBIT, fileBytes: FILE_BYTES });
  await network.start();
  await takeDhcpLease(network.laptop, 'eth0');
  const figures: Record<string, Awaited<ReturnType<typeof downloadThrough>>> = {};
  for (const [name, cut] of Object.entries(CUTS)) {
    figures[name] = await downloadThrough(network, cut);
    context.log(`${name}: ${JSON.stringify(figures[name])}`);
  }
  const right = ({ complete, longestStallMs }: { complete: boolean; longestStallMs: number }) =>
    complete && longestStallMs <= LONGEST_STALL_MS;
  return { pass: Object.values(figures).every(right), ...figures };
}

async function downloadThrough(network: DemoNetwork, { cut, mend }: Cut) {
  const download = new RunningDownload(network.laptop, `http://${WEB_NAME}/file`);
  await download.passes(FILE_BYTES / 3, DEADLINE_MS, () => network.tails());
  await cut(network);
  const { sha256, longestStallMs } = await download.finished;
  await mend(network);
  const mendedMs = performance.now();
  await network.connected(2, DEADLINE_MS);
  const rejoinedMs = Math.round(performance.now() - mendedMs);
  return { complete: sha256 === network.internet.sha256, longestStallMs, rejoinedMs };
}
