import { describe, expect, test } from 'vitest';
import { ofType, routeId, sendMessage, sessionOf, WirePair } from './wire-pair.ts';

const INIT = 1;
const SESSION = 5;

describe('an idle link', () => {
  test('stays up, with one PING and one PONG every 10 s', () => {
    const world = new WirePair();
    const { a, b } = world.upPair();
    world.run(20_000);
    const before = ofType(world.seen, SESSION).length;
    world.run(100_000);
    expect(ofType(world.seen, SESSION).length - before).toBeLessThanOrEqual(20);
    expect(ofType(world.seen, SESSION).length - before).toBeGreaterThanOrEqual(18);
    expect([a.told.length, b.told.length]).toEqual([1, 1]);
  });

  test('whose peer vanished is down within 14 s', () => {
    const world = new WirePair();
    const { a, b } = world.upPair();
    world.run(5_000);
    const cutAt = world.now;
    world.filter = () => false;
    world.run(14_100);
    expect(a.told.at(-1)).toBe(`down ${b.name} silent`);
    expect(a.toldAt.at(-1)! - cutAt).toBeLessThanOrEqual(14_000);
  });
});

describe('a link with traffic', () => {
  test('is down 4 s after the first datagram that nobody answered', () => {
    const world = new WirePair();
    const { a, b } = world.upPair();
    world.run(1_000);
    world.filter = () => false;
    const cutAt = world.now;
    sendMessage(a, b, routeId(1), 0, Uint8Array.of(1));
    world.run(3_990);
    expect(a.told.length).toBe(1);
    world.run(20);
    expect(a.told.at(-1)).toBe(`down ${b.name} silent`);
    expect(a.toldAt.at(-1)! - cutAt).toBe(4_000);
  });

  test('in one direction only stays up: it is acknowledged', () => {
    const world = new WirePair();
    const { a, b } = world.upPair();
    world.run(1_000);
    const before = ofType(world.seen, SESSION, b.name).length;
    for (let message = 0; message < 1_000; message++) {
      sendMessage(a, b, routeId(1), message, Uint8Array.of(1));
      world.run(10);
    }
    expect(a.told.length).toBe(1);
    // An ACK each, and REKEY_ACK with its PONG each second.
    expect(ofType(world.seen, SESSION, b.name).length - before).toBeLessThan(1_000 + 30);
  });

  test.each([2_000, 4_600])('stays up and changes keys where the round trip is %d ms', (roundTripMs) => {
    const world = new WirePair();
    world.shape.delayMs = roundTripMs / 2;
    const { a, b } = world.pair('both');
    a.links.start(world.now);
    b.links.start(world.now);
    world.run(15_000);
    for (let message = 0; message < 90; message++) {
      sendMessage(a, b, routeId(1), message, Uint8Array.of(1));
      // A datagram at a time, and pauses that are longer than the round trip.
      world.run(message % 10 === 0 ? 7_000 : 300);
    }
    expect([a.told, b.told]).toEqual([[`up ${b.name}`], [`up ${a.name}`]]);
    world.run(roundTripMs);
    expect(b.pieces.length).toBe(90);
    expect([a, b].map(({ drops }) => drops.get('session-epoch'))).toEqual([0, 0]);
    expect(sessionOf(a, b, world.now).rekeys).toBeGreaterThanOrEqual(3);
  });

  test('comes back when the wire does', () => {
    const world = new WirePair();
    const { a, b } = world.upPair();
    world.run(1_000);
    sendMessage(a, b, routeId(1), 0, Uint8Array.of(1));
    world.filter = () => false;
    world.run(60_000);
    world.filter = () => true;
    world.run(5_100);
    expect(a.told).toEqual([`up ${b.name}`, `down ${b.name} silent`, `up ${b.name}`]);
    expect(b.told).toEqual([`up ${a.name}`, `down ${a.name} silent`, `up ${a.name}`]);
  });

  test('survives an outage of 1 s and one of 3 s without being replaced', () => {
    for (const outageMs of [1_000, 3_000]) {
      const world = new WirePair();
      const { a, b } = world.upPair({}, 'both');
      world.run(1_000);
      const cut = () => false;
      world.filter = cut;
      for (let i = 0; i < outageMs / 50; i++) {
        sendMessage(a, b, routeId(1), i, Uint8Array.of(1));
        sendMessage(b, a, routeId(1), i, Uint8Array.of(1));
        world.run(50);
      }
      world.filter = ({ bytes }) => bytes[0] === SESSION;
      world.run(200);
      world.filter = () => true;
      world.run(20_000);
      expect([a.told.length, b.told.length]).toEqual([1, 1]);
    }
  });
});

