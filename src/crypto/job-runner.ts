/**
 * What every cipher back end in this process shares: key slots, and the walk over a batch of jobs. A back end is two
 * functions on one message in place, and its own form of a key.
 */
import { assert } from '../base/assert.ts';
import { KEY_BYTES, NONCE_BYTES, writeNonce } from './aead.ts';
import { type Cipher, JOB_BAD_TAG, JOB_OK, JOB_WORDS } from './cipher.ts';

/** Bounds the slot table: 5,000 sessions over 8 routes, each with two directions and three live epochs, stay below. */
export const KEY_SLOT_LIMIT = 262_144;

/**
 * A back end, one message in place: associated data | text | tag, without a gap, from `at`. The nonce is any 12 bytes.
 * `Key` is whatever form of a 32-byte key is quickest to use again.
 */
export interface MessageCipher<Key> {
  readonly name: Cipher['name'];
  /** Copies the bytes. */
  importKey(key: Uint8Array): Key;
  wipeKey(key: Key): void;
  seal(key: Key, nonce: Uint8Array, arena: Uint8Array, at: number, associated: number, text: number): void;
  /** False when the tag is wrong. */
  open(key: Key, nonce: Uint8Array, arena: Uint8Array, at: number, associated: number, text: number): boolean;
}

/** The cipher port over a back end that does one message at a time. */
export class JobRunner<Key> implements Cipher {
  readonly name: Cipher['name'];
  private readonly backEnd: MessageCipher<Key>;
  private readonly keys: (Key | undefined)[] = [];
  private readonly freeSlots: number[] = [];
  private readonly nonce = new Uint8Array(NONCE_BYTES);

  constructor(backEnd: MessageCipher<Key>) {
    this.name = backEnd.name;
    this.backEnd = backEnd;
  }

  addKey(key: Uint8Array): number {
    assert(key.length === KEY_BYTES, 'a cipher key is 32 bytes');
    const slot = this.freeSlots.pop() ?? this.keys.length;
    assert(slot < KEY_SLOT_LIMIT, 'a free key slot');
    this.keys[slot] = this.backEnd.importKey(key);
    return slot;
  }

  removeKey(slot: number): void {
    this.backEnd.wipeKey(this.keyOf(slot));
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

  private keyOf(slot: number): Key {
    const key = this.keys[slot];
    assert(key !== undefined, 'a key slot in use');
    return key;
  }
}
