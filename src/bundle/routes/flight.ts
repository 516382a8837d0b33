/**
 * What is under way on one route, by route sequence: when each message was sent and, for DATA and DATAGRAM, the copy
 * that is kept until the far end reported it or it is deemed lost. A copy is an insurance against the death of the
 * route, and the oldest goes when there is no more room for it. A ring over [oldest, next) that grows with its use. On
 * the hot path: no allocation a message.
 */
import { assert } from '../../base/assert.ts';
import type { MessageCopy } from '../queue/message-pool.ts';

const FIRST_CAPACITY = 64;
/** Sequences from the oldest unreported message to the newest: 90 MB of full-size ones, 1 MiB of memory. */
export const MAX_FLIGHT_SPAN = 65_536;

export class Flight {
  private copies: (MessageCopy | undefined)[] = new Array(FIRST_CAPACITY).fill(undefined);
  private sentAts = new Float64Array(FIRST_CAPACITY);
  /** No copy below is under way. */
  private oldestSequence = 0;
  private nextSequence = 0;
  /** What a smaller ring forgot stays forgotten. */
  private rememberedFrom = 0;
  private messages = 0;
  private flightBytes = 0;

  get oldest(): number {
    return this.oldestSequence;
  }

  /** The sequence of the next message sent. */
  get next(): number {
    return this.nextSequence;
  }

  /** Copies under way. */
  get count(): number {
    return this.messages;
  }

  get bytes(): number {
    return this.flightBytes;
  }

  /**
   * Numbers a message that is sent now: with its copy, or without. When the span is at its bound, the oldest copy has
   * to go: it is returned.
   */
  record(now: number, copy: MessageCopy | undefined): MessageCopy | undefined {
    if (this.messages === 0) this.oldestSequence = this.nextSequence;
    let evicted: MessageCopy | undefined;
    if (this.nextSequence - this.oldestSequence >= this.copies.length) {
      if (this.copies.length < MAX_FLIGHT_SPAN) this.grow();
      else evicted = this.take(this.oldestSequence);
    }
    const slot = this.nextSequence & (this.copies.length - 1);
    assert(this.copies[slot] === undefined, 'the ring holds its span');
    this.sentAts[slot] = now;
    this.nextSequence += 1;
    if (copy !== undefined) {
      this.copies[slot] = copy;
      this.messages += 1;
      this.flightBytes += copy.length;
    }
    return evicted;
  }

  /**
   * When a sequence was sent; undefined when that is forgotten or it never was. Asked for what is forgotten, the ring
   * grows: a report that comes back over a slower route than the one before asks so late.
   */
  sentAt(sequence: number): number | undefined {
    if (sequence >= this.nextSequence || sequence < this.rememberedFrom) return undefined;
    if (sequence < this.nextSequence - this.copies.length) {
      if (this.copies.length < MAX_FLIGHT_SPAN) this.grow();
      return undefined;
    }
    return this.sentAts[sequence & (this.copies.length - 1)];
  }

  /** Takes the copy of a sequence out; undefined when there is none under way. */
  take(sequence: number): MessageCopy | undefined {
    if (sequence < this.oldestSequence || sequence >= this.nextSequence) return undefined;
    const slot = sequence & (this.copies.length - 1);
    const copy = this.copies[slot];
    if (copy === undefined) return undefined;
    this.copies[slot] = undefined;
    this.messages -= 1;
    this.flightBytes -= copy.length;
    if (this.messages === 0) this.oldestSequence = this.nextSequence;
    else if (sequence === this.oldestSequence) this.moveOldest();
    return copy;
  }

  private moveOldest(): void {
    const mask = this.copies.length - 1;
    while (this.copies[this.oldestSequence & mask] === undefined) this.oldestSequence += 1;
  }

  private grow(): void {
    const larger: (MessageCopy | undefined)[] = new Array(2 * this.copies.length).fill(undefined);
    const sentAts = new Float64Array(larger.length);
    const from = Math.max(0, this.nextSequence - this.copies.length);
    for (let sequence = from; sequence < this.nextSequence; sequence++) {
      const slot = sequence & (this.copies.length - 1);
      larger[sequence & (larger.length - 1)] = this.copies[slot];
      sentAts[sequence & (larger.length - 1)] = this.sentAts[slot];
    }
    this.rememberedFrom = from;
    this.copies = larger;
    this.sentAts = sentAts;
  }
}
