/**
 * A path of 8 s at 1 Gb/s, with 1 GB of buffers at each node: a gigabyte is on its way and not acknowledged by anybody else but the next hop.
 *
 *   0 ──────── 1 ──────── 2 ──────── 3 ──────── 4        1 s a hop and direction, jumbo datagrams
 *
 * The gate's variant has a tenth of rate and memory, and the same delays.
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { BULK, RELIABLE } from '../../src/base/traffic-class.ts';
import { Chain } from './world/chain.ts';

export const about = 'a path of 8 s at 1 Gb/s is carried full with 1 GB of buffers';
export const gate = true;
export const takes = '15 min, gate 1 min';

const HOPS = 4;
const DELAY_MS = 1_000;
const MBPS = 1_000;
const MEMORY_BYTES = 1e9;
const GATE_DIVISOR = 10;
const DATAGRAM_BYTES = 8_944;
const MESSAGE_BYTES = 60_000;
const STEP_MS = 10_000;
/** Each hop doubles its pace in a round trip of its own, and each buffer its size in one of two hops: minutes. */
const FULL_WITHIN_MS = 400_000;
const FULL_SHARE = 0.9;
const MEASURE_MS = 40_000;
const HELD_SHARE = 0.9;

export function run(context: RunContext): RunResult {
  const divisor = context.gate ? GATE_DIVISOR : 1;
  const rateMbps = MBPS / divisor;
  const bytesPerMs = rateMbps * 125;
  const memoryBytes = MEMORY_BYTES / divisor;
  const chain = new Chain({
    seed: 1,
    // The queue of the device: 20 ms.
    wires: Array.from({ length: HOPS }, () => ({
      delayMs: DELAY_MS,
      rateMbps,
      queueBytes: 20 * bytesPerMs,
      mtuBytes: 9_000,
    })),
    memoryBytes,
    world: { datagramBytes: DATAGRAM_BYTES, traced: false },
  });
  const { world } = chain;
  world.run(chain.runUntilUp() + 30_000);
  let bytes = 0;
  chain.last.events = {
    message: (_route, message) => {
      bytes += message.length;
    },
  };
  chain.saturate(chain.open(BULK, RELIABLE), MESSAGE_BYTES);
  const from = world.now;
  const share = (ms: number): number => {
    const before = bytes;
    world.run(world.now + ms);
    return (bytes - before) / (ms * bytesPerMs);
  };
  let present = 0;
  while (present < FULL_SHARE && world.now < from + FULL_WITHIN_MS) {
    present = share(STEP_MS);
    context.log(`${Math.round((world.now - from) / 1_000)} s: ${(100 * present).toFixed(1)} % ${holdings(chain)}`);
  }
  const fullAfterS = Math.round((world.now - from) / 1_000);
  const held = share(MEASURE_MS);
  const most = Math.max(...chain.nodes.map(({ routes }) => routes.status().memory.usedBytes));
  return {
    pass: present >= FULL_SHARE && held >= HELD_SHARE && most <= memoryBytes,
    mbps: rateMbps,
    share: Number(held.toFixed(4)),
    full_after_s: fullAfterS,
    most_memory_mb: Math.round(most / 1e6),
  };
}

/** What each node keeps, MB. */
function holdings(chain: Chain): string {
  return `(MB kept: ${chain.nodes.map(({ routes }) => Math.round(routes.status().memory.usedBytes / 1e6)).join(', ')})`;
}
