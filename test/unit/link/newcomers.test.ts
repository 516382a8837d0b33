/** Peers that come while the links run: those that finish a handshake unasked, and those that are heard of. */
import { describe, expect, test } from 'vitest';
import { WirePair } from './wire-pair.ts';

describe('a stranger who finishes a handshake', () => {
  test('becomes a peer where it is admitted, and the link comes up at both ends', () => {
    const world = new WirePair();
    const asked: Uint8Array[] = [];
    const a = world.add('a');
    const b = world.add('b', { admits: (_key, endpoint) => asked.push(endpoint.slice()) > 0 });
    a.links.addPeer(b.identity.key, b.endpoint);
    for (const node of [a, b]) node.links.start(world.now);
    expect(b.links.stateOf(a.identity.key)).toBeUndefined();
    world.run(1_000);
    expect(a.told).toEqual(['up b']);
    expect(b.told).toEqual(['up a']);
    expect(b.links.stateOf(a.identity.key)).toBe('up');
    expect(asked).toEqual([a.endpoint]);
  });

  test('stays one where it is not, and is counted', () => {
    const world = new WirePair();
    const a = world.add('a');
    const b = world.add('b', { admits: () => false });
    a.links.addPeer(b.identity.key, b.endpoint);
    for (const node of [a, b]) node.links.start(world.now);
    world.run(1_000);
    expect(b.told).toEqual([]);
    expect(b.links.status(world.now)).toEqual([]);
    expect(b.drops.get('handshake-stranger')).toBeGreaterThan(0);
  });
});

describe('a peer without an endpoint', () => {
  test('is linked with once it is heard of', () => {
    const world = new WirePair();
    const a = world.add('a');
    const b = world.add('b');
    a.links.addPeer(b.identity.key, undefined);
    b.links.addPeer(a.identity.key, undefined);
    for (const node of [a, b]) node.links.start(world.now);
    world.run(5_000);
    expect(a.told).toEqual([]);
    a.links.meetPeer(b.identity.key, b.endpoint, world.now);
    world.run(1_000);
    expect(a.told).toEqual(['up b']);
    expect(b.told).toEqual(['up a']);
  });

  test('is tried at a second address too when the first one is wrong', () => {
    const world = new WirePair();
    const a = world.add('a');
    const b = world.add('b');
    a.links.addPeer(b.identity.key, undefined);
    b.links.addPeer(a.identity.key, undefined);
    for (const node of [a, b]) node.links.start(world.now);
    a.links.meetPeer(b.identity.key, world.address(99), world.now);
    world.run(500);
    a.links.meetPeer(b.identity.key, b.endpoint, world.now);
    world.run(1_000);
    expect(a.told).toEqual(['up b']);
  });

  test('keeps its session, whatever is heard of it, while its link is up', () => {
    const world = new WirePair();
    const { a, b } = world.upPair();
    a.links.meetPeer(b.identity.key, world.address(99), world.now);
    world.run(5_000);
    expect(a.told).toEqual([`up ${b.name}`]);
    expect(b.told).toEqual([`up ${a.name}`]);
  });
});
