/**
 * What a link's congestion window and pacer do behind a bottleneck (test/helpers/bottleneck.ts), each case over several seeds; the
 * figures are medians. Real time: 100 datagrams a second of 200 bytes, which go first at the sender and wait in the bottleneck's queue.
 * Then real links and routes in a row, with Bulk one way, short answers the other way as a TCP gives them, and Real Time beside both.
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { readU32, writeU32 } from '../../src/base/bytes.ts';
import { BULK, REAL_TIME, REAL_TIME_DEADLINE_MS, RELIABLE } from '../../src/base/traffic-class.ts';
import { Bottleneck, type Flow, type FlowOptions, Simulation } from '../helpers/bottleneck.ts';
import { Chain } from './world/chain.ts';

export const about =
  'what a link sends through a bottleneck with hidden queues, loss, jitter and pauses: use, waiting, fairness';
export const takes = '20 s, gate 8 s';
export const gate = true;

const SEEDS = 9;
const GATE_SEEDS = 3;
const DATAGRAM_BYTES = 1_452;
const KIB = 1_024;

interface Case {
  readonly name: string;
  readonly mbps: number;
  readonly queueBytes: number;
  readonly flow: Partial<FlowOptions>;
  readonly ms: number;
  /** Bounds of the medians. */
  readonly use: number;
  readonly waitMs?: { readonly p50?: number; readonly p95?: number; readonly p99?: number };
}

const CALL = { realTimeEveryMs: 10 };
const DATAGRAM_10M_MS = DATAGRAM_BYTES / 1_250;

const CASES: readonly Case[] = [
  // A datagram of the line's time and 2 ms: what real time may wait behind bulk.
  {
    name: '10 Mb/s',
    mbps: 10,
    queueBytes: 256 * KIB,
    flow: CALL,
    ms: 20_000,
    use: 0.97,
    waitMs: { p99: DATAGRAM_10M_MS + 2 },
  },
  {
    name: '2 Mb/s',
    mbps: 2,
    queueBytes: 256 * KIB,
    flow: CALL,
    ms: 30_000,
    use: 0.97,
    waitMs: { p50: 40, p95: 80 },
  },
  {
    name: '2 Mb/s, 38 ms',
    mbps: 2,
    queueBytes: 256 * KIB,
    flow: { ...CALL, delayMs: 19 },
    ms: 30_000,
    use: 0.97,
    waitMs: { p50: 40, p95: 80 },
  },
  {
    name: '10 Mb/s, 50 % loss each way',
    mbps: 10,
    queueBytes: 256 * KIB,
    flow: { ...CALL, lossOut: 0.5, lossBack: 0.5 },
    ms: 20_000,
    use: 0.98,
  },
  {
    name: '10 Mb/s, 30 % loss in bursts of 8',
    mbps: 10,
    queueBytes: 256 * KIB,
    flow: { ...CALL, lossOut: 0.3, lossBack: 0.3, burst: 8 },
    ms: 20_000,
    use: 0.97,
  },
  {
    name: '10 Mb/s, jitter 3 ms',
    mbps: 10,
    queueBytes: 256 * KIB,
    flow: { ...CALL, jitterMs: 3 },
    ms: 20_000,
    use: 0.97,
  },
  {
    name: '10 Mb/s, clocks 100 millionths apart',
    mbps: 10,
    queueBytes: 256 * KIB,
    flow: { ...CALL, clockSkew: 1e-4 },
    ms: 40_000,
    use: 0.97,
  },
  {
    name: '600 Mb/s, 0.1 ms, away 13 % of the time',
    mbps: 600,
    queueBytes: 1_000_000,
    flow: { delayMs: 0.05, pauseEveryMs: 20 },
    ms: 3_000,
    use: 0.8,
  },
  {
    name: '100 Mb/s, 200 ms, queue of 20 ms',
    mbps: 100,
    queueBytes: 256 * KIB,
    flow: { delayMs: 100 },
    ms: 30_000,
    use: 0.95,
  },
];

/** Round trips of Real Time: what the slowest wire may add to them. */
const CHAINS = [
  {
    name: 'real links, 10 Mb/s',
    mbps: [10],
    delaysMs: [5],
    aboveIdleMs: { p95: DATAGRAM_10M_MS + 1, p99: DATAGRAM_10M_MS + 2 },
  },
  {
    name: 'real links, 10, 2, 10 Mb/s',
    mbps: [10, 2, 10],
    delaysMs: [5, 9, 5],
    aboveIdleMs: { p95: 10, p99: 12 },
  },
] as const;
const BULK_MESSAGE_BYTES = 1_398;
const ANSWER_BYTES = 90;
const REAL_TIME_BYTES = 228;

