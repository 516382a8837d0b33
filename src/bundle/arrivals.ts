/**
 * What arrived on one route, for the REPORTs to the other end (docs/protocol.md section 6.2): the newest 32 blocks of route
 * sequences, and when a report is due. On the hot path: no allocation.
 *
 * Timer: a report on this route is due `reportDelayMs` after the first DATA that none has covered, or at once after
 * `reportMessages` of them.
 */
import { NEVER } from '../base/env.ts';
import { MAX_RANGES, RangeBlocks } from '../wire/ack-ranges.ts';

export class Arrivals {
  readonly blocks = new RangeBlocks();
  /** Something arrived that no report on any route has told yet. */
  news = false;
  private largestAt = 0;
  private unreported = 0;
  private firstUnreportedAt = 0;

  /** Notes an authentic message; `isData` asks for a report. */
  note(sequence: number, isData: boolean, now: number): void {
    const { blocks } = this;
    if (blocks.count === 0 || sequence > blocks.high[0]) this.largestAt = now;
    this.insert(sequence);
    this.news = true;
    if (!isData) return;
    if (this.unreported === 0) this.firstUnreportedAt = now;
    this.unreported += 1;
  }

  /** When the report on this route is due: NEVER, later, or by now. */
  dueAt(reportMessages: number, reportDelayMs: number, now: number): number {
    if (this.unreported === 0) return NEVER;
    return this.unreported >= reportMessages ? now : this.firstUnreportedAt + reportDelayMs;
  }

  /** A report went out on this route. */
  reported(): void {
    this.unreported = 0;
  }

  /** Milliseconds since the largest sequence arrived. */
  delayMs(now: number): number {
    return now - this.largestAt;
  }

  private insert(sequence: number): void {
    const { high, low } = this.blocks;
    // In order is the common case: the newest block grows.
    if (this.blocks.count > 0 && sequence === high[0] + 1) {
      high[0] = sequence;
      return;
    }
    let at = 0;
    while (at < this.blocks.count && sequence < low[at] - 1) at += 1;
    if (at === this.blocks.count || sequence > high[at] + 1) {
      this.openBlock(at, sequence);
      return;
    }
    if (sequence === high[at] + 1) high[at] = sequence;
    else if (sequence === low[at] - 1) {
      low[at] = sequence;
      if (at + 1 < this.blocks.count && high[at + 1] === sequence - 1) this.joinNext(at);
    }
  }

  private openBlock(at: number, sequence: number): void {
    if (at === MAX_RANGES) return;
    const { high, low } = this.blocks;
    high.copyWithin(at + 1, at);
    low.copyWithin(at + 1, at);
    high[at] = sequence;
    low[at] = sequence;
    this.blocks.count = Math.min(this.blocks.count + 1, MAX_RANGES);
  }

  private joinNext(at: number): void {
    const { high, low } = this.blocks;
    low[at] = low[at + 1];
    high.copyWithin(at + 1, at + 2);
    low.copyWithin(at + 1, at + 2);
    this.blocks.count -= 1;
  }
}
