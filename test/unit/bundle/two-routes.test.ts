/**
 * What several routes carry together.
 *
 *   client ══ routes of the given rate, delay and queue (50 ms of it, as modems have) ══ service
 */
import { describe, expect, it } from 'vitest';
import { longestPause, numberOf, RoutePair, saturate } from './route-pair.ts';

const MESSAGE_BYTES = 1_400;
/** Application bytes of a full-size message, with what seals and frames it on the simulated wire. */
const PAYLOAD_SHARE = MESSAGE_BYTES / (MESSAGE_BYTES + 31 + 42);

function modem(rateMbps: number, delayMs: number, loss = 0) {
  return { rateMbps, delayMs, loss, queueBytes: rateMbps * 125 * 50 };
}

/** Saturates the session for `seconds` after one to settle; says what share of the routes' sum the service got. */
function measure(paths: ReturnType<typeof modem>[], seconds = 4, settleMs = 1_000) {
  const pair = new RoutePair({ paths });
  pair.serviceOwner.keep = false;
  let newest = -1;
  let disordered = 0;
  let longestRoundTripMs = 0;
  pair.serviceOwner.onMessage = (_session, bytes) => {
    const number = numberOf(bytes);
    if (number < newest) disordered += 1;
    newest = Math.max(newest, number);
  };
  pair.runTo(200);
  saturate(pair, () => pair.session, 60_000);
  pair.run(settleMs);
  const before = pair.serviceOwner.bytes;
  disordered = 0;
  for (let i = 0; i < seconds * 10; i++) {
    pair.run(100);
    for (const route of pair.session.status(pair.now).routes) {
      longestRoundTripMs = Math.max(longestRoundTripMs, route.roundTripMs ?? 0);
    }
  }
  const sumBytes = paths.reduce((sum, { rateMbps }) => sum + rateMbps * 125_000, 0) * seconds * PAYLOAD_SHARE;
  return { pair, share: (pair.serviceOwner.bytes - before) / sumBytes, disordered, longestRoundTripMs };
}

describe('two routes', () => {
  it('of 50 Mb/s carry 95 % of their sum in order, with little in their queues', () => {
    const { share, disordered, longestRoundTripMs, pair } = measure([modem(50, 0.3), modem(50, 0.3)]);
    expect(share).toBeGreaterThan(0.95);
    expect(disordered).toBe(0);
    expect(longestRoundTripMs).toBeLessThan(20);
    expect(pair.serviceSession.status(pair.now).resequencer).toMatchObject({ lost: 0, late: 0 });
  });

  it('of 50 Mb/s at 40 ms carry 95 % of their sum', () => {
    expect(measure([modem(50, 20), modem(50, 20)]).share).toBeGreaterThan(0.95);
  });

  it('of 50 Mb/s at 200 ms carry 95 % of their sum once they have opened', () => {
    expect(measure([modem(50, 100), modem(50, 100)], 4, 6_000).share).toBeGreaterThan(0.95);
  });

  it('of 50 and 10 Mb/s carry 95 % of their sum', () => {
    const { share, disordered } = measure([modem(50, 5), modem(10, 5)]);
    expect(share).toBeGreaterThan(0.95);
    expect(disordered).toBe(0);
  });

  it('of 2 Mb/s carry 95 % of their sum', () => {
    expect(measure([modem(2, 10), modem(2, 30)], 8, 2_000).share).toBeGreaterThan(0.95);
  });

  it('with 1 % loss carry what is not lost', () => {
    expect(measure([modem(50, 5, 0.01), modem(50, 5, 0.01)]).share).toBeGreaterThan(0.95 * 0.99);
  });

  it('of 5 and 60 ms are put in order', () => {
    const { share, disordered, pair } = measure([modem(50, 5), modem(50, 60)], 4, 4_000);
    expect(share).toBeGreaterThan(0.9);
    expect(disordered).toBe(0);
    expect(pair.serviceSession.status(pair.now).routes.every(({ receivedBytes }) => receivedBytes > 1_000_000)).toBe(
      true,
    );
  });

  it('leave light load to the faster one', () => {
    const pair = new RoutePair({ paths: [modem(50, 30), modem(50, 5)] });
    pair.runTo(500);
    for (let i = 0; i < 50; i++) {
      pair.session.send(new Uint8Array(1_000), pair.now);
      pair.run(20);
    }
    const [slow, fast] = pair.session.status(pair.now).routes;
    expect(fast.deliveredBytes).toBe(50_000);
    expect(slow.deliveredBytes).toBe(0);
  });

  it('leave out a route that lies more than 180 ms behind', () => {
    const { pair } = measure([modem(10, 5), modem(10, 250)], 2, 2_000);
    const [, slow] = pair.session.status(pair.now).routes;
    expect(slow.state).toBe('up');
    expect(slow.inFlightBytes).toBe(0);
  });

  it('carry traffic both ways at once', () => {
    const pair = new RoutePair({ paths: [modem(20, 5), modem(20, 5)] });
    pair.serviceOwner.keep = false;
    pair.clientOwner.keep = false;
    pair.runTo(200);
    saturate(pair, () => pair.session, 5_000);
    saturate(pair, () => pair.serviceSession, 5_000);
    pair.run(1_000);
    const before = [pair.serviceOwner.bytes, pair.clientOwner.bytes];
    pair.run(4_000);
    const bothWays = 40 * 125_000 * 4 * PAYLOAD_SHARE;
    expect(pair.serviceOwner.bytes - before[0]).toBeGreaterThan(0.85 * bothWays);
    expect(pair.clientOwner.bytes - before[1]).toBeGreaterThan(0.85 * bothWays);
  });

  it('carry messages of 64 KiB', () => {
    const pair = new RoutePair({
      paths: [
        { ...modem(50, 2), queueBytes: 400_000 },
        { ...modem(50, 2), queueBytes: 400_000 },
      ],
    });
    pair.serviceOwner.keep = false;
    pair.runTo(200);
    saturate(pair, () => pair.session, 5_000, { bytes: 65_504, backlogBytes: 500_000 });
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

  it('adds a route without a pause', () => {
    const pair = new RoutePair({ paths: [modem(20, 5), modem(20, 5)] });
    pair.offered = [0];
    pair.failPath(1);
    pair.runTo(100);
    saturate(pair, () => pair.session, 4_000);
    pair.runTo(2_000);
    pair.offered = [0, 1];
    pair.layers[0].pathsChanged(pair.now);
    pair.runTo(4_000);
    expect(pair.session.status(pair.now).routes.map(({ state }) => state)).toEqual(['up', 'up']);
    expect(longestPause(pair.serviceOwner.received, 1_500, 4_000)).toBeLessThan(5);
    const arrived = (from: number, to: number) =>
      pair.serviceOwner.received.filter(({ at }) => at >= from && at < to).length;
    expect(arrived(3_000, 4_000)).toBeGreaterThan(1.9 * arrived(1_000, 2_000));
  });
});
