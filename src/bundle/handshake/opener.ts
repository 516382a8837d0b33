/**
 * The way in: sealed messages of all sessions are gathered in one arena and opened in one batch when the node drains
 * (or the arena is full), in the order of their arrival. On the hot path: no allocation a message.
 */
import type { Drops } from '../../base/drops.ts';
import { type Cipher, JOB_OK, JOB_WORDS } from '../../crypto/cipher.ts';
import {
  isSealed,
  MAX_ROUTE_MESSAGE_BYTES,
  SEALED_HEADER_BYTES,
  SEALED_OVERHEAD_BYTES,
  sealedSequence,
} from '../../wire/route-message.ts';
import type { BundleRoute, SealedMessage } from '../routes/bundle-route.ts';
import type { Epoch } from './epochs.ts';

const BATCH_MESSAGES = 128;
const ARENA_BYTES = 256 * 1024;
const TWO_32 = 0x1_0000_0000;
/** Filled for each message that is handed over. */
const sealed: SealedMessage = { epoch: 0, sequence: 0, number: 0 };

export class Opener {
  private readonly cipher: Cipher;
  private readonly drops: Drops;
  private readonly arena = new Uint8Array(ARENA_BYTES);
  private readonly jobs = new Uint32Array(BATCH_MESSAGES * JOB_WORDS);
  private readonly jobRoutes: (BundleRoute | undefined)[] = new Array(BATCH_MESSAGES).fill(undefined);
  private readonly jobEpochs = new Float64Array(BATCH_MESSAGES);
  private readonly jobSequences = new Float64Array(BATCH_MESSAGES);
  private readonly jobNumbers = new Float64Array(BATCH_MESSAGES);
  private count = 0;
  private used = 0;

  constructor(cipher: Cipher, drops: Drops) {
    this.cipher = cipher;
    this.drops = drops;
  }

  /** Copies a sealed message that came on `route` as its message `number`, under an epoch it can be opened with. */
  add(route: BundleRoute, keys: Epoch, message: Uint8Array, number: number, now: number): void {
    if (!isSealed(message) || message.length > MAX_ROUTE_MESSAGE_BYTES) {
      this.refuse(route, number, 'bundle-message-malformed');
      return;
    }
    const sequence = sealedSequence(message);
    if (!route.replay.wouldAccept(sequence)) {
      this.refuse(route, number, 'bundle-replay');
      return;
    }
    if (this.count === BATCH_MESSAGES || this.used + message.length > this.arena.length) this.flush(now);
    const job = this.count * JOB_WORDS;
    this.jobs[job] = route.keys.receiveSlot(keys);
    this.jobs[job + 1] = Math.floor(sequence / TWO_32);
    this.jobs[job + 2] = sequence % TWO_32;
    this.jobs[job + 3] = this.used;
    this.jobs[job + 4] = SEALED_HEADER_BYTES;
    this.jobs[job + 5] = message.length - SEALED_OVERHEAD_BYTES;
    this.jobRoutes[this.count] = route;
    this.jobEpochs[this.count] = keys.epoch;
    this.jobSequences[this.count] = sequence;
    this.jobNumbers[this.count] = number;
    this.arena.set(message, this.used);
    this.count += 1;
    this.used += message.length;
  }

  /** Opens the batch and hands each authentic message to its session. */
  flush(now: number): void {
    const count = this.count;
    if (count === 0) return;
    this.cipher.openBatch(this.arena, this.jobs, count);
    this.count = 0;
    this.used = 0;
    for (let i = 0; i < count; i++) {
      const job = i * JOB_WORDS;
      const route = this.jobRoutes[i]!;
      this.jobRoutes[i] = undefined;
      // An earlier message of the batch closed the session.
      if (route.state === 'closed') continue;
      sealed.epoch = this.jobEpochs[i];
      sealed.sequence = this.jobSequences[i];
      sealed.number = this.jobNumbers[i];
      if (this.jobs[job + 6] !== JOB_OK) this.refuse(route, sealed.number, 'bundle-tag');
      else if (!route.replay.accept(sealed.sequence)) this.refuse(route, sealed.number, 'bundle-replay');
      else {
        const at = this.jobs[job + 3] + SEALED_HEADER_BYTES;
        const bytes = this.jobs[job + 5];
        route.receivedBytes += bytes + SEALED_OVERHEAD_BYTES;
        route.owner.opened(route, sealed, this.arena, at, at + bytes, now);
      }
    }
  }

  private refuse(route: BundleRoute, number: number, reason: string): void {
    this.drops.count(reason);
    route.owner.passedOver(route, number);
  }
}
