/**
 * Eight hops that each lose half of what they are given, each way, and repeat it.
 *
 *   client ══ 8 x (10 Mb/s, 5 ms, 50 % lost) ══ service
 */
import { describe, expect, it } from 'vitest';
import { numbered, numberOf, RoutePair, saturate } from './route-pair.ts';

const path = { rateMbps: 10, delayMs: 40, hops: 8, loss: 0.5 };

function stalls(pair: RoutePair): number {
  return pair.logged.filter((event) => event === 'bundle-route-stalled').length;
}

describe('a path of eight hops that lose half', () => {
  it.each([
    ['one message at a time', 200],
    ['ten messages a second', 100],
    ['a hundred messages a second', 10],
  ])('is never taken for dead under %s', (_, everyMs) => {
    const pair = new RoutePair({ paths: [path] });
    pair.runTo(5_000);
    let sent = 0;
    for (const end = pair.now + 60_000; pair.now < end; pair.run(everyMs)) {
      pair.session.send(numbered(sent++, 200), pair.now);
      pair.serviceSession.send(numbered(sent, 200), pair.now);
    }
    pair.run(5_000);
    expect(pair.session.state).toBe('up');
    expect(stalls(pair)).toBe(0);
    expect(pair.serviceOwner.received.map(({ bytes }) => numberOf(bytes))).toEqual(
      Array.from({ length: sent }, (_, i) => i),
    );
  });

  it('carries what the hops leave, in order, and nothing twice', () => {
    const pair = new RoutePair({ paths: [path] });
    pair.runTo(5_000);
    saturate(pair, () => pair.session, 35_000);
    pair.run(5_000);
    const before = pair.serviceOwner.received.length;
    pair.run(20_000);
    const numbers = pair.serviceOwner.received.map(({ bytes }) => numberOf(bytes));
    expect((numbers.length - before) * 1_473).toBeGreaterThan(0.95 * 0.5 * 1_250 * 20_000);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(stalls(pair)).toBe(0);
    expect(pair.serviceSession.status(pair.now).resequencer).toMatchObject({ late: 0, duplicate: 0 });
  });

  it('is known to be dead in a few of its round trips', () => {
    const pair = new RoutePair({ paths: [path, { rateMbps: 10, delayMs: 60 }] });
    pair.runTo(5_000);
    saturate(pair, () => pair.session, 15_000);
    pair.runTo(10_000);
    pair.cut(0);
    pair.runTo(15_000);
    expect(pair.session.status(pair.now).routes.some(({ state }) => state === 'stalled' || state === 'opening')).toBe(
      true,
    );
    expect(stalls(pair)).toBeGreaterThan(0);
  });
});
