/**
 * Remembers each set-up until it has expired, so that none is accepted twice (docs/protocol.md section 5). What is
 * remembered is SHA-256 of the shared secret: 32 bytes that tell nothing.
 *
 * Two generations of 120 s: an entry is put into the younger one and looked up in both, so it is kept between 120 and
 * 240 s of monotonic time, never less than the 120 s that an expiry may lie ahead. When a generation is full, new
 * set-ups are refused; forgetting old ones would let them in again.
 */
import { toHex } from '../../base/bytes.ts';
import { MAX_EXPIRY_AHEAD_SECONDS } from '../protocol-limits.ts';

const GENERATION_MS = MAX_EXPIRY_AHEAD_SECONDS * 1000;

export class ReplayCache {
  private readonly maxPerGeneration: number;
  private younger = new Set<string>();
  private older = new Set<string>();
  private rotatedAt = Number.NEGATIVE_INFINITY;

  constructor(maxPerGeneration: number) {
    this.maxPerGeneration = maxPerGeneration;
  }

  get size(): number {
    return this.younger.size + this.older.size;
  }

  /** Remembers a digest (32 bytes). `known` when it was remembered already, `full` when there is no room. */
  remember(digest: Uint8Array, now: number): 'new' | 'known' | 'full' {
    if (now - this.rotatedAt >= GENERATION_MS) {
      this.older = now - this.rotatedAt >= 2 * GENERATION_MS ? new Set() : this.younger;
      this.younger = new Set();
      this.rotatedAt = now;
    }
    const text = toHex(digest);
    if (this.younger.has(text) || this.older.has(text)) return 'known';
    if (this.younger.size >= this.maxPerGeneration) return 'full';
    this.younger.add(text);
    return 'new';
  }
}
