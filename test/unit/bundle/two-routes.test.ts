/**
 * What several paths carry together.
 *
 *   client ══ paths of the given rate and delay ══ service
 */
import { describe, expect, it } from 'vitest';
import { BULK, REAL_TIME, SENT_ONCE, type TrafficClass } from '../../../src/base/traffic-class.ts';
import type { RouteStatus, SessionStatus } from '../../../src/bundle/session-status.ts';
import { longestPause, numbered, numberOf, type PairOptions, RoutePair, saturate } from './route-pair.ts';
import { FRAMING_BYTES, type PathShape } from './simulated-path.ts';

const MESSAGE_BYTES = 1_400;
/** Application bytes of a full-size message, with what seals and frames it on the simulated path. */
const PAYLOAD_SHARE = MESSAGE_BYTES / (MESSAGE_BYTES + 33 + FRAMING_BYTES);

function path(rateMbps: number, delayMs: number, more: Partial<PathShape> = {}) {
  return { rateMbps, delayMs, ...more };
}

/** By route. */
function deliveredOf({ routes }: SessionStatus, trafficClass: TrafficClass): number[] {
  return routes.filter((route) => route.trafficClass === trafficClass).map(({ deliveredBytes }) => deliveredBytes);
}

function bulkOf({ routes }: SessionStatus): RouteStatus[] {
  return routes.filter(({ trafficClass }) => trafficClass !== REAL_TIME);
}

/** Saturates the session for `seconds` after some to settle; says what share of the paths' sum the service got. */
function measure(paths: ReturnType<typeof path>[], seconds = 4, settleMs = 1_000, more: Partial<PairOptions> = {}) {
  const pair = new RoutePair({ paths, ...more });
  pair.serviceOwner.keep = false;
  let newest = -1;
  let disordered = 0;
  pair.serviceOwner.onMessage = (_session, bytes) => {
    const number = numberOf(bytes);
    if (number < newest) disordered += 1;
    newest = Math.max(newest, number);
  };
  pair.runTo(500);
  saturate(pair, () => pair.session, 60_000);
  pair.run(settleMs);
  const before = pair.serviceOwner.bytes;
  disordered = 0;
  pair.run(1_000 * seconds);
  const rateMbps = paths.reduce((sum, { rateMbps, loss }) => sum + rateMbps * (1 - (loss ?? 0)), 0);
  const share = (pair.serviceOwner.bytes - before) / (rateMbps * 125_000 * seconds * PAYLOAD_SHARE);
  return { pair, share, disordered };
}

