/**
 * The impairment program measured from outside, by iperf3 and streams: other labs believe in cables only as far as this. A machine that
 * stands still, because its hypervisor runs somebody else or its kernel can't be interrupted, delays what no program can help: streams
 * watch for that on each CPU (stream/stalls.h). What a packet met of it on its way is taken off its delay, and stands in the result.
 *
 *   a ──tap── impair ──tap── b          delay, jitter, rate, queue, loss, bursts, reordering, direction; then all CPUs busy
 */
import { availableParallelism } from 'node:os';
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { runIperf, startIperf } from './harness/clients.ts';
import { type Cable, type CableSettings, Impairment } from './harness/impairment.ts';
import { type Host, Lab } from './harness/lab.ts';
import { runStream, type StreamFigures, type StreamOptions } from './harness/udp-stream.ts';

export const about = 'the impairment program itself: delay, jitter, rate, queue, loss, bursts, reordering, direction';
export const takes = '90 s, gate 45 s';
export const gate = true;

const SEED = 7;
const ADDRESS_A = '10.9.0.1';
const ADDRESS_B = '10.9.0.2';
/** Ethernet, IPv4 and UDP headers around a stream's payload. */
const UDP_OVERHEAD_BYTES = 14 + 20 + 8;
/** TCP payload in a full frame of 1,514 bytes, timestamps on. */
const TCP_PAYLOAD_SHARE = 1448 / 1514;
const FAST_MBIT = 200;
/** Where it is busy the program looks every 250 us and lets go of what is due until the middle of the next look (impair/main.c). */
const EARLY_MS = 0.125;

const CLEAN: Required<CableSettings> = {
  rateMbit: 0,
  queueBytes: 65_536,
  delayMs: 0,
  jitterMs: 0,
  loss: 0,
  bursts: { meanFrames: 1, share: 0 },
  reorder: { share: 0, ms: 0 },
  on: true,
};

interface Bench {
  readonly a: Host;
  readonly b: Host;
  readonly cable: Cable;
  readonly impairment: Impairment;
  readonly seconds: number;
}

interface Check {
  readonly ok: boolean;
  readonly [figure: string]: unknown;
}

const near = (value: number, wanted: number, tolerance: number) => Math.abs(value - wanted) <= tolerance;

/** To a millisecond: no earlier, and no later for which the machine is not to blame. */
function p99IsNear({ p99Ms, p99LessStallsMs }: StreamFigures, wantedMs: number): boolean {
  return p99Ms >= wantedMs - 1 && p99LessStallsMs <= wantedMs + 1;
}

export async function run(context: RunContext): Promise<RunResult> {
  const lab = new Lab(context);
  const [a, b] = [lab.addHost('a'), lab.addHost('b')];
  const impairment = await Impairment.start(lab, SEED);
  const plug = (host: Host, address: string) => ({ host, device: 'cable', addresses: [`${address}/24`] });
  const cable = await impairment.connect(plug(a, ADDRESS_A), plug(b, ADDRESS_B));
  await startIperf(b, ADDRESS_B);
  const bench: Bench = { a, b, cable, impairment, seconds: context.gate ? 2 : 6 };
  const figures: Record<string, Check> = {};
  for (const [name, check] of Object.entries(CHECKS)) {
    await cable.set('both', CLEAN);
    await impairment.reset();
    figures[name] = await check(bench);
    context.log(`${name}: ${JSON.stringify(figures[name])}`);
  }
  return { pass: Object.values(figures).every(({ ok }) => ok), ...figures };
}

const CHECKS: Readonly<Record<string, (bench: Bench) => Promise<Check>>> = {
  delay,
  jitter,
  rate10: (bench) => rate(bench, 10),
  rate200: (bench) => rate(bench, FAST_MBIT),
  queue,
  loss,
  bursts,
  reorder,
  direction,
  busyMachine: async (bench) => {
    const load = Array.from({ length: availableParallelism() }, () =>
      bench.a.start('load', 'sh', ['-c', 'while :; do :; done']),
    );
    const check = await delay(bench);
    await Promise.all(load.map((process) => process.kill()));
    return check;
  },
};

function stream({ a, b, seconds }: Bench, options: Partial<StreamOptions>) {
  const ends = { client: a, server: b, address: ADDRESS_B, direction: 'up' } as const;
  return runStream({ ...ends, packetsPerSecond: 2_000, bytes: 200, seconds, watchStalls: true, ...options });
}

/**
 * 5 ms one way and 20 ms the other, each to a millisecond: a frame that is late there need not be late on its way back. The slowest hundredth
 * of a thousand frames, where that of two hundred would be two of them.
 */
async function delay(bench: Bench): Promise<Check> {
  const { cable, impairment } = bench;
  const ways = [];
  for (const [side, direction, delayMs] of [
    ['ab', 'up', 5],
    ['ba', 'down', 20],
  ] as const) {
    await cable.set(side, { delayMs });
    const figures = await stream(bench, { packetsPerSecond: 500, direction });
    const { lost, minMs, p99Ms, p99LessStallsMs, stalledMs } = figures;
    const ok = lost === 0 && minMs >= delayMs - EARLY_MS && p99IsNear(figures, delayMs);
    ways.push({ ok, delayMs, lost, minMs, p99Ms, p99LessStallsMs, stalledMs });
  }
  return { ok: ways.every(({ ok }) => ok), ways, lateP99Us: (await impairment.health()).lateP99Us };
}

