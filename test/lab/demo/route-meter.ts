/** What each modem of the miner has brought in: the kernel's own counters, not ours. */
import { type DemoNetwork, UPLINKS } from '../harness/demo-topology.ts';

type Pair = readonly [number, number];

/** Rates are taken over so many readings: a shaper's bucket and the scheduler make shorter ones jump. */
const WINDOW_READINGS = 5;

export class RouteMeter {
  private readonly network: DemoNetwork;
  private readonly readings: { readonly bytes: Pair; readonly ms: number }[] = [];
  private readonly firstBytes: Pair;

  constructor(network: DemoNetwork) {
    this.network = network;
    this.firstBytes = this.readBytes();
    this.readings.push({ bytes: this.firstBytes, ms: performance.now() });
  }

  /** Mb/s on each wire, headers included, over the last few readings. */
  rates(): Pair {
    const now = { bytes: this.readBytes(), ms: performance.now() };
    const [then] = this.readings;
    this.readings.push(now);
    if (this.readings.length > WINDOW_READINGS) this.readings.shift();
    const rate = (index: 0 | 1) => ((now.bytes[index] - then.bytes[index]) * 8) / (now.ms - then.ms) / 1000;
    return [rate(0), rate(1)];
  }

  /** Megabytes of each route since the meter began. */
  total(): Pair {
    const [a, b] = this.readBytes();
    return [(a - this.firstBytes[0]) / 1e6, (b - this.firstBytes[1]) / 1e6];
  }

  private readBytes(): Pair {
    const [a, b] = UPLINKS.map((device) => this.network.minerHost.linkBytes(device).received);
    return [a, b];
  }
}
