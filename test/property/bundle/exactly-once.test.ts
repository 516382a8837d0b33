/**
 * Whatever the routes do to a session, no message is delivered twice or changed, memory stays within its bounds, and the
 * session recovers. Where nothing is lost, everything arrives.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assert } from '../../../src/base/assert.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { BULK, REAL_TIME, type TrafficClass } from '../../../src/base/traffic-class.ts';
import { numbered, numberOf, RoutePair } from '../../unit/bundle/route-pair.ts';

const anyPath = fc.record({
  delayMs: fc.integer({ min: 0, max: 120 }),
  jitterMs: fc.constantFrom(0, 0, 5, 30),
  loss: fc.constantFrom(0, 0, 0.02, 0.5),
  lostShare: fc.constantFrom(0, 0, 0.02, 0.3),
  rateMbps: fc.constantFrom(1, 10, 100),
  hops: fc.constantFrom(1, 4),
});

const anyFault = fc.record({
  atMs: fc.integer({ min: 0, max: 5_000 }),
  path: fc.nat(2),
  kind: fc.constantFrom('cut', 'mend', 'fail', 'restart', 'graph'),
} as const);

interface Sent {
  readonly bytes: number;
}

/** The content of a message follows from its number: any change shows. */
function messageOf(number: number, { bytes }: Sent): Uint8Array {
  const message = numbered(number, bytes);
  message.fill(number & 0xff, 4);
  return message;
}

class Ledger {
  readonly sent: Sent[] = [];
  readonly seen = new Set<number>();

  /** An assertion of the test's own library would cost more here than the session does. */
  take(bytes: Uint8Array): void {
    const number = numberOf(bytes);
    assert(!this.seen.has(number), `${number} came once`);
    this.seen.add(number);
    assert(bytes.length === this.sent[number].bytes, `${number} has its length`);
    assert(bytes[bytes.length - 1] === (bytes.length > 4 ? number & 0xff : bytes[3]), `${number} has its bytes`);
  }
}

function traffic(pair: RoutePair, seed: number, untilMs: number, realTimeShare: number): [Ledger, Ledger] {
  const random = new SeededRandom(seed, 'traffic');
  const ledgers: [Ledger, Ledger] = [new Ledger(), new Ledger()];
  pair.serviceOwner.keep = false;
  pair.clientOwner.keep = false;
  pair.serviceOwner.onMessage = (_session, bytes) => ledgers[0].take(bytes);
  pair.clientOwner.onMessage = (_session, bytes) => ledgers[1].take(bytes);
  const send = () => {
    for (let i = random.integer(8); i > 0; i--) {
      const up = random.chance(0.5);
      const ledger = ledgers[up ? 0 : 1];
      const session = up ? pair.session : pair.serviceOwner.session;
      if (session === undefined) continue;
      const sent = { bytes: random.chance(0.05) ? 4 + random.integer(20_000) : 4 + random.integer(1_400) };
      const trafficClass: TrafficClass = random.chance(realTimeShare) ? REAL_TIME : BULK;
      const lane = { trafficClass, flow: random.integer(4) };
      if (session.send(messageOf(ledger.sent.length, sent), pair.now, lane)) ledger.sent.push(sent);
    }
    if (pair.now < untilMs) pair.at(random.unit() * 10, send);
  };
  send();
  return ledgers;
}

/** Whether both ends are up at the same time before the time is over. */
function comesUp(pair: RoutePair, withinMs: number): boolean {
  for (let waitedMs = 0; waitedMs < withinMs; waitedMs += 100) {
    pair.run(100);
    if (pair.session.state === 'up' && pair.serviceOwner.session?.state === 'up') return true;
  }
  return false;
}

describe('a session over any routes', () => {
  it('delivers nothing twice, nothing changed, and recovers', () => {
    fc.assert(
      fc.property(
        fc.array(anyPath, { minLength: 1, maxLength: 3 }),
        fc.array(anyFault, { maxLength: 6 }),
        fc.nat(),
        (paths, faults, seed) => {
          const pair = new RoutePair({ paths, seed });
          const [up] = traffic(pair, seed, 5_000, 0.2);
          for (const { atMs, path, kind } of faults) {
            pair.at(atMs, () => {
              const index = path % paths.length;
              if (kind === 'cut') pair.cut(index);
              else if (kind === 'mend') pair.mend(index);
              else if (kind === 'fail') pair.failPath(index);
              else if (kind === 'restart') {
                // A service that forgot everything can't know again what the one before it took before the handshake was done.
                up.seen.clear();
                pair.restartService(seed % 2 === 0);
              } else pair.layers[0].pathsChanged(pair.now);
            });
          }
          for (let i = 0; i < 50; i++) {
            pair.run(100);
            for (const session of [pair.session, pair.serviceOwner.session]) {
              const status = session?.status(pair.now);
              expect(status?.resequencer.waiting ?? 0).toBeLessThanOrEqual(16_384);
              expect(status?.routes.length ?? 0).toBeLessThanOrEqual(16);
            }
          }
          // The faults are over: the session comes back, whatever they were. Its only route may lose a third of what it
          // carries, and stall again now and then, so it need not be up at a moment named in advance.
          for (let index = 0; index < paths.length; index++) pair.mend(index);
          expect(comesUp(pair, 25_000)).toBe(true);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('delivers everything when nothing is given up, over hops that lose, repeat and reorder', () => {
    fc.assert(
      fc.property(fc.array(anyPath, { minLength: 1, maxLength: 3 }), fc.nat(), (anyPaths, seed) => {
        const paths = anyPaths.map((path) => ({ ...path, lostShare: 0, rateMbps: 100 }));
        const pair = new RoutePair({ paths, seed });
        pair.runTo(2_000);
        const ledgers = traffic(pair, seed, 4_000, 0);
        pair.runTo(12_000);
        for (const ledger of ledgers) expect(ledger.seen.size).toBe(ledger.sent.length);
        expect(pair.session.status(pair.now)).toMatchObject({ queueBytes: 0 });
        expect(pair.session.status(pair.now).routes.every(({ inFlightBytes }) => inFlightBytes === 0)).toBe(true);
      }),
      { numRuns: 15 },
    );
  });
});