/** Slow enough for no packet to catch up with the one before it. */
async function jitter(bench: Bench): Promise<Check> {
  await bench.cable.set('ab', { delayMs: 10, jitterMs: 4 });
  const figures = await stream(bench, { packetsPerSecond: 110 });
  const { minMs, meanMs, p99Ms, p99LessStallsMs, stalledMs, lost } = figures;
  return {
    ok: lost === 0 && near(minMs, 6, 1) && near(meanMs, 10, 1) && p99IsNear(figures, 14),
    ...{ minMs, meanMs, p99Ms, p99LessStallsMs, stalledMs, lost },
  };
}

async function rate({ a, cable, impairment, seconds }: Bench, rateMbit: number): Promise<Check> {
  await cable.set('both', { rateMbit, delayMs: 2, queueBytes: (rateMbit * 1e6 * 0.03) / 8 });
  const idealMbit = rateMbit * TCP_PAYLOAD_SHARE;
  const before = await impairment.health();
  const startedMs = performance.now();
  const mbit = await runIperf(a, ADDRESS_B, { seconds });
  const after = await impairment.health();
  const { busyShare } = (await cable.stats()).ab;
  const cpuShare = (after.cpuSeconds - before.cpuSeconds) / ((performance.now() - startedMs) / 1000);
  const punctual = after.lateP99Us <= 1_000;
  return {
    ok: near(mbit / idealMbit, 1, 0.03) && punctual,
    mbit,
    idealMbit,
    busyShare,
    cpuShare,
    lateP99Us: after.lateP99Us,
  };
}

/** Twice what the cable carries: half is dropped, and what passes has waited for a full queue. */
async function queue(bench: Bench): Promise<Check> {
  const [rateMbit, queueBytes, bytes] = [10, 65_536, 1_200];
  await bench.cable.set('ab', { rateMbit, queueBytes });
  const frameBits = (bytes + UDP_OVERHEAD_BYTES) * 8;
  const packetsPerSecond = (2 * rateMbit * 1e6) / frameBits;
  const figures = await stream(bench, { packetsPerSecond, bytes, skipSeconds: 0.5 });
  const { p50Ms, p99Ms, p99LessStallsMs, stalledMs, arrivedMbit } = figures;
  const { droppedQueue, frames, queueMaxBytes, busyShare } = (await bench.cable.stats()).ab;
  const fullMs = (queueBytes * 8) / (rateMbit * 1e3);
  const idealMbit = (rateMbit * bytes * 8) / frameBits;
  const ok = near(p50Ms, fullMs, 2) && p99LessStallsMs <= fullMs + 1 && near(arrivedMbit / idealMbit, 1, 0.01);
  return {
    ok,
    fullMs,
    ...{ p50Ms, p99Ms, p99LessStallsMs, stalledMs },
    arrivedMbit,
    idealMbit,
    droppedShare: droppedQueue / frames,
    queueMaxBytes,
    busyShare,
  };
}

async function loss(bench: Bench): Promise<Check> {
  await bench.cable.set('ab', { loss: 0.5 });
  const { sent, lost, lossRuns } = await stream(bench, {});
  const share = lost / sent;
  const meanRun = lost / lossRuns;
  // Four standard deviations of a fair coin; runs of independent losses have a mean of two.
  return { ok: near(share, 0.5, 2 / Math.sqrt(sent)) && near(meanRun, 2, 0.2), sent, share, meanRun };
}

async function bursts(bench: Bench): Promise<Check> {
  await bench.cable.set('ab', { bursts: { meanFrames: 8, share: 0.1 } });
  const { sent, lost, lossRuns, longestLossRun } = await stream(bench, {});
  const [share, meanRun] = [lost / sent, lost / lossRuns];
  return { ok: near(share, 0.1, 0.05) && near(meanRun, 8, 3), sent, share, meanRun, longestLossRun };
}

async function reorder(bench: Bench): Promise<Check> {
  await bench.cable.set('ab', { delayMs: 5, reorder: { share: 0.1, ms: 3 } });
  const figures = await stream(bench, {});
  const { sent, lost, reordered, p50Ms, p99Ms, p99LessStallsMs, stalledMs } = figures;
  const share = reordered / sent;
  const ok = lost === 0 && near(share, 0.1, 0.03) && near(p50Ms, 5, 1) && p99IsNear(figures, 8);
  return { ok, share, p50Ms, p99Ms, p99LessStallsMs, stalledMs };
}

/** One way open, the other shut: the stream arrives, and no answer does. */
async function direction(bench: Bench): Promise<Check> {
  await bench.cable.set('ba', { on: false });
  const { lost, sent } = await stream(bench, {});
  bench.b.start('ping', 'ping', ['-n', '-c', '5', '-i', '0.1', ADDRESS_A]);
  const back = await runStream({
    ...{ client: bench.b, server: bench.a, address: ADDRESS_A, port: 7001, direction: 'up' },
    ...{ packetsPerSecond: 100, bytes: 200, seconds: 1 },
  });
  const { droppedOff } = (await bench.cable.stats()).ba;
  return {
    ok: lost === 0 && sent > 0 && back.received === 0 && droppedOff >= 100,
    lost,
    back: back.received,
    droppedOff,
  };
}
