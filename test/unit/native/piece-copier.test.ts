/** The addon's copies of pieces against the readable ones, where counters wrap and where nothing fits. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadNative } from '../../../src/native/index.ts';
import { PIECE_HEAD_BYTES, portablePieceCopier } from '../../../src/wire/piece-copier.ts';

const native = loadNative();
const shape = fc.record({
  head: fc.uint8Array({ minLength: PIECE_HEAD_BYTES, maxLength: PIECE_HEAD_BYTES }),
  /** The low word of the counter and the sequence end in ones, so that they carry. */
  carries: fc.boolean(),
  at: fc.nat(40),
  count: fc.nat(6),
  pieceBytes: fc.nat(300),
  /** Of a datagram, behind its piece. */
  rest: fc.nat(40),
  from: fc.nat(20),
});

describe.skipIf('missing' in native)('the copier of pieces in C', () => {
  if ('missing' in native) return;
  const { pieces } = native.datapath;

  it('writes what the readable one writes', () => {
    fc.assert(
      fc.property(shape, ({ head, carries, at, count, pieceBytes, rest, from }) => {
        const datagramBytes = PIECE_HEAD_BYTES + pieceBytes + rest;
        const ours = new Uint8Array(at + Math.max(1, count) * datagramBytes + 8).fill(0x77);
        ours.set(head, at);
        if (carries) ours.fill(0xff, at + 12, at + 16).fill(0xff, at + 35, at + 39);
        const theirs = ours.slice();
        const message = Uint8Array.from({ length: from + count * pieceBytes }, (_, i) => i * 7);
        pieces.lay(ours, at, datagramBytes, count, message, from, pieceBytes);
        portablePieceCopier.lay(theirs, at, datagramBytes, count, message, from, pieceBytes);
        expect(ours).toEqual(theirs);
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['datagrams beyond the arena', [1, 600, 2, 0, 500]],
    ['pieces beyond theirs', [0, 600, 2, 1, 500]],
    ['a piece longer than its datagram', [0, 545, 2, 0, 500]],
    ['more than 32 bits count', [0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 500]],
  ])('refuses %s, and writes nothing', (_, [at, datagramBytes, count, from, pieceBytes]) => {
    const arena = new Uint8Array(1_200);
    const message = new Uint8Array(1_000).fill(1);
    expect(() => pieces.lay(arena, at, datagramBytes, count, message, from, pieceBytes)).toThrow(RangeError);
    expect(arena.every((byte) => byte === 0)).toBe(true);
  });
});
