/**
 * One suite for both data paths, on real sockets and a real TUN device. Each scenario runs in a process of its own in a
 * network namespace that ends with it (scenario.ts).
 *
 *   ┌ namespace ────────────────────────────────────────┐
 *   │ scenario ──UDP──> lo ──UDP──> scenario            │
 *   │ scenario ──> sky-test (TUN, 10.9.0.1) ──> kernel  │
 *   └───────────────────────────────────────────────────┘
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadNative } from '../../../src/native/index.ts';

const SCENARIO = join(import.meta.dirname, 'scenario.ts');
/** Vitest may run on another Node than the pinned one. */
const NODE = join(import.meta.dirname, '../../../node_modules/.bin/node');
const IS_ROOT = process.getuid?.() === 0;
const HAS_ADDON = 'datapath' in loadNative();
/** Root without any capability: the files can still be read, the network is out of reach. */
const POWERLESS = ['setpriv', '--bounding-set', '-all', '--inh-caps', '-all'];
const WITHOUT_TUN = ['sh', '-c', 'mount -t tmpfs none /dev/net && exec "$@"', 'sh'];

function runScenario(datapath: string, scenario: string, prefix: readonly string[] = []) {
  const command = [...prefix, NODE, SCENARIO, datapath, scenario];
  const done = spawnSync('unshare', ['--net', '--mount', ...command], { encoding: 'utf8', timeout: 30_000 });
  expect(done.stdout, `${done.stderr}${done.signal ?? ''}`).not.toBe('');
  expect(done.status).toBe(0);
  return JSON.parse(done.stdout);
}

const NO_COUNTS = { sent: 0, received: 0, sendDropped: 0, sendFailed: 0, receiveDropped: 0, truncated: 0 };

for (const datapath of ['native', 'portable']) {
  describe.skipIf(!IS_ROOT || (datapath === 'native' && !HAS_ADDON))(`${datapath} data path`, () => {
    it('carries datagrams of all sizes over IPv4 and IPv6 and answers to the endpoint they came from', () => {
      const result = runScenario(datapath, 'udp-exchange');
      expect(result.seen).toEqual(result.wanted);
      expect(result.sources).toEqual(result.local);
      expect(result.answers).toBe(result.wanted.length);
      const counts = { ...NO_COUNTS, sent: result.wanted.length, received: result.wanted.length };
      expect([result.a, result.b]).toEqual([counts, counts]);
    });

    it('calls again for what a small batch had no room for', () => {
      const result = runScenario(datapath, 'udp-runs');
      expect(result).toEqual({ inOrder: true, got: 200, counters: { ...NO_COUNTS, received: 200 } });
    });

    it.runIf(datapath === 'native')(
      'seals and sends on a thread, in order, all that it was given before it is closed',
      () => {
        const result = runScenario(datapath, 'sealed-on-thread');
        expect(result.got).toEqual(result.wanted);
        expect(result.rising).toBe(true);
        expect(result.sent).toBe(result.wanted.sockets);
      },
    );

    it('drops and counts what is longer than a slot, and what no socket can send, and goes on', () => {
      const result = runScenario(datapath, 'udp-limits');
      expect(result.received).toEqual([
        [2, 512],
        [3, 100],
      ]);
      expect(result.sent).toEqual({ ...NO_COUNTS, sent: 3, sendFailed: 3 });
      expect(result.got).toEqual({ ...NO_COUNTS, received: 2, truncated: 1 });
    });

    it('says what is wrong with a listen address and leaves nothing open', () => {
      const result = runScenario(datapath, 'udp-refused');
      expect(result.inUse).toMatchObject({
        code: 'address-in-use',
        message: expect.stringContaining('127.0.0.1 port'),
      });
      expect(result.notHere.code).toBe('config-invalid');
    });

    it('tells what the system carries as one for many packets', () => {
      const all = { udp: ['udp-send', 'udp-receive'], tun: ['tun'] };
      expect(runScenario(datapath, 'offloads')).toEqual(datapath === 'native' ? all : { udp: [], tun: [] });
    });

    it('says not-permitted for a port that is not for everybody', () => {
      expect(runScenario(datapath, 'udp-privileged', POWERLESS).code).toBe('not-permitted');
    });

    it('exchanges packets with the kernel through the TUN', () => {
      const result = runScenario(datapath, 'tun-ping');
      expect(result).toMatchObject({ name: 'sky-test', mtu: 1400, up: true });
      expect(result.sequences).toEqual(Array.from({ length: 301 }, (_, i) => i));
      expect(result.lengths.at(-1)).toBe(1400);
      expect(result.counters).toMatchObject({ written: 301, writeDropped: 1 });
    });

    it('carries TCP connections packet for packet, merged by the kernel or not', () => {
      const result = runScenario(datapath, 'tun-superpackets');
      expect(result).toMatchObject({ streams: 8, wrong: [], into: { writeDropped: 0 } });
      expect(result.out.read).toBeGreaterThanOrEqual(4_000);
      if (datapath === 'portable') return;
      expect(result.out).toMatchObject({ readDropped: 0 });
      // Else nothing was tried.
      expect(result.into.writtenSuperpackets).toBeGreaterThan(200);
      expect(result.out.readSuperpackets).toBe(result.into.writtenSuperpackets);
      expect(result.whole).toBeGreaterThan(50);
    });

    it('reports a TUN that was taken away', () => {
      expect(runScenario(datapath, 'tun-lost')).toEqual({ code: 'tun-unavailable', readAfter: 0 });
    });

    it('says what to do when there is no TUN device, when it is held, and when we may not have it', () => {
      const missing = runScenario(datapath, 'tun-refused', WITHOUT_TUN);
      expect(missing).toMatchObject({ code: 'tun-unavailable', remedy: expect.stringContaining('modprobe tun') });
      expect(runScenario(datapath, 'tun-refused', POWERLESS).code).toBe('not-permitted');
      expect(runScenario(datapath, 'tun-busy')).toMatchObject({
        code: 'tun-unavailable',
        message: expect.stringContaining('held by another program'),
      });
    });
  });
}

describe.skipIf(!IS_ROOT || !HAS_ADDON)('native data path alone', () => {
  it('never fragments: a datagram larger than the interface takes is refused by itself', () => {
    const result = runScenario('native', 'udp-dont-fragment');
    expect(result.lengths).toEqual([1000, 1001]);
    expect(result.counters).toEqual({ ...NO_COUNTS, sent: 2, sendFailed: 6 });
  });

  it('takes down what a worker left open and watched', () => {
    expect(runScenario('native', 'worker')).toEqual({ rounds: 3, devices: ['lo'] });
  });
});

describe.skipIf(!IS_ROOT)('portable data path alone', () => {
  it('bounds what waits to be sent and what waits to be received', () => {
    expect(runScenario('portable', 'portable-bounds')).toEqual({ sendDropped: 4096 - 1024, queued: 4096 });
    expect(runScenario('portable', 'portable-tun-bounds').writeDropped).toBe(7);
  });
});
