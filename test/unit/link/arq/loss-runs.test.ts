import { expect, test } from 'vitest';
import { SeededRandom } from '../../../../src/base/seeded-random.ts';
import { LossRuns } from '../../../../src/link/arq/loss-runs.ts';

test('runs are unknown until there were eight, and of losses by chance as long as chance has it', () => {
  const runs = new LossRuns();
  for (let run = 0; run < 7; run++) for (let i = 0; i < 5; i++) runs.onLost(100 * run + i);
  expect(runs.length).toBeUndefined();
  runs.onLost(1_000);
  expect(runs.length).toBe(36 / 8);
  runs.restart();
  expect(runs.length).toBeUndefined();
  const random = new SeededRandom(1, 'runs');
  let sum = 0;
  for (let counter = 0; counter < 20_000; counter++) {
    if (random.chance(0.5)) runs.onLost(counter);
    if (counter >= 10_000) sum += runs.length!;
  }
  expect(sum / 10_000).toBeGreaterThan(1.9);
  expect(sum / 10_000).toBeLessThan(2.1);
});

test('old runs are forgotten', () => {
  const runs = new LossRuns();
  for (let run = 0; run < 200; run++) for (let i = 0; i < 8; i++) runs.onLost(100 * run + i);
  expect(runs.length).toBe(8);
  for (let run = 0; run < 300; run++) runs.onLost(100_000 + 2 * run);
  expect(runs.length).toBeLessThan(1.1);
});

test('runs count as far as they are longer than chance makes them', () => {
  const runs = new LossRuns();
  expect(runs.beyondChance(0.5)).toBe(0);
  for (let run = 0; run < 20; run++) for (let i = 0; i < 8; i++) runs.onLost(100 * run + i);
  expect(runs.beyondChance(0.5)).toBe(8 - 2 - 1);
  expect(runs.beyondChance(0.9)).toBe(0);
});
