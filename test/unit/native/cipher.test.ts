/** The addon's cipher against the node back end, and its table of keys. */
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { JOB_BAD_TAG, JOB_OK, JOB_WORDS, TAG_BYTES } from '../../../src/crypto/cipher.ts';
import { createNodeCipher } from '../../../src/crypto/node-cipher.ts';
import { loadNative } from '../../../src/native/index.ts';

const native = loadNative();
const U32_MAX = 0xffff_ffff;

const jobShape = fc.record({
  key: fc.nat(2),
  high: fc.nat(U32_MAX),
  low: fc.nat(U32_MAX),
  gap: fc.nat(5),
  associated: fc.uint8Array({ maxLength: 48 }),
  text: fc.uint8Array({ maxLength: 600 }),
  /** Bit to flip before opening, counted from the job's first; undefined leaves it whole. */
  flip: fc.option(fc.nat(), { nil: undefined }),
});
const threeKeys = fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { minLength: 3, maxLength: 3 });

describe.skipIf('missing' in native)('the OpenSSL cipher', () => {
  if ('missing' in native) return;
  const { cipher } = native.datapath;
  const slots: number[] = [];
  const addKey = (key: Uint8Array) => {
    const slot = cipher.addKey(key);
    slots.push(slot);
    return slot;
  };
  afterEach(() => {
    for (const slot of slots.splice(0)) cipher.removeKey(slot);
  });

  it('agrees with the node back end on random batches, wrong bits included', () => {
    fc.assert(
      fc.property(threeKeys, fc.array(jobShape, { maxLength: 12 }), (keys, shapes) => {
        const node = createNodeCipher();
        const nodeSlots = keys.map((key) => node.addKey(key));
        const ours = keys.map(addKey);
        const arena = new Uint8Array(shapes.length * 700);
        const jobs = new Uint32Array(shapes.length * JOB_WORDS);
        let at = 0;
        for (const [i, { key, high, low, gap, associated, text }] of shapes.entries()) {
          at += gap;
          arena.set(associated, at);
          arena.set(text, at + associated.length);
          jobs.set([nodeSlots[key], high, low, at, associated.length, text.length, 99, 7 + i], i * JOB_WORDS);
          at += associated.length + text.length + TAG_BYTES;
        }
        const ourArena = arena.slice();
        const ourJobs = jobs.slice();
        const moveToOurSlots = (list: Uint32Array) => {
          for (const [i, { key }] of shapes.entries()) list[i * JOB_WORDS] = ours[key];
        };
        moveToOurSlots(ourJobs);
        node.sealBatch(arena, jobs, shapes.length);
        cipher.sealBatch(ourArena, ourJobs, shapes.length);
        expect(ourArena).toEqual(arena);

        for (const [i, { associated, text, flip }] of shapes.entries()) {
          const bits = 8 * (associated.length + text.length + TAG_BYTES);
          if (flip === undefined) continue;
          const bit = flip % bits;
          const byte = jobs[i * JOB_WORDS + 3] + (bit >> 3);
          arena[byte] ^= 1 << (bit & 7);
          ourArena[byte] ^= 1 << (bit & 7);
        }
        node.openBatch(arena, jobs, shapes.length);
        cipher.openBatch(ourArena, ourJobs, shapes.length);
        for (const [i, { associated, text, flip }] of shapes.entries()) {
          const job = i * JOB_WORDS;
          expect(ourJobs[job + 6]).toBe(flip === undefined ? JOB_OK : JOB_BAD_TAG);
          expect(ourJobs[job + 6]).toBe(jobs[job + 6]);
          expect(ourJobs[job + 7]).toBe(7 + i);
          const textAt = jobs[job + 3] + associated.length;
          if (flip === undefined) expect(ourArena.slice(textAt, textAt + text.length)).toEqual(text);
        }
        for (const slot of slots.splice(0)) cipher.removeKey(slot);
      }),
    );
  });

  it('keeps every key apart while its table grows, and gives removed slots out again', () => {
    const keys = Array.from({ length: 1_000 }, (_, i) => new Uint8Array(32).fill(i & 0xff).fill(i >> 8, 0, 1));
    for (const key of keys) addKey(key);
    expect(new Set(slots).size).toBe(keys.length);
    const node = createNodeCipher();
    for (const [i, key] of keys.entries()) {
      const ours = new Uint8Array(32);
      const theirs = new Uint8Array(32);
      cipher.sealBatch(ours, Uint32Array.of(slots[i], 0, i, 0, 0, 16, 0, 0), 1);
      node.sealBatch(theirs, Uint32Array.of(node.addKey(key), 0, i, 0, 0, 16, 0, 0), 1);
      expect(ours).toEqual(theirs);
    }
    const freed = slots.splice(500, 1)[0];
    cipher.removeKey(freed);
    expect(addKey(keys[0])).toBe(freed);
  });

  it('does not go on with a removed key that was the last one used', () => {
    const slot = cipher.addKey(new Uint8Array(32).fill(1));
    const before = new Uint8Array(32);
    cipher.sealBatch(before, Uint32Array.of(slot, 0, 0, 0, 0, 16, 0, 0), 1);
    cipher.removeKey(slot);
    expect(addKey(new Uint8Array(32).fill(2))).toBe(slot);
    const after = new Uint8Array(32);
    cipher.sealBatch(after, Uint32Array.of(slot, 0, 0, 0, 0, 16, 0, 0), 1);
    expect(after).not.toEqual(before);
  });

  it('refuses a key beyond 65,536', () => {
    const key = new Uint8Array(32);
    for (let i = 0; i < 65_536; i++) addKey(key);
    expect(() => cipher.addKey(key)).toThrow(/no space/);
  });

  it('throws on a job that reaches outside the arena or names no key', () => {
    const slot = addKey(new Uint8Array(32));
    const arena = new Uint8Array(64);
    const run = (words: number[], count = 1) => {
      cipher.sealBatch(arena, Uint32Array.from(words), count);
      cipher.openBatch(arena, Uint32Array.from(words), count);
    };
    run([slot, 0, 0, 0, 16, 32, 0, 0]);
    expect(() => run([slot, 0, 0, 1, 16, 32, 0, 0])).toThrow(RangeError);
    expect(() => run([slot, 0, 0, 0, 0, 49, 0, 0])).toThrow(RangeError);
    expect(() => run([slot, 0, 0, U32_MAX, 0, 0, 0, 0])).toThrow(RangeError);
    expect(() => run([slot, 0, 0, 16, U32_MAX, 0, 0, 0])).toThrow(RangeError);
    expect(() => run([slot, 0, 0, 16, 0, U32_MAX, 0, 0])).toThrow(RangeError);
    expect(() => run([U32_MAX, 0, 0, 0, 0, 0, 0, 0])).toThrow(RangeError);
    expect(() => run([slot, 0, 0, 0, 16, 32, 0, 0], 2)).toThrow(RangeError);
    const removed = cipher.addKey(new Uint8Array(32));
    cipher.removeKey(removed);
    expect(() => run([removed, 0, 0, 0, 0, 0, 0, 0])).toThrow(RangeError);
    expect(() => cipher.removeKey(removed)).toThrow();
    expect(() => cipher.addKey(new Uint8Array(31))).toThrow(RangeError);
  });
});
