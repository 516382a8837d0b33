/** What is measured of a way from the client to the server (ways.ts), and what a median and a spread of it is. */

import { cProgram } from '../../lab/harness/c-program.ts';
import { pingsUnderWay, pingTimes, runIperf } from '../../lab/harness/clients.ts';
import type { Host } from '../../lab/harness/lab.ts';
import type { LabProcess } from '../../lab/harness/lab-process.ts';
import { median } from '../../lab/harness/spread.ts';
import type { TunnelNetwork } from './tunnel-network.ts';

export const PARTS = ['ping', 'tcp', 'tcp4', 'udp'] as const;
export type Part = (typeof PARTS)[number];

/** By name; each name says its unit. */
export type Figures = Record<string, number>;
export type Summary = Record<string, { readonly median: number; readonly spread: number }>;

/** For each cable, before code is compiled and links know their rates: the nodes of a long chain share the same few processors. */
const WARM_UP_SECONDS = 3;
const PINGS = 100;
const PING_EVERY_SECONDS = 0.01;
/** Ends before the download does that it goes beside. */
const LOADED_PING_EVERY_SECONDS = 0.05;
const STREAMS = 4;
const UDP_PORT = 5_999;
const UDP_BYTES = [64, 1_200] as const;
const UDP_SECONDS = 0.8;
/** A flood first; then between what got through and what did not. */
const UDP_FLOOD = 3_000_000;
const UDP_STEPS = 4;
/** The generator may lose as much to a pause of the machine. */
const UDP_LOSS = 0.005;

/** Warms the way up and measures the parts. `server` is the server's address, `processes` are the tunnel's. */
export async function measureWay(
  network: TunnelNetwork,
  server: string,
  processes: readonly LabProcess[],
  parts: ReadonlySet<Part>,
  seconds: number,
): Promise<Figures> {
  const figures: Figures = {};
  const { client } = network;
  const residentMb = () => Math.max(0, ...processes.map(({ residentBytes }) => residentBytes / 1e6));
  figures.idleMb = residentMb();
  const warmUp = (WARM_UP_SECONDS * (network.nodes.length - 1)) / 2;
  for (const reverse of [true, false]) await runIperf(client, server, { seconds: warmUp, reverse });
  if (parts.has('ping')) figures.pingUs = 1_000 * median(pingTimes(client, server, PINGS, PING_EVERY_SECONDS));
  const tcp = (streams: number, withPing: boolean) =>
    measureTcp(client, server, processes, { streams, seconds, withPing });
  if (parts.has('tcp')) Object.assign(figures, await tcp(1, parts.has('ping')));
  if (parts.has('tcp4')) Object.assign(figures, await tcp(STREAMS, false));
  if (parts.has('udp')) {
    for (const bytes of UDP_BYTES) figures[`udp${bytes}Kpps`] = (await udpWithoutLoss(network, server, bytes)) / 1_000;
  }
  figures.loadedMb = residentMb();
  return figures;
}

async function measureTcp(
  client: Host,
  server: string,
  processes: readonly LabProcess[],
  { streams, seconds, withPing }: { streams: number; seconds: number; withPing: boolean },
): Promise<Figures> {
  const figures: Figures = {};
  const suffix = streams === 1 ? '' : `${streams}`;
  for (const [name, reverse] of [
    ['down', true],
    ['up', false],
  ] as const) {
    const before = processes.map((process) => process.cpuSeconds);
    const count = Math.floor((seconds - 0.5) / LOADED_PING_EVERY_SECONDS);
    const [mbit, pings] = await Promise.all([
      runIperf(client, server, { seconds, reverse, streams }),
      withPing && reverse
        ? pingsUnderWay(client, server, { count, everySeconds: LOADED_PING_EVERY_SECONDS, tos: 0 })
        : [],
    ]);
    const used = processes.reduce((sum, process, index) => sum + process.cpuSeconds - before[index], 0);
    figures[`${name}${suffix}Mbit`] = mbit;
    figures[`${name}${suffix}CpuSecondsPerGb`] = used / ((mbit * seconds) / 8_000);
    if (pings.length > 0) figures.loadedPingUs = 1_000 * median(pings);
  }
  return figures;
}

/** The most packets a second of which all arrive, up. */
async function udpWithoutLoss(network: TunnelNetwork, address: string, bytes: number): Promise<number> {
  const flood = await udpTrial(network, address, bytes, UDP_FLOOD);
  let [low, high, best] = [0, 2 * flood.arrivedPerSecond, 0];
  let rate = flood.arrivedPerSecond;
  for (let step = 0; step < UDP_STEPS && rate > 0; step++) {
    const trial = await udpTrial(network, address, bytes, rate);
    if (trial.loss <= UDP_LOSS) {
      best = Math.max(best, trial.arrivedPerSecond);
      low = rate;
    } else {
      high = rate;
    }
    rate = (low + high) / 2;
  }
  return best;
}

async function udpTrial({ client, server }: TunnelNetwork, address: string, bytes: number, rate: number) {
  const program = cProgram('flood');
  const lines: string[] = [];
  const receiver = server.start('flood', program, ['receive', `${UDP_PORT}`, '4'], (line) => lines.push(line));
  // Bound before the first packet comes: its start is a matter of a millisecond, and a lost first packet a loss.
  while (!server.run('ss', '-Hlnu').includes(`:${UDP_PORT} `)) await new Promise((resolve) => setTimeout(resolve, 5));
  const words = ['send', address, `${UDP_PORT}`, `${bytes}`, `${Math.round(rate)}`, `${UDP_SECONDS}`];
  const sender = client.start('flood', program, words, (line) => lines.push(line));
  await Promise.all([sender.exited, receiver.exited]);
  const [sent, got] = lines.map((line) => JSON.parse(line) as { packets: number; seconds: number });
  // What queues held back at the end does not count as fast.
  return { loss: 1 - got.packets / sent.packets, arrivedPerSecond: got.packets / Math.max(got.seconds, UDP_SECONDS) };
}

/** The median of each figure over the rounds, and how far the rounds lie apart as a share of it. */
export function summary(rounds: readonly Figures[]): Summary {
  return Object.fromEntries(
    Object.keys(rounds[0] ?? {}).map((name) => {
      const values = rounds.map((figures) => figures[name]);
      const middle = median(values);
      return [name, { median: round(middle), spread: round((Math.max(...values) - Math.min(...values)) / middle) }];
    }),
  );
}

export const round = (value: number): number => Number(value.toPrecision(3));
