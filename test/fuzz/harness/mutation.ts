/** Makes hostile bytes: pure noise, and valid messages spoilt in the ways that find faults in parsers. */
import { writeU16 } from '../../../src/base/bytes.ts';
import type { SeededRandom } from '../../../src/base/seeded-random.ts';

/** Values at which counts and lengths turn over. */
const EDGES = [0x00, 0x01, 0x7f, 0x80, 0xfd, 0xfe, 0xff];
const LENGTH_EDGES = [0, 1, 0x7f, 0xff, 0x100, 0x5ff, 0x7fff, 0x8000, 0xfffe, 0xffff];
const MOST_FLIPS = 8;
const MOST_EDGES = 4;
const MOST_APPENDED = 64;

export function noise(random: SeededRandom, least: number, most: number): Uint8Array {
  const bytes = new Uint8Array(least + random.integer(most - least + 1));
  random.fill(bytes);
  return bytes;
}

/** One to three mutations of `seed`; `other` is what a splice takes from. Never longer than `most` bytes. */
export function mutate(random: SeededRandom, seed: Uint8Array, other: Uint8Array, most: number): Uint8Array {
  let bytes: Uint8Array = seed.slice();
  for (let rounds = 1 + random.integer(3); rounds > 0; rounds--) {
    bytes = random.pick(MUTATIONS)(random, bytes, other);
  }
  return bytes.subarray(0, most);
}

/** As `mutate`, but of the seed's length: a wrong length is refused before anything else is looked at. */
export function mutateInPlace(random: SeededRandom, seed: Uint8Array, other: Uint8Array): Uint8Array {
  const bytes = seed.slice();
  bytes.set(mutate(random, seed, other, seed.length));
  return bytes;
}

type Mutation = (random: SeededRandom, bytes: Uint8Array, other: Uint8Array) => Uint8Array;

const MUTATIONS: readonly Mutation[] = [
  flipBits,
  flipBits,
  setEdges,
  setLength,
  (random, bytes) => bytes.slice(0, random.integer(bytes.length + 1)),
  (random, bytes) => joined(bytes, noise(random, 1, MOST_APPENDED)),
  (random, bytes, other) =>
    joined(bytes.subarray(0, random.integer(bytes.length + 1)), other.subarray(random.integer(other.length + 1))),
  takeOut,
  repeatPart,
];

function flipBits(random: SeededRandom, bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0) return bytes;
  for (let flips = 1 + random.integer(MOST_FLIPS); flips > 0; flips--) {
    bytes[placeIn(random, bytes)] ^= 1 << random.integer(8);
  }
  return bytes;
}

function setEdges(random: SeededRandom, bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0) return bytes;
  for (let edges = 1 + random.integer(MOST_EDGES); edges > 0; edges--) {
    bytes[placeIn(random, bytes)] = random.pick(EDGES);
  }
  return bytes;
}

function setLength(random: SeededRandom, bytes: Uint8Array): Uint8Array {
  if (bytes.length < 2) return bytes;
  writeU16(bytes, Math.min(placeIn(random, bytes), bytes.length - 2), random.pick(LENGTH_EDGES));
  return bytes;
}

function takeOut(random: SeededRandom, bytes: Uint8Array): Uint8Array {
  const from = random.integer(bytes.length + 1);
  const to = from + random.integer(bytes.length - from + 1);
  return joined(bytes.subarray(0, from), bytes.subarray(to));
}

function repeatPart(random: SeededRandom, bytes: Uint8Array): Uint8Array {
  const from = random.integer(bytes.length + 1);
  const to = from + random.integer(bytes.length - from + 1);
  return joined(bytes.subarray(0, to), bytes.subarray(from));
}

/** Every other time among the first bytes: headers are where parsers decide. */
function placeIn(random: SeededRandom, bytes: Uint8Array): number {
  return random.integer(random.chance(0.5) ? Math.min(bytes.length, 32) : bytes.length);
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}
