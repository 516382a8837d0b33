/** The life of a session: how it begins, how either end closes it, what it refuses, what its owner sees. */
import { describe, expect, it } from 'vitest';
import type { ServiceKey } from '../../../src/base/ids.ts';
import { BULK, REAL_TIME } from '../../../src/base/traffic-class.ts';
import { nobleCurve } from '../../../src/crypto/noble-curve.ts';
import { MAX_APPLICATION_BYTES } from '../../../src/wire/route-message.ts';
import { numbered, numbersOf, pathOf, RoutePair } from './route-pair.ts';

const path = { rateMbps: 100, delayMs: 5 };

describe('session', () => {
  it('carries messages of every size both ways', () => {
    const pair = new RoutePair({ paths: [path, path] });
    pair.runTo(100);
    const sizes = [4, 5, 100, 255, 256, 257, 1_400, 9_000, 40_000, MAX_APPLICATION_BYTES];
    for (const [i, bytes] of sizes.entries()) {
      expect(pair.session.send(numbered(i, bytes), pair.now)).toBe(true);
      expect(pair.serviceSession.send(numbered(i, bytes), pair.now)).toBe(true);
    }
    pair.run(500);
    for (const owner of [pair.serviceOwner, pair.clientOwner]) {
      expect(owner.received.map(({ bytes }) => bytes.length)).toEqual(sizes);
      expect(numbersOf(owner.received)).toEqual(sizes.map((_, i) => i));
    }
  });

  it('crashes on a message that no route could carry', () => {
    const pair = new RoutePair({ paths: [path] });
    expect(() => pair.session.send(new Uint8Array(MAX_APPLICATION_BYTES + 1), 0)).toThrow('fits');
    expect(() => pair.session.send(new Uint8Array(0), 0)).toThrow('fits');
  });

  it('tells the service who the client is', () => {
    const pair = new RoutePair({ paths: [path] });
    pair.runTo(100);
    expect(pair.serviceSession.clientKey).toEqual(pair.clientKey);
    expect(pair.session.clientKey).toEqual(pair.clientKey);
  });

  it('lets the service answer as soon as data came, one round trip after it was sent', () => {
    const pair = new RoutePair({ paths: [{ delayMs: 20 }] });
    pair.serviceOwner.onMessage = (session, bytes, now) => session.send(bytes, now);
    pair.session.send(numbered(7, 100), 0);
    pair.runTo(100);
    expect(pair.clientOwner.received.map(({ at }) => at)).toEqual([40]);
  });

  it('repeats message two when it was lost', () => {
    const pair = new RoutePair({ paths: [path] });
    let lost = 0;
    pair.filter = (from, message) => !(from === 1 && message[0] === 1 && lost++ < 1);
    pair.session.send(numbered(1, 100), 0);
    pair.runTo(1_000);
    expect(lost).toBeGreaterThan(1);
    expect(pair.session.state).toBe('up');
    expect(numbersOf(pair.serviceOwner.received)).toEqual([1]);
    expect(pair.routesOpened).toHaveLength(2);
  });

  it('tries again over the same path when the set-up was lost', () => {
    const pair = new RoutePair({ paths: [path] });
    pair.cut(0);
    pair.session.send(numbered(1, 100), 0);
    pair.runTo(1_000);
    pair.mend(0);
    pair.runTo(6_000);
    expect(pair.session.state).toBe('up');
    expect(numbersOf(pair.serviceOwner.received)).toEqual([1]);
    expect(pair.routesOpened.map(({ routeIndex, trafficClass }) => [routeIndex, trafficClass])).toEqual([
      [0, BULK],
      [1, REAL_TIME],
      [2, BULK],
      [3, REAL_TIME],
    ]);
  });

  it('makes message one anew when the old one has aged before anybody answered', () => {
    const pair = new RoutePair({ paths: [path] });
    pair.cut(0);
    pair.runTo(150_000);
    pair.mend(0);
    pair.runTo(160_000);
    expect(pair.session.state).toBe('up');
    const hellos = pair.routesOpened.map(({ hello }) => hello.join());
    expect(new Set(hellos).size).toBeGreaterThan(1);
    expect(pair.drops[1].toJSON()).toEqual({});
  });

  it('shows the state of each route', () => {
    const pair = new RoutePair({ paths: [path, path] });
    pair.session.send(numbered(1, 1_000), 0);
    pair.runTo(100);
    const status = pair.session.status(pair.now);
    expect(status).toMatchObject({ role: 'client', state: 'up', epoch: 1, rekeys: 0, queueBytes: 0, queueDrops: 0 });
    expect(status.lastHeardMsAgo).toBeLessThan(100);
    const rows = status.routes.map(({ index, trafficClass, state, path: nodes }) => [
      index,
      trafficClass,
      state,
      nodes,
    ]);
    expect(rows).toEqual([
      [0, BULK, 'up', pathOf(0)],
      [1, REAL_TIME, 'up', pathOf(0)],
      [2, BULK, 'up', pathOf(1)],
      [3, REAL_TIME, 'up', pathOf(1)],
    ]);
    expect(status.routes.reduce((sum, { deliveredBytes }) => sum + deliveredBytes, 0)).toBe(1_000);
    expect(status.routes[0].roundTripMs).toBeCloseTo(10, 0);
    expect(pair.serviceSession.status(pair.now)).toMatchObject({
      role: 'service',
      routes: [{ path: undefined }, {}, {}, {}],
    });
  });

  it('knows what is going on while nothing comes back', () => {
    const pair = new RoutePair({ paths: [path] });
    expect(pair.session.status(0)).toMatchObject({ state: 'opening', lastHeardMsAgo: undefined });
    pair.runTo(100);
    pair.cut(0);
    pair.runTo(10_000);
    expect(pair.session.status(pair.now).state).toBe('lost');
    expect(pair.session.status(pair.now).lastHeardMsAgo).toBeGreaterThan(9_000);
  });
});

