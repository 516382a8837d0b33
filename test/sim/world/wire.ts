/**
 * A simulated wire between two nodes: rate and queue, delay, jitter, loss, duplication, reorder, MTU, and a switch
 * for each direction.
 * Each direction has its own queue; both draw from the wire's own random stream.
 */
import type { SeededRandom } from '../../../src/base/seeded-random.ts';

export interface WireShape {
  readonly delayMs: number;
  /** Added to the delay, uniform in [0, jitterMs); later datagrams may overtake when it exceeds their spacing. */
  readonly jitterMs: number;
  readonly loss: number;
  /** Of the direction that begins at the second end, where it differs. */
  readonly lossBack: number | undefined;
  /** Loss comes in bursts of so many datagrams on average; 1: each on its own. */
  readonly lossBurst: number;
  readonly duplication: number;
  /** This share of datagrams is held back by another 1 to 20 ms. */
  readonly reorder: number;
  /** Megabits a second; Infinity for none. */
  readonly rateMbps: number;
  readonly queueBytes: number;
  /** Largest datagram; a larger one is dropped, as a router without ICMP would. */
  readonly mtuBytes: number;
}

export const CLEAN_WIRE: WireShape = {
  delayMs: 5,
  jitterMs: 0,
  loss: 0,
  lossBack: undefined,
  lossBurst: 1,
  duplication: 0,
  reorder: 0,
  rateMbps: Number.POSITIVE_INFINITY,
  queueBytes: 128 * 1024,
  mtuBytes: 1472,
};

/** Bytes that IPv4, UDP and Ethernet add to a datagram on the wire. */
const WIRE_OVERHEAD_BYTES = 42;

export class Wire {
  readonly id: number;
  readonly ends: readonly [number, number];
  shape: WireShape;
  up = true;
  private readonly random: SeededRandom;
  /** What left each end, overhead included, lost or not. */
  readonly carriedBytes = [0, 0];
  private readonly busyUntil = [0, 0];
  private readonly inBurst = [false, false];
  private readonly open = [true, true];

  constructor(id: number, ends: readonly [number, number], shape: WireShape, random: SeededRandom) {
    this.id = id;
    this.ends = ends;
    this.shape = shape;
    this.random = random;
  }

  /** Opens or cuts the direction that begins at one end; `up` is for both. */
  setOpen(from: number, open: boolean): void {
    this.open[this.ends[0] === from ? 0 : 1] = open;
  }

  other(end: number): number {
    return this.ends[0] === end ? this.ends[1] : this.ends[0];
  }

  /** The times at which a datagram sent now arrives: none when it is lost, two when it is duplicated. */
  arrivals(from: number, bytes: number, now: number): number[] {
    const { shape, random } = this;
    if (!this.up || bytes > shape.mtuBytes) return [];
    const side = this.ends[0] === from ? 0 : 1;
    if (!this.open[side]) return [];
    const bytesPerMs = shape.rateMbps * 125;
    const backlogMs = Math.max(0, this.busyUntil[side] - now);
    if (backlogMs * bytesPerMs > shape.queueBytes) return [];
    const sentAt = now + backlogMs + (bytes + WIRE_OVERHEAD_BYTES) / bytesPerMs;
    this.busyUntil[side] = sentAt;
    this.carriedBytes[side] += bytes + WIRE_OVERHEAD_BYTES;
    if (this.isLost(side)) return [];
    const arrivals = [sentAt + this.flightMs()];
    if (random.chance(shape.duplication)) arrivals.push(sentAt + this.flightMs());
    return arrivals;
  }

  /** In a burst all is lost (Gilbert's model). */
  private isLost(side: number): boolean {
    const { shape, random, inBurst } = this;
    const loss = side === 0 ? shape.loss : (shape.lossBack ?? shape.loss);
    if (shape.lossBurst === 1 || loss === 1) return random.chance(loss);
    const begins = loss / (1 - loss) / shape.lossBurst;
    inBurst[side] = random.chance(inBurst[side] ? 1 - 1 / shape.lossBurst : begins);
    return inBurst[side];
  }

  private flightMs(): number {
    const { shape, random } = this;
    const heldBackMs = random.chance(shape.reorder) ? 1 + random.unit() * 19 : 0;
    return shape.delayMs + random.unit() * shape.jitterMs + heldBackMs;
  }
}
