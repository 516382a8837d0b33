/** How fast a cipher is on this machine, for the log: what a busy link has it do, sealed and opened again, for 50 ms at start. */
import { assert } from '../base/assert.ts';
import { KEY_BYTES } from '../crypto/aead.ts';
import { type Cipher, JOB_OK, JOB_WORDS, TAG_BYTES } from '../crypto/cipher.ts';
import { SESSION_HEADER_BYTES } from '../wire/session.ts';

/** Long enough for a figure that says which cipher this is, and nobody notices it at start. */
const TEST_MS = 50;
/** As many datagrams as a read brings, of the length that Ethernet takes. */
const DATAGRAMS = 64;
const DATAGRAM_BYTES = 1_472;

/** Mb/s of one core that seals and opens each byte once. */
export function cipherMbit(cipher: Cipher): number {
  const arena = new Uint8Array(DATAGRAMS * DATAGRAM_BYTES);
  const jobs = new Uint32Array(DATAGRAMS * JOB_WORDS);
  const slot = cipher.addKey(new Uint8Array(KEY_BYTES));
  for (let i = 0; i < DATAGRAMS; i++) {
    const textBytes = DATAGRAM_BYTES - SESSION_HEADER_BYTES - TAG_BYTES;
    jobs.set([slot, 0, i, i * DATAGRAM_BYTES, SESSION_HEADER_BYTES, textBytes], i * JOB_WORDS);
  }
  const startedAt = performance.now();
  let [bytes, tookMs] = [0, 0];
  while (tookMs < TEST_MS) {
    cipher.sealBatch(arena, jobs, DATAGRAMS);
    cipher.openBatch(arena, jobs, DATAGRAMS);
    bytes += arena.length;
    tookMs = performance.now() - startedAt;
  }
  cipher.removeKey(slot);
  for (let i = 0; i < DATAGRAMS; i++) assert(jobs[i * JOB_WORDS + 6] === JOB_OK, 'what was sealed opens');
  return Math.round((8 * bytes) / 1_000 / tookMs);
}
