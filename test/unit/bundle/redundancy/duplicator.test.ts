/**
 * Real Time over one route or two.
 *
 *   client ══╦═ path 0: 20 Mb/s, 10 ms ═╦══ service
 *            ╚═ path 1: 20 Mb/s, 15 ms ═╝
 */
import { describe, expect, it } from 'vitest';
import { REAL_TIME } from '../../../../src/base/traffic-class.ts';
import type { Lane } from '../../../../src/bundle/ports.ts';
import type { Session } from '../../../../src/bundle/session.ts';
import { numbered, numbersOf, type PairOptions, RoutePair } from '../route-pair.ts';

const fast = { rateMbps: 20, delayMs: 10 };
const slower = { rateMbps: 20, delayMs: 15 };
const CALL: Lane = { trafficClass: REAL_TIME, flow: 0 };
const CALL_BYTES = 172;

function pairOf(options: Partial<PairOptions>): RoutePair {
  const pair = new RoutePair({ paths: [fast, slower], ...options });
  pair.runTo(2_000);
  return pair;
}

/** Fifty packets a second for so long, and then what is under way arrives. */
function call(pair: RoutePair, sender: () => Session, ms: number, { bytes = CALL_BYTES, everyMs = 20 } = {}) {
  let sent = 0;
  for (let at = 0; at < ms; at += everyMs) {
    pair.at(at, () => sender().send(numbered(sent++, bytes), pair.now, CALL));
  }
  pair.run(ms + 500);
  return sent;
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

describe('with redundancy on', () => {
  it('a call loses nothing when one of its two routes dies, whichever, and nothing arrives twice', () => {
    for (const path of [0, 1]) {
      const pair = pairOf({ redundancy: 'on' });
      pair.at(1_010, () => pair.cut(path));
      const sent = call(pair, () => pair.session, 3_000);
      const numbers = numbersOf(pair.serviceOwner.received);
      expect(numbers.toSorted((a, b) => a - b)).toEqual(upTo(sent));
      expect(pair.session.status(pair.now).realTimeTwice).toBeGreaterThan(50);
    }
  });

  it('the service sends twice, too, once the client does', () => {
    const pair = pairOf({ redundancy: 'on' });
    call(pair, () => pair.session, 200);
    const sent = call(pair, () => pair.serviceSession, 1_000);
    expect(numbersOf(pair.clientOwner.received)).toEqual(upTo(sent));
    expect(pair.serviceSession.status(pair.now).realTimeTwice).toBe(sent);
    expect(pair.session.status(pair.now).realTimeDuplicates).toBe(sent);
  });

  it('one route carries a call once', () => {
    const pair = pairOf({ redundancy: 'on', paths: [fast] });
    const sent = call(pair, () => pair.session, 1_000);
    expect(numbersOf(pair.serviceOwner.received)).toEqual(upTo(sent));
    expect(pair.session.status(pair.now).realTimeTwice).toBe(0);
  });

  it('no more than 2 Mb/s goes twice', () => {
    const pair = pairOf({ redundancy: 'on' });
    const sent = call(pair, () => pair.session, 10_000, { bytes: 1_000, everyMs: 1 });
    expect(sent).toBe(10_000);
    const { realTimeTwice } = pair.session.status(pair.now);
    // 250 kB a second and as much at once.
    expect(realTimeTwice * (1_000 + 31)).toBeLessThanOrEqual(11 * 250_000 + 1_031);
    expect(realTimeTwice * (1_000 + 31)).toBeGreaterThan(10 * 250_000);
  });
});

describe('with redundancy auto', () => {
  it('a call over good routes goes over one', () => {
    const pair = pairOf({});
    call(pair, () => pair.session, 5_000);
    expect(pair.session.status(pair.now).realTimeTwice).toBe(0);
  });

  it('it goes over both once more than 1 % was lost', () => {
    const pair = pairOf({});
    let counted = 0;
    pair.filter = (from, message) => from !== 0 || message.length !== CALL_BYTES + 31 || ++counted % 25 !== 0;
    call(pair, () => pair.session, 8_000);
    const { realTimeTwice } = pair.session.status(pair.now);
    expect(realTimeTwice).toBeGreaterThan(200);
    expect(realTimeTwice).toBeLessThan(300);
  });

  it('it goes over both for half a minute after a route fell silent', () => {
    const pair = pairOf({});
    pair.at(500, () => pair.cut(0));
    pair.at(1_500, () => pair.mend(0));
    call(pair, () => pair.session, 5_000);
    const early = pair.session.status(pair.now).realTimeTwice;
    expect(early).toBeGreaterThan(150);
    pair.run(30_000);
    call(pair, () => pair.session, 2_000);
    expect(pair.session.status(pair.now).realTimeTwice).toBe(early);
  });
});

describe('with redundancy off', () => {
  const lossy = { ...fast, loss: 0.2, hops: 2 };

  it('what its owner wants twice goes twice, whatever the session does, and nothing else', () => {
    const pair = pairOf({ redundancy: 'off' });
    const lanes = [{ ...CALL, twice: true }, CALL];
    for (let i = 0; i < 100; i++) {
      pair.at(20 * i, () => pair.session.send(numbered(i, CALL_BYTES), pair.now, lanes[i % 2]));
    }
    pair.run(3_000);
    expect(numbersOf(pair.serviceOwner.received)).toEqual(upTo(100));
    expect(pair.session.status(pair.now).realTimeTwice).toBe(50);
    expect(pair.serviceSession.status(pair.now).realTimeDuplicates).toBe(50);
  });

  it('nothing goes twice, however bad the routes are', () => {
    const pair = pairOf({ redundancy: 'off', paths: [lossy, lossy] });
    call(pair, () => pair.session, 5_000);
    expect(pair.session.status(pair.now).realTimeTwice).toBe(0);
  });
});
