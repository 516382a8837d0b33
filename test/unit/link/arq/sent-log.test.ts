import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../../src/base/seeded-random.ts';
import {
  ACKED,
  FLYING,
  LOST,
  QUIET,
  SentLog,
  TOKENS_PER_DATAGRAM_MAX,
  WATCHED,
} from '../../../../src/link/arq/sent-log.ts';

function tokensOf(log: SentLog, counter: number): number[] {
  return Array.from({ length: log.tokenCountOf(counter) }, (_, i) => log.tokenOf(counter, i));
}

describe('the log of what was sent', () => {
  test('keeps what it was told of each datagram', () => {
    const log = new SentLog(4, 8);
    log.addToken(7);
    log.addToken(-3);
    log.add(FLYING, 1_472, 1_472, 10.5);
    log.add(QUIET, 64, 1_472, 11);
    expect([log.first, log.next]).toEqual([0, 2]);
    expect([log.stateOf(0), log.bytesOf(0), log.totalOf(0), log.sentAtOf(0)]).toEqual([FLYING, 1_472, 1_472, 10.5]);
    expect([tokensOf(log, 0), tokensOf(log, 1)]).toEqual([[7, -3], []]);
  });

  test('grows up to its bound, and is then full', () => {
    const log = new SentLog(4, 1_024);
    for (let counter = 0; counter < 1_024; counter++) {
      expect(log.full).toBe(false);
      for (let i = 0; i < counter % 4; i++) log.addToken(10 * counter + i);
      log.add(FLYING, 100, counter, counter);
    }
    expect(log.full).toBe(true);
    for (let counter = 0; counter < 1_024; counter++) {
      expect(log.sentAtOf(counter)).toBe(counter);
      expect(tokensOf(log, counter)).toEqual(Array.from({ length: counter % 4 }, (_, i) => 10 * counter + i));
    }
    log.setState(0, ACKED);
    log.forget(0);
    expect([log.first, log.full]).toEqual([1, false]);
  });

  test('has room for quiet datagrams when it is full', () => {
    const log = new SentLog(4, 8);
    for (let counter = 0; counter < 8; counter++) log.add(FLYING, 100, 0, counter);
    for (let counter = 8; counter < 16; counter++) log.add(QUIET, 64, 0, counter);
    expect(log.full).toBe(true);
    expect([log.sentAtOf(0), log.sentAtOf(15)]).toEqual([0, 15]);
  });

  test('is full, too, when its tokens are', () => {
    const log = new SentLog(4, 1_024);
    while (!log.full) {
      for (let i = 0; i < TOKENS_PER_DATAGRAM_MAX; i++) log.addToken(i);
      log.add(FLYING, 100, 0, 0);
    }
    expect(log.next).toBeLessThan(17);
    expect(log.heldBytes).toBeLessThan(40_000);
  });

  test('forgets from the oldest on what is done, and what is lost or watched after a while', () => {
    const log = new SentLog(8, 8);
    for (const state of [QUIET, FLYING, FLYING, WATCHED, FLYING] as const) log.add(state, 100, 0, log.next);
    log.forget(100);
    expect(log.first).toBe(1);
    log.setState(1, LOST);
    log.setState(2, ACKED);
    log.forget(1);
    expect(log.first).toBe(1);
    log.forget(2);
    expect(log.first).toBe(3);
    log.forget(100);
    expect(log.first).toBe(4);
    log.setState(4, ACKED);
    log.forget(100);
    expect([log.first, log.next]).toEqual([5, 5]);
  });

  test('keeps every entry in its place through rings that turn and grow', () => {
    const random = new SeededRandom(9, 'log');
    const log = new SentLog(4, 4_096);
    const kept = new Map<number, number[]>();
    let token = 0;
    for (let step = 0; step < 20_000; step++) {
      if (random.chance(0.52) && !log.full) {
        const tokens = Array.from({ length: random.integer(4) }, () => token++);
        for (const one of tokens) log.addToken(one);
        kept.set(log.next, tokens);
        log.add(FLYING, 100, 0, log.next);
      } else if (log.first < log.next) {
        expect(tokensOf(log, log.first)).toEqual(kept.get(log.first));
        log.setState(log.first, ACKED);
        log.forget(0);
      }
    }
    for (let counter = log.first; counter < log.next; counter++)
      expect(tokensOf(log, counter)).toEqual(kept.get(counter));
  });

  test('gives its memory back when nothing is under way', () => {
    const log = new SentLog(4, 1_024);
    const before = log.heldBytes;
    for (let i = 0; i < 500; i++) {
      log.addToken(i);
      log.add(FLYING, 100, 0, 0);
    }
    log.trim();
    expect(log.heldBytes).toBeGreaterThan(10 * before);
    for (let i = 0; i < 500; i++) log.setState(i, ACKED);
    log.forget(0);
    log.trim();
    expect(log.heldBytes).toBe(before);
    log.addToken(77);
    log.add(FLYING, 100, 0, 0);
    expect([log.first, tokensOf(log, 500)]).toEqual([500, [77]]);
  });
});
