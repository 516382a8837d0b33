import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { CardLog } from '../../lab/harness/card-log.ts';

const SECTOR = 512;
const CARD_SECTORS = 64;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'skywire-card-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** One request as the emulator logs it: a sector of numbers, and the data of a write. */
function entry(sector: number, flags: number, data = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(SECTOR);
  head.writeBigUInt64LE(BigInt(sector), 0);
  head.writeBigUInt64LE(BigInt(data.length / SECTOR), 8);
  head.writeBigUInt64LE(BigInt(flags), 16);
  return Buffer.concat([head, data]);
}
const write = (sector: number, letter: string, sectors = 1) => entry(sector, 0, Buffer.alloc(sectors * SECTOR, letter));
const flush = () => entry(0, 1);

function logOf(...entries: Buffer[]): CardLog {
  const file = join(folder, 'log');
  writeFileSync(file, Buffer.concat([Buffer.alloc(SECTOR), ...entries]));
  return new CardLog(file);
}

/** The card after a cut, a letter for each sector. */
function cardAfter(log: CardLog, at: number, seed: number): string {
  const card = join(folder, 'card');
  writeFileSync(card, Buffer.alloc(CARD_SECTORS * SECTOR, '.'));
  log.replay(card, at, new SeededRandom(seed, 'cut'));
  const bytes = readFileSync(card);
  return Array.from({ length: CARD_SECTORS }, (_, sector) => String.fromCharCode(bytes[sector * SECTOR])).join('');
}

const SEEDS = Array.from({ length: 50 }, (_, seed) => seed);

test('what was flushed before the cut is on the card, the later write over the earlier one', () => {
  const log = logOf(write(1, 'a'), write(1, 'b'), write(5, 'c'), flush(), write(9, 'd'));
  for (const seed of SEEDS) expect(cardAfter(log, 4, seed)).toBe(`.b...c${'.'.repeat(58)}`);
});

test('of what was written since, any part may be there', () => {
  const log = logOf(write(1, 'a'), flush(), write(2, 'b'), write(3, 'c'), write(4, 'd'));
  const seen = new Set(SEEDS.map((seed) => cardAfter(log, 5, seed).slice(0, 5)));
  expect([...seen].sort()).toEqual(['.a...', '.a..d', '.a.c.', '.a.cd', '.ab..', '.ab.d', '.abc.', '.abcd']);
});

test('the request under way ends at any sector, and nothing behind the cut is there', () => {
  const log = logOf(write(0, 'x', 4), write(8, 'y'));
  const seen = new Set(SEEDS.map((seed) => cardAfter(log, 1, seed).slice(0, 9)));
  expect([...seen].sort()).toEqual(['.........', 'x........', 'xx.......', 'xxx......', 'xxxx.....']);
});

test('a log that ends in half a request ends before it, and its size at a moment tells how far it was', () => {
  const [first, second] = [write(1, 'a', 2), write(4, 'b', 2)];
  const log = logOf(first, second.subarray(0, SECTOR + 10));
  expect(log.length).toBe(1);
  expect(log.requestsIn(SECTOR)).toBe(0);
  expect(log.requestsIn(SECTOR + first.length)).toBe(1);
});
