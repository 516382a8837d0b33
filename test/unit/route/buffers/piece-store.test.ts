import { describe, expect, it } from 'vitest';
import { createPiece } from '../../../../src/link/piece.ts';
import { FLAG_GONE, FLAG_LAST, FLAG_TTL, PieceList, PieceStore } from '../../../../src/route/buffers/piece-store.ts';
import { NONE } from '../../../../src/route/id-index.ts';

const KIB = 1_024;
const bytes = Uint8Array.from({ length: 1_000 }, (_, i) => i & 255);

function contentOf(store: PieceStore, record: number): Uint8Array {
  const start = store.start[record];
  return store.blocks.bytesOf(store.block[record]).subarray(start, start + store.length[record]);
}

describe('the piece store', () => {
  it('keeps a copy of a piece and what is said about it', () => {
    const store = new PieceStore(256 * KIB);
    const buffer = bytes.slice();
    const piece = { ...createPiece(), buffer, start: 10, length: 500, message: 7, offset: 300, last: true, ttlMs: 9 };
    const record = store.add(5, piece, 123);
    buffer.fill(0);
    expect(contentOf(store, record)).toEqual(bytes.subarray(10, 510));
    expect([store.half[record], store.message[record], store.offset[record]]).toEqual([5, 7, 300]);
    expect(store.flags[record]).toBe(FLAG_LAST | FLAG_TTL);
    expect(store.deadlineAt[record]).toBe(123);
  });

  it('takes a GONE without memory for bytes', () => {
    const store = new PieceStore(256 * KIB);
    const record = store.add(5, { ...createPiece(), gone: true, length: 900, message: 2 }, 0);
    expect([store.flags[record], store.length[record], store.blocks.usedBytes]).toEqual([FLAG_GONE, 0, 0]);
  });

  it('cuts a piece in two that share the bytes', () => {
    const store = new PieceStore(256 * KIB);
    const record = store.put(0, 1, 100, FLAG_LAST, 0, bytes, 0, 1_000);
    const rest = store.cut(record, 400);
    expect(contentOf(store, record)).toEqual(bytes.subarray(0, 400));
    expect(contentOf(store, rest)).toEqual(bytes.subarray(400));
    expect([store.offset[rest], store.flags[record], store.flags[rest]]).toEqual([500, 0, FLAG_LAST]);
    store.release(record);
    expect(contentOf(store, rest)).toEqual(bytes.subarray(400));
    expect(store.blocks.usedBytes).toBe(1_024);
    store.release(rest);
    expect([store.blocks.usedBytes, store.count]).toEqual([0, 0]);
  });

  it('splits the front of a piece into equal ones that share the bytes', () => {
    const store = new PieceStore(256 * KIB);
    const record = store.put(0, 1, 100, FLAG_LAST, 0, bytes, 0, 1_000);
    expect(store.split(record, 300, 3)).toBe(true);
    const fronts = [...store.fronts.subarray(0, 3)];
    for (const [i, front] of fronts.entries()) {
      expect(contentOf(store, front)).toEqual(bytes.subarray(i * 300, (i + 1) * 300));
      expect([store.offset[front], store.message[front], store.flags[front]]).toEqual([100 + i * 300, 1, 0]);
    }
    expect(contentOf(store, record)).toEqual(bytes.subarray(900));
    expect([store.offset[record], store.flags[record]]).toEqual([1_000, FLAG_LAST]);
    for (const one of [...fronts, record]) {
      expect(store.blocks.usedBytes).toBe(1_024);
      store.release(one);
    }
    expect([store.blocks.usedBytes, store.count]).toEqual([0, 0]);
  });

  it('splits nothing when records are short', () => {
    const store = new PieceStore(128 * KIB);
    const record = store.put(0, 1, 0, 0, 0, bytes, 0, 1_000);
    while (store.put(0, 2, 0, FLAG_GONE, 0, bytes, 0, 0) !== NONE);
    expect(store.split(record, 300, 3)).toBe(false);
    expect(contentOf(store, record)).toEqual(bytes);
  });

  it('names a record by a token that is of no use once it was released', () => {
    const store = new PieceStore(256 * KIB);
    const record = store.put(0, 1, 0, 0, 0, bytes, 0, 10);
    const token = store.tokenOf(record);
    expect(store.recordOf(token)).toBe(record);
    store.release(record);
    expect(store.recordOf(token)).toBe(NONE);
    const next = store.put(0, 2, 0, 0, 0, bytes, 0, 10);
    expect(next).toBe(record);
    expect(store.recordOf(token)).toBe(NONE);
    expect(store.recordOf(store.tokenOf(next))).toBe(next);
    expect(store.recordOf(12_345)).toBe(NONE);
  });

  it('takes no more than it has memory and records for', () => {
    const store = new PieceStore(256 * KIB);
    let pieces = 0;
    while (store.put(0, 0, 0, 0, 0, bytes, 0, 1_000) !== NONE) pieces++;
    expect(pieces).toBe(3 * 64);
    expect(store.blocks.usedBytes).toBeLessThanOrEqual(256 * KIB);
    while (store.add(0, { ...createPiece(), gone: true }, 0) !== NONE) pieces++;
    expect(pieces).toBe(512);
    expect(store.cut(0, 10)).toBe(NONE);
  });
});

describe('a list of pieces', () => {
  it('keeps its order whatever is put in and taken out', () => {
    const store = new PieceStore(256 * KIB);
    const list = new PieceList(store.next, store.previous);
    const plain: number[] = [];
    const inOrder = (): number[] => {
      const records: number[] = [];
      for (let record = list.head; record !== NONE; record = store.next[record]) records.push(record);
      return records;
    };
    for (let i = 0; i < 30; i++) {
      const record = store.add(0, { ...createPiece(), gone: true }, 0);
      if (i % 3 === 0) {
        list.push(record);
        plain.push(record);
      } else if (i % 3 === 1) {
        list.unshift(record);
        plain.unshift(record);
      } else {
        list.insertBehind(plain[1], record);
        plain.splice(2, 0, record);
      }
      if (i % 5 === 4) list.remove(plain.splice(plain.length >> 1, 1)[0]);
      expect(inOrder()).toEqual(plain);
      expect([list.head, list.tail, list.count]).toEqual([plain[0], plain[plain.length - 1], plain.length]);
    }
    while (plain.length > 0) list.remove(plain.pop()!);
    expect([list.head, list.tail, list.count]).toEqual([NONE, NONE, 0]);
  });
});
