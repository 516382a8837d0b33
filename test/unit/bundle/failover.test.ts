/**
 * Routes that die under traffic.
 *
 *   client ══╦═ path 0: 20 Mb/s, 5 ms ═╦══ service
 *            ╚═ path 1: 20 Mb/s, 5 ms ═╝
 */
import { describe, expect, it } from 'vitest';
import { BULK, REAL_TIME } from '../../../src/base/traffic-class.ts';
import type { Lane } from '../../../src/bundle/ports.ts';
import { longestPause, numbered, numbersOf, RoutePair, saturate } from './route-pair.ts';

const path = { rateMbps: 20, delayMs: 5 };

/** Of the Bulk routes, or of all. */
function states(pair: RoutePair, which: 'bulk' | 'all' = 'bulk'): string[] {
  const { routes } = pair.session.status(pair.now);
  return routes.filter(({ trafficClass }) => which === 'all' || trafficClass === BULK).map(({ state }) => state);
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/** Both ways of traffic through a cut at 1 s. */
describe.each([
  ['up', (pair: RoutePair) => pair.session, (pair: RoutePair) => pair.serviceOwner],
  ['down', (pair: RoutePair) => pair.serviceSession, (pair: RoutePair) => pair.clientOwner],
] as const)('a path that is cut while data goes %s', (_, sender, receiver) => {
  it('loses no message and stalls less than 300 ms', () => {
    const pair = new RoutePair({ paths: [path, path] });
    pair.runTo(100);
    const counter = saturate(pair, () => sender(pair), 3_000);
    pair.runTo(1_000);
    pair.cut(0);
    pair.runTo(3_000);
    expect(longestPause(receiver(pair).received, 900, 3_000)).toBeLessThan(300);
    pair.runTo(5_000);
    const numbers = numbersOf(receiver(pair).received);
    // What the one path left can't carry is dropped before it is numbered, and nothing else.
    expect(numbers.length).toBe(counter.sent - sender(pair).status(pair.now).queueDrops);
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(sender(pair).status(pair.now).queueDrops).toBeLessThan(0.02 * counter.sent);
  });

  it('comes back by itself once it is mended', () => {
    const pair = new RoutePair({ paths: [path, path] });
    pair.runTo(100);
    saturate(pair, () => sender(pair), 16_000, { bytes: 4_000 });
    pair.runTo(1_000);
    pair.cut(0);
    pair.runTo(6_000);
    expect(states(pair).filter((state) => state === 'up')).toHaveLength(1);
    pair.mend(0);
    pair.runTo(15_000);
    expect(states(pair)).toEqual(['up', 'up']);
    expect(receiver(pair).received.filter(({ at }) => at >= 14_000).length).toBeGreaterThan(1_150);
  });
});

describe('a route', () => {
  it('that was only silent for a second returns to service', () => {
    const pair = new RoutePair({ paths: [path, path] });
    pair.runTo(100);
    saturate(pair, () => pair.session, 4_000);
    pair.runTo(1_000);
    pair.cut(0);
    pair.runTo(2_000);
    expect(states(pair)).toEqual(['stalled', 'up']);
    pair.mend(0);
    pair.runTo(2_150);
    expect(states(pair)).toEqual(['up', 'up']);
    expect(pair.routesOpened).toHaveLength(4);
    pair.runTo(4_000);
    expect(pair.session.status(pair.now).routes[0].deliveredBytes).toBeGreaterThan(5_000_000);
  });

  it('that comes back is measured anew, and its next death is noticed as fast', () => {
    const pair = new RoutePair({ paths: [path, path] });
    pair.runTo(100);
    saturate(pair, () => pair.serviceSession, 6_000);
    pair.runTo(1_000);
    pair.cut(0);
    pair.runTo(3_000);
    pair.mend(0);
    pair.runTo(5_000);
    for (const session of [pair.session, pair.serviceSession]) {
      for (const { roundTripMs } of session.status(pair.now).routes) expect(roundTripMs).toBeLessThan(200);
    }
    pair.cut(0);
    pair.runTo(6_000);
    expect(longestPause(pair.clientOwner.received, 4_900, 6_000)).toBeLessThan(300);
  });

  it('whose failure is named is cut out at once', () => {
    const pair = new RoutePair({ paths: [path, path] });
    pair.runTo(100);
    const counter = saturate(pair, () => pair.session, 2_000);
    pair.runTo(1_000);
    pair.failPath(0);
    pair.runTo(1_100);
    expect(pair.session.status(pair.now).lastFailure).toEqual({ hop: 1, reason: 'no-such-link' });
    pair.runTo(3_000);
    expect(longestPause(pair.serviceOwner.received, 900, 2_000)).toBeLessThan(60);
    const arrived = counter.sent - pair.session.status(pair.now).queueDrops;
    expect(new Set(numbersOf(pair.serviceOwner.received)).size).toBe(arrived);
    expect(pair.serviceOwner.received.length).toBe(arrived);
  });

  it('that dies while idle is found out and replaced over another path', () => {
    const pair = new RoutePair({ paths: [path, path, path], routeCount: 2 });
    pair.runTo(1_000);
    pair.cut(1);
    pair.runTo(12_000);
    const { routes } = pair.session.status(pair.now);
    expect(routes.map(({ state, path: nodes }) => [state, nodes![0][1]])).toEqual([
      ['up', 0],
      ['up', 0],
      ['up', 2],
      ['up', 2],
    ]);
    expect(pair.serviceSession.status(pair.now).routes).toHaveLength(4);
  });

  it('that loses one message at the end of a burst is not taken for dead', () => {
    const pair = new RoutePair({ paths: [path] });
    pair.runTo(200);
    let sent = 0;
    pair.filter = (from, message) => !(from === 0 && message.length === 300 + 33 && ++sent === 5);
    for (let i = 0; i < 5; i++) pair.session.send(numbered(i, 300), pair.now);
    pair.run(1_000);
    expect(states(pair)).toEqual(['up']);
    pair.run(8_000);
    const { routes } = pair.session.status(pair.now);
    expect(routes[0]).toMatchObject({ state: 'up', lost: 1, resent: 0, inFlightBytes: 0 });
  });

  it('that the layer below has no room on loses nothing: its messages wait or go elsewhere', () => {
    const pair = new RoutePair({ paths: [path, path] });
    pair.runTo(200);
    pair.blocked[0] = true;
    for (let i = 0; i < 40; i++) pair.session.send(numbered(i, 500), pair.now);
    pair.run(60);
    expect(pair.serviceOwner.received).toEqual([]);
    pair.blocked[0] = false;
    pair.run(200);
    expect(numbersOf(pair.serviceOwner.received)).toEqual(upTo(40));
  });

  it('is not blamed for a pause of this process', () => {
    const pair = new RoutePair({ paths: [path] });
    pair.runTo(1_000);
    pair.session.send(numbered(0, 100), pair.now);
    pair.settle();
    // Nothing runs for half a second; the report is there when it goes on.
    pair.now += 500;
    pair.settle();
    expect(states(pair)).toEqual(['up']);
    pair.run(100);
    expect(states(pair)).toEqual(['up']);
    expect(pair.session.status(pair.now).routes[0].resent).toBe(0);
  });
});

describe('a session without any route', () => {
  it('goes on where it was when the paths come back', () => {
    const pair = new RoutePair({ paths: [path, path] });
    pair.runTo(100);
    pair.cut(0);
    pair.cut(1);
    pair.runTo(500);
    for (let i = 0; i < 5; i++) pair.session.send(numbered(i, 100), pair.now);
    pair.runTo(20_000);
    expect(pair.session.state).toBe('lost');
    expect(pair.serviceSession.state).toBe('lost');
    pair.mend(0);
    pair.mend(1);
    pair.runTo(27_000);
    expect(pair.session.state).toBe('up');
    expect(numbersOf(pair.serviceOwner.received)).toEqual([0, 1, 2, 3, 4]);
    expect(pair.clientOwner.openedAt).toHaveLength(1);
    expect(pair.serviceOwner.openedAt).toHaveLength(1);
  });

  it('is back as soon as the graph says so', () => {
    const pair = new RoutePair({ paths: [path] });
    pair.runTo(100);
    pair.cut(0);
    pair.offered = [];
    pair.runTo(60_000);
    pair.mend(0);
    pair.offered = [0];
    pair.layers[0].pathsChanged(pair.now);
    pair.run(50);
    expect(pair.session.state).toBe('up');
  });

  it('keeps of its Real Time what is patient, and lets the rest go stale', () => {
    const pair = new RoutePair({ paths: [path] });
    pair.runTo(100);
    pair.cut(0);
    pair.offered = [];
    pair.runTo(20_000);
    expect(pair.serviceSession.state).toBe('lost');
    const lane: Lane = { trafficClass: REAL_TIME, flow: 1 };
    pair.serviceSession.send(numbered(0, 100), pair.now, lane);
    pair.serviceSession.send(numbered(1, 100), pair.now, { ...lane, patient: true });
    pair.runTo(30_000);
    pair.mend(0);
    pair.offered = [0];
    pair.layers[0].pathsChanged(pair.now);
    pair.run(100);
    expect(numbersOf(pair.clientOwner.received)).toEqual([1]);
  });

  it.each([
    [500, [1]],
    [1_500, []],
  ])(
    'is not believed yet when it is over: what is patient is kept where the route goes again %d ms later',
    (afterMs, kept) => {
      const pair = new RoutePair({ paths: [path] });
      pair.runTo(100);
      pair.cut(0);
      pair.offered = [];
      pair.runTo(20_000);
      const goOn = () => {
        pair.mend(0);
        pair.offered = [0];
        pair.layers[0].pathsChanged(pair.now);
        pair.run(50);
        expect([pair.session.state, pair.serviceSession.state]).toEqual(['up', 'up']);
      };
      goOn();
      pair.run(afterMs);
      const lane: Lane = { trafficClass: REAL_TIME, flow: 1 };
      pair.cut(0);
      pair.serviceSession.send(numbered(0, 100), pair.now, lane);
      pair.serviceSession.send(numbered(1, 100), pair.now, { ...lane, patient: true });
      pair.offered = [];
      pair.runTo(30_000);
      goOn();
      expect(numbersOf(pair.clientOwner.received)).toEqual(kept);
    },
  );

  it('takes what its queue holds and no more', () => {
    const pair = new RoutePair({ paths: [path] });
    pair.runTo(100);
    pair.cut(0);
    pair.run(1_000);
    for (let i = 0; i < 10_000; i++) expect(pair.session.send(numbered(i, 1_000), pair.now)).toBe(true);
    expect(pair.session.status(pair.now).queueBytes).toBeLessThanOrEqual(4 * 1024 * 1024);
    expect(pair.session.status(pair.now).queueDrops).toBeGreaterThan(5_000);
  });

  it('ends at the service after two minutes, and the client starts another', () => {
    const pair = new RoutePair({ paths: [path] });
    pair.runTo(100);
    pair.cut(0);
    pair.runTo(140_000);
    expect(pair.serviceOwner.closedFor).toEqual(['no-route']);
    pair.mend(0);
    pair.runTo(150_000);
    expect(pair.session.state).toBe('up');
    expect(pair.clientOwner.openedAt).toHaveLength(2);
    pair.session.send(numbered(9, 100), pair.now);
    pair.run(100);
    expect(numbersOf(pair.serviceOwner.received)).toEqual([9]);
  });
});
