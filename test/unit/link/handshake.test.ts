import { describe, expect, test } from 'vitest';
import { mac1Key, mac16 } from '../../../src/crypto/mac.ts';
import { PENDING_HANDSHAKES_MAX } from '../../../src/link/protocol-numbers.ts';
import { buildCookie, underMac1, writeMac1 } from '../../../src/wire/handshake.ts';
import { ofType, routeId, sendMessage, type TestNode, WirePair } from './wire-pair.ts';

const INIT = 1;
const RESPONSE = 2;
const FINAL = 3;
const COOKIE = 4;
const SESSION = 5;

/** The INIT that a node of this name sends to `to`, without anything of it crossing the wire. */
function initOf(world: WirePair, name: string, to: TestNode): Uint8Array {
  const node = world.add(name);
  node.links.addPeer(to.identity.key, to.endpoint);
  let init = new Uint8Array(0);
  const { filter } = world;
  world.filter = ({ bytes }) => {
    init = bytes.slice();
    return false;
  };
  node.links.start(world.now);
  node.links.drain(world.now);
  node.links.stop(world.now);
  world.filter = filter;
  return init;
}

function inits(world: WirePair, count: number, to: TestNode): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => initOf(world, `flood ${i}`, to));
}

describe('a handshake', () => {
  test('brings the link up at both ends, with three datagrams', () => {
    const world = new WirePair();
    const { a, b } = world.upPair();
    expect(a.told).toEqual([`up ${b.name}`]);
    expect(b.told).toEqual([`up ${a.name}`]);
    expect([INIT, RESPONSE, FINAL].map((type) => ofType(world.seen, type).length)).toEqual([1, 1, 1]);
    expect(sendMessage(a, b, routeId(1), 0, Uint8Array.of(1, 2, 3))).toBe(true);
    world.run(50);
    expect(b.pieces[0].bytes).toEqual(Uint8Array.of(1, 2, 3));
    expect(a.links.status(world.now)[0].state).toBe('up');
  });

  test.each([INIT, RESPONSE, FINAL, SESSION])('survives the loss of its first datagrams of type %i', (type) => {
    const world = new WirePair();
    const { a, b } = world.pair('a knows b');
    let lost = 0;
    world.filter = ({ bytes }) => bytes[0] !== type || lost++ >= 2;
    a.links.start(world.now);
    b.links.start(world.now);
    world.run(2_000);
    expect(lost).toBeGreaterThan(2);
    expect(a.told).toEqual([`up ${b.name}`]);
    expect(b.told).toEqual([`up ${a.name}`]);
  });

  test('is tried where the peer is and at its fallback in turn, and done where it answers', () => {
    const world = new WirePair();
    const [a, b] = [world.add('a'), world.add('b')];
    const nobodyThere = world.address(99);
    a.links.addPeer(b.identity.key, nobodyThere, { fallbacks: [b.endpoint] });
    b.links.addPeer(a.identity.key, undefined);
    a.links.start(world.now);
    b.links.start(world.now);
    world.run(1_000);
    expect(a.told).toEqual([`up ${b.name}`]);
    expect(a.links.endpointOf(b.identity.key)).toEqual(b.endpoint);
  });

  test('is done at the address that answers first, whichever of several that is: the next is tried 250 ms after the one before', () => {
    const world = new WirePair();
    const [a, b] = [world.add('a'), world.add('b')];
    a.links.addPeer(b.identity.key, world.address(98), { fallbacks: [world.address(99), b.endpoint] });
    b.links.addPeer(a.identity.key, undefined);
    const startedAt = world.now;
    a.links.start(startedAt);
    b.links.start(startedAt);
    world.run(2_000);
    // Two addresses later, an INIT and its RESPONSE, a FINAL and its answer, 10 ms each.
    expect(a.toldAt).toEqual([startedAt + 2 * 250 + 4 * 10]);
    expect(a.links.endpointOf(b.identity.key)).toEqual(b.endpoint);
  });

  test('succeeds over a wire that loses, doubles and reorders', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const world = new WirePair(seed);
      Object.assign(world.shape, { loss: 0.4, duplication: 0.2, reorder: 0.5 });
      const { a, b } = world.pair(seed % 2 === 0 ? 'both' : 'a knows b');
      a.links.start(world.now);
      b.links.start(world.now);
      world.run(60_000);
      expect([a.told[0], b.told[0]]).toEqual([`up ${b.name}`, `up ${a.name}`]);
    }
  });

  test('is repeated every 250 ms for two minutes, then more slowly after each four tries, with a fresh ephemeral key after 24', () => {
    const world = new WirePair();
    const { a, b } = world.pair('a knows b');
    const sent: { at: number; act: string }[] = [];
    world.filter = ({ bytes }) => {
      sent.push({ at: world.now, act: bytes.subarray(12, 62).join() });
      return false;
    };
    const started = world.now;
    a.links.start(started);
    b.links.start(started);
    world.run(180_000);
    const gaps = sent.slice(1).map(({ at }, i) => at - sent[i].at);
    const eager = gaps.filter((_, i) => sent[i].at < started + 120_000);
    expect(new Set(eager)).toEqual(new Set([250]));
    const paces = [500, 1_000, 2_000, 4_000].flatMap((ms) => [ms, ms, ms, ms]);
    expect(gaps.slice(gaps.indexOf(500)).slice(0, 18)).toEqual([...paces, 5_000, 5_000]);
    expect(new Set(sent.slice(0, 24).map(({ act }) => act)).size).toBe(1);
    expect(new Set(sent.slice(24, 48).map(({ act }) => act)).size).toBe(1);
    expect(sent[24].act).not.toBe(sent[0].act);
    expect(a.links.status(world.now)[0].state).toBe('handshake');
  });

  test('begins anew when FINAL is never answered', () => {
    const world = new WirePair();
    const { a, b } = world.pair('a knows b');
    world.filter = ({ bytes }) => bytes[0] !== FINAL;
    a.links.start(world.now);
    b.links.start(world.now);
    world.run(7_500);
    expect(ofType(world.seen, FINAL).length).toBe(30);
    world.filter = () => true;
    world.run(200);
    expect(a.told).toEqual([`up ${b.name}`]);
    expect(new Set(ofType(world.seen, INIT).map(({ bytes }) => bytes.join())).size).toBe(2);
  });

  test('gives the same RESPONSE to a repeated INIT', () => {
    const world = new WirePair();
    const { a, b } = world.pair('a knows b');
    world.filter = ({ bytes }) => bytes[0] === INIT;
    a.links.start(world.now);
    b.links.start(world.now);
    world.run(600);
    const responses = ofType(world.seen, RESPONSE).map(({ bytes }) => bytes.join());
    expect(responses.length).toBe(3);
    expect(new Set(responses).size).toBe(1);
  });

  test('with a node whose key is another gets no byte out of it', () => {
    const world = new WirePair();
    const a = world.add('a');
    const b = world.add('b');
    a.links.addPeer(world.identity('somebody else').key, b.endpoint);
    b.links.addPeer(a.identity.key, undefined);
    a.links.start(world.now);
    b.links.start(world.now);
    world.run(5_000);
    expect(world.seen.filter(({ from }) => from === 'b')).toEqual([]);
    expect(b.drops.get('handshake-mac1')).toBe(20);
  });

  test('of a node that is not a peer ends at FINAL', () => {
    const world = new WirePair();
    const a = world.add('a');
    const b = world.add('b');
    a.links.addPeer(b.identity.key, b.endpoint);
    b.links.addPeer(world.identity('somebody else').key, undefined);
    a.links.start(world.now);
    b.links.start(world.now);
    world.run(200);
    expect(b.drops.get('handshake-stranger')).toBe(1);
    world.run(20_000);
    expect(ofType(world.seen, SESSION)).toEqual([]);
    expect([a.told, b.told]).toEqual([[], []]);
    expect(b.cipher.keys).toBe(0);
  });

  test('is not spoiled by forged acts', () => {
    const world = new WirePair();
    const { a, b } = world.pair('a knows b');
    const [names, forgeries] = [new Map([a, b].map((node) => [node.name, node])), [20, 40, 70]];
    world.filter = ({ from, to, bytes }) => {
      for (const at of forgeries) {
        const forged = bytes.slice();
        forged[at % forged.length] ^= 1;
        world.inject(names.get(to)!, names.get(from)!.endpoint, forged);
      }
      return true;
    };
    a.links.start(world.now);
    b.links.start(world.now);
    world.run(100);
    expect([a.told.length, b.told.length]).toEqual([1, 1]);
    expect(a.drops.get('handshake-mac1') + b.drops.get('handshake-mac1')).toBeGreaterThan(0);
  });

  test('is not spoiled by a RESPONSE with the right mac1 and a wrong tag', () => {
    const world = new WirePair();
    const { a, b } = world.pair('a knows b');
    let ephemeral = new Uint8Array(0);
    world.filter = ({ bytes }) => {
      if (bytes[0] === INIT) ephemeral = bytes.slice(13, 46);
      if (bytes[0] === RESPONSE && bytes[61] !== 0) {
        const forged = bytes.slice();
        forged[61] ^= 1;
        writeMac1(forged, mac16(mac1Key(ephemeral), underMac1(forged)));
        world.inject(a, b.endpoint, forged);
      }
      return true;
    };
    a.links.start(world.now);
    b.links.start(world.now);
    world.run(100);
    expect(a.drops.get('handshake-noise-tag')).toBe(1);
    expect([a.told.length, b.told.length]).toEqual([1, 1]);
  });

  test('that its initiator never uses is given up after 10 s, and the old session lives on', () => {
    const world = new WirePair();
    const { a, b } = world.upPair();
    const keys = b.cipher.keys;
    const thief = world.add('thief', { identity: a.identity });
    thief.links.addPeer(b.identity.key, b.endpoint);
    world.filter = ({ to, bytes }) => to !== 'thief' || bytes[0] !== SESSION;
    thief.links.start(world.now);
    world.run(100);
    thief.links.stop(world.now);
    expect(b.cipher.keys).toBe(keys + 2);
    world.run(11_000);
    expect(b.cipher.keys).toBe(keys);
    expect(b.told).toEqual([`up ${a.name}`]);
  });

  test('leaves no key behind when the node stops, and CLOSE tells the peer at once', () => {
    const world = new WirePair();
    const { a, b } = world.upPair();
    const stoppedAt = world.now;
    a.links.stop(stoppedAt);
    world.run(20);
    expect(a.told.at(-1)).toBe(`down ${b.name} stopped`);
    expect(b.told.at(-1)).toBe(`down ${a.name} closed by peer`);
    expect(b.toldAt.at(-1)).toBe(stoppedAt + world.shape.delayMs);
    expect([a.cipher.keys, b.cipher.keys]).toEqual([0, 0]);
    a.links.start(world.now);
    world.run(100);
    expect(b.told.at(-1)).toBe(`up ${a.name}`);
  });
});

