/**
 * What was sent and may still be acknowledged: one entry a datagram, by its counter, and the tokens of the frames that it
 * carried. Rings over typed arrays that double up to a bound; on the hot path nothing is allocated.
 *
 * An entry is quiet (asks for no acknowledgement), watched (asks for none either, but whether it arrives is of interest),
 * flying, lost (taken for lost, but kept a while because it may be acknowledged late) or acked. `first` is the oldest entry, `next` the counter of the one to come.
 */
import { assert } from '../../base/assert.ts';

export const QUIET = 0;
export const FLYING = 1;
export const LOST = 2;
export const ACKED = 3;
export const WATCHED = 4;
export type SentState = typeof QUIET | typeof FLYING | typeof LOST | typeof ACKED | typeof WATCHED;

/** Tokens of one datagram: its count is one byte. */
export const TOKENS_PER_DATAGRAM_MAX = 255;

/** Room for the tokens of a few datagrams, however short the log. */
const TOKENS_LEAST = 1_024;

export class SentLog {
  private readonly capacityFirst: number;
  private readonly capacityMax: number;
  private capacity: number;
  private sentAts: Float64Array<ArrayBuffer>;
  private totals: Float64Array<ArrayBuffer>;
  private bytes: Uint16Array<ArrayBuffer>;
  private states: Uint8Array<ArrayBuffer>;
  private tokenCounts: Uint8Array<ArrayBuffer>;
  private tokenAts: Uint32Array<ArrayBuffer>;
  private tokens: Float64Array<ArrayBuffer>;
  private tokenFirst = 0;
  private tokenNext = 0;
  /** Tokens since the last entry: they belong to the next one. */
  private gathered = 0;
  private oldest = 0;
  private newest = 0;

  /**
   * Both are powers of two: datagrams that the log has memory for at first, and after which it is full. Quiet ones, which
   * nothing can hold back, find room for as many again.
   */
  constructor(capacityFirst: number, capacityMax: number) {
    assert(isPowerOfTwo(capacityFirst) && isPowerOfTwo(capacityMax), 'rings are indexed by masks');
    this.capacityFirst = capacityFirst;
    this.capacityMax = capacityMax;
    this.capacity = capacityFirst;
    this.sentAts = new Float64Array(capacityFirst);
    this.totals = new Float64Array(capacityFirst);
    this.bytes = new Uint16Array(capacityFirst);
    this.states = new Uint8Array(capacityFirst);
    this.tokenCounts = new Uint8Array(capacityFirst);
    this.tokenAts = new Uint32Array(capacityFirst);
    this.tokens = new Float64Array(capacityFirst);
  }

  get first(): number {
    return this.oldest;
  }

  get next(): number {
    return this.newest;
  }

  /** Whether there is no place for another datagram, or for its tokens. */
  get full(): boolean {
    const entries = this.newest - this.oldest;
    return entries >= this.capacityMax || this.tokenNext - this.tokenFirst + TOKENS_PER_DATAGRAM_MAX > this.tokensMax;
  }

  /** Bytes of memory. */
  get heldBytes(): number {
    return this.capacity * 24 + this.tokens.length * 8;
  }

  /** A frame of the datagram that `add` will end. */
  addToken(token: number): void {
    assert(this.gathered < TOKENS_PER_DATAGRAM_MAX, 'tokens of a datagram');
    if (this.tokenNext - this.tokenFirst === this.tokens.length) this.growTokens();
    this.tokens[this.tokenNext & (this.tokens.length - 1)] = token;
    this.tokenNext += 1;
    this.gathered += 1;
  }

  get gatheredTokens(): number {
    return this.gathered;
  }

  /** The datagram with the counter `next` left. `total`: bytes of all that asked for an acknowledgement up to this one. */
  add(state: typeof QUIET | typeof FLYING | typeof WATCHED, bytes: number, total: number, sentAt: number): void {
    this.put(state, bytes, total, sentAt, this.tokenNext - this.gathered, this.gathered);
    this.gathered = 0;
  }

  /** `count` datagrams of `bytes` each left, which all ask for an acknowledgement, with one of the last tokens each. `total`: as for the last of them. */
  addRun(count: number, bytes: number, total: number, sentAt: number): void {
    assert(this.gathered === count, 'a token a datagram');
    for (let left = count; left > 0; left--)
      this.put(FLYING, bytes, total - (left - 1) * bytes, sentAt, this.tokenNext - left, 1);
    this.gathered = 0;
  }

