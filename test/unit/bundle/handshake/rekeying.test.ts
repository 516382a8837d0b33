/** New keys every second under traffic, on routes that lose, delay and reorder. */
import { describe, expect, it } from 'vitest';
import { numbered, numbersOf, RoutePair } from '../route-pair.ts';

/** Sends a numbered message every 10 ms for `ms`; returns how many. */
function trickle(pair: RoutePair, ms: number, from: 'client' | 'service' = 'client'): number {
  let sent = 0;
  for (const end = pair.now + ms; pair.now < end; pair.run(10)) {
    const session = from === 'client' ? pair.session : pair.serviceSession;
    session.send(numbered(sent++, 200), pair.now);
  }
  return sent;
}

describe('rekeying', () => {
  it.each(['client', 'service'] as const)(
    'happens every second under traffic of the %s and loses nothing',
    (from) => {
      const pair = new RoutePair({ paths: [{ delayMs: 5 }, { delayMs: 40 }] });
      pair.runTo(200);
      const sent = trickle(pair, 60_000, from);
      pair.run(500);
      const { rekeys, epoch } = pair.session.status(pair.now);
      expect(rekeys).toBeGreaterThan(55);
      expect(epoch).toBe(rekeys + 1);
      expect(pair.serviceSession.status(pair.now).epoch).toBe(epoch);
      const receiver = from === 'client' ? pair.serviceOwner : pair.clientOwner;
      expect(numbersOf(receiver.received)).toEqual(Array.from({ length: sent }, (_, i) => i));
      expect(pair.drops.map((drops) => drops.toJSON())).toEqual([{}, {}]);
    },
    120_000,
  );

  it('comes every two round trips when those are longer than a second', () => {
    const pair = new RoutePair({ paths: [{ delayMs: 400 }] });
    pair.runTo(2_000);
    trickle(pair, 16_000);
    const { rekeys } = pair.session.status(pair.now);
    expect(rekeys).toBeGreaterThanOrEqual(5);
    expect(rekeys).toBeLessThanOrEqual(10);
  });

  it('rests while the session is idle', () => {
    const pair = new RoutePair({ paths: [{ delayMs: 5 }] });
    pair.runTo(30_000);
    expect(pair.session.status(pair.now).rekeys).toBe(0);
  });

  it('survives the loss of half of all messages', () => {
    const pair = new RoutePair({
      paths: [
        { delayMs: 5, loss: 0.5 },
        { delayMs: 8, loss: 0.5 },
      ],
      seed: 3,
    });
    pair.runTo(2_000);
    trickle(pair, 30_000);
    expect(pair.session.status(pair.now).rekeys).toBeGreaterThan(10);
    expect(pair.clientOwner.openedAt).toHaveLength(1);
    expect(pair.drops[0].get('bundle-tag') + pair.drops[1].get('bundle-tag')).toBe(0);
  });

  it('goes over another route when one dies in the middle of it', () => {
    const pair = new RoutePair({ paths: [{ delayMs: 5 }, { delayMs: 10 }] });
    pair.runTo(200);
    let cut = false;
    pair.filter = (from, message) => {
      // A sealed REKEY is the only message of 62 bytes.
      if (from === 0 && message.length === 24 + 38 && !cut) {
        cut = true;
        pair.cut(0);
      }
      return true;
    };
    trickle(pair, 3_000);
    expect(cut).toBe(true);
    expect(pair.session.status(pair.now).rekeys).toBeGreaterThanOrEqual(2);
  });

  it('opens what the service sent under the old keys, when an outage kept it from hearing of the new ones', () => {
    const pair = new RoutePair({ paths: [{ delayMs: 5 }] });
    pair.runTo(200);
    const cut = () => pair.session.status(pair.now).epoch > pair.serviceSession.status(pair.now).epoch;
    pair.filter = () => {
      if (cut()) pair.cut(0);
      return true;
    };
    trickle(pair, 1_500);
    expect(cut()).toBe(true);
    pair.filter = undefined;
    for (let i = 0; i < 30; i++, pair.run(1_000)) pair.serviceSession.send(numbered(i, 1_000), pair.now);
    pair.mend(0);
    pair.run(10_000);
    expect(numbersOf(pair.clientOwner.received)).toEqual(Array.from({ length: 30 }, (_, i) => i));
    expect(pair.clientOwner.openedAt).toHaveLength(1);
    expect(pair.drops[0].toJSON()).toEqual({});
    expect(pair.serviceSession.status(pair.now).epoch).toBe(pair.session.status(pair.now).epoch);
  });

  it('starts the session anew when keys can not be changed for 10 s', () => {
    const pair = new RoutePair({ paths: [{ delayMs: 5 }] });
    pair.runTo(200);
    pair.filter = (from, message) => !(from === 0 && message.length === 24 + 38);
    trickle(pair, 15_000);
    expect(pair.clientOwner.openedAt.length).toBe(2);
    expect(pair.session.state).toBe('up');
  });

  it('never uses a key twice for a sequence', () => {
    const pair = new RoutePair({
      paths: [
        { delayMs: 5, loss: 0.1 },
        { delayMs: 9, loss: 0.1 },
      ],
      seed: 8,
    });
    const seen = new Set<string>();
    let repeats = 0;
    pair.tap = (from, message) => {
      if (message[0] !== 2) return;
      // Sequences count over all epochs, so a route's header with the same sequence is enough to tell; the ciphertext's
      // first bytes tell the routes apart.
      const name = `${from} ${message.subarray(2, 20).join()}`;
      if (seen.has(name)) repeats += 1;
      seen.add(name);
    };
    pair.runTo(200);
    trickle(pair, 10_000);
    expect(repeats).toBe(0);
    expect(seen.size).toBeGreaterThan(1_000);
  });
});
