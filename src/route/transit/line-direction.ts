/**
 * One direction of a link: how busy it is, what it carries while it is busy, how fast own traffic goes, and what transit is
 * allowed. All of it comes from looks: what passed since the last one, against how much of that time was spare at the sending
 * end. The capacity is a mean over the busy time of the last second or so; a line that is not used keeps it. It is certain once
 * the line was full for two seconds, until it was not for two minutes: a sender that was never asked for more knows no better.
 */
import type { RouteTuning } from '../tuning.ts';
import { Allowance } from './allowance.ts';
import { MeanRate } from './mean-rate.ts';

const NEARLY_FULL = 0.8;

export class LineDirection {
  readonly allowance = new Allowance();
  /** Of the time between the last two looks. */
  busyShare = 0;
  /** Looks in a row in which it was busy for more than it should be. */
  fullLooks = 0;
  private readonly tuning: RouteTuning;
  private readonly own: MeanRate;
  private ownBytes = 0;
  private transitBytes = 0;
  /** Of late: what passed, and how long the line was busy with it. */
  private carriedBytes = 0;
  private busyMs = 0;
  /** How long the line was full since the capacity was last uncertain; and how long ago it was nearly full. */
  private fullMs = 0;
  private unseenMs = 0;

  constructor(tuning: RouteTuning) {
    this.tuning = tuning;
    this.own = new MeanRate(tuning.transitMeanLooks);
  }

  /** What it carries, bytes a millisecond; 0 while that is not known. */
  get capacity(): number {
    return this.busyMs === 0 ? 0 : this.carriedBytes / this.busyMs;
  }

  /** The line was full for so long that this is all it carries: a sender that tries for more would have found it by now. */
  get isCertain(): boolean {
    return this.fullMs >= this.tuning.transitCertainMs;
  }

  /** Bytes a millisecond: the mean, since one connection alone sends in bursts; but what ended is no more, whatever the mean. */
  get ownRate(): number {
    return Math.min(this.own.bytesPerMs, this.own.latest);
  }

  /** Own traffic is getting faster: what is spare is for it to grow into. */
  get ownGrows(): boolean {
    return this.own.growth > this.tuning.transitGrowthShare * this.capacity;
  }

  /** Nothing passed since the last look. */
  get isIdle(): boolean {
    return this.ownBytes + this.transitBytes === 0;
  }

  count(bytes: number, own: boolean): void {
    if (own) this.ownBytes += bytes;
    else this.transitBytes += bytes;
  }

  /** Since the last look so much time passed, of which so much was spare. */
  look(passedMs: number, spareMs: number): void {
    const busyMs = Math.max(0, passedMs - spareMs);
    this.busyShare = busyMs / passedMs;
    this.fullLooks = this.busyShare > this.tuning.transitBusyShare ? this.fullLooks + 1 : 0;
    if (this.fullLooks > 0) this.fullMs += passedMs;
    this.unseenMs = this.busyShare < NEARLY_FULL ? this.unseenMs + passedMs : 0;
    if (this.unseenMs >= this.tuning.transitForgetMs) this.fullMs = 0;
    const kept = Math.max(0, 1 - busyMs / this.tuning.transitMemoryMs);
    this.carriedBytes = kept * this.carriedBytes + this.ownBytes + this.transitBytes;
    this.busyMs = kept * this.busyMs + busyMs;
    this.own.add(this.ownBytes / passedMs);
    this.ownBytes = 0;
    this.transitBytes = 0;
  }
}
