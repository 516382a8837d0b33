/**
 * A day in a mesh of 20 nodes whose wires come and go. Every minute the laptop sends a burst through the tunnel and gets it back.
 *
 *   ring of 20, 10 chords; the miner is node 0, the gateway node 19. A wire stays for ten minutes on average and is then gone for 2 to 30 s;
 *   it loses up to 5 %, carries 10 Mb/s, and takes 2 to 20 ms.
 *
 * All day: no packet twice, and no route that holds something for a minute without moving. Every hour a quiet minute, after which nothing
 * may be held any more, and the memory of the process is looked at: the last quarter of the day against the second.
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { heldBytes } from '../fuzz/harness/heap.ts';
import { Violation } from './world/internet.ts';
import { Network, type NetworkOptions } from './world/network.ts';

export const about =
  'a day of traffic over a mesh of 20 nodes whose wires come and go: memory flat, nothing twice, nothing stuck';
export const takes = '25 min, gate 1 min';
export const gate = true;

const NODES = 20;
const CHORDS = 10;
const DAY_HOURS = 24;
const GATE_HOURS = 1;
const HOUR_MS = 3_600_000;
/** At the end of every hour. */
const QUIET_MS = 90_000;
const BURST_EVERY_MS = 60_000;
const BURST_PACKETS = 150;
const PACKET_EVERY_MS = 2;
const PACKET_BYTES = 1_200;
const UP_MEAN_MS = 600_000;
const DOWN_MS = [2_000, 30_000] as const;
const WORD_BYTES = 1_000;
const LOOK_EVERY_MS = 5_000;
const STUCK_MS = 60_000;
/** What the process may hold more in the last quarter than in the second: maps that the garbage collector sizes. */
const GROWTH_MOST = 1.1;
const GROWTH_SLACK_BYTES = 4 * 1_024 * 1_024;
/** Most of what is sent comes back: a burst over a wire that has just gone is lost at times. */
const RETURNED_LEAST = 0.9;

export function run(context: RunContext): RunResult {
  const hours = context.gate ? GATE_HOURS : DAY_HOURS;
  const day = new Day(Number(context.args[0] ?? 1));
  const held: number[] = [];
  for (let hour = 1; hour <= hours; hour++) {
    try {
      day.run(hour);
    } catch (error) {
      context.log(`hour ${hour}: ${String(error)}`);
      return { pass: false, hour, reason: String(error) };
    }
    held.push(heldBytes());
    const mib = (held[held.length - 1] / 1_048_576).toFixed(1);
    context.log(`hour ${hour}: ${day.sent} sent, ${day.returned} back, ${day.flaps} flaps, ${mib} MiB held`);
  }
  const early = least(held.slice(Math.floor(hours / 4), Math.ceil(hours / 2)));
  const late = least(held.slice(Math.floor((3 * hours) / 4)));
  const flat = late <= GROWTH_MOST * early + GROWTH_SLACK_BYTES;
  const returnedShare = day.returned / day.sent;
  return {
    pass: flat && returnedShare >= RETURNED_LEAST,
    hours,
    packets: day.sent,
    returned_share: Number(returnedShare.toFixed(4)),
    flaps: day.flaps,
    longest_hold_s: Number((day.longestHoldMs / 1_000).toFixed(1)),
    held_early_mib: Number((early / 1_048_576).toFixed(1)),
    held_late_mib: Number((late / 1_048_576).toFixed(1)),
  };
}

/** What a route's direction at a node looked like when it last moved. */
interface Standing {
  forwarded: number;
  buffered: number;
  since: number;
}

class Day {
  flaps = 0;
  /** Of a buffer that holds something and does not move. */
  longestHoldMs = 0;
  private readonly network: Network;
  private readonly random: SeededRandom;
  private standing = new Map<string, Standing>();

  constructor(seed: number) {
    this.random = new SeededRandom(seed, 'flapping day');
    this.network = new Network(mesh(seed, this.random));
    this.network.bootAll();
    this.network.world.wires.forEach((_, wire) => {
      this.flapLater(wire);
    });
  }

  get sent(): number {
    return this.network.laptop.sent;
  }

