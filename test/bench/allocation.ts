/**
 * What carrying a packet leaves on the JavaScript heap: at a miner, a relay and a gateway in one process (allocation/direct-network.ts), all
 * layers, the cipher of the addon where it loads.
 *
 *   held       what the process holds more after the last packet than before the first, once the garbage is gone: nothing may stay
 *   garbage    bytes allocated for a packet at all three nodes and on the wires between them, all of which the collector takes away again:
 *              twelve views of 104 bytes. JavaScript copies from one buffer into another only through a view of the part.
 */
import { getHeapStatistics } from 'node:v8';
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { heldBytes } from '../fuzz/harness/heap.ts';
import { DirectNetwork } from './allocation/direct-network.ts';

export const about =
  'what 10 million packets through three nodes leave on the heap, and the garbage they make on the way';
export const takes = '2 min, gate 6 s';
export const gate = true;

const PACKETS = 10_000_000;
const GATE_PACKETS = 200_000;
/** Until the code is compiled, and tables have the size that the traffic needs. */
const WARM_UP_PACKETS = 2_000_000;
const GATE_WARM_UP_PACKETS = 200_000;
/** A tenth of a byte for each of the ten million; what counters, round trips and pools still grow by is less. */
const HELD_MOST = 1_000_000;
/** Measured: 1,850 in the gate's form, 2,030 in the whole; two views more for each packet would be seen. */
const GARBAGE_MOST = 2_200;
/** Ticks between two looks at the heap, which cost something themselves. */
const LOOK_EVERY = 16;

export function run(context: RunContext): RunResult {
  const packets = context.gate ? GATE_PACKETS : PACKETS;
  const network = new DirectNetwork();
  network.connect();
  const warmUp = context.gate ? GATE_WARM_UP_PACKETS : WARM_UP_PACKETS;
  while (network.delivered < warmUp) network.carry();
  const heldBefore = heldBytes();
  const from = network.delivered;
  const startedAt = performance.now();
  const garbage = new Garbage();
  while (network.delivered < from + packets) {
    const before = network.delivered;
    garbage.look();
    for (let i = 0; i < LOOK_EVERY; i++) network.carry();
    garbage.note(network.delivered - before);
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  const heldMore = heldBytes() - heldBefore;
  const garbageBytes = garbage.mean();
  const pass = heldMore <= HELD_MOST && garbageBytes <= GARBAGE_MOST;
  const perSecond = Math.round((network.delivered - from) / seconds);
  return {
    pass,
    packets: network.delivered - from,
    heldBytes: heldMore,
    garbageBytes,
    perSecond,
    drops: network.drops(),
  };
}

/** Bytes allocated, from looks between which no collection fell. */
class Garbage {
  private before = 0;
  private bytes = 0;
  private packets = 0;

  look(): void {
    this.before = getHeapStatistics().used_heap_size;
  }

  note(packets: number): void {
    const bytes = getHeapStatistics().used_heap_size - this.before;
    if (bytes < 0) return;
    this.bytes += bytes;
    this.packets += packets;
  }

  /** For a packet. */
  mean(): number {
    return Math.round(this.bytes / this.packets);
  }
}
