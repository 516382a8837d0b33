/**
 * The receiving side of acknowledgements (docs/protocol.md section 3.3): which counters arrived, and when to say so. What
 * arrived is a ring of bits as long as the replay window, so a datagram costs one bit whatever the loss and the reordering.
 *
 * An ACK repeats what earlier ones said: all blocks that lie within the last 1,024 counters, as far as 32 blocks go, so that
 * lost ACKs cost nothing.
 *
 * Timer: after a datagram that asks for it, an ACK is due at once when somebody waits (Real Time); at once when a counter
 * is missing or when it is the second, but no sooner than 1 ms behind the last; else after 2 ms.
 */
import { NEVER } from '../base/env.ts';
import { MAX_RANGES, type RangeBlocks } from '../wire/ack-ranges.ts';
import { ACK_AFTER_DATAGRAMS, ACK_DELAY_MS } from './protocol-numbers.ts';

/** How far below the largest a counter may lie and still be acknowledged; as long as the replay window. */
const WINDOW_BITS = 8_192;
const WORD_BITS = 32;
/** One word more than the window: the newest word is rarely full. */
const WORDS = WINDOW_BITS / WORD_BITS + 1;
/** Blocks that begin below the last so many counters are not repeated: they were told dozens of times. */
const REPEATED_COUNTERS = 1_024;

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
  private due = NEVER;
  private sentAt = Number.NEGATIVE_INFINITY;

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
    if (asks === ASKS_NOTHING) return;
    this.waiting += 1;
    this.due = Math.min(this.due, this.askedFor(asks, inOrder, now));
  }

  /** Fills in the blocks of an ACK; at least one, as something arrived. */
  fill(blocks: RangeBlocks): void {
    const floor = Math.max(0, this.highest - WINDOW_BITS + 1);
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

  /** An ACK with all of that leaves. */
  sent(now: number): void {
    this.waiting = 0;
    this.due = NEVER;
    this.sentAt = now;
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