describe('closing a session', () => {
  it('from the client tells the service, and nobody hears of it again', () => {
    const pair = new RoutePair({ paths: [path, path] });
    pair.runTo(100);
    pair.session.close('done', pair.now);
    expect(pair.session.send(numbered(1, 10), pair.now)).toBe(false);
    pair.runTo(1_000);
    expect(pair.serviceOwner.closedFor).toEqual(['done']);
    expect(pair.clientOwner.closedFor).toEqual([]);
    expect([pair.session.state, pair.serviceSession.state]).toEqual(['closed', 'closed']);
    expect(pair.layers[0].nextWakeAt()).toBe(Number.POSITIVE_INFINITY);
    expect(pair.layers[1].nextWakeAt()).toBe(Number.POSITIVE_INFINITY);
  });

  it('from a service that refuses ends it at the client', () => {
    const pair = new RoutePair({ paths: [path] });
    pair.runTo(100);
    pair.serviceSession.close('refused', pair.now);
    pair.runTo(5_000);
    expect(pair.clientOwner.closedFor).toEqual(['refused']);
    expect(pair.session.state).toBe('closed');
  });

  it('from a service that is done lets the client come back', () => {
    const pair = new RoutePair({ paths: [path] });
    pair.runTo(100);
    const first = pair.serviceSession;
    first.close('done', pair.now);
    pair.runTo(5_000);
    expect(pair.session.state).toBe('up');
    expect(pair.clientOwner.openedAt).toHaveLength(2);
    expect(pair.serviceSession).not.toBe(first);
  });

  it('may happen inside an event', () => {
    const pair = new RoutePair({ paths: [path, path] });
    pair.serviceOwner.onMessage = (session, _bytes, now) => session.close('done', now);
    pair.runTo(100);
    for (let i = 0; i < 20; i++) pair.session.send(numbered(i, 100), pair.now);
    pair.run(20);
    expect(pair.serviceOwner.received).toHaveLength(1);
    expect(pair.serviceOwner.closedFor).toEqual([]);
  });

  it('of an older session of the same client comes with the newer', () => {
    const pair = new RoutePair({ paths: [path] });
    pair.runTo(100);
    const old = pair.serviceSession;
    pair.cut(0);
    pair.runTo(200);
    pair.mend(0);
    pair.connect();
    pair.runTo(400);
    expect(pair.serviceOwner.closedFor).toEqual(['replaced']);
    expect(old.state).toBe('closed');
    expect(pair.serviceSession.state).toBe('up');
  });
});

