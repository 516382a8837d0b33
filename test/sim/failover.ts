/**
 * One of two routes dies again and again while a download and a call run: how long the download stands still, and what the call loses.
 * Every time the wire falls silent in both directions, so that nobody is told.
 *
 *            ┌── relay ──┐
 *   miner ───┤           ├─── gateway        20 Mb/s and 12 ms a wire: 50 ms there and back
 *            └── relay ──┘
 *
 * Once with each packet of the call over one route, once over both.
 * Then all routes go at once for longer than a minute: the connection has to live, and to go on within a second of the first wire's
 * return. Once in the middle of it, and once when all that was under way had just arrived and its acknowledgements were lost: then what the
 * server repeats meanwhile is all there is to go on with.
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import type { Redundancy } from '../../src/bundle/redundancy/duplicator.ts';
import { Network } from './world/network.ts';
import { startDownload, type TunnelDownload } from './world/tunnel-tcp.ts';

export const about = 'routes cut at random moments under a download and a call: stalls, losses; all gone for 70 s';
export const takes = '9 min, gate 2 min';
export const gate = true;

const CUTS = 100;
const GATE_CUTS = 20;
const SHAPE = { delayMs: 12, rateMbps: 20, queueBytes: 128 * 1024 };
/** A G.711 call: 160 bytes of voice every 20 ms, and RTP, UDP and IP. */
const CALL_EVERY_MS = 20;
const CALL_BYTES = 200;
/** Longer than a packet of the call lives, there and back. */
const CALL_SETTLE_MS = 400;
/** From one cut to the next; a wire is down for the first part of it. */
const ROUND_MS = 4_000;
const DOWN_MS = 1_500;
const OUTAGE_MS = 70_000;
/** Longer than anything of a download waits. */
const EMPTYING_MS = 300;

const STALL_P95_MS = 300;
const CALL_LOSS_MOST = 15;
const RESUME_MS = 1_000;

export function run(context: RunContext): RunResult {
  const cuts = context.gate ? GATE_CUTS : CUTS;
  const once = cutAgainAndAgain(context, cuts, 'off');
  const twice = cutAgainAndAgain(context, cuts, 'on');
  const good = ({ stallP95Ms, resumedMs, resumedEmptyMs }: Figures) =>
    stallP95Ms <= STALL_P95_MS && Math.max(resumedMs, resumedEmptyMs) <= RESUME_MS;
  return {
    pass: good(once) && good(twice) && once.callLostMost <= CALL_LOSS_MOST && twice.callLostMost === 0,
    cuts,
    once,
    twice,
  };
}

type Figures = ReturnType<typeof cutAgainAndAgain>;

function cutAgainAndAgain(context: RunContext, cuts: number, redundancy: Redundancy) {
  const traffic = new Traffic(Number(context.args[0] ?? 1), redundancy);
  const stalls: number[] = [];
  const losses: number[] = [];
  for (let cut = 0; cut < cuts; cut++) {
    const { stallMs, callLost } = traffic.cutOne();
    stalls.push(stallMs);
    losses.push(callLost);
    context.log(`cut ${cut}: stall ${stallMs.toFixed(0)} ms, call lost ${losses.at(-1)}`);
  }
  const resumedMs = traffic.outage();
  traffic.settle();
  traffic.loseAcknowledgements();
  const resumedEmptyMs = traffic.outage();
  stalls.sort((a, b) => a - b);
  return {
    stallP50Ms: Math.round(stalls[stalls.length >> 1]),
    stallP95Ms: Math.round(stalls[Math.ceil(0.95 * stalls.length) - 1]),
    longestStallMs: Math.round(stalls.at(-1)!),
    callLostMost: Math.max(...losses),
    callLost: losses.reduce((a, b) => a + b, 0),
    tcpTimeouts: traffic.timeouts,
    resumedMs: Math.round(resumedMs),
    resumedEmptyMs: Math.round(resumedEmptyMs),
  };
}

/** The network, and what runs over it. */
class Traffic {
  private readonly network: Network;
  private readonly random: ReturnType<Network['world']['random']>;
  private readonly download: TunnelDownload;
  private movedAt = 0;
  private longestMs = 0;
  private calling = true;

  constructor(seed: number, redundancy: Redundancy) {
    const wires = [
      { a: 0, b: 1, shape: SHAPE },
      { a: 0, b: 2, shape: SHAPE },
      { a: 1, b: 3, shape: SHAPE },
      { a: 2, b: 3, shape: SHAPE },
    ];
    this.network = new Network({ seed, nodes: 4, wires, routeCount: 2, redundancy, world: { traced: false } });
    const { network } = this;
    const { world } = network;
    this.random = world.random('cuts');
    network.bootAll();
    network.untilLeased();
    world.run(world.now + 5_000);
    this.download = startDownload(network, 'cubic', () => this.moved());
    this.call();
    world.run(world.now + 5_000);
  }

  get timeouts(): number {
    return this.download.sender.timeouts;
  }

  /** Cuts one route somewhere: the longest time in which the download did not move, and what of the call is not back, until the next cut. */
  cutOne(): { stallMs: number; callLost: number } {
    const { world } = this.network;
    const lostBefore = this.unanswered();
    world.run(world.now + 500 + this.random.unit() * 500);
    const wire = world.wires[this.random.integer(world.wires.length)];
    this.longestMs = 0;
    this.movedAt = world.now;
    wire.up = false;
    world.run(world.now + DOWN_MS);
    wire.up = true;
    world.run(world.now + ROUND_MS - DOWN_MS);
    this.moved();
    return { stallMs: this.longestMs, callLost: this.unanswered() - lostBefore };
  }

  /** Everything works again, and for longer than a connection remembers the outage. */
  settle(): void {
    const { world } = this.network;
    for (const wire of world.wires) wire.up = true;
    world.run(world.now + 10_000);
  }

  /** The laptop has everything that was under way, and the server does not know. */
  loseAcknowledgements(): void {
    const { network } = this;
    const deliver = network.onPacket;
    network.onPacket = (end, packet) => {
      if (end === 'laptop') deliver(end, packet);
    };
    network.world.run(network.world.now + EMPTYING_MS);
    network.onPacket = deliver;
  }

  /** Cuts both of the miner's wires; how long after the first one's return the download goes on. */
  outage(): number {
    const { world } = this.network;
    const [first, second] = world.wires;
    first.up = false;
    second.up = false;
    world.run(world.now + OUTAGE_MS);
    first.up = true;
    const backAt = world.now;
    const limit = backAt + 20_000;
    while (this.movedAt < backAt && world.now < limit) world.run(world.now + 10);
    return world.now - backAt;
  }

  /** Packets of the call that are not back, none of them under way. */
  private unanswered(): number {
    const { world, laptop } = this.network;
    this.calling = false;
    world.run(world.now + CALL_SETTLE_MS);
    this.calling = true;
    return laptop.sent - laptop.returned;
  }

  private moved(): void {
    const { now } = this.network.world;
    this.longestMs = Math.max(this.longestMs, now - this.movedAt);
    this.movedAt = now;
  }

  private call(): void {
    const { world } = this.network;
    if (this.calling) this.network.send(CALL_BYTES);
    world.at(world.now + CALL_EVERY_MS, () => this.call());
  }
}