export function run(context: RunContext): RunResult {
  const seeds = Array.from({ length: context.gate ? GATE_SEEDS : SEEDS }, (_, i) => i + 1);
  let pass = true;
  const figures: Record<string, unknown> = {};
  const report = (name: string, good: boolean, values: Readonly<Record<string, number>>): void => {
    pass &&= good;
    figures[name] = values;
    const text = Object.entries(values).map(([key, value]) => `${key} ${value}`);
    context.log(`${good ? 'ok  ' : 'FAIL'} ${name}: ${text.join(', ')}`);
  };
  for (const one of CASES) {
    const runs = seeds.map((seed) => saturate(one, seed));
    const use = median(runs.map((run) => run.use));
    const waits = runs.map((run) => run.waits);
    const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => median(waits.map((wait) => quantile(wait, share))));
    const { waitMs } = one;
    const good =
      use >= one.use && p50 <= (waitMs?.p50 ?? 1e9) && p95 <= (waitMs?.p95 ?? 1e9) && p99 <= (waitMs?.p99 ?? 1e9);
    report(one.name, waitMs === undefined ? use >= one.use : good, {
      use: round(use, 4),
      ...(runs[0].waits.length > 0 && { p50: round(p50), p95: round(p95), p99: round(p99) }),
    });
  }
  for (const [name, mbps] of [
    ['two links share 2 Mb/s', 2],
    ['two links share 10 Mb/s', 10],
    ['two links share 100 Mb/s', 100],
  ] as const) {
    const ratio = median(seeds.map((seed) => unfairness(mbps, seed)));
    report(name, ratio <= 2, { ratio: round(ratio) });
  }
  for (const { name, mbps, delaysMs, aboveIdleMs } of CHAINS) {
    const { use, above } = besideBulk(mbps, delaysMs, context.gate ? 10_000 : 30_000);
    report(name, use >= 0.97 && above.p95 <= aboveIdleMs.p95 && above.p99 <= aboveIdleMs.p99, {
      use: round(use, 4),
      above_idle_p50: round(above.p50),
      above_idle_p95: round(above.p95),
      above_idle_p99: round(above.p99),
    });
  }
  const { up, down } = bothWays(1);
  report('10 Mb/s down beside a busy 1 Mb/s up', up >= 0.95 && down >= 0.95, {
    up: round(up, 4),
    down: round(down, 4),
  });
  const long = longPath(1);
  report('1 Gb/s, 2 s', long.use >= 0.97 && long.inFlightMB >= 240, long);
  const idleQueueMs = Math.max(...seeds.map(afterIdle));
  report('busy again after 8 s', idleQueueMs <= 12, { longest_queue_ms: round(idleQueueMs) });
  const pathRecoveryMs = median(seeds.map(pathRecovery));
  report('a path 75 ms longer', pathRecoveryMs <= 2_000, { ms_to_95_percent: pathRecoveryMs });
  const policed = median(seeds.map(policedExcess));
  report('a policer of 10 Mb/s', policed <= 0.2, { sent_in_vain: round(policed, 4) });
  return { pass, ...figures };
}

function saturate(one: Case, seed: number): { use: number; waits: readonly number[] } {
  const simulation = new Simulation(seed);
  const bottleneck = new Bottleneck(one.mbps, one.queueBytes);
  const flow = simulation.flow(bottleneck, one.flow);
  simulation.run(one.ms / 4);
  const before = bottleneck.passedBytes;
  flow.realTimeWaits.length = 0;
  simulation.run(one.ms);
  return {
    use: (bottleneck.passedBytes - before) / (0.75 * one.ms * bottleneck.bytesPerMs),
    waits: flow.realTimeWaits,
  };
}

/** A hundred round trips of Real Time a second, first with nothing else, then beside Bulk; and what Bulk uses of the slowest wire. */
function besideBulk(mbps: readonly number[], delaysMs: readonly number[], ms: number) {
  const wires = mbps.map((rateMbps, i) => ({ rateMbps, delayMs: delaysMs[i] }));
  const chain = new Chain({ seed: 1, wires, world: { traced: false } });
  const { world, first, last } = chain;
  world.run(chain.runUntilUp() + 2_000);
  const call = chain.open(REAL_TIME, REAL_TIME_DEADLINE_MS);
  world.run(world.now + 500);
  const bulk = chain.open(BULK, RELIABLE);
  world.run(world.now + 500);
  const [callThere, bulkThere] = last.incoming;
  const answer = new Uint8Array(ANSWER_BYTES);
  let received = 0;
  last.events = {
    message: (route, message, _number, now) => {
      if (route === callThere) last.routes.send(callThere, message, now);
      else if (++received % 2 === 0) last.routes.send(bulkThere, answer, now);
    },
  };
  const random = world.random('calls');
  const roundTrips = (forMs: number): number[] => {
    const sentAt: number[] = [];
    const times: number[] = [];
    const listen = { ...first.events };
    first.events = {
      ...listen,
      message: (route, message, _number, now) => {
        if (route === call) times.push(now - sentAt[readU32(message, 0)]);
      },
    };
    for (let at = world.now; at < world.now + forMs; at += 10) {
      world.at(at + 5 * random.unit(), () => {
        const message = new Uint8Array(REAL_TIME_BYTES);
        writeU32(message, 0, sentAt.length);
        sentAt.push(world.now);
        chain.act(0, (now) => first.routes.send(call, message, now));
      });
    }
    world.run(world.now + forMs + 500);
    return times;
  };
  const idleMs = quantile(roundTrips(2_000), 0.5);
  chain.saturate(bulk, BULK_MESSAGE_BYTES);
  world.run(world.now + 6_000);
  const slowest = chain.wires[mbps.indexOf(Math.min(...mbps))];
  const [before, from] = [slowest.carriedBytes[0], world.now];
  const loaded = roundTrips(ms);
  const use = (slowest.carriedBytes[0] - before) / ((world.now - from) * Math.min(...mbps) * 125);
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => quantile(loaded, share) - idleMs);
  return { use, above: { p50, p95, p99 } };
}

