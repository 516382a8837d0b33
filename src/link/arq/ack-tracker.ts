/**
 * The receiving side of acknowledgements (docs/protocol.md section 3.3): which counters arrived, and when to say so. What
 * arrived is a ring of bits as long as the replay window, so a datagram costs one bit whatever the loss and the reordering.
 *
 * An ACK repeats what earlier ones said, as far as 32 blocks go, so that lost ACKs cost nothing. It does not repeat what the
 * peer knows: what an ACK said whose datagram was itself acknowledged (RFC 9000 section 13.2.4); nor what an ACK said three round trips
 * and 100 ms ago, which decides nothing any more; nor what lies 1,024 counters back. What comes late is said once more than that.
 * Where a datagram that leaves anyway has no room for all of that, an ACK is cut to what fits, as far as it still reaches down to
 * everything that asked since the last one; what a cut one said may be repeated.
 *
 * Timer: after a datagram that asks for it, an ACK is due at once when somebody waits (Real Time); at once when a counter
 * is missing or when it is the second, but no sooner than 1 ms behind the last; else after 2 ms. It can
 * wait for company, up to 8 ms after the first that asked, 2 ms where somebody waits.
 */
import { NEVER } from '../../base/env.ts';
import { MAX_RANGES, type RangeBlocks } from '../../wire/ack-ranges.ts';
import {
  ACK_AFTER_DATAGRAMS,
  ACK_DELAY_BESIDE_DATA_MS,
  ACK_DELAY_MS,
  ACK_DELAY_OF_REAL_TIME_MS,
} from '../protocol-numbers.ts';

/** How far below the largest a counter may lie and still be acknowledged; as long as the replay window. */
const WINDOW_BITS = 8_192;
const WORD_BITS = 32;
/** One word more than the window: the newest word is rarely full. */
const WORDS = WINDOW_BITS / WORD_BITS + 1;
/** Blocks that begin below the last so many counters are not repeated: they were told dozens of times. */
const REPEATED_COUNTERS = 1_024;
/** What an ACK said so long ago is not repeated: longer than bursts of loss, and than anybody waits to take a datagram for lost. */
const REPEATED_ROUND_TRIPS = 3;
const REPEATED_SLACK_MS = 100;
/** ACKs that are remembered. They are that far apart that together they span the time above. */
const REMEMBERED_ACKS = 64;

/** What a datagram asks for: nothing, an ACK with company, an ACK at once. */
export const ASKS_NOTHING = 0;
export const ASKS_ACK = 1;
export const ASKS_ACK_AT_ONCE = 2;
export type Asks = typeof ASKS_NOTHING | typeof ASKS_ACK | typeof ASKS_ACK_AT_ONCE;

export class AckTracker {
  /** How far apart two ACKs are at least, unless somebody waits. */
  spacingMs: number;
  private readonly words = new Uint32Array(WORDS);
  private highest = -1;
  private highestAt = 0;
  private waiting = 0;
  /** The lowest counter of what asked since the last ACK. */
  private askedFrom = Number.POSITIVE_INFINITY;
  private due = NEVER;
  /** The ACK may wait for a datagram with room until then. */
  private patientUntil = NEVER;
  private sentAt = Number.NEGATIVE_INFINITY;
  /** The largest counter of the last ACK, or -1 if it was cut; and what lies below this was said often enough. */
  private told = -1;
  private floor = 0;
  /** A ring of ACKs that left: the counter of their datagram, the largest that they told of, when. */
  private readonly ackCounters = new Float64Array(REMEMBERED_ACKS);
  private readonly ackTold = new Float64Array(REMEMBERED_ACKS);
  private readonly ackAts = new Float64Array(REMEMBERED_ACKS);
  private ackFirst = 0;
  private ackNext = 0;

  constructor(spacingMs: number) {
    this.spacingMs = spacingMs;
  }

  /** Whether an ACK is worth the room in a datagram that leaves anyway. */
  get pending(): boolean {
    return this.waiting > 0;
  }

  /** When an ACK has to leave; NEVER when nothing asks for one. */
  get dueAt(): number {
    return this.due;
  }

  /** By when it has to leave where datagrams are about to leave that may have room for it; NEVER when nothing asks for one. */
  get latestAt(): number {
    return Math.max(this.due, this.patientUntil);
  }

  /** When the largest counter arrived. */
  get largestAt(): number {
    return this.highestAt;
  }

  /** A datagram with this counter arrived, for the first time, and all of it was taken. */
  arrived(counter: number, asks: Asks, now: number): void {
    const inOrder = counter === this.highest + 1;
    if (counter > this.highest) {
      this.moveTo(counter);
      this.highestAt = now;
    } else if (counter <= this.highest - WINDOW_BITS) {
      return;
    }
    this.words[slotOf(counter)] |= 1 << (counter % WORD_BITS);
    this.floor = Math.min(this.floor, counter);
    if (asks === ASKS_NOTHING) return;
    this.waiting += 1;
    this.askedFrom = Math.min(this.askedFrom, counter);
    const patientMs = asks === ASKS_ACK_AT_ONCE ? ACK_DELAY_OF_REAL_TIME_MS : ACK_DELAY_BESIDE_DATA_MS;
    this.patientUntil = Math.min(this.patientUntil, now + patientMs);
    this.due = Math.min(this.due, this.askedFor(asks, inOrder, now));
  }