describe('a peer that restarted', () => {
  test('with an endpoint for us is back in three datagrams, and we are told', () => {
    const world = new WirePair();
    const { a, b } = world.upPair();
    world.run(1_000);
    const again = world.add(a.name);
    again.links.addPeer(b.identity.key, b.endpoint);
    again.links.start(world.now);
    world.run(100);
    expect(again.told).toEqual([`up ${b.name}`]);
    expect(b.told).toEqual([`up ${a.name}`, `down ${a.name} replaced`, `up ${a.name}`]);
    expect(sendMessage(b, again, routeId(3), 0, Uint8Array.of(1))).toBe(true);
    world.run(20);
    expect(again.pieces.length).toBe(1);
    expect(b.cipher.keys).toBe(2);
  });

  test('without an endpoint for us is noticed by traffic and found again in about 1.5 s', () => {
    const world = new WirePair();
    const { a, b } = world.upPair();
    world.run(1_000);
    const again = world.add(b.name);
    again.links.addPeer(a.identity.key, undefined);
    again.links.start(world.now);
    const restartedAt = world.now;
    sendMessage(a, again, routeId(1), 0, Uint8Array.of(1));
    world.run(2_000);
    expect(a.told).toEqual([`up ${b.name}`, `down ${b.name} replaced`, `up ${b.name}`]);
    expect(a.toldAt.at(-1)! - restartedAt).toBeLessThan(1_600);
    expect(again.told).toEqual([`up ${a.name}`]);
    expect(again.drops.get('session-index')).toBeGreaterThan(0);
  });

  test('is found again at both ends whichever of them restarts', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const world = new WirePair(seed);
      const { a, b } = world.upPair({}, 'both');
      Object.assign(world.shape, { loss: 0.2, reorder: 0.3, duplication: 0.1 });
      const [gone, other] = seed % 2 === 0 ? [a, b] : [b, a];
      world.run(500 * seed);
      const again = world.add(gone.name);
      again.links.addPeer(other.identity.key, other.endpoint);
      again.links.start(world.now);
      world.run(30_000);
      Object.assign(world.shape, { loss: 0, reorder: 0, duplication: 0 });
      world.run(15_000);
      expect(sendMessage(again, other, routeId(1), 0, Uint8Array.of(1)), `seed ${seed}`).toBe(true);
      world.run(100);
      expect(other.pieces.length, `seed ${seed}`).toBe(1);
      expect(other.told, `seed ${seed}`).toContain(`up ${gone.name}`);
      expect(other.told.length, `seed ${seed}`).toBeGreaterThanOrEqual(3);
    }
  });
});

describe('a peer without a configured endpoint', () => {
  test('is sought where it was last heard, for 60 s', () => {
    const world = new WirePair();
    const { a, b } = world.upPair();
    world.run(1_000);
    world.filter = () => false;
    sendMessage(b, a, routeId(1), 0, Uint8Array.of(1));
    world.run(10_000);
    expect(ofType(world.seen, INIT, b.name).length).toBeGreaterThan(2);
    world.run(60_000);
    const tries = ofType(world.seen, INIT, b.name).length;
    world.run(60_000);
    expect(ofType(world.seen, INIT, b.name).length).toBe(tries);
    expect(b.links.status(world.now)[0].state).toBe('down');
    expect(a.links.status(world.now)[0].state).toBe('handshake');
  });

  test('is never called before it came by itself', () => {
    const world = new WirePair();
    const { b } = world.pair('a knows b');
    b.links.start(world.now);
    world.run(60_000);
    expect(world.seen).toEqual([]);
  });
});
