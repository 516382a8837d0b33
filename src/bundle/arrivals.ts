/**
 * What arrived on one route, for the REPORTs to the other end (docs/protocol.md section 6.2): blocks of route
 * sequences, and when a report is due. Messages overtake each other on the way, so there may be hundreds of blocks; a
 * report tells the newest 32 of a route and, in turn, 32 of the older ones. On the hot path: no allocation a message.
 *
 * Timer: a report on this route is due `reportDelayMs` after the first message that none has covered, or
 * `reportLightDelayMs` while these are less than `reportLightBytes`; at once after `reportMessages` of them. What a report on a route that is as
 * fast told as well has been told; but every third report on this route goes over its own path, whose round trip it measures.
 */
import { NEVER } from '../base/env.ts';
import { MAX_RANGES, type RangeBlocks } from '../wire/ack-ranges.ts';

const FIRST_CAPACITY = 32;
/** Blocks beyond are forgotten, the oldest first: their messages were told in many reports. */
export const MAX_BLOCKS = 512;
/**
 * Of control nobody waits to hear, or reports would tell of reports, and no datagram of 128 bytes would hold one. As often as
 * quiet routes are probed, since this, too, says that a route works.
 */
const UNASKED_MS = 200;
/** Reports on other routes that may take the place of one's own in a row. */
const ELSEWHERE_MOST = 2;

export interface ReportTiming {
  readonly reportMessages: number;
  readonly reportDelayMs: number;
  readonly reportLightBytes: number;
  readonly reportLightDelayMs: number;
}

export class Arrivals {
  /** Newest first: `high[i]` and `low[i]` arrived, and all between. */
  private high = new Float64Array(FIRST_CAPACITY);
  private low = new Float64Array(FIRST_CAPACITY);
  private count = 0;
  /** The first block of the next page of older ones. */
  private pageAt = MAX_RANGES;
  /** Something arrived that no report on any route has told yet; and of that, something that asked for one. */
  private untold = false;
  private untoldAsked = false;
  private toldAt = Number.NEGATIVE_INFINITY;
  /** Reports on other routes since the last one on this. */
  private elsewhere = 0;
  private largestAt = 0;
  private unreported = 0;
  private unreportedBytes = 0;
  private firstUnreportedAt = 0;

  get blockCount(): number {
    return this.count;
  }

  /** Notes an authentic message of `bytes`; `asksReport`: its sender wants to know. */
  note(sequence: number, bytes: number, asksReport: boolean, now: number): void {
    if (this.count === 0 || sequence > this.high[0]) this.largestAt = now;
    this.insert(sequence);
    this.untold = true;
    if (!asksReport) return;
    this.untoldAsked = true;
    if (this.unreported === 0) this.firstUnreportedAt = now;
    this.unreported += 1;
    this.unreportedBytes += bytes;
  }

  /** When the report on this route is due: NEVER, later, or by now. */
  dueAt(timing: ReportTiming, now: number): number {
    if (this.unreported === 0) return NEVER;
    if (this.unreported >= timing.reportMessages) return now;
    const isLight = this.unreportedBytes < timing.reportLightBytes;
    return this.firstUnreportedAt + (isLight ? timing.reportLightDelayMs : timing.reportDelayMs);
  }

  /** Whether a report on another route should tell of this one, too: what is old would be taken for a sign of life. */
  hasNews(now: number): boolean {
    return this.untoldAsked || (this.untold && now >= this.toldAt + UNASKED_MS && this.delayMs(now) < UNASKED_MS);
  }

  /** A report told all of it; `inTime`: one on another route, that comes as soon as one on this would. */
  told(inTime: boolean, now: number): void {
    this.untold = false;
    this.untoldAsked = false;
    this.toldAt = now;
    if (!inTime || this.elsewhere === ELSEWHERE_MOST) return;
    this.elsewhere += 1;
    this.unreported = 0;
    this.unreportedBytes = 0;
  }

  /** A report went out on this route. */
  reported(): void {
    this.elsewhere = 0;
    this.unreported = 0;
    this.unreportedBytes = 0;
  }

  /** Milliseconds since the largest sequence arrived. */
  delayMs(now: number): number {
    return now - this.largestAt;
  }

  /** The newest blocks. */
  newest(into: RangeBlocks): void {
    this.copy(0, into);
  }

  /** A page of the blocks before those, another one with each call. False when there are none. */
  older(into: RangeBlocks): boolean {
    if (this.count <= MAX_RANGES) return false;
    if (this.pageAt >= this.count) this.pageAt = MAX_RANGES;
    this.copy(this.pageAt, into);
    this.pageAt += MAX_RANGES;
    return true;
  }

  private copy(from: number, into: RangeBlocks): void {
    into.count = Math.min(this.count - from, MAX_RANGES);
    for (let i = 0; i < into.count; i++) {
      into.high[i] = this.high[from + i];
      into.low[i] = this.low[from + i];
    }
  }

  private insert(sequence: number): void {
    const { high, low } = this;
    // In order is the common case: the newest block grows.
    if (this.count > 0 && sequence === high[0] + 1) {
      high[0] = sequence;
      return;
    }
    const at = this.find(sequence);
    if (at === this.count || sequence > high[at] + 1) {
      this.openBlock(at, sequence);
      return;
    }
    if (sequence === high[at] + 1) high[at] = sequence;
    else if (sequence === low[at] - 1) {
      low[at] = sequence;
      if (at + 1 < this.count && high[at + 1] === sequence - 1) this.joinNext(at);
    }
  }

  /** The first block that does not lie wholly above `sequence`, with a gap between. */
  private find(sequence: number): number {
    let from = 0;
    let to = this.count;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (sequence < this.low[middle] - 1) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  private openBlock(at: number, sequence: number): void {
    if (at === MAX_BLOCKS) return;
    if (this.count === this.high.length && this.count < MAX_BLOCKS) this.grow();
    const { high, low } = this;
    high.copyWithin(at + 1, at);
    low.copyWithin(at + 1, at);
    high[at] = sequence;
    low[at] = sequence;
    this.count = Math.min(this.count + 1, MAX_BLOCKS);
  }

  private joinNext(at: number): void {
    const { high, low } = this;
    low[at] = low[at + 1];
    high.copyWithin(at + 1, at + 2);
    low.copyWithin(at + 1, at + 2);
    this.count -= 1;
  }

  private grow(): void {
    const [high, low] = [this.high, this.low];
    this.high = new Float64Array(2 * high.length);
    this.low = new Float64Array(2 * low.length);
    this.high.set(high);
    this.low.set(low);
  }
}
