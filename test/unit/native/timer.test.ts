/** Both timers keep one promise: once, not early, and only for what was armed last. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadNative } from '../../../src/native/index.ts';
import { type PreciseTimer, portableDatapath } from '../../../src/os/datapath.ts';

const native = loadNative();
const DATAPATHS = [portableDatapath, ...('datapath' in native ? [native.datapath] : [])];
/** Node.js counts a millisecond from the last whole one. */
const EARLY_MS = { portable: 1, native: 0.02 } as const;

describe.each(DATAPATHS)('the $name timer', ({ name, openTimer }) => {
  let timer: PreciseTimer;
  let dueAt: number[];
  let due: () => void;

  beforeEach(() => {
    timer = openTimer();
    dueAt = [];
    due = () => {};
    timer.onDue(() => {
      dueAt.push(performance.now());
      due();
    });
  });
  afterEach(() => timer.close());

  /** Until the timer was due so many times. */
  function times(count: number): Promise<void> {
    return new Promise((resolve) => {
      due = () => {
        if (dueAt.length === count) resolve();
      };
    });
  }

  test.each([0, 0.3, 1, 7.5])('armed for %d ms is due once, and not early', async (delayMs) => {
    const armedAt = performance.now();
    timer.arm(delayMs);
    await times(1);
    expect(dueAt[0] - armedAt).toBeGreaterThanOrEqual(delayMs - EARLY_MS[name]);
    // A second timer, armed later and due later, comes without another call of the first.
    const other = openTimer();
    await new Promise<void>((resolve) => {
      other.onDue(resolve);
      other.arm(5);
    });
    other.close();
    expect(dueAt).toHaveLength(1);
  });

  test('forgets what it was armed for when it is armed anew, for sooner or for later', async () => {
    const armedAt = performance.now();
    timer.arm(60_000);
    timer.arm(1);
    timer.arm(20);
    await times(1);
    expect(dueAt[0] - armedAt).toBeGreaterThanOrEqual(20 - EARLY_MS[name]);
  });

  test('may be armed from its own call', async () => {
    const done = times(5);
    const counted = due;
    due = () => {
      counted();
      if (dueAt.length < 5) timer.arm(0.2);
    };
    timer.arm(0.2);
    await done;
    expect(dueAt).toHaveLength(5);
  });

  test('is never due once it is closed, and closing it twice does nothing', async () => {
    timer.arm(1);
    timer.close();
    timer.close();
    const other = openTimer();
    await new Promise<void>((resolve) => {
      other.onDue(resolve);
      other.arm(10);
    });
    other.close();
    expect(dueAt).toEqual([]);
  });
});