describe('a service', () => {
  it('that nobody listens for is named in the failure', () => {
    const pair = new RoutePair({ paths: [path] });
    const stranger = nobleCurve.publicKey(new Uint8Array(32).fill(9)) as ServiceKey;
    const [setup] = pair.routesOpened;
    expect(pair.layers[1].incoming(99 as never, { ...setup, service: stranger }, 0)).toBe('no-such-service');
  });

  it('takes a route index once', () => {
    const pair = new RoutePair({ paths: [path] });
    pair.runTo(100);
    const [setup] = pair.routesOpened;
    expect(pair.layers[1].incoming(900 as never, { ...setup, routeIndex: 2 }, pair.now)).toBe('accept');
    expect(pair.layers[1].incoming(901 as never, { ...setup, routeIndex: 2 }, pair.now)).toBe('refused');
    expect(pair.layers[1].incoming(902 as never, { ...setup, routeIndex: 0 }, pair.now)).toBe('refused');
  });

  it('holds sixteen routes of a session, and lets a silent one make room', () => {
    const pair = new RoutePair({ paths: [path] });
    pair.runTo(100);
    const [setup] = pair.routesOpened;
    const answers = Array.from({ length: 16 }, (_, i) =>
      pair.layers[1].incoming((900 + i) as never, { ...setup, routeIndex: i + 2 }, pair.now),
    );
    expect(answers).toEqual([...new Array(14).fill('accept'), 'limit', 'limit']);
    pair.now += 1_500;
    expect(pair.layers[1].incoming(950 as never, { ...setup, routeIndex: 50 }, pair.now)).toBe('accept');
    expect(pair.serviceSession.status(pair.now).routes).toHaveLength(16);
  });

  it('closes what was set up and never spoke, and forgets the session', () => {
    const pair = new RoutePair({ paths: [path] });
    pair.runTo(100);
    const spoke = pair.serviceSession;
    pair.filter = (from) => from === 1;
    pair.connect();
    pair.run(100);
    const silent = pair.serviceSession;
    expect([spoke.state, silent.state]).toEqual(['up', 'opening']);
    pair.cut(0);
    pair.runTo(20_000);
    expect([spoke.state, silent.state]).toEqual(['lost', 'closed']);
    expect(pair.serviceOwner.closedFor).toEqual(['no-route']);
  });

  it('has a limit of sessions', () => {
    const pair = new RoutePair({ paths: [path], tuning: { maxSessions: 1 } });
    pair.runTo(100);
    const second = pair.connect();
    pair.run(100);
    expect(second.state).toBe('opening');
    expect(second.status(pair.now).lastFailure).toEqual({ hop: 2, reason: 'limit' });
  });

  it('does not make a session of a set-up that comes after a later one of its client', () => {
    const pair = new RoutePair({ paths: [path] });
    const [late] = pair.routesOpened;
    pair.cut(0);
    pair.runTo(1_000);
    pair.mend(0);
    pair.session.close('done', pair.now);
    pair.connect();
    pair.run(100);
    const answer = pair.layers[1].incoming(900 as never, { ...late, routeIndex: 9 }, pair.now);
    expect(answer).toBe('refused');
    expect(pair.drops[1].get('bundle-hello-outdated')).toBe(1);
    expect(pair.serviceOwner.openedAt).toHaveLength(1);
  });

  it('does not make a session of a message one that had one before', () => {
    const pair = new RoutePair({ paths: [path] });
    pair.runTo(100);
    const [setup] = pair.routesOpened;
    pair.session.close('done', pair.now);
    pair.runTo(200);
    expect(pair.layers[1].incoming(900 as never, { ...setup, routeIndex: 5 }, pair.now)).toBe('refused');
    expect(pair.serviceOwner.openedAt).toHaveLength(1);
  });
});
