/**
 * The bounded memory in which the bytes of pieces wait: blocks of a few sizes, cut from slabs of 64 KiB that are taken one
 * by one as they are needed and given from one size to another when they are wholly free. A block may have several users:
 * a piece that is cut in two needs no copy. Hot path: allocates nothing but new slabs.
 */
import { assert } from '../../base/assert.ts';
import { NONE } from '../id-index.ts';

const SLAB_BYTES = 65_536;
/**
 * Rests of messages and small voice packets; voice and interactive packets; short packets; a full datagram on Ethernet; a
 * part of a message, or a full jumbo datagram; and superpackets, which leave in runs of datagrams out of one block.
 */
const BLOCK_BYTES = [64, 256, 1_024, 1_536, 9_216, 32_768, 65_536] as const;
/** Blocks are numbered slab x this + place in the slab. */
const PLACES = SLAB_BYTES / BLOCK_BYTES[0];
/** Any block of up to this is worth its memory however little of it is used, and no piece of a datagram is longer. */
export const LARGEST_PIECE_BYTES = 9_216;
/** Of a longer one so much must be used. */
const LONG_BLOCK_USED = 3 / 4;

interface Slab {
  readonly index: number;
  readonly bytes: Uint8Array;
  /** Which of BLOCK_BYTES. */
  size: number;
  /** Places of free blocks: a stack of `freeCount`. */
  free: Uint16Array;
  freeCount: number;
  /** By place. */
  users: Uint16Array;
}

export class BlockMemory {
  /** Bytes of blocks in use. */
  usedBytes = 0;
  private readonly maxSlabs: number;
  private readonly slabs: Slab[] = [];
  /** By size: the slabs that have a free block. */
  private readonly partial: Slab[][] = BLOCK_BYTES.map(() => []);
  private wholeSlabs = 0;

  /** `bytes`: at least one slab of 64 KiB. */
  constructor(bytes: number) {
    this.maxSlabs = Math.floor(bytes / SLAB_BYTES);
    assert(this.maxSlabs > 0, 'memory for one slab');
  }

  /** What all slabs together may take. */
  get limitBytes(): number {
    return this.maxSlabs * SLAB_BYTES;
  }

  /** Of a message of which `bytes` are left, how many go into the next block. */
  partOf(bytes: number): number {
    for (let size = BLOCK_BYTES.length - 1; BLOCK_BYTES[size] > LARGEST_PIECE_BYTES; size--) {
      if (bytes >= LONG_BLOCK_USED * BLOCK_BYTES[size] && this.has(size)) return Math.min(bytes, BLOCK_BYTES[size]);
    }
    return Math.min(bytes, LARGEST_PIECE_BYTES);
  }

  /** A block of at least `bytes` (at most a slab) with one user, or NONE. */
  allocate(bytes: number): number {
    let size = 0;
    while (BLOCK_BYTES[size] < bytes) size++;
    const slab = this.partial[size].at(-1) ?? this.freshSlab(size) ?? this.largerSlab(size);
    if (slab === undefined) return NONE;
    if (slab.freeCount === slab.free.length) this.wholeSlabs--;
    const place = slab.free[--slab.freeCount];
    if (slab.freeCount === 0) this.partial[slab.size].pop();
    slab.users[place] = 1;
    this.usedBytes += BLOCK_BYTES[slab.size];
    return slab.index * PLACES + place;
  }

  /** So many more users of a block. */
  share(block: number, users: number): void {
    this.slabs[Math.floor(block / PLACES)].users[block % PLACES] += users;
  }

  /** One user less; without any the block is free. Its bytes stay as they are until something is allocated. */
  release(block: number): void {
    const slab = this.slabs[Math.floor(block / PLACES)];
    const place = block % PLACES;
    assert(slab.users[place] > 0, 'a block in use');
    if (--slab.users[place] > 0) return;
    if (slab.freeCount === 0) this.partial[slab.size].push(slab);
    slab.free[slab.freeCount++] = place;
    if (slab.freeCount === slab.free.length) this.wholeSlabs++;
    this.usedBytes -= BLOCK_BYTES[slab.size];
  }

  bytesOf(block: number): Uint8Array {
    return this.slabs[Math.floor(block / PLACES)].bytes;
  }

  /** Where the block begins in `bytesOf`. */
  startOf(block: number): number {
    return (block % PLACES) * BLOCK_BYTES[this.slabs[Math.floor(block / PLACES)].size];
  }

  /** There is a free block of this size, or a slab for it. */
  private has(size: number): boolean {
    return this.partial[size].length > 0 || this.wholeSlabs > 0 || this.slabs.length < this.maxSlabs;
  }

  /** Where blocks of this size have run out: one with larger blocks, so that none are free while somebody waits. */
  private largerSlab(size: number): Slab | undefined {
    for (let larger = size + 1; larger < BLOCK_BYTES.length; larger++) {
      const slab = this.partial[larger].at(-1);
      if (slab !== undefined) return slab;
    }
    return undefined;
  }

  /** A slab of free blocks of this size: a new one, or one of another size that nobody uses. */
  private freshSlab(size: number): Slab | undefined {
    let slab: Slab | undefined;
    if (this.slabs.length < this.maxSlabs) {
      const none = new Uint16Array(0);
      const index = this.slabs.length;
      slab = { index, bytes: new Uint8Array(SLAB_BYTES), size, free: none, freeCount: 0, users: none };
      this.slabs.push(slab);
      this.wholeSlabs++;
    } else if (this.wholeSlabs > 0) {
      slab = this.slabs.find(({ free, freeCount }) => freeCount === free.length);
      assert(slab !== undefined, 'a slab that nobody uses');
      const candidates = this.partial[slab.size];
      candidates.splice(candidates.indexOf(slab), 1);
    }
    if (slab === undefined) return undefined;
    const places = Math.floor(SLAB_BYTES / BLOCK_BYTES[size]);
    slab.size = size;
    slab.users = new Uint16Array(places);
    slab.free = Uint16Array.from({ length: places }, (_, i) => places - 1 - i);
    slab.freeCount = places;
    this.partial[size].push(slab);
    return slab;
  }
}
