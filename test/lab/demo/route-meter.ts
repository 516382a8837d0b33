/** What each modem of the miner has brought in: the kernel's own counters, not ours. */
import { type DemoNetwork, UPLINKS } from '../harness/demo-topology.ts';

export interface RouteRates {
  /** Since the meter began. */
  readonly megabytes: readonly [number, number];
  /** Since the reading before. */
  readonly mbit: readonly [number, number];
}

export class RouteMeter {
  private readonly network: DemoNetwork;
  private readonly firstBytes: [number, number];
  private lastBytes: [number, number];
  private lastMs: number;

  constructor(network: DemoNetwork) {
    this.network = network;
    this.firstBytes = this.readBytes();
    this.lastBytes = this.firstBytes;
    this.lastMs = performance.now();
  }

  read(): RouteRates {
    const nowMs = performance.now();
    const bytes = this.readBytes();
    const rate = (index: 0 | 1) => ((bytes[index] - this.lastBytes[index]) * 8) / (nowMs - this.lastMs) / 1000;
    const total = (index: 0 | 1) => (bytes[index] - this.firstBytes[index]) / 1e6;
    const rates: RouteRates = { megabytes: [total(0), total(1)], mbit: [rate(0), rate(1)] };
    this.lastBytes = bytes;
    this.lastMs = nowMs;
    return rates;
  }

  /** Megabytes of each route since the meter began; leaves the rates alone. */
  total(): [number, number] {
    const [a, b] = this.readBytes();
    return [(a - this.firstBytes[0]) / 1e6, (b - this.firstBytes[1]) / 1e6];
  }

  private readBytes(): [number, number] {
    const [a, b] = UPLINKS.map((device) => this.network.minerHost.linkBytes(device).received);
    return [a, b];
  }
}