describe('two paths', () => {
  it.each([
    [50, 0.3],
    [20, 20],
    [20, 100],
    [2, 10],
  ])('of %i Mb/s at %f ms carry 95 % of their sum in order', (rateMbps, delayMs) => {
    const { share, disordered, pair } = measure([path(rateMbps, delayMs), path(rateMbps, delayMs)], 2, 1_500);
    expect(share).toBeGreaterThan(0.95);
    expect(disordered).toBe(0);
    expect(pair.serviceSession.status(pair.now).resequencer).toMatchObject({ lost: 0, late: 0, duplicate: 0 });
    expect(bulkOf(pair.session.status(pair.now)).map(({ resent }) => resent)).toEqual([0, 0]);
  });

  it.each([
    ['25 + 5 Mb/s', path(25, 5), path(5, 5), 0.95],
    ['20 + 1 Mb/s', path(20, 10), path(1, 50), 0.92],
    ['2 + 2 Mb/s at 10 and 30 ms', path(2, 10), path(2, 30), 0.95],
    ['20 + 20 Mb/s at 5 and 60 ms', path(20, 5), path(20, 60), 0.92],
  ])('that differ (%s) carry their sum in order', (_, a, b, least) => {
    const { share, disordered } = measure([a, b], 4, 1_500);
    expect(share).toBeGreaterThan(least);
    expect(disordered).toBe(0);
  });

  it('one of which loses a third at each of four hops carry what both carry, in order', () => {
    const lossy = path(20, 20, { hops: 4, loss: 0.33 });
    const { share, disordered, pair } = measure([path(20, 10), lossy], 4, 2_000);
    expect(share).toBeGreaterThan(0.92);
    expect(disordered).toBe(0);
    expect(bulkOf(pair.session.status(pair.now)).map(({ state, resent }) => [state, resent])).toEqual([
      ['up', 0],
      ['up', 0],
    ]);
  });

  it('that send once and lose 1 % carry what is not lost, and stall for none of it', () => {
    const once = path(20, 5, { lostShare: 0.01 });
    const { share, pair } = measure([once, once], 3, 500, { deliveryMs: SENT_ONCE });
    expect(share).toBeGreaterThan(0.95 * 0.99);
    const { resequencer } = pair.serviceSession.status(pair.now);
    expect(resequencer.lost).toBeGreaterThan(70);
    expect(resequencer.waiting).toBeLessThan(150);
  });

  it('leave light load to the faster one', () => {
    const pair = new RoutePair({ paths: [path(50, 30), path(50, 5)] });
    pair.runTo(500);
    for (let i = 0; i < 50; i++) {
      pair.session.send(new Uint8Array(1_000), pair.now);
      pair.run(20);
    }
    pair.run(100);
    const [slow, fast] = bulkOf(pair.session.status(pair.now));
    expect(fast.deliveredBytes).toBe(50_000);
    expect(slow.deliveredBytes).toBe(0);
  });

  it('leave pages, one after another, to the faster one in both classes', () => {
    const pair = new RoutePair({ paths: [path(20, 10), path(20, 20), path(20, 30)] });
    pair.runTo(1_000);
    const sessions = [pair.session, pair.serviceSession];
    for (const trafficClass of [REAL_TIME, BULK] as const) {
      const carried = () => sessions.map((session) => deliveredOf(session.status(pair.now), trafficClass));
      const before = carried();
      // A handshake, a question, an answer: there is always something under way.
      for (let page = 0; page < 100; page++) {
        for (const [session, bytes] of [
          [pair.session, 60],
          [pair.serviceSession, 60],
          [pair.session, 150],
          [pair.serviceSession, 1_300],
        ] as const) {
          session.send(new Uint8Array(bytes), pair.now, { trafficClass, flow: page });
          pair.run(11);
        }
      }
      pair.run(200);
      const growth = carried().map((end, i) => end.map((total, route) => total - before[i][route]));
      expect(growth).toEqual([
        [21_000, 0, 0],
        [136_000, 0, 0],
      ]);
    }
  });

  it('use a slow one no sooner than it shortens the queue', () => {
    const pair = new RoutePair({ paths: [path(20, 5), path(20, 60)] });
    const slowBytes = () => bulkOf(pair.session.status(pair.now))[1].deliveredBytes;
    const burst = (messages: number) => {
      for (let i = 0; i < messages; i++) pair.session.send(new Uint8Array(MESSAGE_BYTES), pair.now);
      pair.run(1_000);
    };
    pair.runTo(500);
    burst(100);
    burst(100);
    const before = slowBytes();
    // 70 ms of the fast one, and the slow one takes 120 there and back.
    burst(120);
    expect(slowBytes() - before).toBeLessThan(10 * MESSAGE_BYTES);
    // 300 ms of the fast one.
    burst(540);
    expect(slowBytes() - before).toBeGreaterThan(50 * MESSAGE_BYTES);
  });

  it('leave out one that lies more than 200 ms behind and carries no more, once that is known', () => {
    const { pair, share, disordered } = measure([path(10, 5), path(10, 250)], 2, 8_000);
    const [, late] = bulkOf(pair.session.status(pair.now));
    expect([late.state, late.parked]).toEqual(['up', 'late']);
    expect([late.inFlightBytes, late.deliveredBytes]).toEqual([0, 0]);
    expect(share).toBeGreaterThan(0.95 / 2);
    expect(disordered).toBe(0);
  });

  it.each([
    ['2 Mb/s, and 20 Mb/s 590 ms later', path(2, 5), path(20, 300), 0.9],
    ['8 Mb/s, and 16 Mb/s 220 ms later', path(8, 5), path(16, 115), 0.9],
  ])('of %s carry their sum in order', (_, near, late, least) => {
    const { pair, share, disordered } = measure([near, late], 4, 8_000);
    expect(bulkOf(pair.session.status(pair.now)).map(({ parked }) => parked)).toEqual([undefined, undefined]);
    expect(share).toBeGreaterThan(least);
    expect(disordered).toBe(0);
  });

  it('sound a late one with copies, which make nothing wait and are never sent again', () => {
    const pair = new RoutePair({ paths: [path(10, 5), path(10, 250)] });
    pair.runTo(500);
    const counter = saturate(pair, () => pair.session, 6_000);
    pair.run(4_000);
    expect(bulkOf(pair.session.status(pair.now))[1].inFlightBytes).toBeGreaterThan(100_000);
    expect(pair.serviceSession.status(pair.now).resequencer.duplicate).toBeGreaterThan(500);
    pair.cut(1);
    pair.run(4_000);
    const [near, late] = bulkOf(pair.session.status(pair.now));
    expect([near.resent, late?.resent ?? 0]).toEqual([0, 0]);
    const { received } = pair.serviceOwner;
    const numbers = received.map(({ bytes }) => numberOf(bytes));
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
    // What the near path can't carry is dropped before it is numbered, and nothing else.
    expect(numbers).toHaveLength(counter.sent - pair.session.status(pair.now).queueDrops);
    expect(longestPause(received, 600, 6_000)).toBeLessThan(20);
  });

  it('one of which is parked leave it empty, until it is the only one', () => {
    const pair = new RoutePair({ paths: [path(10, 5), path(10, 5)] });
    pair.serviceOwner.keep = false;
    pair.runTo(500);
    const [, , second] = pair.session.routes.live;
    second.standing.parked = true;
    second.standing.until = Number.POSITIVE_INFINITY;
    saturate(pair, () => pair.session, 5_000);
    pair.run(1_500);
    const bulk = bulkOf(pair.session.status(pair.now));
    expect(bulk.map(({ parked }) => parked)).toEqual([undefined, 'harm']);
    expect(bulk[1].deliveredBytes).toBe(0);
    pair.cut(0);
    pair.run(1_500);
    expect(bulkOf(pair.session.status(pair.now))[1].parked).toBeUndefined();
    expect(bulkOf(pair.session.status(pair.now))[1].deliveredBytes).toBeGreaterThan(500_000);
  });

  it('carry traffic both ways at once', () => {
    const pair = new RoutePair({ paths: [path(20, 5), path(20, 5)] });
    pair.serviceOwner.keep = false;
    pair.clientOwner.keep = false;
    pair.runTo(500);
    saturate(pair, () => pair.session, 4_000);
    saturate(pair, () => pair.serviceSession, 4_000);
    pair.run(1_000);
    const before = [pair.serviceOwner.bytes, pair.clientOwner.bytes];
    pair.run(2_000);
    const bothWays = 40 * 125_000 * 2 * PAYLOAD_SHARE;
    expect(pair.serviceOwner.bytes - before[0]).toBeGreaterThan(0.95 * bothWays);
    expect(pair.clientOwner.bytes - before[1]).toBeGreaterThan(0.95 * bothWays);
  });

  it('carry messages of 64 KiB', () => {
    const pair = new RoutePair({ paths: [path(50, 2), path(50, 2)] });
    pair.serviceOwner.keep = false;
    pair.runTo(200);
    saturate(pair, () => pair.session, 5_000, { bytes: 65_502, backlogBytes: 500_000 });
    pair.run(2_000);
    const before = pair.serviceOwner.bytes;
    pair.run(2_000);
    expect(pair.serviceOwner.bytes - before).toBeGreaterThan(0.9 * 100 * 125_000 * 2);
  });
});