/** The second link begins 5 s later. Larger share over smaller, over the last 40 s of 60. */
function unfairness(mbps: number, seed: number): number {
  const simulation = new Simulation(seed);
  const bottleneck = new Bottleneck(mbps);
  const first = simulation.flow(bottleneck, { name: 'first' });
  simulation.run(5_000);
  const second = simulation.flow(bottleneck, { name: 'second' });
  simulation.run(20_000);
  const before = [first.deliveredBytes, second.deliveredBytes];
  simulation.run(60_000);
  const ratio = (first.deliveredBytes - before[0]) / (second.deliveredBytes - before[1]);
  return Math.max(ratio, 1 / ratio);
}

/** Each direction's ACKs wait behind the other's data. */
function bothWays(seed: number): { up: number; down: number } {
  const simulation = new Simulation(seed);
  const uplink = new Bottleneck(1);
  const downlink = new Bottleneck(10);
  simulation.flow(uplink, { name: 'up', backVia: downlink });
  simulation.flow(downlink, { name: 'down', backVia: uplink });
  simulation.run(5_000);
  const before = [uplink.passedBytes, downlink.passedBytes];
  simulation.run(25_000);
  const share = (bottleneck: Bottleneck, i: number): number =>
    (bottleneck.passedBytes - before[i]) / (20_000 * bottleneck.bytesPerMs);
  return { up: share(uplink, 0), down: share(downlink, 1) };
}

/** Jumbo datagrams only spare the simulation work. */
function longPath(seed: number): { use: number; inFlightMB: number; secondsToFill: number } {
  const simulation = new Simulation(seed);
  const bottleneck = new Bottleneck(1_000, 1e9);
  const flow = simulation.flow(bottleneck, { delayMs: 1_000, datagramBytes: 8_944 });
  let secondsToFill = 0;
  for (; flow.inFlight < 240e6 && secondsToFill < 120; secondsToFill++) simulation.run(1_000 * (secondsToFill + 1));
  simulation.run(100_000);
  const before = bottleneck.passedBytes;
  simulation.run(120_000);
  const use = (bottleneck.passedBytes - before) / (20_000 * bottleneck.bytesPerMs);
  return { use: round(use, 4), inFlightMB: Math.round(flow.inFlight / 1e6), secondsToFill };
}

/** The longest queue within half a second after an idle time of 8 s. */
function afterIdle(seed: number): number {
  const simulation = new Simulation(seed);
  const bottleneck = new Bottleneck(10);
  const flow = simulation.flow(bottleneck);
  simulation.run(5_000);
  flow.offer(0);
  simulation.run(13_000);
  flow.offer(Number.POSITIVE_INFINITY);
  let longest = 0;
  for (let at = 13_000; at < 13_500; at++) {
    simulation.run(at);
    longest = Math.max(longest, bottleneck.queueMs(at));
  }
  return longest;
}

/** Until 95 % of the line is used again over half a second. */
function pathRecovery(seed: number): number {
  const simulation = new Simulation(seed);
  const bottleneck = new Bottleneck(10);
  const flow = simulation.flow(bottleneck);
  simulation.run(5_000);
  flow.extraDelayMs = 75;
  for (let at = 5_000; at < 20_000; at += 500) {
    const before = bottleneck.passedBytes;
    simulation.run(at + 500);
    if (bottleneck.passedBytes - before >= 0.95 * 500 * bottleneck.bytesPerMs) return at + 500 - 5_000;
  }
  return Number.POSITIVE_INFINITY;
}

/** What is sent beyond what a line without a queue lets through, as a share of it. */
function policedExcess(seed: number): number {
  const simulation = new Simulation(seed);
  const bottleneck = new Bottleneck(10, 1_000);
  const flow: Flow = simulation.flow(bottleneck);
  simulation.run(2_000);
  const before = flow.sentBytes - flow.deliveredBytes;
  simulation.run(62_000);
  return (flow.sentBytes - flow.deliveredBytes - before) / (60_000 * bottleneck.bytesPerMs);
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

function round(value: number, digits = 2): number {
  return Number(value.toFixed(digits));
}
