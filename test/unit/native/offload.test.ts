/**
 * The offload cipher against a simulated device: real descriptors, real RTL. The fault switch breaks the device while a batch
 * is under way; every batch has to come out as software would have it. Skipped where `npm run hw` has not built the device.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { JOB_BAD_TAG, JOB_OK, JOB_WORDS, TAG_BYTES } from '../../../src/crypto/cipher.ts';
import { createNodeCipher } from '../../../src/crypto/node-cipher.ts';
import type { OffloadCipher } from '../../../src/crypto/offload-cipher.ts';
import { loadNative } from '../../../src/native/index.ts';
import { OFFLOAD_ABI } from '../../../src/native/offload-abi.ts';
import { hasDevice, SimulatedOffload } from '../../helpers/simulated-offload.ts';

const native = loadNative();
const ASSOCIATED = 16;
const KEY = Uint8Array.from({ length: 32 }, (_, i) => 7 * i);
/** Every batch asks whether a test is due and a failed device is to be tried again. */
const EAGER = { leastBatch: 1, checkEvery: 1024, selfTestMs: 3_600_000, retryMs: 0 };

interface Batch {
  readonly arena: Uint8Array;
  readonly jobs: Uint32Array;
  readonly count: number;
}

let counter = 0;

/** Texts of the given lengths, each with associated data and its own counter. */
function batchOf(slot: number, lengths: readonly number[]): Batch {
  const bytes = lengths.reduce((sum, length) => sum + ASSOCIATED + length + TAG_BYTES, 0);
  const arena = new Uint8Array(bytes);
  const jobs = new Uint32Array(lengths.length * JOB_WORDS);
  let at = 0;
  for (const [i, length] of lengths.entries()) {
    for (let k = 0; k < ASSOCIATED + length; k++) arena[at + k] = (31 * k + 17 * i + counter) & 0xff;
    jobs.set([slot, 1, counter++, at, ASSOCIATED, length, 99, i], i * JOB_WORDS);
    at += ASSOCIATED + length + TAG_BYTES;
  }
  return { arena, jobs, count: lengths.length };
}

const copyOf = ({ arena, jobs, count }: Batch): Batch => ({ arena: arena.slice(), jobs: jobs.slice(), count });

/** The same batch as OpenSSL seals it. */
function sealedBySoftware(batch: Batch, key = KEY): Uint8Array {
  const node = createNodeCipher();
  const slot = node.addKey(key);
  const { arena, jobs, count } = copyOf(batch);
  for (let i = 0; i < count; i++) jobs[i * JOB_WORDS] = slot;
  node.sealBatch(arena, jobs, count);
  return arena;
}

const results = ({ jobs, count }: Batch) => Array.from({ length: count }, (_, i) => jobs[i * JOB_WORDS + 6]);
const datagrams = (count: number) => new Array<number>(count).fill(1420);

