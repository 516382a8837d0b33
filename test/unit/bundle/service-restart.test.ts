/**
 * A service whose process died and came back knowing nothing: the client's session finds out and goes on with a new
 * handshake.
 */
import { describe, expect, it } from 'vitest';
import { longestPause, numbered, numbersOf, RoutePair, saturate } from './route-pair.ts';

const path = { rateMbps: 20, delayMs: 5 };

describe.each([
  ['soon after message one was made', 2_000],
  ['when message one is too old for a new session', 200_000],
])('a service restarted %s', (_, restartAt) => {
  it('is found again at once when its routes failed', () => {
    const pair = new RoutePair({ paths: [path, path] });
    pair.runTo(restartAt - 200);
    saturate(pair, () => pair.session, restartAt + 3_000);
    pair.runTo(restartAt);
    pair.restartService(true);
    pair.runTo(restartAt + 3_000);
    expect(pair.clientOwner.openedAt).toHaveLength(2);
    expect(pair.session.status(pair.now).routes.map(({ state }) => state)).toEqual(['up', 'up', 'up', 'up']);
    expect(longestPause(pair.serviceOwner.received, restartAt - 100, restartAt + 3_000)).toBeLessThan(400);
  });

  it('is found again within two seconds when nobody says anything', () => {
    const pair = new RoutePair({ paths: [path, path] });
    pair.runTo(restartAt - 200);
    saturate(pair, () => pair.session, restartAt + 5_000);
    pair.runTo(restartAt);
    pair.restartService(false);
    pair.runTo(restartAt + 5_000);
    expect(pair.session.state).toBe('up');
    expect(pair.clientOwner.openedAt).toHaveLength(2);
    expect(longestPause(pair.serviceOwner.received, restartAt - 100, restartAt + 5_000)).toBeLessThan(2_000);
  });

  it('receives nothing twice', () => {
    const pair = new RoutePair({ paths: [path, path] });
    pair.runTo(restartAt - 200);
    saturate(pair, () => pair.session, restartAt + 2_000);
    pair.runTo(restartAt);
    pair.restartService(true);
    pair.runTo(restartAt + 4_000);
    const numbers = numbersOf(pair.serviceOwner.received);
    expect(new Set(numbers).size).toBe(numbers.length);
  });
});

describe('a client', () => {
  it('keeps its session, and its keys apart, over many restarts', () => {
    const pair = new RoutePair({ paths: [path, path] });
    for (let round = 1; round <= 8; round++) {
      pair.runTo(round * 12_000);
      pair.restartService(round % 2 === 0);
      pair.runTo(round * 12_000 + 11_000);
      expect(pair.session.state).toBe('up');
      pair.session.send(numbered(round, 50), pair.now);
    }
    pair.run(100);
    expect(numbersOf(pair.serviceOwner.received)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    const hellos = new Set(pair.routesOpened.map(({ hello }) => hello.join()));
    expect(hellos.size).toBeGreaterThanOrEqual(8);
    const indices = pair.routesOpened.map(({ hello, routeIndex }) => `${hello.join()} ${routeIndex}`);
    expect(new Set(indices).size).toBe(indices.length);
  });

  it('is not driven to new handshakes by a forged message two while a route is up', () => {
    const pair = new RoutePair({ paths: [path] });
    pair.runTo(100);
    const forged = new Uint8Array(50);
    forged[0] = 1;
    for (let i = 0; i < 10; i++) pair.forge(0, forged);
    pair.run(1_000);
    expect(pair.clientOwner.openedAt).toHaveLength(1);
    expect(pair.drops[0].get('bundle-message-two')).toBe(10);
  });
});