  /** Fills in the blocks of an ACK; at least one, as something arrived. */
  fill(blocks: RangeBlocks): void {
    const floor = Math.max(0, this.highest - WINDOW_BITS + 1, Math.min(this.floor, this.highest));
    blocks.count = 0;
    for (let high = this.highest; blocks.count < MAX_RANGES; ) {
      const below = this.highestBelow(high, floor, false);
      blocks.high[blocks.count] = high;
      blocks.low[blocks.count] = below + 1;
      blocks.count += 1;
      high = this.highestBelow(below, floor, true);
      if (high < floor || high <= this.highest - REPEATED_COUNTERS) return;
    }
  }

  /** Whether these blocks reach down to everything that asked since the last ACK. */
  answersAll(blocks: RangeBlocks): boolean {
    return blocks.low[blocks.count - 1] <= this.askedFrom;
  }

  /** An ACK leaves, with all that there is to say or cut. */
  sent(isCut: boolean, now: number): void {
    this.waiting = 0;
    this.askedFrom = Number.POSITIVE_INFINITY;
    this.due = NEVER;
    this.patientUntil = NEVER;
    this.sentAt = now;
    this.told = isCut ? -1 : this.highest;
  }

  /** The ACK that was written last left in the datagram with this counter. */
  left(counter: number, roundTripMs: number, now: number): void {
    if (this.told < 0) return;
    const repeatedMs = REPEATED_ROUND_TRIPS * roundTripMs + REPEATED_SLACK_MS;
    const last = (this.ackNext - 1) % REMEMBERED_ACKS;
    if (this.ackFirst < this.ackNext && now < this.ackAts[last] + repeatedMs / REMEMBERED_ACKS) return;
    for (; this.ackFirst < this.ackNext; this.ackFirst++) {
      const oldest = this.ackFirst % REMEMBERED_ACKS;
      const isFull = this.ackNext - this.ackFirst === REMEMBERED_ACKS;
      if (!isFull && now < this.ackAts[oldest] + repeatedMs) break;
      if (now >= this.ackAts[oldest] + repeatedMs) this.raise(this.ackTold[oldest]);
    }
    const at = this.ackNext++ % REMEMBERED_ACKS;
    this.ackCounters[at] = counter;
    this.ackTold[at] = this.told;
    this.ackAts[at] = now;
  }

  /** An ACK of the peer's: the newest of ours that it speaks of has told for good what it told. */
  heard(blocks: RangeBlocks): void {
    let block = 0;
    for (let next = this.ackNext - 1; next >= this.ackFirst; next--) {
      const counter = this.ackCounters[next % REMEMBERED_ACKS];
      while (block < blocks.count && blocks.low[block] > counter) block += 1;
      if (block === blocks.count) return;
      if (counter > blocks.high[block]) continue;
      this.raise(this.ackTold[next % REMEMBERED_ACKS]);
      this.ackFirst = next + 1;
      return;
    }
  }

  private raise(told: number): void {
    this.floor = Math.max(this.floor, told + 1);
  }

  private askedFor(asks: Asks, inOrder: boolean, now: number): number {
    if (asks === ASKS_ACK_AT_ONCE) return now;
    if (inOrder && this.waiting < ACK_AFTER_DATAGRAMS) return now + Math.max(ACK_DELAY_MS, this.spacingMs);
    return Math.max(now, this.sentAt + this.spacingMs);
  }

  /** The highest counter from `from` down to `floor` that has arrived, or has not; `floor` - 1 when there is none. */
  private highestBelow(from: number, floor: number, arrived: boolean): number {
    for (let at = from; at >= floor; ) {
      const bit = at % WORD_BITS;
      const word = this.words[slotOf(at)];
      const wanted = (arrived ? word : ~word) & (0xffff_ffff >>> (WORD_BITS - 1 - bit));
      if (wanted !== 0) return Math.max(at - bit + WORD_BITS - 1 - Math.clz32(wanted), floor - 1);
      at -= bit + 1;
    }
    return floor - 1;
  }

  private moveTo(counter: number): void {
    const from = Math.floor(this.highest / WORD_BITS);
    const to = Math.floor(counter / WORD_BITS);
    if (to - from >= WORDS) this.words.fill(0);
    else for (let word = from + 1; word <= to; word++) this.words[word % WORDS] = 0;
    this.highest = counter;
  }
}

function slotOf(counter: number): number {
  return Math.floor(counter / WORD_BITS) % WORDS;
}
