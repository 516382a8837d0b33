import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LineLog } from '../../../src/daemon/log.ts';
import { peerMemory } from '../../../src/daemon/peer-memory.ts';

const sockets = [
  { family: 6, address: '::', port: 6969 },
  { family: 4, address: '0.0.0.0', port: 6969 },
] as const;
let folder: string;
let logged: string;
const memory = () => peerMemory(folder, sockets, new LineLog('info', (line) => (logged += line)));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'skywire-peers-'));
  logged = '';
});
afterEach(() => rmSync(folder, { recursive: true }));

test('the file outlives the process, and only its owner reads it', async () => {
  const first = memory();
  expect(first.store.load()).toEqual([]);
  first.store.save(['one', 'two']);
  await first.flush();
  expect(memory().store.load()).toEqual(['one', 'two']);
  expect(statSync(join(folder, 'peers')).mode & 0o777).toBe(0o600);
  expect(logged).toBe('');
});

test('a file that can not be read is said in one line, and costs nothing but what it held', () => {
  writeFileSync(join(folder, 'node.key'), 'secret');
  mkdirSync(join(folder, 'peers'));
  expect(memory().store.load()).toEqual([]);
  expect(logged).toMatch(/^warn peers-not-read reason=.*EISDIR.* remedy=.*\n$/);
  expect(readFileSync(join(folder, 'node.key'), 'utf8')).toBe('secret');
});

test('a place is where it was, through the socket of its family', () => {
  const { places } = memory();
  const endpoint = places.parse('192.0.2.7:6969')!;
  expect(endpoint[0]).toBe(1);
  expect(places.format(endpoint)).toBe('192.0.2.7:6969');
  expect(places.parse('[2001:db8::7]:6969')![0]).toBe(0);
  expect(places.parse('anywhere')).toBeUndefined();
});
