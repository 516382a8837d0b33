/**
 * Eight hops that lose, both ways. Links and routes alone carry raw messages and real-time ones; whole nodes with a tunnel carry TCP; and
 * TCP goes over the same wires with nothing but routers between, for comparison.
 *
 *   0 ── 1 ── 2 ── 3 ── 4 ── 5 ── 6 ── 7 ── 8        10 Mb/s and 5 ms a hop
 *
 * Shares are of a link's rate. The ceiling is what one hop lets through at best: (1 - loss) x 1400 / 1460.
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { readU32, writeU32 } from '../../src/base/bytes.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { BULK, REAL_TIME, REAL_TIME_DEADLINE_MS, RELIABLE } from '../../src/base/traffic-class.ts';
import { Chain } from './world/chain.ts';
import { EventHeap } from './world/event-heap.ts';
import { Network } from './world/network.ts';
import { PlainPath } from './world/plain-path.ts';
import { type TcpOptions, type TcpPort, TcpReceiver, TcpSender } from './world/tcp.ts';
import { MTU_BYTES, SERVER, startDownload, TCP_KINDS, TCP_PORT } from './world/tunnel-tcp.ts';
import type { WireShape } from './world/wire.ts';

export const about =
  'eight hops that lose up to half: raw messages, real time, TCP through the tunnel, plain IP beside it';
export const takes = '12 min';

const HOPS = 8;
const MBPS = 10;
const BYTES_PER_MS = MBPS * 125;
const DELAY_MS = 5;
const QUEUE_BYTES = 256 * 1_024;
const MESSAGE_BYTES = 8_000;
const REAL_TIME_EVERY_MS = 10;
const REAL_TIME_BYTES = 200;
const LAPTOP = ((10 << 24) | 2) >>> 0;
const SEED = 1;

interface Case {
  readonly name: string;
  readonly wire: Partial<WireShape>;
  /** Of the datagrams that carry data. */
  readonly loss: number;
  /** Least shares of the ceiling: of raw messages, and of TCP's payload. */
  readonly rawLeast: number;
  readonly cubicLeast: number;
  readonly inGate?: boolean;
  readonly reno?: boolean;
}

/** 0.45 of the link at 50 % loss. */
const RAW_LEAST = 0.45 / 0.479;

const CASES: readonly Case[] = [
  { name: '50 %', wire: { loss: 0.5 }, loss: 0.5, rawLeast: RAW_LEAST, cubicLeast: 0.8, inGate: true, reno: true },
  { name: '30 %', wire: { loss: 0.3 }, loss: 0.3, rawLeast: 0.9, cubicLeast: 0.8 },
  { name: '10 %', wire: { loss: 0.1 }, loss: 0.1, rawLeast: 0.85, cubicLeast: 0.78 },
  { name: '1 %', wire: { loss: 0.01 }, loss: 0.01, rawLeast: 0.88, cubicLeast: 0.8 },
  { name: '30 % in bursts of 8', wire: { loss: 0.3, lossBurst: 8 }, loss: 0.3, rawLeast: 0.6, cubicLeast: 0.4 },
  { name: '50 % of what goes back', wire: { loss: 0, lossBack: 0.5 }, loss: 0, rawLeast: 0.85, cubicLeast: 0.78 },
];

const RENO_LEAST = 0.7;
const REAL_TIME_P95_MS = 150;
const REAL_TIME_LEAST = 0.97;

interface Times {
  readonly rawMs: number;
  readonly realTimeMs: number;
  readonly tcpMs: number;
}

const FULL: Times = { rawMs: 30_000, realTimeMs: 30_000, tcpMs: 80_000 };
const GATE: Times = { rawMs: 12_000, realTimeMs: 10_000, tcpMs: 40_000 };

export function run(context: RunContext): RunResult {
  const times = context.gate ? GATE : FULL;
  const figures: Record<string, unknown> = {};
  let pass = true;
  for (const one of CASES) {
    if (context.gate && one.inGate !== true) continue;
    if (context.args.length > 0 && !context.args.includes(one.name)) continue;
    const ceiling = ((1 - one.loss) * 1_400) / 1_460;
    const shapes = Array.from({ length: HOPS }, () => wireOf(one));
    const raw = rawShare(shapes, times.rawMs);
    const voice = realTime(shapes, times.realTimeMs);
    const cubic = tunnelShare(one, 'cubic', times.tcpMs);
    const reno = one.reno === true ? tunnelShare(one, 'reno', times.tcpMs) : undefined;
    const plain = plainShare(shapes, times.tcpMs);
    const tcpCeiling = (ceiling * (MTU_BYTES - 40)) / MTU_BYTES;
    const good =
      raw >= one.rawLeast * ceiling &&
      cubic >= one.cubicLeast * tcpCeiling &&
      (reno === undefined || reno >= RENO_LEAST * tcpCeiling) &&
      voice.p95Ms <= REAL_TIME_P95_MS &&
      voice.delivered >= REAL_TIME_LEAST;
    pass &&= good;
    const values = {
      ceiling: round(ceiling),
      raw: round(raw),
      tcp_cubic_of_ceiling: round(cubic / tcpCeiling),
      ...(reno !== undefined && { tcp_reno_of_ceiling: round(reno / tcpCeiling) }),
      plain_ip_tcp_of_ceiling: round(plain / tcpCeiling, 5),
      real_time: { delivered: round(voice.delivered), p50_ms: round(voice.p50Ms, 1), p95_ms: round(voice.p95Ms, 1) },
    };
    figures[one.name] = values;
    context.log(`${good ? 'ok  ' : 'FAIL'} ${one.name}: ${JSON.stringify(values)}`);
  }
  return { pass, ...figures };
}

