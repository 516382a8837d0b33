/**
 * The receiver indices that this node made up (docs/protocol.md section 2.1): random, not zero, one for each handshake
 * and session. Looked up once a datagram.
 */
import { type RandomSource, randomIndex } from '../base/env.ts';

/** What a handshake needs of the table. */
export interface IndexAllocator {
  /** A fresh index for `entry`. */
  add(entry: object): number;
  /** The index names something else from now on: a finished handshake becomes its session. */
  put(index: number, entry: object): void;
  remove(index: number): void;
}

export class IndexTable<T extends object> implements IndexAllocator {
  private readonly random: RandomSource;
  /** Keyed by the index as a signed integer, which V8 keeps without allocating. */
  private readonly entries = new Map<number, T>();

  constructor(random: RandomSource) {
    this.random = random;
  }

  get size(): number {
    return this.entries.size;
  }

  add(entry: T): number {
    let index = randomIndex(this.random);
    while (this.entries.has(index | 0)) index = randomIndex(this.random);
    this.entries.set(index | 0, entry);
    return index;
  }

  put(index: number, entry: T): void {
    this.entries.set(index | 0, entry);
  }

  get(index: number): T | undefined {
    return this.entries.get(index | 0);
  }

  remove(index: number): void {
    this.entries.delete(index | 0);
  }
}
