/**
 * Bytes that a relay, or a client or service that went mad, may send: nothing throws, everything dropped has a name.
 */
import { describe, expect, it } from 'vitest';
import type { RouteHandle } from '../../../src/base/ids.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import type { Epochs } from '../../../src/bundle/handshake/epochs.ts';
import type { Sealer } from '../../../src/bundle/handshake/sealer.ts';
import type { BundleRoute } from '../../../src/bundle/routes/bundle-route.ts';
import type { Session } from '../../../src/bundle/session.ts';
import { KIND, writeProbe } from '../../../src/wire/route-message.ts';
import { numbered, numbersOf, RoutePair } from './route-pair.ts';

const path = { delayMs: 5 };

function noise(random: SeededRandom, bytes: number): Uint8Array {
  const message = new Uint8Array(bytes);
  random.fill(message);
  return message;
}

/** What stays private in the program: here an end that holds the keys turns hostile. */
interface Insides {
  readonly context: { readonly sealer: Sealer };
  readonly epochs: Epochs;
}

/** Sends any plaintext, well sealed, from one end. */
function sendPlaintext(pair: RoutePair, session: Session, plaintext: Uint8Array): void {
  const { context, epochs } = session as unknown as Insides;
  const route: BundleRoute = session.routes.live[0];
  const at = context.sealer.reserve(plaintext.length, pair.now);
  context.sealer.arena.set(plaintext, at);
  context.sealer.commit(route, epochs.sending!, plaintext.length, undefined, pair.now);
  context.sealer.flush(pair.now);
}

/** Noise of every kind but CLOSE, which works; now and then something that parses but can't be true. */
function anyPlaintext(random: SeededRandom): Uint8Array {
  if (random.chance(0.1)) {
    // A report about either route, of one sequence that may not have been sent.
    const plaintext = new Uint8Array(16);
    plaintext.set([KIND.report, 0, random.integer(2), 0, 0, 0, 0, random.integer(40), 9]);
    plaintext.set([1, 0, 0, 0, 1], 11);
    return plaintext;
  }
  if (random.chance(0.1)) {
    const plaintext = new Uint8Array(9);
    writeProbe(plaintext, 0, 'probeReply', random.word());
    return plaintext;
  }
  const plaintext = noise(random, 1 + random.integer(120));
  plaintext[0] = random.pick([
    KIND.data,
    KIND.datagram,
    KIND.report,
    KIND.probe,
    KIND.probeReply,
    KIND.rekey,
    KIND.rekeyAck,
    0x55,
  ]);
  return plaintext;
}

function expectAlive(pair: RoutePair): void {
  pair.session.send(numbered(4_242, 100), pair.now);
  pair.run(2_000);
  expect(numbersOf(pair.serviceOwner.received)).toContain(4_242);
}