/** The data goes from the first node to the last in a chain, and the other way round in a tunnel. */
function wireOf({ wire }: Case): Partial<WireShape> {
  return { delayMs: DELAY_MS, rateMbps: MBPS, queueBytes: QUEUE_BYTES, ...wire };
}

function readyChain(shapes: readonly Partial<WireShape>[]): Chain {
  const chain = new Chain({ seed: SEED, wires: shapes, world: { traced: false } });
  // Time for the path MTU to be found.
  chain.world.run(chain.runUntilUp() + 10_000);
  return chain;
}

/** What arrives of messages that are sent as fast as the route takes them. */
function rawShare(shapes: readonly Partial<WireShape>[], ms: number): number {
  const chain = readyChain(shapes);
  const { world } = chain;
  let bytes = 0;
  chain.last.events = {
    message: (_route, message) => {
      bytes += message.length;
    },
  };
  chain.saturate(chain.open(BULK, RELIABLE), MESSAGE_BYTES);
  world.run(world.now + 15_000);
  const before = bytes;
  world.run(world.now + ms);
  return (bytes - before) / (ms * BYTES_PER_MS);
}

/** A hundred small messages a second and nothing else. */
function realTime(
  shapes: readonly Partial<WireShape>[],
  ms: number,
): { delivered: number; p50Ms: number; p95Ms: number } {
  const chain = readyChain(shapes);
  const { world, first } = chain;
  const route = chain.open(REAL_TIME, REAL_TIME_DEADLINE_MS);
  world.run(world.now + 2_000);
  const sentAt: number[] = [];
  const delays = new Map<number, number>();
  chain.last.events = {
    message: (_route, message, _number, now) => {
      const number = readU32(message, 0);
      if (delays.has(number)) throw new Error('a message was delivered twice');
      delays.set(number, now - sentAt[number]);
    },
  };
  const from = world.now;
  for (let at = from; at < from + ms; at += REAL_TIME_EVERY_MS) {
    world.at(at, () => {
      const message = new Uint8Array(REAL_TIME_BYTES);
      writeU32(message, 0, sentAt.length);
      sentAt.push(world.now);
      chain.act(0, (now) => first.routes.send(route, message, now));
    });
  }
  world.run(from + ms + 1_000);
  const sorted = [...delays.values()].sort((a, b) => a - b);
  const quantile = (share: number): number =>
    sorted[Math.floor(share * (sorted.length - 1))] ?? Number.POSITIVE_INFINITY;
  return { delivered: delays.size / sentAt.length, p50Ms: quantile(0.5), p95Ms: quantile(0.95) };
}

/** Payload of a download through the tunnel, from the gateway's end to the miner's. */
function tunnelShare(one: Case, kind: keyof typeof TCP_KINDS, ms: number): number {
  const { loss, lossBack, ...rest } = wireOf(one);
  // The gateway is the last node: what carries data leaves the second end of each wire.
  const shape = lossBack === undefined ? { ...rest, loss } : { ...rest, loss: lossBack, lossBack: loss };
  const wires = Array.from({ length: HOPS }, (_, i) => ({ a: i, b: i + 1, shape: shape as Partial<WireShape> }));
  const network = new Network({ seed: SEED, nodes: HOPS + 1, wires, routeCount: 1, world: { traced: false } });
  const { world } = network;
  network.bootAll();
  network.untilLeased();
  world.run(world.now + 10_000);
  const { receiver } = startDownload(network, kind);
  world.run(world.now + 20_000);
  const before = receiver.bytes;
  world.run(world.now + ms);
  return (receiver.bytes - before) / (ms * BYTES_PER_MS);
}

/** The same without us. */
function plainShare(shapes: readonly Partial<WireShape>[], ms: number): number {
  const heap = new EventHeap();
  const clock = { now: 0, at: (time: number, run: () => void) => heap.add(Math.max(time, clock.now), run) };
  const path = new PlainPath(clock, shapes, (name) => new SeededRandom(SEED, name));
  const portAt = (end: 0 | 1): TcpPort => ({
    get now() {
      return clock.now;
    },
    at: clock.at,
    send: ({ arena, lengths }) => path.send(end, arena.subarray(0, lengths[0])),
  });
  const options: TcpOptions = {
    ...TCP_KINDS.cubic,
    mtuBytes: MTU_BYTES,
    source: SERVER,
    destination: LAPTOP,
    port: TCP_PORT,
  };
  const sender = new TcpSender(options, portAt(0));
  const receiver = new TcpReceiver(options, portAt(1));
  path.onPacket = (end, packet) => (end === 1 ? receiver : sender).receive(packet);
  sender.start();
  while (heap.nextAt() < ms) {
    const event = heap.take();
    clock.now = event.at;
    event.run();
  }
  return receiver.bytes / (ms * BYTES_PER_MS);
}

function round(value: number, digits = 3): number {
  return Number(value.toFixed(digits));
}
