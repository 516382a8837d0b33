/**
 * When to call peers that are remembered. Timer: the first time two a second, one after the other; each again after 5 s, doubling
 * to 10 min, give or take a quarter, for as long as it is remembered.
 */
import { NEVER, type RandomSource, randomBytes } from '../base/env.ts';
import type { KeyText } from '../base/ids.ts';
import type { DiscoveryTuning } from './tuning.ts';

const SPREAD = 0.5;

interface Call {
  at: number;
  waitMs: number;
}

export class CallSchedule {
  private readonly tuning: DiscoveryTuning;
  private readonly random: RandomSource;
  private readonly calls = new Map<KeyText, Call>();

  constructor(tuning: DiscoveryTuning, random: RandomSource) {
    this.tuning = tuning;
    this.random = random;
  }

  /** These are to be called, in this order, and no others; they may be where they were not before. */
  begin(names: readonly KeyText[], now: number): void {
    const { callFirstWaitMs, callGapMs } = this.tuning;
    this.calls.clear();
    for (const [i, name] of names.entries()) this.calls.set(name, { at: now + i * callGapMs, waitMs: callFirstWaitMs });
  }

  /** Its link is gone: it is called from the start again. */
  add(name: KeyText, now: number): void {
    const { callFirstWaitMs } = this.tuning;
    this.calls.set(name, { at: now + callFirstWaitMs, waitMs: callFirstWaitMs });
  }

  remove(name: KeyText): void {
    this.calls.delete(name);
  }

  /** Who is to be called now; each will be due again. */
  take(now: number): KeyText[] {
    const due: KeyText[] = [];
    for (const [name, call] of this.calls) {
      if (now < call.at) continue;
      due.push(name);
      call.at = now + call.waitMs * (1 + SPREAD * (randomBytes(this.random, 1)[0] / 256 - 0.5));
      call.waitMs = Math.min(2 * call.waitMs, this.tuning.callLastWaitMs);
    }
    return due;
  }

  nextDueAt(): number {
    let at = NEVER;
    for (const call of this.calls.values()) at = Math.min(at, call.at);
    return at;
  }
}
