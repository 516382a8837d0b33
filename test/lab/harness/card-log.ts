/**
 * What a board wrote to its card and when it asked for that to last, and the card as a power cut may leave it. The emulator keeps the
 * log (its driver blklogwrites, in the format of Linux' dm-log-writes): one sector of numbers, then for each request a
 * sector that says what it is and, behind a write, its data.
 *
 * A card has a cache of its own and no order in it: what was flushed before the cut is there, of everything that was written after the last
 * flush any part may be, and the request that was under way ends at any sector.
 */
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import type { SeededRandom } from '../../../src/base/seeded-random.ts';

const SECTOR_BYTES = 512;
/** Drawn one by one they would be a million in an update: a card's cache loses pages. */
const PAGE_SECTORS = 8;
const FLAG_FLUSH = 1n;
const FLAG_DISCARD = 4n;

interface Write {
  readonly kind: 'write';
  readonly sector: number;
  readonly sectors: number;
  /** In the log. */
  readonly dataOffset: number;
}
type Request = Write | { readonly kind: 'flush' };

export class CardLog {
  private readonly file: string;
  private readonly requests: Request[] = [];
  /** Offset in the log behind each request. */
  private readonly ends: number[] = [];

  constructor(file: string) {
    this.file = file;
    this.read();
  }

  get length(): number {
    return this.requests.length;
  }

  /** How many requests a log of so many bytes holds: the log's size at a moment marks that moment. */
  requestsIn(bytes: number): number {
    const later = this.ends.findIndex((end) => end > bytes);
    return later === -1 ? this.length : later;
  }

  /** Makes `card`, which is as it was when the log began, what a power cut at request `at` (0 up to `length`) may leave. */
  replay(card: string, at: number, random: SeededRandom): void {
    const [log, disk] = [openSync(this.file, 'r'), openSync(card, 'r+')];
    const flushed = this.requests.findLastIndex(({ kind }, index) => index < at && kind === 'flush');
    const copy = (request: Write, first: number, sectors: number) => {
      const bytes = Buffer.alloc(sectors * SECTOR_BYTES);
      readSync(log, bytes, 0, bytes.length, request.dataOffset + first * SECTOR_BYTES);
      writeSync(disk, bytes, 0, bytes.length, (request.sector + first) * SECTOR_BYTES);
    };
    try {
      for (const [index, request] of this.requests.slice(0, at).entries()) {
        if (request.kind === 'flush') continue;
        if (index < flushed) copy(request, 0, request.sectors);
        else if (index === at - 1) copy(request, 0, random.integer(request.sectors + 1));
        else {
          for (let first = 0; first < request.sectors; first += PAGE_SECTORS) {
            if (random.integer(2) === 0) copy(request, first, Math.min(PAGE_SECTORS, request.sectors - first));
          }
        }
      }
    } finally {
      closeSync(log);
      closeSync(disk);
    }
  }

  /** The emulator was killed: what stands at the end may be half a request, which the card did not have either. */
  private read(): void {
    const log = openSync(this.file, 'r');
    const size = fstatSync(log).size;
    const header = Buffer.alloc(32);
    try {
      for (let offset = SECTOR_BYTES; offset + SECTOR_BYTES <= size; ) {
        readSync(log, header, 0, header.length, offset);
        const [sector, sectors] = [Number(header.readBigUInt64LE(0)), Number(header.readBigUInt64LE(8))];
        const flags = header.readBigUInt64LE(16);
        if (sectors === 0 && flags === 0n) break;
        const dataOffset = offset + SECTOR_BYTES;
        const isWrite = sectors > 0 && (flags & FLAG_DISCARD) === 0n;
        offset = dataOffset + (isWrite ? sectors * SECTOR_BYTES : 0);
        if (offset > size) break;
        if (isWrite) this.add({ kind: 'write', sector, sectors, dataOffset }, offset);
        if ((flags & FLAG_FLUSH) !== 0n) this.add({ kind: 'flush' }, offset);
      }
    } finally {
      closeSync(log);
    }
  }

  private add(request: Request, end: number): void {
    this.requests.push(request);
    this.ends.push(end);
  }
}
