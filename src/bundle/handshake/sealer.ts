/**
 * The way out: plaintexts of all sessions are written into one arena and sealed in one batch, but for those that the link's
 * own cipher is enough for (`single-seal.ts`), then handed to their routes in the order in which they were written. On the
 * hot path: no allocation a message but the view that the route layer takes.
 *
 *   const at = sealer.reserve(n, now); write n bytes into sealer.arena at `at`; sealer.commit(route, epoch, n, copy,
 *   now)
 */
import { assert } from '../../base/assert.ts';
import { type Cipher, JOB_WORDS, writeJob } from '../../crypto/cipher.ts';
import {
  HEADER_BYTES,
  MAX_ROUTE_MESSAGE_BYTES,
  ROUTE_MESSAGE,
  SEALED_OVERHEAD_BYTES,
  writeBareHeader,
  writeSealedHeader,
} from '../../wire/route-message.ts';
import type { RoutePort } from '../ports.ts';
import type { MessageCopy } from '../queue/message-pool.ts';
import type { BundleRoute } from '../routes/bundle-route.ts';
import type { Epoch } from './epochs.ts';

const BATCH_MESSAGES = 128;
/** Four of the largest messages, or a full batch of 2 KiB each. */
const ARENA_BYTES = 256 * 1024;

export class Sealer {
  readonly arena = new Uint8Array(ARENA_BYTES);
  private readonly cipher: Cipher;
  private readonly routes: RoutePort;
  private readonly jobs = new Uint32Array(BATCH_MESSAGES * JOB_WORDS);
  private jobCount = 0;
  private readonly messageRoutes: (BundleRoute | undefined)[] = new Array(BATCH_MESSAGES).fill(undefined);
  private readonly sequences = new Float64Array(BATCH_MESSAGES);
  private readonly offsets = new Uint32Array(BATCH_MESSAGES);
  private readonly lengths = new Uint32Array(BATCH_MESSAGES);
  private count = 0;
  private used = 0;

  constructor(cipher: Cipher, routes: RoutePort) {
    this.cipher = cipher;
    this.routes = routes;
  }

  /** Where in the arena the plaintext of at most `bytes` goes; `commit` has to follow. */
  reserve(bytes: number, now: number): number {
    const total = bytes + SEALED_OVERHEAD_BYTES;
    assert(bytes > 0 && total <= MAX_ROUTE_MESSAGE_BYTES, 'a route message fits');
    if (this.count === BATCH_MESSAGES || this.used + total > this.arena.length) this.flush(now);
    return this.used + HEADER_BYTES;
  }

  /**
   * Numbers the plaintext that was written and takes it into the batch. `keys`: the epoch to seal it under; undefined: it goes bare. DATA and
   * DATAGRAM come with the copy that stays in flight; returned is the copy that had to leave the flight for it, if any.
   */
  commit(
    route: BundleRoute,
    keys: Epoch | undefined,
    bytes: number,
    copy: MessageCopy | undefined,
    now: number,
  ): MessageCopy | undefined {
    const sequence = route.flight.next;
    const length = bytes + (keys === undefined ? HEADER_BYTES : SEALED_OVERHEAD_BYTES);
    if (keys === undefined) writeBareHeader(this.arena, this.used, sequence);
    else this.addJob(route.keys.sendSlot(keys), keys.epoch, sequence, bytes);
    this.messageRoutes[this.count] = route;
    this.sequences[this.count] = sequence;
    this.offsets[this.count] = this.used;
    this.lengths[this.count] = length;
    this.count += 1;
    this.used += length;
    route.sealingBytes += length;
    return route.flight.record(now, copy);
  }

  /** Seals and sends the batch. */
  flush(now: number): void {
    const count = this.count;
    if (count === 0) return;
    if (this.jobCount > 0) this.cipher.sealBatch(this.arena, this.jobs, this.jobCount);
    this.jobCount = 0;
    this.count = 0;
    this.used = 0;
    for (let i = 0; i < count; i++) {
      const route = this.messageRoutes[i]!;
      this.messageRoutes[i] = undefined;
      const at = this.offsets[i];
      const bytes = this.lengths[i];
      route.sealingBytes -= bytes;
      if (route.state === 'closed') continue;
      if (this.routes.send(route.handle, this.arena.subarray(at, at + bytes), now) >= 0) route.sentBytes += bytes;
      else route.owner.refused(route, this.sequences[i], now);
    }
  }

  /** Message two goes as it is. */
  sendPlain(route: BundleRoute, messageTwo: Uint8Array, now: number): void {
    this.flush(now);
    const message = this.arena.subarray(0, 1 + messageTwo.length);
    message[0] = ROUTE_MESSAGE.messageTwo;
    message.set(messageTwo, 1);
    // No room: it goes again with the next probe of the client.
    this.routes.send(route.handle, message, now);
  }

  private addJob(slot: number, epoch: number, sequence: number, bytes: number): void {
    writeSealedHeader(this.arena, this.used, epoch & 0xff, sequence);
    writeJob(this.jobs, this.jobCount++, slot, sequence, this.used, HEADER_BYTES, bytes);
  }
}
