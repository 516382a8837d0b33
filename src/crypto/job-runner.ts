/**
 * What every cipher back end in this process shares: key slots, and the walk over a batch of jobs. A back end is two
 * functions on one message in place.
 */
import { assert } from '../base/assert.ts';
import { wipe } from '../base/bytes.ts';
import { KEY_BYTES, NONCE_BYTES, writeNonce } from './aead.ts';
import { type Cipher, JOB_BAD_TAG, JOB_OK, JOB_WORDS } from './cipher.ts';

/** Bounds the slot table: 5,000 sessions over 8 routes, each with two directions and three live epochs, stay below. */
export const KEY_SLOT_LIMIT = 262_144;

/** One message in place: associated data | text | tag, without a gap, from `at`. The nonce is any 12 bytes. */
export interface MessageCipher {
  readonly name: Cipher['name'];
  seal(key: Uint8Array, nonce: Uint8Array, arena: Uint8Array, at: number, associated: number, text: number): void;
  /** False when the tag is wrong. */
  open(key: Uint8Array, nonce: Uint8Array, arena: Uint8Array, at: number, associated: number, text: number): boolean;
}

/** The cipher port over a back end that does one message at a time. */
export class JobRunner implements Cipher {
  readonly name: Cipher['name'];
  private readonly backEnd: MessageCipher;
  private readonly keys: (Uint8Array | undefined)[] = [];
  private readonly freeSlots: number[] = [];
  private readonly nonce = new Uint8Array(NONCE_BYTES);

  constructor(backEnd: MessageCipher) {
    this.name = backEnd.name;
    this.backEnd = backEnd;
  }

  addKey(key: Uint8Array): number {
    assert(key.length === KEY_BYTES, 'a cipher key is 32 bytes');
    const slot = this.freeSlots.pop() ?? this.keys.length;
    assert(slot < KEY_SLOT_LIMIT, 'a free key slot');
    this.keys[slot] = key.slice();
    return slot;
  }

  removeKey(slot: number): void {
    wipe(this.keyOf(slot));
    this.keys[slot] = undefined;
    this.freeSlots.push(slot);
  }

  sealBatch(arena: Uint8Array, jobs: Uint32Array, count: number): void {
    for (let i = 0, job = 0; i < count; i++, job += JOB_WORDS) {
      writeNonce(this.nonce, jobs[job + 1], jobs[job + 2]);
      this.backEnd.seal(this.keyOf(jobs[job]), this.nonce, arena, jobs[job + 3], jobs[job + 4], jobs[job + 5]);
      jobs[job + 6] = JOB_OK;
    }
  }

  openBatch(arena: Uint8Array, jobs: Uint32Array, count: number): void {
    for (let i = 0, job = 0; i < count; i++, job += JOB_WORDS) {
      writeNonce(this.nonce, jobs[job + 1], jobs[job + 2]);
      const key = this.keyOf(jobs[job]);
      const good = this.backEnd.open(key, this.nonce, arena, jobs[job + 3], jobs[job + 4], jobs[job + 5]);
      jobs[job + 6] = good ? JOB_OK : JOB_BAD_TAG;
    }
  }

  private keyOf(slot: number): Uint8Array {
    const key = this.keys[slot];
    assert(key !== undefined, 'a key slot in use');
    return key;
  }
}