describe('a relay', () => {
  it('that sends noise changes nothing', () => {
    const pair = new RoutePair({ paths: [path] });
    const random = new SeededRandom(4, 'noise');
    pair.runTo(100);
    for (let i = 0; i < 2_000; i++) {
      const message = noise(random, random.integer(200));
      if (random.chance(0.7) && message.length > 1) {
        message[0] = 1 + random.integer(2);
        message[1] = random.integer(3);
      }
      pair.forge(random.integer(2) as 0 | 1, message);
    }
    expectAlive(pair);
    expect(pair.serviceOwner.received).toHaveLength(1);
    for (const drops of pair.drops) {
      expect(drops.get('bundle-message-malformed')).toBeGreaterThan(50);
      expect(drops.get('bundle-epoch-unknown')).toBeGreaterThan(50);
      expect(drops.get('bundle-tag')).toBeGreaterThan(20);
    }
  });

  it('that flips a bit loses that message and no other', () => {
    const pair = new RoutePair({ paths: [path] });
    pair.runTo(100);
    const random = new SeededRandom(5, 'flip');
    let flipped = 0;
    pair.filter = (from, message) => {
      if (from !== 0 || message[0] !== 2 || message.length < 100 || !random.chance(0.3)) return true;
      flipped += 1;
      message[2 + random.integer(message.length - 2)] ^= 1 << random.integer(8);
      return true;
    };
    for (let i = 0; i < 100; i++) {
      pair.session.send(numbered(i, 100), pair.now);
      pair.run(10);
    }
    pair.run(1_000);
    const numbers = numbersOf(pair.serviceOwner.received);
    expect(flipped).toBeGreaterThan(10);
    expect(numbers.length).toBe(100 - flipped);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  });

  it('that plays everything again is counted and heard by nobody', () => {
    const pair = new RoutePair({ paths: [path] });
    const heard: [from: 0 | 1, message: Uint8Array][] = [];
    pair.tap = (from, message) => heard.push([from, message.slice()]);
    pair.runTo(100);
    for (let i = 0; i < 50; i++) {
      pair.session.send(numbered(i, 100), pair.now);
      pair.serviceSession.send(numbered(i, 100), pair.now);
      pair.run(10);
    }
    pair.tap = undefined;
    const recorded = [...heard];
    for (const [from, message] of recorded) pair.forge(from === 0 ? 1 : 0, message);
    pair.run(500);
    expect(pair.serviceOwner.received).toHaveLength(50);
    expect(pair.clientOwner.received).toHaveLength(50);
    expect(pair.drops[0].get('bundle-replay')).toBeGreaterThanOrEqual(50);
    expect(pair.drops[1].get('bundle-replay')).toBeGreaterThanOrEqual(50);
  });

  it('that sends the messages of one route over another is dropped', () => {
    const pair = new RoutePair({ paths: [path, { delayMs: 6 }] });
    const heard: Uint8Array[] = [];
    pair.runTo(100);
    // What the other route has not seen yet.
    for (let i = 0; i < 20; i++) pair.session.send(numbered(i, 50), pair.now);
    pair.run(100);
    pair.filter = (from, message) => {
      if (from === 0 && message.length === 133) heard.push(message.slice());
      return from !== 0 || message.length !== 133;
    };
    pair.session.send(numbered(1, 100), pair.now);
    pair.settle();
    expect(heard).toHaveLength(1);
    // The newest route is not the faster one, which this was sealed for.
    pair.forge(1, heard[0]);
    expect(pair.drops[1].get('bundle-tag')).toBe(1);
    expect(pair.serviceOwner.received).toHaveLength(20);
  });
});

describe('a set-up', () => {
  it('with any hello at all is refused by name', () => {
    const pair = new RoutePair({ paths: [path] });
    const random = new SeededRandom(6, 'hello');
    pair.runTo(100);
    for (let i = 0; i < 60; i++) {
      const hello = noise(random, random.integer(200));
      if (random.chance(0.5) && hello.length > 33) hello.set(pair.clientKey);
      const setup = { ...pair.routesOpened[0], hello, routeIndex: random.integer(65_536) };
      expect(pair.layers[1].incoming((10_000 + i) as RouteHandle, setup, pair.now)).toBe('refused');
    }
    expect(pair.drops[1].get('bundle-hello-malformed')).toBe(60);
    expectAlive(pair);
  });
});

describe('an end that holds the keys', () => {
  it.each([0, 1] as const)('can send any plaintext without harm (end %i)', (from) => {
    const pair = new RoutePair({ paths: [path, path] });
    const random = new SeededRandom(7 + from, 'plaintext');
    pair.runTo(100);
    for (let i = 0; i < 3_000; i++) {
      sendPlaintext(pair, from === 0 ? pair.session : pair.serviceSession, anyPlaintext(random));
      if (i % 50 === 0) pair.run(1);
    }
    pair.run(100);
    const drops = pair.drops[from === 0 ? 1 : 0];
    for (const name of [
      'route-message-length',
      'route-message-kind',
      'route-message-report',
      'bundle-report-unsent',
      'bundle-probe-unknown',
      'bundle-rekey-unexpected',
    ]) {
      expect(drops.toJSON()).toHaveProperty([name]);
    }
    expect(pair.session.state).toBe('up');
    expect(pair.serviceSession.state).toBe('up');
  });
});