  get returned(): number {
    return this.network.laptop.returned;
  }

  run(hour: number): void {
    const { world } = this.network;
    const until = hour * HOUR_MS;
    this.burstsUntil(world.now + BURST_EVERY_MS, until - QUIET_MS);
    for (let at = world.now + LOOK_EVERY_MS; at <= until; at += LOOK_EVERY_MS) {
      world.run(at);
      this.look();
    }
    world.run(until);
    this.refuseLeftovers();
  }

  /** One event ahead at a time, so that the heap of the world stays small. */
  private burstsUntil(at: number, end: number): void {
    if (at >= end) return;
    this.network.world.at(at, () => {
      this.packets(BURST_PACKETS);
      this.burstsUntil(at + BURST_EVERY_MS, end);
    });
  }

  private packets(left: number): void {
    if (left === 0) return;
    this.network.send(PACKET_BYTES);
    this.network.world.at(this.network.world.now + PACKET_EVERY_MS, () => this.packets(left - 1));
  }

  private flapLater(index: number): void {
    const { world } = this.network;
    const wire = world.wires[index];
    const upMs = -Math.log(1 - this.random.unit()) * UP_MEAN_MS;
    const downMs = DOWN_MS[0] + this.random.unit() * (DOWN_MS[1] - DOWN_MS[0]);
    world.at(world.now + upMs, () => {
      wire.up = false;
      this.flaps += 1;
      world.at(world.now + downMs, () => {
        wire.up = true;
        this.flapLater(index);
      });
    });
  }

  /** No route may hold something and stand still. */
  private look(): void {
    const { now } = this.network.world;
    const seen = new Map<string, Standing>();
    for (const { node, name } of this.network.places) {
      for (const row of node?.routes.rows(1_000) ?? []) {
        if (row.bufferedBytes === 0) continue;
        const { role, direction, fromLink, toLink, forwardedBytes, bufferedBytes } = row;
        const key = `${name} ${role} ${direction} ${row.handle} ${fromLink} ${toLink} ${row.trafficClass}`;
        const before = this.standing.get(key);
        const moved = before?.forwarded !== forwardedBytes || before.buffered !== bufferedBytes;
        const since = moved ? now : before.since;
        seen.set(key, { forwarded: forwardedBytes, buffered: bufferedBytes, since });
        this.longestHoldMs = Math.max(this.longestHoldMs, now - since);
        if (now - since >= STUCK_MS)
          throw new Violation(`stuck: ${key} holds ${bufferedBytes}, credit ${row.creditBytes}`);
      }
    }
    this.standing = seen;
  }

  /** After a quiet time nobody keeps more than a word of somebody who asks how it goes. */
  private refuseLeftovers(): void {
    for (const { node, name } of this.network.places) {
      const status = node?.routes.status();
      if (status === undefined) continue;
      const { unfinishedMessages, parkedBytes } = status;
      const held = node?.routes.rows(1_000).reduce((total, row) => total + row.bufferedBytes, 0);
      if ((held ?? 0) > WORD_BYTES || unfinishedMessages > 1 || parkedBytes > WORD_BYTES) {
        throw new Violation(
          `${name} keeps ${held} bytes, ${unfinishedMessages} unfinished messages, ${parkedBytes} parked`,
        );
      }
    }
  }
}

function mesh(seed: number, random: SeededRandom): NetworkOptions {
  const pairs = Array.from({ length: NODES }, (_, i) => [i, (i + 1) % NODES] as const);
  while (pairs.length < NODES + CHORDS) {
    const a = random.integer(NODES);
    const b = random.integer(NODES);
    if (a !== b && !pairs.some(([x, y]) => (x === a && y === b) || (x === b && y === a))) pairs.push([a, b] as const);
  }
  const wires = pairs.map(([a, b]) => ({
    a,
    b,
    shape: { delayMs: 2 + random.integer(19), loss: random.pick([0, 0, 0.01, 0.05]), rateMbps: 10 },
  }));
  return { seed, nodes: NODES, wires, routeCount: 2, world: { traced: false } };
}

function least(values: readonly number[]): number {
  return Math.min(...values);
}
