/**
 * Power on, and everybody is online: six boxes on random segments (cables and switches, IPv6 or IPv4 only) with nothing but their keys, one
 * of them a gateway. They find each other by beacons, link, learn the gateway from its record, and every laptop reaches the internet.
 * Then the power fails everywhere, and when it is back no beacon arrives any more: they find each other from what they remember.
 * harness/random-segments.ts has a drawing. `zero-config SEED` draws one network.
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import type { Host } from './harness/lab.ts';
import { RandomSegments, SERVER_ADDRESS } from './harness/random-segments.ts';
import { until } from './harness/until.ts';

export const about =
  'six boxes on random segments with nothing but keys: every LAN online within 10 s of power-on, and again after a power cut';
export const takes = '90 s, gate 30 s';
export const gate = true;

const BOXES = 6;
const EXTRA_SEGMENTS = 2;
const SEEDS = [1, 2, 3];
const ONLINE_WITHIN_MS = 10_000;
const DEADLINE_MS = 60_000;

export async function run(context: RunContext): Promise<RunResult> {
  const seeds = context.args[0] === undefined ? (context.gate ? SEEDS.slice(0, 1) : SEEDS) : [Number(context.args[0])];
  const runs: Awaited<ReturnType<typeof powerOn>>[] = [];
  for (const seed of seeds) {
    runs.push(await powerOn(context, seed));
    context.log(`seed ${seed}: ${JSON.stringify(runs[runs.length - 1])}`);
  }
  const slowestMs = Math.max(...runs.flatMap(({ onlineMs }) => onlineMs));
  const slowestAgainMs = Math.max(...runs.flatMap(({ againMs }) => againMs));
  return { pass: runs.every(({ ok }) => ok), slowestMs, slowestAgainMs, runs };
}

async function powerOn(context: RunContext, seed: number) {
  const network = new RandomSegments({ ...context, args: [] }, { seed, boxes: BOXES, extra: EXTRA_SEGMENTS });
  for (const { daemon, laptop } of network.boxes) if (laptop !== undefined) daemon.loadFirewall();
  const onlineMs = await everybodyOnline(network);
  const links = await Promise.all(network.boxes.map(async ({ daemon }) => (await daemon.ask('status', {})).links.up));
  await until('everybody remembers', DEADLINE_MS, () => everybodyRemembers(network, links), network.tails);
  for (const { daemon } of network.boxes) await daemon.kill();
  network.dropBeacons();
  const againMs = await everybodyOnline(network);
  const beaconsDropped = network.beaconsDropped();
  for (const { daemon } of network.boxes) await daemon.stop();
  const ok = beaconsDropped > 0 && [...onlineMs, ...againMs].every((ms) => ms <= ONLINE_WITHIN_MS);
  return { seed, ok, onlineMs, againMs, beaconsDropped, links, segments: network.segments };
}

/** Power on; for each laptop, after how many ms it reached the internet. */
async function everybodyOnline(network: RandomSegments): Promise<number[]> {
  const startedMs = performance.now();
  for (const { daemon } of network.boxes) daemon.launch();
  const laptops = network.boxes.flatMap(({ laptop }) => laptop ?? []);
  const online = async (laptop: Host) => {
    await until(`${laptop.name} online`, DEADLINE_MS, () => answers(laptop), network.tails);
    return Math.round(performance.now() - startedMs);
  };
  return Promise.all(laptops.map(online));
}

/** Whether each box has written down as many neighbours as it has links. */
function everybodyRemembers(network: RandomSegments, links: readonly number[]): boolean {
  return network.boxes.every(({ daemon }, i) => daemon.rememberedPeers().length >= links[i]);
}

async function answers(laptop: Host): Promise<boolean> {
  const ping = laptop.start('ping', 'ping', ['-n', '-c', '1', '-W', '1', SERVER_ADDRESS]);
  return (await ping.exited) === 0;
}