  /** These five are for counters from `first` to before `next`. */
  stateOf(counter: number): SentState {
    return this.states[counter & (this.capacity - 1)] as SentState;
  }

  setState(counter: number, state: SentState): void {
    this.states[counter & (this.capacity - 1)] = state;
  }

  sentAtOf(counter: number): number {
    return this.sentAts[counter & (this.capacity - 1)];
  }

  bytesOf(counter: number): number {
    return this.bytes[counter & (this.capacity - 1)];
  }

  totalOf(counter: number): number {
    return this.totals[counter & (this.capacity - 1)];
  }

  tokenCountOf(counter: number): number {
    return this.tokenCounts[counter & (this.capacity - 1)];
  }

  tokenOf(counter: number, index: number): number {
    const at = this.tokenAts[counter & (this.capacity - 1)];
    return this.tokens[(at + index) & (this.tokens.length - 1)];
  }

  /** Forgets from the oldest on what needs no keeping: all that is not flying, but what is lost or watched only when sent before `before`. */
  forget(before: number): void {
    while (this.oldest < this.newest) {
      const at = this.oldest & (this.capacity - 1);
      const state = this.states[at];
      if (state === FLYING) break;
      if ((state === LOST || state === WATCHED) && this.sentAts[at] >= before) break;
      this.tokenFirst += this.tokenCounts[at];
      this.oldest += 1;
    }
  }

  /** Gives memory back when nothing is under way. */
  trim(): void {
    if (this.oldest !== this.newest || this.gathered > 0 || this.capacity === this.capacityFirst) return;
    this.resize(this.capacityFirst);
    this.tokens = new Float64Array(this.capacityFirst);
    this.tokenFirst = 0;
    this.tokenNext = 0;
  }

  private get tokensMax(): number {
    return Math.max(TOKENS_LEAST, 4 * this.capacityMax);
  }

  private put(state: SentState, bytes: number, total: number, sentAt: number, tokenAt: number, tokens: number): void {
    if (this.newest - this.oldest === this.capacity) this.grow();
    const at = this.newest & (this.capacity - 1);
    this.sentAts[at] = sentAt;
    this.totals[at] = total;
    this.bytes[at] = bytes;
    this.states[at] = state;
    this.tokenCounts[at] = tokens;
    this.tokenAts[at] = tokenAt & (this.tokens.length - 1);
    this.newest += 1;
  }

  private grow(): void {
    assert(this.capacity < 2 * this.capacityMax, 'a flying datagram is acknowledged or lost in time');
    this.resize(2 * this.capacity);
  }

  private resize(capacity: number): void {
    this.sentAts = moved(this.sentAts, new Float64Array(capacity), this.oldest, this.newest);
    this.totals = moved(this.totals, new Float64Array(capacity), this.oldest, this.newest);
    this.bytes = moved(this.bytes, new Uint16Array(capacity), this.oldest, this.newest);
    this.states = moved(this.states, new Uint8Array(capacity), this.oldest, this.newest);
    this.tokenCounts = moved(this.tokenCounts, new Uint8Array(capacity), this.oldest, this.newest);
    this.tokenAts = moved(this.tokenAts, new Uint32Array(capacity), this.oldest, this.newest);
    this.capacity = capacity;
  }

  private growTokens(): void {
    const size = 2 * this.tokens.length;
    assert(size <= this.tokensMax, 'the caller asks `full`');
    this.tokens = moved(this.tokens, new Float64Array(size), this.tokenFirst, this.tokenNext);
    let at = this.tokenFirst;
    for (let counter = this.oldest; counter < this.newest; counter++) {
      const index = counter & (this.capacity - 1);
      this.tokenAts[index] = at & (size - 1);
      at += this.tokenCounts[index];
    }
  }
}

/** The ring entries from `first` to before `next`, in a ring of another size. */
function moved<T extends Float64Array | Uint8Array | Uint16Array | Uint32Array>(
  from: T,
  to: T,
  first: number,
  next: number,
): T {
  for (let i = first; i < next; i++) to[i & (to.length - 1)] = from[i & (from.length - 1)];
  return to;
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && (value & (value - 1)) === 0;
}
