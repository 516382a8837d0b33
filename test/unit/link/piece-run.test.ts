import { describe, expect, test } from 'vitest';
import { PieceRun } from '../../../src/link/piece-run.ts';
import {
  DATA_OVERHEAD_BYTES,
  DATA_TTL_BYTES,
  FRAME_PING,
  writeDataHeader,
  writeFrameHeader,
} from '../../../src/wire/frames.ts';
import { routeId, sendMessage, WirePair } from './wire-pair.ts';

const SESSION = 5;
const SLOT_BYTES = 2_048;
const FRAMES_AT = 16;
/** Zeros behind the frame, as padding leaves them. */
const PADDING_BYTES = 10;

interface Frame {
  readonly route?: number;
  readonly sequence: number;
  readonly message?: number;
  readonly offset: number;
  readonly length: number;
  readonly last?: boolean;
  readonly ttlMs?: number;
  readonly ping?: boolean;
}

/** Datagrams with a frame each in slots of one arena; what was joined of them from the first on. */
function joinedFrom(frames: readonly Frame[]) {
  const bytes = new Uint8Array(SLOT_BYTES * frames.length);
  const ends = frames.map(({ route = 1, sequence, message = 3, offset, length, last = false, ttlMs = -1, ping }, i) => {
    const at = i * SLOT_BYTES + FRAMES_AT;
    const overhead = DATA_OVERHEAD_BYTES + (ttlMs < 0 ? 0 : DATA_TTL_BYTES);
    writeDataHeader(bytes, at, routeId(route), 0, sequence, message, offset, last, ttlMs, length);
    for (let b = 0; b < length; b++) bytes[at + overhead + b] = (offset + b) % 251;
    if (ping) writeFrameHeader(bytes, at + overhead + length, FRAME_PING, 8);
    return at + overhead + length + (ping ? 11 : PADDING_BYTES);
  });
  const run = new PieceRun();
  let count = run.begin(bytes, FRAMES_AT, ends[0]) ? 1 : 0;
  while (count > 0 && count < frames.length && run.fits(bytes, count * SLOT_BYTES + FRAMES_AT, ends[count])) {
    run.join();
    count++;
  }
  const { start, length } = run.piece;
  return { count, piece: run.piece, body: bytes.slice(start, start + length) };
}

const A = { sequence: 7, offset: 0, length: 1_000 };
const B = { sequence: 8, offset: 1_000, length: 1_000 };

describe('pieces in a row', () => {
  test('become one with all their bytes, up to the end of the message', () => {
    const end = { sequence: 9, offset: 2_000, length: 300, last: true };
    const { count, piece, body } = joinedFrom([A, B, end, { sequence: 10, offset: 2_300, length: 5 }]);
    expect(count).toBe(3);
    expect(piece).toMatchObject({ sequence: 7, message: 3, offset: 0, last: true, ttlMs: -1, gone: false });
    expect(piece).toMatchObject({ length: 2_300, sequences: 3, eachBytes: 1_000 });
    expect(body).toEqual(Uint8Array.from({ length: 2_300 }, (_, i) => i % 251));
  });

  test('go over the end of the sequence numbers', () => {
    expect(
      joinedFrom([
        { ...A, sequence: 0xffff_ffff },
        { ...B, sequence: 0 },
      ]).count,
    ).toBe(2);
  });

  test.each<[string, Frame]>([
    ['of another route', { ...B, route: 2 }],
    ['of another message', { ...B, message: 4 }],
    ['behind a gap in the sequence', { ...B, sequence: 9 }],
    ['behind a gap in the message', { ...B, offset: 1_001 }],
    ['that is longer', { ...B, length: 1_001 }],
    ['with a time to live', { ...B, ttlMs: 50 }],
    ['with another frame beside it', { ...B, ping: true }],
  ])('end before one %s', (_name, frame) => {
    const { count, piece } = joinedFrom([A, frame]);
    expect([count, piece.sequences, piece.length]).toEqual([1, 1, 1_000]);
  });

  test('end behind a shorter one', () => {
    expect(joinedFrom([A, { ...B, length: 999 }, { sequence: 9, offset: 1_999, length: 10 }]).count).toBe(2);
  });

  test.each<[string, Frame]>([
    ['the last of its message', { ...A, last: true }],
    ['one with a time to live', { ...A, ttlMs: 50 }],
    ['one with another frame beside it', { ...A, ping: true }],
  ])('do not begin with %s', (_name, frame) => {
    expect(joinedFrom([frame, B]).count).toBe(0);
  });
});

/** What `a` sent of a message of 20,000 bytes and `b` has not got; and how often `b` is handed something. */
function heldBack() {
  const world = new WirePair();
  const { a, b } = world.upPair();
  world.run(1_000);
  const held: Uint8Array[] = [];
  world.filter = ({ from, bytes }) => {
    if (from === a.name && bytes[0] === SESSION && bytes.length > 1_000) return held.push(bytes) < 0;
    return true;
  };
  const message = Uint8Array.from({ length: 20_000 }, (_, i) => i % 249);
  sendMessage(a, b, routeId(1), 0, message);
  a.links.drain(world.now);
  world.filter = () => true;
  const handed: number[] = [];
  const { data } = b.links.events;
  b.links.events.data = (link, piece, now) => {
    handed.push(piece.sequences);
    return data(link, piece, now);
  };
  return { world, a, b, held, message, handed };
}

describe('datagrams that one read brought', () => {
  test('are taken as one piece, and each is acknowledged', () => {
    const { world, a, b, held, handed } = heldBack();
    expect(held.length).toBeGreaterThan(5);
    world.inject(b, a.endpoint, ...held);
    expect(handed).toEqual([held.length]);
    world.run(100);
    expect([a.source.kept, a.source.lostTokens]).toEqual([0, []]);
  });

  test.each([
    ['one comes twice', (held: Uint8Array[]) => held.splice(2, 0, held[1]), [2, 1]],
    ['one is spoilt', (held: Uint8Array[]) => (held[2] = held[2].map((byte, i) => (i === 90 ? byte ^ 1 : byte))), [2]],
    ['two are exchanged', (held: Uint8Array[]) => ([held[2], held[3]] = [held[3], held[2]]), [2, 1, 1]],
  ] as const)('are taken as far as they go in a row when %s', (_name, spoil, first) => {
    const { world, a, b, held, message, handed } = heldBack();
    spoil(held);
    world.inject(b, a.endpoint, ...held);
    expect(handed.slice(0, first.length - 1)).toEqual(first.slice(0, -1));
    expect(handed.length).toBeGreaterThanOrEqual(first.length);
    world.run(1_000);
    const bytes = new Uint8Array(20_000);
    for (const piece of b.pieces) bytes.set(piece.bytes, piece.offset);
    expect(bytes).toEqual(message);
    expect(a.source.kept).toBe(0);
  });

  test('come again, all of them, when there is no room for one', () => {
    const { world, a, b, held, message } = heldBack();
    let refusals = 0;
    b.hasRoom = ({ offset }) => offset < 3_000 || refusals++ > 0;
    world.inject(b, a.endpoint, ...held);
    expect(b.drops.get('link-piece-refused')).toBe(held.length);
    world.run(2_000);
    const bytes = new Uint8Array(20_000);
    for (const piece of b.pieces) bytes.set(piece.bytes, piece.offset);
    expect(bytes).toEqual(message);
    expect(a.source.kept).toBe(0);
  });
});
