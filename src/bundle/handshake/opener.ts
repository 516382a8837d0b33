/**
 * The way in: sealed messages of all sessions, and bare ones between neighbours, are gathered in one arena, opened in one
 * batch when the node drains (or the arena is full), and handed on in the order of their arrival. On the hot path: no allocation a
 * message.
 */
import type { Drops } from '../../base/drops.ts';
import { type Cipher, JOB_OK, JOB_WORDS, writeJob } from '../../crypto/cipher.ts';
import {
  HEADER_BYTES,
  MAX_ROUTE_MESSAGE_BYTES,
  mayBeBare,
  SEALED_OVERHEAD_BYTES,
  sequenceOf,
} from '../../wire/route-message.ts';
import type { BundleRoute, OpenedMessage } from '../routes/bundle-route.ts';
import type { Epoch } from './epochs.ts';

const BATCH_MESSAGES = 128;
const ARENA_BYTES = 256 * 1024;
/** Filled for each message that is handed over. */
const opened: OpenedMessage = { epoch: 0, sequence: 0, number: 0 };
const NO_JOB = -1;

export class Opener {
  private readonly cipher: Cipher;
  private readonly drops: Drops;
  private readonly arena = new Uint8Array(ARENA_BYTES);
  private readonly jobs = new Uint32Array(BATCH_MESSAGES * JOB_WORDS);
  private jobCount = 0;
  /** By message; a bare one has no job and no epoch. */
  private readonly jobOf = new Int32Array(BATCH_MESSAGES);
  private readonly messageRoutes: (BundleRoute | undefined)[] = new Array(BATCH_MESSAGES).fill(undefined);
  private readonly epochs: (number | undefined)[] = new Array(BATCH_MESSAGES).fill(undefined);
  private readonly sequences = new Float64Array(BATCH_MESSAGES);
  private readonly numbers = new Float64Array(BATCH_MESSAGES);
  private readonly offsets = new Uint32Array(BATCH_MESSAGES);
  private readonly lengths = new Uint32Array(BATCH_MESSAGES);
  private count = 0;
  private used = 0;

  constructor(cipher: Cipher, drops: Drops) {
    this.cipher = cipher;
    this.drops = drops;
  }

  /**
   * Copies a message that came on `route` as its message `number`: sealed under an epoch that it can be opened with, or bare, without
   * any.
   */
  add(route: BundleRoute, keys: Epoch | undefined, message: Uint8Array, number: number, now: number): void {
    if (message.length > MAX_ROUTE_MESSAGE_BYTES) return this.refuse(route, number, 'bundle-message-malformed');
    const sequence = sequenceOf(message);
    if (!route.replay.wouldAccept(sequence)) return this.refuse(route, number, 'bundle-replay');
    if (this.count === BATCH_MESSAGES || this.used + message.length > this.arena.length) this.flush(now);
    const { count } = this;
    this.jobOf[count] =
      keys === undefined ? NO_JOB : this.addJob(route.keys.receiveSlot(keys), sequence, message.length);
    this.messageRoutes[count] = route;
    this.epochs[count] = keys?.epoch;
    this.sequences[count] = sequence;
    this.numbers[count] = number;
    this.offsets[count] = this.used;
    this.lengths[count] = message.length;
    this.arena.set(message, this.used);
    this.count += 1;
    this.used += message.length;
  }

  /** Opens the batch and hands each authentic message to its session. */
  flush(now: number): void {
    const count = this.count;
    if (count === 0) return;
    if (this.jobCount > 0) this.cipher.openBatch(this.arena, this.jobs, this.jobCount);
    this.count = 0;
    this.jobCount = 0;
    this.used = 0;
    for (let i = 0; i < count; i++) {
      const route = this.messageRoutes[i]!;
      this.messageRoutes[i] = undefined;
      // An earlier message of the batch closed the session.
      if (route.state !== 'closed') this.handOn(i, route, now);
    }
  }

  private handOn(index: number, route: BundleRoute, now: number): void {
    const job = this.jobOf[index];
    const isBare = job === NO_JOB;
    const length = this.lengths[index];
    const at = this.offsets[index] + HEADER_BYTES;
    const bytes = length - (isBare ? HEADER_BYTES : SEALED_OVERHEAD_BYTES);
    opened.epoch = this.epochs[index];
    opened.sequence = this.sequences[index];
    opened.number = this.numbers[index];
    if (!isBare && this.jobs[job * JOB_WORDS + 6] !== JOB_OK) this.refuse(route, opened.number, 'bundle-tag');
    else if (isBare && !mayBeBare(this.arena[at])) this.refuse(route, opened.number, 'bundle-bare-kind');
    else if (!route.replay.accept(opened.sequence)) this.refuse(route, opened.number, 'bundle-replay');
    else {
      route.receivedBytes += length;
      route.owner.opened(route, opened, this.arena, at, at + bytes, now);
    }
  }

  private addJob(slot: number, sequence: number, length: number): number {
    writeJob(this.jobs, this.jobCount, slot, sequence, this.used, HEADER_BYTES, length - SEALED_OVERHEAD_BYTES);
    return this.jobCount++;
  }

  private refuse(route: BundleRoute, number: number, reason: string): void {
    this.drops.count(reason);
    route.owner.passedOver(route, number);
  }
}