describe('a responder', () => {
  test('answers the 51st INIT of a second with a cookie, and its handshake still succeeds', () => {
    const world = new WirePair();
    const { a, b } = world.pair('a knows b');
    const flood = inits(world, 50, b);
    b.links.start(world.now);
    world.inject(b, world.address(200), ...flood);
    expect(ofType(world.seen, RESPONSE).length).toBe(50);
    expect(ofType(world.seen, COOKIE)).toEqual([]);
    a.links.start(world.now);
    world.run(100);
    expect(ofType(world.seen, COOKIE).map(({ bytes }) => bytes.length)).toEqual([68]);
    expect(b.drops.get('handshake-load')).toBe(1);
    expect(a.told).toEqual([`up ${b.name}`]);
    const [bare, proven] = ofType(world.seen, INIT, a.name);
    expect(bare.bytes.subarray(78)).toEqual(new Uint8Array(16));
    expect(proven.bytes.subarray(78)).not.toEqual(new Uint8Array(16));
    expect(proven.bytes.subarray(0, 78)).toEqual(bare.bytes.subarray(0, 78));
  });

  test('takes a cookie only from the address that it was sent to', () => {
    const world = new WirePair();
    const { a, b } = world.pair('a knows b');
    const flood = inits(world, 50, b);
    b.links.start(world.now);
    world.inject(b, world.address(200), ...flood);
    a.links.start(world.now);
    world.filter = ({ from, bytes }) => {
      if (from === a.name && bytes[0] === INIT && bytes[78] !== 0) world.inject(b, world.address(201), bytes.slice());
      return from !== a.name || bytes[78] === 0;
    };
    world.run(100);
    expect(b.drops.get('handshake-load')).toBe(2);
    expect(ofType(world.seen, RESPONSE).length).toBe(50);
  });

  test('is free again in the next second', () => {
    const world = new WirePair();
    const { b } = world.pair('a knows b');
    const flood = inits(world, 101, b);
    b.links.start(world.now);
    world.inject(b, world.address(200), ...flood.slice(0, 50));
    world.run(1_000);
    world.inject(b, world.address(200), ...flood.slice(50, 100));
    expect(b.drops.get('handshake-load')).toBe(0);
    world.inject(b, world.address(200), flood[100]);
    expect(b.drops.get('handshake-load')).toBe(1);
  });

  test('sends nothing longer than what it answers', () => {
    const world = new WirePair();
    const { b } = world.pair('a knows b');
    const flood = inits(world, 60, b);
    b.links.start(world.now);
    world.keepSeen = true;
    world.inject(b, world.address(200), ...flood);
    for (const { bytes } of world.seen.filter(({ from }) => from === b.name)) expect(bytes.length).toBeLessThan(94);
  });

  test('holds 64 unfinished handshakes: the oldest gives way, and all go after 10 s', () => {
    const world = new WirePair();
    const { b } = world.pair('a knows b');
    const flood = inits(world, PENDING_HANDSHAKES_MAX + 1, b);
    b.links.start(world.now);
    world.inject(b, world.address(200), ...flood.slice(0, 50));
    world.run(1_000);
    world.inject(b, world.address(200), ...flood.slice(50));
    expect(b.drops.get('handshake-crowded')).toBe(1);
    // The first is forgotten, so it is answered anew; the last is remembered.
    const before = ofType(world.seen, RESPONSE).map(({ bytes }) => bytes.join());
    world.inject(b, world.address(200), flood[0], flood[PENDING_HANDSHAKES_MAX]);
    const [anew, same] = ofType(world.seen, RESPONSE).slice(-2);
    expect(before).not.toContain(anew.bytes.join());
    expect(before).toContain(same.bytes.join());
    world.run(10_100);
    expect(b.drops.get('handshake-late')).toBe(PENDING_HANDSHAKES_MAX);
  });
});