for (const size of ['small', 'single'] as const) {
  describe.skipIf('missing' in native || !hasDevice(size))(`the offload cipher on the ${size} device`, () => {
    if ('missing' in native) return;
    const { openOffload } = native.datapath;
    const folder = mkdtempSync(join(tmpdir(), 'sky-offload-'));
    const device = new SimulatedOffload(join(folder, 'device'), size);
    let cipher: OffloadCipher;
    let slot: number;

    beforeAll(() => device.start());
    afterAll(async () => {
      await device.stop();
      rmSync(folder, { recursive: true });
    });
    beforeEach(async () => {
      // A busy machine may leave a simulation without a CPU for seconds: that is not what is tested.
      await device.fault('patience 20000');
      cipher = openOffload(device.device, EAGER);
      slot = cipher.addKey(KEY);
      expect(cipher.status()).toMatchObject({ up: true, lastFailure: 'none', timesUp: 1 });
    });
    afterEach(async () => {
      await device.fault('heal');
      cipher.close();
    });

    /** For devices that stall: a driver that gives them 2 s. */
    async function becomeImpatient(): Promise<void> {
      cipher.close();
      await device.fault('patience 2000');
      cipher = openOffload(device.device, EAGER);
      slot = cipher.addKey(KEY);
    }

    /** Seals on the device, compares with software, opens on the device, compares with the plaintext. */
    function roundTrip(lengths: readonly number[]): void {
      const batch = batchOf(slot, lengths);
      const plain = batch.arena.slice();
      const wanted = sealedBySoftware(batch);
      cipher.sealBatch(batch.arena, batch.jobs, batch.count);
      expect(results(batch)).toEqual(lengths.map(() => JOB_OK));
      expect(Buffer.compare(batch.arena, wanted)).toBe(0);
      cipher.openBatch(batch.arena, batch.jobs, batch.count);
      expect(results(batch)).toEqual(lengths.map(() => JOB_OK));
      for (let i = 0; i < batch.count; i++) {
        const at = batch.jobs[i * JOB_WORDS + 3];
        const end = at + ASSOCIATED + batch.jobs[i * JOB_WORDS + 5];
        expect(Buffer.compare(batch.arena.subarray(at, end), plain.subarray(at, end))).toBe(0);
      }
    }

    it('seals and opens as software does, texts of any length', () => {
      roundTrip([0, 1, 15, 16, 17, 63, 64, 65, 1419, 1420, 1421, 2047, 2048]);
      expect(cipher.status()).toMatchObject({ sealed: 13, opened: 13, redone: 0, softwareShape: 0 });
      roundTrip([2049, 65_536]);
      expect(cipher.status()).toMatchObject({ sealed: 15, opened: 15, redone: 0, softwareShape: 0 });
    });

    it('leaves to software what the device does not take', () => {
      const batch = batchOf(slot, [100]);
      batch.jobs[4] = 17;
      batch.jobs[5] = 99;
      const wanted = sealedBySoftware(batch);
      cipher.sealBatch(batch.arena, batch.jobs, 1);
      expect(Buffer.compare(batch.arena, wanted)).toBe(0);
      expect(cipher.status()).toMatchObject({ sealed: 0, softwareShape: 1 });
    });

    it('gives no plaintext of a datagram that was forged or cut, and says which one', () => {
      const batch = batchOf(slot, datagrams(20));
      cipher.sealBatch(batch.arena, batch.jobs, batch.count);
      const forged = [0, 3, 7, 12, 19];
      for (const [n, i] of forged.entries()) {
        const job = i * JOB_WORDS;
        if (n === 0) batch.jobs[job + 5] -= 16;
        else batch.arena[batch.jobs[job + 3] + [0, 3, 40, 1440, 1449][n]] ^= 0x10;
      }
      cipher.openBatch(batch.arena, batch.jobs, batch.count);
      const wanted = Array.from({ length: 20 }, (_, i) => (forged.includes(i) ? JOB_BAD_TAG : JOB_OK));
      expect(results(batch)).toEqual(wanted);
      const plain = batchOf(slot, datagrams(1)).arena.subarray(ASSOCIATED, ASSOCIATED + 64);
      for (const i of forged) {
        const at = batch.jobs[i * JOB_WORDS + 3] + ASSOCIATED;
        expect(Buffer.from(batch.arena.subarray(at, at + 1404)).includes(Buffer.from(plain))).toBe(false);
      }
      expect(cipher.status()).toMatchObject({ up: true, wrongTags: 5, opened: 15, checked: 5 });
    });

    it('loses nothing when more jobs come than a ring holds', () => {
      roundTrip(new Array(600).fill(32));
      const { sealed, opened, softwareRingFull } = cipher.status();
      expect(sealed + opened + softwareRingFull).toBe(1200);
      expect(softwareRingFull).toBeGreaterThan(0);
    });

    it('keeps more keys apart than the device has slots for, and forgets removed ones', () => {
      const keys = Array.from({ length: 300 }, (_, i) => KEY.map((byte) => byte ^ i));
      const slots = keys.map((key) => cipher.addKey(key));
      for (const i of [0, 100, 254, 255, 299]) {
        const batch = batchOf(slots[i], [40]);
        const wanted = sealedBySoftware(batch, keys[i]);
        cipher.sealBatch(batch.arena, batch.jobs, 1);
        expect(Buffer.compare(batch.arena, wanted)).toBe(0);
      }
      expect(cipher.status()).toMatchObject({ sealed: 5, keysLoaded: 5, keySlots: 256 });
      for (const each of slots) {
        const batch = batchOf(each, [16]);
        cipher.sealBatch(batch.arena, batch.jobs, 1);
      }
      expect(cipher.status()).toMatchObject({ keysLoaded: 255, softwareNoSlot: 45 });
      for (const each of slots) cipher.removeKey(each);
      expect(cipher.status()).toMatchObject({ keysLoaded: 0 });
      expect(() => cipher.sealBatch(new Uint8Array(64), Uint32Array.of(slots[0], 0, 0, 0, 0, 16, 0, 0), 1)).toThrow(
        RangeError,
      );
    });

    const faults = [
      { line: 'stall 60000', reason: 'timeout', after: 'no-clock' },
      { line: 'corrupt-in 1', reason: 'damaged-data', after: 'none' },
      { line: 'corrupt-out 1', reason: 'damaged-data', after: 'none' },
      { line: 'corrupt-descriptor 1', reason: 'bus-error', after: 'none' },
      { line: 'duplicate 40', reason: 'stray-completion', after: 'none' },
      { line: 'reset', reason: 'reset-itself', after: 'none' },
    ];
    it.each(faults)('finishes a batch in software when the device meets "$line", and takes it back', async (fault) => {
      if (fault.line.startsWith('stall')) await becomeImpatient();
      roundTrip(datagrams(4));
      await device.fault(fault.line);
      const batch = batchOf(slot, datagrams(40));
      const wanted = sealedBySoftware(batch);
      cipher.sealBatch(batch.arena, batch.jobs, batch.count);
      expect(results(batch)).toEqual(new Array(40).fill(JOB_OK));
      expect(Buffer.compare(batch.arena, wanted)).toBe(0);
      const broken = cipher.status();
      expect(broken).toMatchObject({ up: false, lastFailure: fault.reason, failures: { [fault.reason]: 1 } });
      expect(broken.redone).toBeGreaterThan(0);
      if (fault.after === 'no-clock') {
        roundTrip(datagrams(3));
        expect(cipher.status()).toMatchObject({ up: false, lastFailure: 'no-clock' });
      }
      await device.fault('heal');
      roundTrip(datagrams(5));
      expect(cipher.status()).toMatchObject({ up: true, timesUp: 2, sealed: broken.sealed + 5 });
    });

    it.each(['stall 60000', 'corrupt-in 3', 'corrupt-descriptor 1', 'corrupt-out 3', 'duplicate 24', 'reset'])(
      'gives no plaintext of datagrams that were forged or cut under "%s"',
      async (line) => {
        if (line.startsWith('stall')) await becomeImpatient();
        const batch = batchOf(slot, datagrams(24));
        const plain = batch.arena.slice();
        cipher.sealBatch(batch.arena, batch.jobs, batch.count);
        const started = (i: number) => batch.jobs[i * JOB_WORDS + 3] + ASSOCIATED;
        for (let i = 0; i < 24; i += 2) {
          if (i % 4 === 0) batch.arena[started(i) + 484] ^= 1;
          else batch.jobs[i * JOB_WORDS + 5] -= 1 + i;
        }
        await device.fault(line);
        cipher.openBatch(batch.arena, batch.jobs, batch.count);
        for (let i = 0; i < 24; i++) {
          const good = i % 2 === 1;
          expect(batch.jobs[i * JOB_WORDS + 6]).toBe(good ? JOB_OK : JOB_BAD_TAG);
          for (let from = started(i); from + 16 <= started(i) + 1420; from += 16) {
            const same = Buffer.compare(batch.arena.subarray(from, from + 16), plain.subarray(from, from + 16)) === 0;
            expect(same).toBe(good);
          }
        }
      },
    );

    it('does not use a key that arrived wrong in the device', async () => {
      await device.fault('wrong-key 1');
      roundTrip(datagrams(3));
      expect(cipher.status()).toMatchObject({ sealed: 0, lastFailure: 'wrong-answer' });
      roundTrip(datagrams(3));
      expect(cipher.status()).toMatchObject({ up: true, timesUp: 2, sealed: 3, opened: 3 + 3 });
    });

    it.each([
      { line: 'reset', reason: 'reset-itself' },
      { line: 'corrupt-out 1', reason: 'wrong-known-answer' },
    ])('finds in a look in between, before any job meets it, what "$line" did', async ({ line, reason }) => {
      cipher.close();
      cipher = openOffload(device.device, { ...EAGER, selfTestMs: 0 });
      slot = cipher.addKey(KEY);
      roundTrip(datagrams(2));
      expect(cipher.status().selfTests).toBe(3);
      await device.fault(line);
      roundTrip(datagrams(2));
      expect(cipher.status()).toMatchObject({ up: true, timesUp: 2, lastFailure: reason, redone: 0, opened: 4 });
      expect(cipher.status()).toMatchObject({ failures: { [reason]: 1 }, softwareDown: 2 });
    });

    it('goes on without a device that was killed, and with the next one', async () => {
      roundTrip(datagrams(2));
      await device.stop('SIGKILL');
      roundTrip(datagrams(4));
      expect(cipher.status()).toMatchObject({ up: false, lastFailure: 'no-device' });
      await device.start();
      await device.fault('patience 20000');
      roundTrip(datagrams(4));
      expect(cipher.status()).toMatchObject({ up: true, timesUp: 2 });
    });

    it('refuses a device with another major version, and uses software', async () => {
      cipher.close();
      await device.fault(`version ${OFFLOAD_ABI.ABI_MAJOR + 1}`);
      cipher = openOffload(device.device, EAGER);
      slot = cipher.addKey(KEY);
      roundTrip(datagrams(2));
      expect(cipher.status()).toMatchObject({ up: false, lastFailure: 'wrong-device', sealed: 0, timesUp: 0 });
    });

    it('keeps small batches in software, and all of them where the device is the slower one', () => {
      cipher.close();
      cipher = openOffload(device.device, { ...EAGER, leastBatch: 8 });
      slot = cipher.addKey(KEY);
      roundTrip(datagrams(7));
      expect(cipher.status()).toMatchObject({ sealed: 0, softwareSmallBatch: 14 });
      roundTrip(datagrams(8));
      expect(cipher.status()).toMatchObject({ sealed: 8, opened: 8 });
      cipher.close();
      cipher = openOffload(device.device, { ...EAGER, leastBatch: 0 });
      slot = cipher.addKey(KEY);
      roundTrip(datagrams(32));
      expect(cipher.status()).toMatchObject({ up: true, sealed: 0, leastBatch: 0xffff_ffff });
    });

    it('throws on a job that reaches outside the arena or names no key', () => {
      const arena = new Uint8Array(64);
      expect(() => cipher.sealBatch(arena, Uint32Array.of(slot, 0, 0, 1, 16, 32, 0, 0), 1)).toThrow(RangeError);
      expect(() => cipher.openBatch(arena, Uint32Array.of(99, 0, 0, 0, 0, 16, 0, 0), 1)).toThrow(RangeError);
      expect(() => cipher.sealBatch(arena, Uint32Array.of(slot, 0, 0, 0, 0, 16, 0, 0), 2)).toThrow(RangeError);
      expect(cipher.status()).toMatchObject({ up: true });
    });
  });
}

describe.skipIf('missing' in native)('the offload cipher without a device', () => {
  it('is a software cipher that says why', () => {
    if ('missing' in native) return;
    const cipher = native.datapath.openOffload('unix:/nonexistent/device', EAGER);
    const slot = cipher.addKey(KEY);
    const batch = batchOf(slot, datagrams(3));
    const wanted = sealedBySoftware(batch);
    cipher.sealBatch(batch.arena, batch.jobs, batch.count);
    expect(Buffer.compare(batch.arena, wanted)).toBe(0);
    expect(cipher.status()).toMatchObject({ up: false, lastFailure: 'no-device', softwareDown: 3, sealed: 0 });
    cipher.close();
    expect(() => cipher.status()).toThrow(RangeError);
  });
});
