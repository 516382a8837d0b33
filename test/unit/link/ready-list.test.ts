import { expect, test } from 'vitest';
import { ReadyList } from '../../../src/link/ready-list.ts';

function turn(name: string, told: string[], then: () => void = () => undefined) {
  return {
    isReady: false,
    drain: () => {
      told.push(name);
      then();
    },
  };
}

test('everybody who is ready gets one turn, in the order of asking', () => {
  const told: string[] = [];
  const list = new ReadyList();
  const [a, b] = [turn('a', told), turn('b', told)];
  for (const one of [b, a, b]) list.add(one);
  list.drain(0);
  list.drain(0);
  expect(told).toEqual(['b', 'a']);
  expect(list.isEmpty).toBe(true);
});

test('a turn makes others ready in the same drain, and those who never end are left for the next', () => {
  const told: string[] = [];
  const list = new ReadyList();
  const b = turn('b', told, () => list.add(a));
  const a = turn('a', told, () => list.add(b));
  list.add(a);
  list.drain(0);
  expect(told.join('')).toBe('abababab');
  expect(list.isEmpty).toBe(false);
  list.drain(0);
  expect(told.length).toBe(16);
});
