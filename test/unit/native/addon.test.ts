/** Finding and refusing an addon, and what it does with arguments that no caller should give. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { type Addon, loadAddon } from '../../../src/native/addon.ts';

const DIST = new URL('../../../dist/', import.meta.url);
const folder = mkdtempSync(join(tmpdir(), 'addon-test-'));
const FOLDER = pathToFileURL(`${folder}/`);
afterAll(() => rmSync(folder, { recursive: true }));

const loaded = loadAddon([DIST], process.arch);

describe('loading the addon', () => {
  it('says that it was not built when no folder has it', () => {
    expect(loadAddon([FOLDER], 'no-such-arch')).toEqual({ missing: 'skywire-no-such-arch.node was not built' });
  });

  it('says why a file does not load', () => {
    writeFileSync(join(folder, 'skywire-broken.node'), 'not an object file');
    expect(loadAddon([FOLDER], 'broken')).toEqual({
      missing: expect.stringMatching(/skywire-broken.node does not load/),
    });
  });

  it.skipIf('missing' in loaded)('takes the first folder that has one, and refuses another version', () => {
    expect(loadAddon([FOLDER, DIST], process.arch)).toHaveProperty('addon');
    expect(loadAddon([DIST], process.arch, 99)).toEqual({
      missing: expect.stringMatching(/has version \d+, .* needs 99/),
    });
  });
});

describe.skipIf('missing' in loaded)('wrong arguments', () => {
  const { addon } = loaded as { addon: Addon };
  const bytes = new Uint8Array(64);
  const words = new Uint32Array(8);

  /** Each function with arguments of every wrong kind in every place: an exception, never a crash. */
  it('throw, whatever they are', () => {
    const junk = [
      undefined,
      null,
      -1,
      0.5,
      2 ** 32,
      NaN,
      'x',
      'a\0b',
      {},
      [],
      () => {},
      new Float64Array(4),
      bytes,
      words,
    ];
    const functions = Object.values(addon).filter((value) => typeof value === 'function');
    expect(functions.length).toBeGreaterThan(14);
    let calls = 0;
    for (const call of functions as ((...args: unknown[]) => unknown)[]) {
      if (call.name === 'udpOpen' || call.name === 'timerOpen') continue; // take none
      expect(() => call(), call.name).toThrow();
      for (const one of junk) {
        for (const two of junk) {
          // No device is open and no key is added, so there is no right call among these but for the curve's and addKey's.
          try {
            call(one, two, one, two, one, two);
          } catch (error) {
            expect(error).toBeInstanceOf(Error);
          }
          calls++;
        }
      }
    }
    expect(calls).toBeGreaterThan(1_000);
  });

  it('throw on entries outside the arena and on a device of another kind', () => {
    const device = addon.udpOpen();
    const offsets = new Uint32Array(4);
    const lengths = new Uint32Array(4);
    const endpoints = new Uint8Array(4 * 24);
    const send = (count: number, arena = bytes, ends = endpoints) =>
      addon.udpSend(device, arena, offsets, lengths, ends, count);
    try {
      expect(send(4)).toBe(0);
      expect(() => send(5)).toThrow(RangeError);
      expect(() => send(4, bytes, endpoints.subarray(1))).toThrow(RangeError);
      lengths[3] = 65;
      expect(() => send(4)).toThrow(RangeError);
      expect(send(3)).toBe(0);
      offsets[3] = 0xffff_ffff;
      lengths[3] = 1;
      expect(() => send(4)).toThrow(RangeError);
      lengths[3] = 0;
      expect(() => send(4, new Uint8Array(0))).toThrow(RangeError);
      expect(() => addon.udpReceive(device, new Uint8Array(3), offsets, lengths, endpoints)).toThrow();
      expect(() => addon.tunRead(device, bytes, offsets, lengths, new Uint16Array(4))).toThrow(/not an open device/);
      expect(() => addon.tunCounters(device)).toThrow(/not an open device/);
      expect(() => addon.timerArm(device, 1)).toThrow(/not an open device/);
      expect(() => addon.udpBind(device, 'localhost', 0)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
      expect(() => addon.udpBind(device, 'x'.repeat(100), 0)).toThrow(RangeError);
      expect(() => addon.udpBind(device, '127.0.0.1', 65_536)).toThrow(RangeError);
    } finally {
      addon.close(device);
    }
    expect(() => addon.close(device)).toThrow(/not an open device/);
    expect(() => send(0)).toThrow(/not an open device/);
  });

  it('are those of one device too many', () => {
    const open: number[] = [];
    try {
      expect(() => {
        while (open.length < 1_000) open.push(addon.udpOpen());
      }).toThrow(expect.objectContaining({ code: 'EMFILE' }));
      expect(open.length).toBe(64);
    } finally {
      for (const device of open) addon.close(device);
    }
  });

  it('include an array whose memory was taken away', () => {
    const device = addon.udpOpen();
    const arena = new Uint8Array(64);
    structuredClone(arena.buffer, { transfer: [arena.buffer] });
    const lengths = Uint32Array.of(1);
    expect(() => addon.udpSend(device, arena, new Uint32Array(1), lengths, new Uint8Array(24), 1)).toThrow(RangeError);
    addon.close(device);
  });
});
