/**
 * An open-addressing index from (port, 128-bit route id) to a half of a route: linear probing, removal by shifting
 * back, at most half full. The ids themselves stay in the route table's columns; an entry is the id's hash, which
 * settles nearly every comparison, and the half + 1 (0: empty). Hot path: no allocation.
 */
import { assert } from '../base/assert.ts';

/** No such half. */
export const NONE = -1;
export const ID_BYTES = 16;

export class IdIndex {
  private entries: Uint32Array;
  private mask: number;
  private count = 0;

  /** `halves` is a power of two: the most entries that it will hold. */
  constructor(halves: number) {
    this.entries = new Uint32Array(4 * halves);
    this.mask = 2 * halves - 1;
  }

  get memoryBytes(): number {
    return this.entries.byteLength;
  }

  /**
   * The half whose id, standing at `ids[half x 16]`, is `bytes[at..at+16)` and whose port, `ports[half]`, is `port`;
   * or NONE.
   */
  find(hash: number, port: number, bytes: Uint8Array, at: number, ids: Uint8Array, ports: Uint16Array): number {
    const { entries, mask } = this;
    for (let place = hash & mask; ; place = (place + 1) & mask) {
      const half = entries[2 * place + 1] - 1;
      if (half === NONE) return NONE;
      if (entries[2 * place] === hash && ports[half] === port && sameId(ids, half, bytes, at)) return half;
    }
  }

  insert(hash: number, half: number): void {
    assert(2 * this.count <= this.mask, 'the index is at most half full');
    this.count++;
    this.put(hash, half);
  }

  /** The entry of `half`, which is there, under the hash that it was inserted with. */
  remove(hash: number, half: number): void {
    const { entries, mask } = this;
    let hole = hash & mask;
    while (entries[2 * hole + 1] !== half + 1) {
      assert(entries[2 * hole + 1] !== 0, 'the entry to remove is in the index');
      hole = (hole + 1) & mask;
    }
    // Whatever stands behind the hole and would rather stand at or before it moves up, so that no walk ends early.
    for (let place = (hole + 1) & mask; entries[2 * place + 1] !== 0; place = (place + 1) & mask) {
      const home = entries[2 * place] & mask;
      if (((place - home) & mask) < ((place - hole) & mask)) continue;
      entries[2 * hole] = entries[2 * place];
      entries[2 * hole + 1] = entries[2 * place + 1];
      hole = place;
    }
    entries[2 * hole] = 0;
    entries[2 * hole + 1] = 0;
    this.count--;
  }

  /** Doubles the room; entries carry their hash, so no id is hashed again. */
  grow(): void {
    const old = this.entries;
    this.entries = new Uint32Array(2 * old.length);
    this.mask = 2 * this.mask + 1;
    for (let at = 0; at < old.length; at += 2) if (old[at + 1] !== 0) this.put(old[at], old[at + 1] - 1);
  }

  /** Entries looked at to find the worst-placed one, and on average: shows that a look-up takes constant time. */
  probeLengths(): { longest: number; mean: number } {
    let longest = 0;
    let sum = 0;
    for (let place = 0; place <= this.mask; place++) {
      if (this.entries[2 * place + 1] === 0) continue;
      const length = ((place - this.entries[2 * place]) & this.mask) + 1;
      longest = Math.max(longest, length);
      sum += length;
    }
    return { longest, mean: this.count === 0 ? 0 : sum / this.count };
  }

  private put(hash: number, half: number): void {
    const { entries, mask } = this;
    let place = hash & mask;
    while (entries[2 * place + 1] !== 0) place = (place + 1) & mask;
    entries[2 * place] = hash;
    entries[2 * place + 1] = half + 1;
  }
}

/** Not in constant time: an id is a name between neighbours, sent in the clear inside their link. */
function sameId(ids: Uint8Array, half: number, bytes: Uint8Array, at: number): boolean {
  const from = half * ID_BYTES;
  for (let i = 0; i < ID_BYTES; i++) if (ids[from + i] !== bytes[at + i]) return false;
  return true;
}
