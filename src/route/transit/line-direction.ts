/** One direction of a link: how fast own traffic and all of it go, what the link carries, and what transit is allowed. */
import type { RouteTuning } from '../tuning.ts';
import { Allowance } from './allowance.ts';
import { CapacityProbe } from './capacity-probe.ts';
import { LineCapacity } from './line-capacity.ts';
import { MeanRate } from './mean-rate.ts';

export class LineDirection {
  readonly allowance = new Allowance();
  readonly capacity = new LineCapacity();
  readonly probe: CapacityProbe;
  /** Since the last look: transit waited for its allowance; the sending link had nothing more to send. */
  heldBack = false;
  ranDry = false;
  /** Looks in a row in which transit did not wait. */
  freeLooks = 0;
  private readonly own: MeanRate;
  private readonly all: MeanRate;
  private ownBytes = 0;
  private transitBytes = 0;
  /** Of transit, in the last look. */
  private transitRate = 0;
  private passedMs = 0;
  /** What probes gave transit beyond its cap, and was not taken back yet. */
  private owedBytes = 0;

  constructor(tuning: RouteTuning) {
    this.probe = new CapacityProbe(tuning);
    this.own = new MeanRate(tuning.transitMeanLooks);
    this.all = new MeanRate(tuning.transitMeanLooks);
  }

  /** Bytes a millisecond, of own traffic and transit. */
  get rate(): number {
    return this.all.bytesPerMs;
  }

  /** The mean, since one connection alone sends in bursts; but what ended is no more, whatever the mean. */
  get ownRate(): number {
    return Math.min(this.own.bytesPerMs, this.own.latest);
  }

  count(bytes: number, own: boolean): void {
    if (own) this.ownBytes += bytes;
    else this.transitBytes += bytes;
  }

  look(passedMs: number): void {
    this.passedMs = passedMs;
    this.transitRate = this.transitBytes / passedMs;
    this.own.add(this.ownBytes / passedMs);
    this.all.add((this.ownBytes + this.transitBytes) / passedMs);
    this.freeLooks = this.heldBack ? 0 : this.freeLooks + 1;
    this.ownBytes = 0;
    this.transitBytes = 0;
  }

  /** The look is over. */
  forget(): void {
    this.heldBack = false;
    this.ranDry = false;
  }

  /** Whether transit, capped to `most` bytes a millisecond, still owes what a probe gave it beyond that. */
  owes(most: number): boolean {
    const excessBytes = (this.transitRate - most) * this.passedMs;
    if (this.probe.share > 0 || this.owedBytes > 0) this.owedBytes = Math.max(0, this.owedBytes + excessBytes);
    return this.owedBytes > 0;
  }
}
