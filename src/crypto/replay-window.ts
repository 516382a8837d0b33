/**
 * Replay window over 64-bit counters (RFC 6479; docs/protocol.md section 2.2): a ring of 32-bit words that moves
 * forward word by word, so that nothing is shifted. Ask `wouldAccept` before opening a datagram, call `accept` once its
 * tag is verified. On the hot path: no allocation.
 */
import { assert } from '../base/assert.ts';

/** docs/protocol.md section 2.2. */
export const REPLAY_WINDOW_BITS = 8_192;
const WORD_BITS = 32;

export class ReplayWindow {
  private readonly bits: number;
  private readonly words: Uint32Array;
  private highest = -1;

  /** `bits`: how far behind the highest counter accepted another may lie; a multiple of 32. */
  constructor(bits = REPLAY_WINDOW_BITS) {
    assert(bits > 0 && bits % WORD_BITS === 0, 'whole words');
    this.bits = bits;
    // One word more than the window: the newest word is rarely full.
    this.words = new Uint32Array(bits / WORD_BITS + 1);
  }

  /** False for a counter seen before, older than the window, or not an integer below 2^53. */
  wouldAccept(counter: number): boolean {
    if (!Number.isSafeInteger(counter) || counter < 0) return false;
    if (counter > this.highest) return true;
    if (this.highest - counter >= this.bits) return false;
    return (this.words[this.slotOf(counter)] & bitOf(counter)) === 0;
  }

  /** Marks the counter as seen. False, changing nothing, when `wouldAccept` says no. */
  accept(counter: number): boolean {
    if (!this.wouldAccept(counter)) return false;
    if (counter > this.highest) this.moveTo(counter);
    this.words[this.slotOf(counter)] |= bitOf(counter);
    return true;
  }

  private moveTo(counter: number): void {
    const from = Math.floor(this.highest / WORD_BITS);
    const to = Math.floor(counter / WORD_BITS);
    if (to - from >= this.words.length) this.words.fill(0);
    else for (let word = from + 1; word <= to; word++) this.words[word % this.words.length] = 0;
    this.highest = counter;
  }

  private slotOf(counter: number): number {
    return Math.floor(counter / WORD_BITS) % this.words.length;
  }
}

function bitOf(counter: number): number {
  return 1 << (counter % WORD_BITS);
}