describe('a session', () => {
  it('sends its first data before any answer: it arrives after one one-way latency', () => {
    const pair = new RoutePair({ paths: [{ delayMs: 30 }] });
    pair.session.send(new Uint8Array(100), 0);
    pair.runTo(35);
    expect(pair.serviceOwner.received.map(({ at }) => at)).toEqual([30]);
    expect(pair.clientOwner.openedAt).toEqual([]);
    pair.runTo(65);
    expect(pair.clientOwner.openedAt).toEqual([60]);
  });

  it('adds a path without a pause', () => {
    const pair = new RoutePair({ paths: [path(20, 5), path(20, 5)] });
    pair.offered = [0];
    pair.failPath(1);
    pair.runTo(100);
    saturate(pair, () => pair.session, 4_000);
    pair.runTo(2_000);
    pair.offered = [0, 1];
    pair.layers[0].pathsChanged(pair.now);
    pair.runTo(4_000);
    expect(pair.session.status(pair.now).routes.map(({ state }) => state)).toEqual(['up', 'up', 'up', 'up']);
    expect(longestPause(pair.serviceOwner.received, 1_500, 4_000)).toBeLessThan(20);
    const arrived = (from: number, to: number) =>
      pair.serviceOwner.received.filter(({ at }) => at >= from && at < to).length;
    expect(arrived(3_000, 4_000)).toBeGreaterThan(1.9 * arrived(1_000, 2_000));
  });

  it('changes the delivery of its routes without a pause or a loss', () => {
    const pair = new RoutePair({ paths: [path(20, 5), path(20, 15)] });
    pair.runTo(500);
    const counter = saturate(pair, () => pair.session, 3_000);
    pair.runTo(1_000);
    pair.session.setDelivery(SENT_ONCE, pair.now);
    pair.runTo(2_000);
    const { routes } = pair.session.status(pair.now);
    expect(routes.map(({ state, deliveryMs }) => [state, deliveryMs])).toEqual(new Array(4).fill(['up', SENT_ONCE]));
    pair.runTo(4_000);
    expect(longestPause(pair.serviceOwner.received, 900, 3_000)).toBeLessThan(60);
    const numbers = new Set(pair.serviceOwner.received.map(({ bytes }) => numberOf(bytes)));
    expect([numbers.size, pair.serviceOwner.received.length]).toEqual([counter.sent, counter.sent]);
  });
});