describe('an initiator', () => {
  test('counts cookies that it did not ask for, and does not answer them', () => {
    const world = new WirePair();
    const { a, b } = world.pair('a knows b');
    world.filter = () => false;
    a.links.start(world.now);
    b.links.start(world.now);
    world.run(10);
    const [init] = ofType(world.seen, INIT);
    const index = new DataView(init.bytes.buffer).getUint32(4);
    const forged = buildCookie(index, new Uint8Array(24), new Uint8Array(32));
    world.inject(a, b.endpoint, forged);
    expect(a.drops.get('handshake-cookie')).toBe(1);
    expect(ofType(world.seen, INIT).length).toBe(1);
    world.inject(a, b.endpoint, buildCookie(index ^ 1, new Uint8Array(24), new Uint8Array(32)));
    expect(a.drops.get('handshake-index')).toBe(1);
  });

  test('tries the configured endpoint and the last known one in turn', () => {
    const world = new WirePair();
    const { a, b } = world.upPair();
    const home = b.endpoint;
    b.endpoint = world.address(77);
    sendMessage(b, a, routeId(1), 0, Uint8Array.of(1));
    world.run(100);
    world.filter = () => false;
    world.run(30_000);
    world.seen.length = 0;
    const targets = new Set<string>();
    const transmit = world.transmit.bind(world);
    world.transmit = (from, batch) => {
      for (let at = 0; from === a && at < batch.count * 24; at += 24) {
        targets.add(batch.endpoints.slice(at, at + 24).join());
      }
      transmit(from, batch);
    };
    world.run(20_000);
    expect(targets).toEqual(new Set([home.join(), b.endpoint.join()]));
  });
});
