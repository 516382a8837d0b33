/** Whatever comes over the wire, a link layer drops it by name, stays up, and holds no more than before. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Drops } from '../../../src/base/drops.ts';
import { FrameReader } from '../../../src/wire/frames.ts';
import { parseHandshake } from '../../../src/wire/handshake.ts';
import { routeId, sendMessage, WirePair } from '../../unit/link/wire-pair.ts';

function total(drops: Drops): number {
  return Object.values(drops.toJSON()).reduce((sum, count) => sum + count, 0);
}

/** A pair that is up, and one datagram of every kind that crossed its wire. */
function upPairWithSamples() {
  const world = new WirePair();
  const { a, b } = world.upPair();
  for (let message = 0; message < 30; message++) {
    sendMessage(a, b, routeId(1), message, new Uint8Array(2_000));
    world.run(50);
  }
  const samples = world.seen.filter(({ to }) => to === b.name).map(({ bytes }) => bytes);
  world.run(5_000);
  world.keepSeen = false;
  return { world, a, b, samples };
}

describe('a link layer', () => {
  test('takes random bytes', () => {
    const { world, a, b } = upPairWithSamples();
    const before = total(b.drops);
    let count = 0;
    const typed = fc.tuple(fc.integer({ min: 0, max: 6 }), fc.uint8Array({ maxLength: 200 }));
    fc.assert(
      fc.property(fc.array(typed, { minLength: 1, maxLength: 40 }), (datagrams) => {
        const bytes = datagrams.map(([type, rest]) => Uint8Array.from([type, ...rest]));
        world.inject(b, a.endpoint, ...bytes);
        count += bytes.length;
      }),
      { numRuns: 500 },
    );
    expect(total(b.drops) - before).toBe(count);
    expect(b.told).toEqual([`up ${a.name}`]);
    expect(b.cipher.keys).toBe(2);
  });

  test('takes datagrams of its own that were changed, cut, joined and repeated', () => {
    const { world, a, b, samples } = upPairWithSamples();
    const [pieces, keys] = [b.pieces.length, b.cipher.keys];
    const change = fc.record({
      sample: fc.nat(samples.length - 1),
      at: fc.nat(),
      xor: fc.integer({ min: 0, max: 255 }),
      keep: fc.integer({ min: 0, max: 2_000 }),
      other: fc.nat(samples.length - 1),
      join: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 40 }), (changes) => {
        const datagrams = changes.map(({ sample, at, xor, keep, other, join }) => {
          const bytes = samples[sample].slice(0, Math.max(1, keep));
          bytes[at % bytes.length] ^= xor;
          return join ? Uint8Array.from([...bytes, ...samples[other]]).subarray(0, 9_000 / 4) : bytes;
        });
        world.inject(b, a.endpoint, ...datagrams);
      }),
      { numRuns: 500 },
    );
    expect(b.pieces.length).toBe(pieces);
    expect(b.cipher.keys).toBe(keys);
    expect(b.told).toEqual([`up ${a.name}`]);
    world.run(20_000);
    expect(sendMessage(a, b, routeId(2), 0, Uint8Array.of(1))).toBe(true);
    world.run(100);
    expect(b.pieces.length).toBe(pieces + 1);
  });
});

function exactly(length: number): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength: length, maxLength: length });
}

/** Of counters that may have been sent, in blocks of any shape. */
const plausibleAck = fc
  .tuple(fc.nat(2_000), fc.array(fc.tuple(fc.nat(20), fc.nat(20)), { minLength: 1, maxLength: 32 }))
  .map(([largest, blocks]) => {
    const bytes = new Uint8Array(17 + 4 * blocks.length);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(0, BigInt(largest));
    bytes[16] = blocks.length;
    blocks.forEach(([gap, length], i) => {
      view.setUint16(17 + 4 * i, i === 0 ? 0 : gap);
      view.setUint16(19 + 4 * i, length);
    });
    return bytes;
  });

describe('a peer that holds the keys', () => {
  const frame = fc.tuple(
    fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 0x10, max: 0x13 }), fc.integer({ min: 0, max: 255 })),
    fc.option(fc.integer({ min: 0, max: 200 }), { nil: undefined }),
    // Any length, and often the right one for PATH_ACK, REKEY, CREDIT and BLOCKED, GONE, or an ACK of two blocks.
    fc.oneof(fc.uint8Array({ maxLength: 80 }), ...[6, 37, 24, 28, 25].map(exactly), plausibleAck),
  );

  test('can put any bytes into its frames', () => {
    const { world, a, b } = upPairWithSamples();
    let frames = new Uint8Array(0);
    a.cipher.beforeSeal = (arena, at, length) => {
      if (frames.length === 0) return;
      const some = frames.subarray(0, length);
      arena.fill(0, at, at + length);
      arena.set(some, at);
    };
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 12 }), (list) => {
        const bytes = list.flatMap(([type, length, body]) => {
          const claimed = length ?? body.length;
          return [type, claimed >> 8, claimed & 0xff, ...body];
        });
        frames = Uint8Array.from(bytes);
        sendMessage(a, b, routeId(1), 0, new Uint8Array(1_400));
        a.links.drain(world.now);
        frames = new Uint8Array(0);
        world.run(20);
      }),
      // The counts below are of these very cases, so the cases are always the same.
      { numRuns: 2_000, seed: 1 },
    );
    expect(b.drops.get('frame-malformed')).toBeGreaterThan(0);
    expect(b.drops.get('frame-truncated')).toBeGreaterThan(0);
    expect(b.drops.get('frame-unknown')).toBeGreaterThan(0);
    expect(b.drops.get('frame-rekey-unexpected') + b.drops.get('frame-path-ack-unexpected')).toBeGreaterThan(0);
    expect(b.told).toEqual([`up ${a.name}`]);
  });
});

describe('codecs', () => {
  test('parse any bytes of a handshake type, or name a reason', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.uint8Array({ maxLength: 120 }), (type, rest) => {
        const parsed = parseHandshake(Uint8Array.from([type, ...rest]));
        if (typeof parsed === 'string') expect(parsed.startsWith('handshake-')).toBe(true);
        else expect(parsed.bytes.length).toBe(rest.length + 1);
      }),
    );
  });

  test('walk any bytes as frames without leaving them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(20), (bytes, start) => {
        const reader = new FrameReader();
        reader.begin(bytes, Math.min(start, bytes.length), bytes.length);
        for (let next = reader.next(); next === 'frame'; next = reader.next()) {
          expect(reader.at + reader.length).toBeLessThanOrEqual(bytes.length);
        }
      }),
    );
  });
});
