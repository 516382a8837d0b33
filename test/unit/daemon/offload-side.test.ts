/** The daemon's view of its offload device: what it logs when something changes, and what `skywire status` gets. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseConfig } from '../../../src/control/config.ts';
import { createNodeCipher } from '../../../src/crypto/node-cipher.ts';
import type { OffloadCipher, OffloadOptions, OffloadStatus } from '../../../src/crypto/offload-cipher.ts';
import { openOffloadSide } from '../../../src/daemon/offload-side.ts';
import { type Datapath, portableDatapath } from '../../../src/os/datapath.ts';

const QUIET: OffloadStatus = {
  up: true,
  lastFailure: 'none',
  leastBatch: 1,
  queues: 1,
  keySlots: 256,
  keysLoaded: 2,
  sealed: 10,
  opened: 9,
  wrongTags: 1,
  softwareDown: 5,
  softwareSmallBatch: 4,
  softwareShape: 3,
  softwareNoSlot: 2,
  softwareRingFull: 1,
  redone: 0,
  checked: 1,
  selfTests: 1,
  timesUp: 1,
  keyLoads: 2,
  failures: { timeout: 0, 'bus-error': 0 },
};

const config = parseConfig('[offload]\ndevice = "unix:/run/x"\nleast_batch = 4', 'f').config!;

describe('the offload side of a daemon', () => {
  let status: OffloadStatus;
  let closed: boolean;
  let asked: { device: string; options: OffloadOptions } | undefined;
  const lines: string[] = [];
  const log = {
    write: (level: string, name: string, fields?: object) =>
      void lines.push(`${level} ${name} ${JSON.stringify(fields)}`),
  };
  const datapath: Datapath = {
    ...portableDatapath,
    openOffload: (device, options) => {
      asked = { device, options };
      const { addKey, removeKey, sealBatch, openBatch } = createNodeCipher();
      const cipher: OffloadCipher = {
        name: 'offload',
        addKey,
        removeKey,
        sealBatch,
        openBatch,
        status: () => status,
        close: () => {
          closed = true;
        },
      };
      return cipher;
    },
  };

  beforeEach(() => {
    vi.useFakeTimers();
    [status, closed] = [QUIET, false];
    lines.length = 0;
  });
  afterEach(() => void vi.useRealTimers());

  it('is none without a table, and none but a warning on the portable data path', () => {
    expect(openOffloadSide(parseConfig('', 'f').config!, datapath, log)).toBeUndefined();
    expect(lines).toEqual([]);
    expect(openOffloadSide(config, portableDatapath, log)).toBeUndefined();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^warn offload down/);
  });

  it('asks for the configured device, and closes it', () => {
    const side = openOffloadSide(config, datapath, log)!;
    expect(asked).toMatchObject({ device: 'unix:/run/x', options: { leastBatch: 4, checkEvery: 1024 } });
    side.stop();
    expect(closed).toBe(true);
  });

  it('logs a failure and a return once each, within a second', () => {
    const side = openOffloadSide(config, datapath, log)!;
    expect(lines).toHaveLength(1);
    status = { ...QUIET, up: false, lastFailure: 'timeout', redone: 7, failures: { timeout: 1 } };
    vi.advanceTimersByTime(5_000);
    expect(lines).toHaveLength(2);
    expect(lines[1]).toContain('warn offload down {"device":"unix:/run/x","reason":"timeout","redone":7}');
    status = { ...status, up: true, timesUp: 2 };
    vi.advanceTimersByTime(5_000);
    expect(lines).toHaveLength(3);
    expect(lines[2]).toMatch(/^info offload up/);
    side.stop();
  });

  it('notices a failure that was over before it looked', () => {
    const side = openOffloadSide(config, datapath, log)!;
    status = { ...QUIET, lastFailure: 'bus-error', timesUp: 2, failures: { timeout: 0, 'bus-error': 1 } };
    vi.advanceTimersByTime(1_000);
    expect(lines).toHaveLength(2);
    expect(lines[1]).toContain('"lastFailure":"bus-error"');
    side.stop();
  });

  it('gives the status in the words of the control socket, reasons that never came left out', () => {
    const side = openOffloadSide(config, datapath, log)!;
    status = { ...QUIET, lastFailure: 'timeout', failures: { timeout: 3, 'bus-error': 0 } };
    expect(side.status()).toMatchObject({
      state: 'up',
      last_failure: 'timeout',
      failures: { timeout: 3 },
      software: { down: 5, small_batch: 4, shape: 3, no_slot: 2, ring_full: 1 },
    });
    side.stop();
  });
});
