/**
 * The cipher port (ChaCha20-Poly1305, RFC 8439), in batches of descriptors over one arena, so that software in C and
 * an FPGA can stand behind it. Back ends must agree byte for byte.
 *
 * A job is JOB_WORDS 32-bit words in a Uint32Array:
 *
 *   0 key slot   1 counter, high 32 bits   2 counter, low 32 bits   3 offset in the arena
 *   4 bytes of associated data   5 bytes of plaintext   6 result, written by the back end   7 spare for the caller
 *
 * At `offset` lie, without a gap: associated data | plaintext or ciphertext | tag (16). Sealing and opening happen in
 * place; the nonce is 00 00 00 00 || counter as u64 little-endian. When a tag is wrong the text's bytes are unspecified
 * and must not be used.
 */
export const JOB_WORDS = 8;
export const TAG_BYTES = 16;
export const JOB_OK = 0;
export const JOB_BAD_TAG = 1;

const TWO_32 = 0x1_0000_0000;

/** Job number `index`: words 0 to 5. On the hot path: allocates nothing. */
export function writeJob(
  jobs: Uint32Array,
  index: number,
  slot: number,
  counter: number,
  offset: number,
  associatedBytes: number,
  textBytes: number,
): void {
  const job = index * JOB_WORDS;
  jobs[job] = slot;
  jobs[job + 1] = Math.floor(counter / TWO_32);
  jobs[job + 2] = counter % TWO_32;
  jobs[job + 3] = offset;
  jobs[job + 4] = associatedBytes;
  jobs[job + 5] = textBytes;
}

export interface Cipher {
  readonly name: 'reference' | 'node' | 'openssl' | 'offload';
  /** Copies the 32-byte key in; returns its slot. */
  addKey(key: Uint8Array): number;
  /** Wipes the key; the slot may be given out again. */
  removeKey(slot: number): void;
  sealBatch(arena: Uint8Array, jobs: Uint32Array, count: number): void;
  openBatch(arena: Uint8Array, jobs: Uint32Array, count: number): void;
}
