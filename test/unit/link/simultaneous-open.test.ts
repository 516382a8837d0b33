import { describe, expect, test } from 'vitest';
import { ofType, routeId, sendMessage, sessionOf, type TestNode, WirePair } from './wire-pair.ts';

const INIT = 1;

/** One link up at both ends, on one session, the one that `a` (the smaller key) began; nothing left of the other. */
function expectOneSession(world: WirePair, a: TestNode, b: TestNode): void {
  expect(a.told).toEqual([`up ${b.name}`]);
  expect(b.told).toEqual([`up ${a.name}`]);
  expect(sessionOf(a, b, world.now).role).toBe('initiator');
  expect(sessionOf(b, a, world.now).role).toBe('responder');
  a.pieces.length = 0;
  b.pieces.length = 0;
  sendMessage(a, b, routeId(1), 0, Uint8Array.of(1));
  sendMessage(b, a, routeId(2), 0, Uint8Array.of(2));
  world.run(100);
  expect([a.pieces.length, b.pieces.length]).toEqual([1, 1]);
  world.run(12_000);
  expect([a.cipher.keys, b.cipher.keys]).toEqual([2, 2]);
}

describe('a simultaneous open', () => {
  test.each([0, 3, 9, 10, 11, 15, 19, 20, 21])('ends with one session when the larger key starts %i ms later', (ms) => {
    const world = new WirePair();
    const { a, b } = world.pair('both');
    a.links.start(world.now);
    world.later(ms, () => b.links.start(world.now));
    world.run(1_000);
    expectOneSession(world, a, b);
  });

  test.each([1, 3, 9, 10, 11, 15, 19])('ends with one session when the smaller key starts %i ms later', (ms) => {
    const world = new WirePair();
    const { a, b } = world.pair('both');
    b.links.start(world.now);
    world.later(ms, () => a.links.start(world.now));
    world.run(1_000);
    expectOneSession(world, a, b);
  });

  test('ends with one session over bad wires', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const world = new WirePair(seed);
      Object.assign(world.shape, { loss: 0.3, duplication: 0.2, reorder: 0.5 });
      const { a, b } = world.pair('both');
      a.links.start(world.now);
      b.links.start(world.now);
      world.run(30_000);
      expect(a.links.status(world.now)[0].state, `seed ${seed}`).toBe('up');
      expect(b.links.status(world.now)[0].state, `seed ${seed}`).toBe('up');
      Object.assign(world.shape, { loss: 0, duplication: 0, reorder: 0 });
      world.run(12_000);
      const roles = [sessionOf(a, b, world.now).role, sessionOf(b, a, world.now).role].sort();
      expect(roles, `seed ${seed}`).toEqual(['initiator', 'responder']);
      expect(sendMessage(a, b, routeId(1), 0, Uint8Array.of(1))).toBe(true);
      world.run(12_000);
      expect(b.pieces.length, `seed ${seed}`).toBe(1);
      expect([a.cipher.keys, b.cipher.keys], `seed ${seed}`).toEqual([2, 2]);
    }
  });

  test('succeeds where the smaller key looks for the larger at a stale address', () => {
    const world = new WirePair();
    const { a, b } = world.pair('both');
    b.endpoint = world.address(99);
    a.links.start(world.now);
    b.links.start(world.now);
    world.run(200);
    expect(a.told).toEqual([`up ${b.name}`]);
    expect(a.drops.get('handshake-simultaneous')).toBe(1);
    expect(ofType(world.seen, INIT, a.name).length).toBe(2);
  });
});
