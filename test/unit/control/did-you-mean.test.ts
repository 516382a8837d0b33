import { expect, test } from 'vitest';
import { closestWord } from '../../../src/control/did-you-mean.ts';

const KEYS = ['name', 'key_file', 'state_dir', 'gateway', 'routes'];

test.each([
  ['nmae', 'name'],
  ['nam', 'name'],
  ['keyfile', 'key_file'],
  ['statedir', 'state_dir'],
  ['gatway', 'gateway'],
  ['route', 'routes'],
  ['name', 'name'],
])('%s means %s', (word, meant) => {
  expect(closestWord(word, KEYS)).toBe(meant);
});

test.each(['', 'x', 'firewall', 'n'.repeat(1_000_000)])('%.10s is like none of them', (word) => {
  expect(closestWord(word, KEYS)).toBeUndefined();
});