describe('Real Time', () => {
  /** 100 messages a second for `ms`; what each took, sorted. */
  function voice(pair: RoutePair, ms: number): number[] {
    const sentAt = new Map<number, number>();
    const took: number[] = [];
    pair.serviceOwner.keep = false;
    pair.serviceOwner.onMessage = (_session, bytes, now) => {
      if (bytes.length === 200) took.push(now - sentAt.get(numberOf(bytes))!);
    };
    for (const end = pair.now + ms; pair.now < end; pair.run(10)) {
      sentAt.set(sentAt.size, pair.now);
      pair.session.send(numbered(sentAt.size - 1, 200), pair.now, { trafficClass: REAL_TIME, flow: 1 });
    }
    pair.run(300);
    expect(took).toHaveLength(sentAt.size);
    return took.sort((a, b) => a - b);
  }

  it('does not wait behind Bulk: p99 within one Bulk message and 2 ms of what it is alone', () => {
    const alone = new RoutePair({ paths: [path(10, 10), path(10, 20)] });
    alone.runTo(500);
    const idle = voice(alone, 5_000);
    const loaded = new RoutePair({ paths: [path(10, 10), path(10, 20)] });
    loaded.runTo(500);
    saturate(loaded, () => loaded.session, 6_000);
    loaded.run(500);
    const busy = voice(loaded, 5_000);
    const messageMs = (MESSAGE_BYTES + 33 + FRAMING_BYTES) / 1_250;
    expect(busy[Math.floor(0.99 * busy.length)]).toBeLessThan(idle[Math.floor(0.99 * idle.length)] + messageMs + 2);
  });

  it('takes the fastest path, and leaves it within 300 ms when it dies', () => {
    const pair = new RoutePair({ paths: [path(10, 5), path(10, 20)] });
    pair.runTo(500);
    let sent = 0;
    const speak = () => {
      pair.session.send(numbered(sent++, 200), pair.now, { trafficClass: REAL_TIME, flow: 1 });
      if (pair.now < 3_000) pair.at(10, speak);
    };
    speak();
    pair.runTo(1_000);
    pair.cut(0);
    pair.runTo(3_200);
    expect(longestPause(pair.serviceOwner.received, 900, 3_000)).toBeLessThan(300);
    const numbers = pair.serviceOwner.received.map(({ bytes }) => numberOf(bytes));
    expect(new Set(numbers).size).toBe(numbers.length);
    // What was said while the dead path was in use is sent again as long as it is worth hearing.
    expect(numbers.length).toBeGreaterThan(sent - 20);
    expect(pair.serviceOwner.received.filter(({ at }) => at < 1_000).length).toBeGreaterThan(48);
  });

  it('goes over Bulk routes when no other is up', () => {
    const pair = new RoutePair({ paths: [path(10, 5)] });
    pair.runTo(500);
    const [, realTime] = pair.session.routes.live;
    realTime.state = 'stalled';
    pair.session.send(numbered(1, 200), pair.now, { trafficClass: REAL_TIME, flow: 1 });
    pair.run(20);
    expect(pair.serviceOwner.received.map(({ bytes }) => numberOf(bytes))).toEqual([1]);
  });

  it('beyond what its routes take is dropped where it comes in, and takes no room from Bulk', () => {
    const pair = new RoutePair({ paths: [path(2, 5)] });
    pair.runTo(500);
    pair.serviceOwner.keep = false;
    const fill = () => {
      for (let i = 0; i < 20; i++)
        pair.session.send(numbered(i, 1_000), pair.now, { trafficClass: REAL_TIME, flow: 1 });
      if (pair.now < 2_000) pair.at(10, fill);
    };
    fill();
    pair.runTo(2_000);
    const status = pair.session.status(pair.now);
    expect(status.realTimeDrops).toBeGreaterThan(1_000);
    expect(status.realTimeQueueBytes).toBeLessThanOrEqual(64 * 1024);
    expect(bulkOf(status)[0].inFlightBytes).toBe(0);
  });

  it('is the first thing that leaves, before any answer', () => {
    const pair = new RoutePair({ paths: [{ delayMs: 30 }] });
    pair.session.send(new Uint8Array(100), 0, { trafficClass: REAL_TIME, flow: 1 });
    pair.runTo(35);
    expect(pair.serviceOwner.received.map(({ at }) => at)).toEqual([30]);
  });
});
