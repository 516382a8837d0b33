import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import {
  commandLine,
  defaultSlot,
  makeDefault,
  readCommandLine,
  slotDevice,
  trialConfig,
} from '../../../../src/daemon/update/slots.ts';

/** What the image is built with. */
const BOOT = join(import.meta.dirname, '../../../../image/boot');
const TEMPLATE = readFileSync(join(BOOT, 'cmdline.txt'), 'utf8');
const CONFIG = readFileSync(join(BOOT, 'config.txt'), 'utf8');

test('the image starts slot a, and its command line says so', () => {
  expect(defaultSlot(CONFIG)).toBe('a');
  expect(readCommandLine(TEMPLATE)).toEqual({ slot: 'a', trial: false });
});

test('a slot has its own partition and its own command line', () => {
  const line = commandLine(TEMPLATE, 'b');
  expect(readCommandLine(line)).toEqual({ slot: 'b', trial: false });
  expect(commandLine(line, 'a')).toBe(TEMPLATE);
  expect(slotDevice(TEMPLATE, 'b')).toBe('/dev/disk/by-partuuid/5b1a0000-03');
  expect(slotDevice(line, 'a')).toBe('/dev/disk/by-partuuid/5b1a0000-02');
});

test('a trial starts the other slot with a command line of its own, and leaves config.txt as it was', () => {
  const trial = trialConfig(CONFIG, 'b');
  expect(defaultSlot(trial)).toBe('b');
  expect(trial).toContain('\ncmdline=trial.txt\n');
  const line = commandLine(TEMPLATE, 'b', { need: 'tunnel', withinS: 600 });
  expect(line).toMatch(/ skywire\.trial=tunnel,600\n$/);
  expect(readCommandLine(line)).toEqual({ slot: 'b', trial: true });
});

test('keeping a slot changes one byte of config.txt, whatever else a person wrote into it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'skywire-slots-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'config.txt');
  const before = `# os_prefix=a/ ours\r\n${CONFIG}dtoverlay=mine\n`;
  writeFileSync(file, before);
  makeDefault(file, 'b');
  const after = readFileSync(file, 'utf8');
  expect(defaultSlot(after)).toBe('b');
  expect(after.length).toBe(before.length);
  expect([...after].filter((character, at) => character !== before[at])).toEqual(['b']);
});

test('a machine without slots is told how it is updated', () => {
  expect(() => readCommandLine('root=/dev/sda1 ro')).toThrow(/no slots/);
  expect(() => defaultSlot('kernel=kernel8.img\n')).toThrow(/names no slot/);
});
