import { describe, expect, test } from 'vitest';
import { ofType, routeId, sendMessage, sessionOf, WirePair } from './wire-pair.ts';

const SESSION = 5;
const HEADER_BYTES = 16;

/** A pair whose wire is quiet, and the next datagram with data that `a` sends, kept from arriving. */
function capture(world: WirePair) {
  const { a, b } = world.upPair();
  world.run(1_000);
  let bytes = new Uint8Array(0);
  world.filter = (datagram) => {
    if (datagram.from === a.name && datagram.bytes[0] === SESSION) bytes = datagram.bytes.slice();
    return false;
  };
  sendMessage(a, b, routeId(7), 0, Uint8Array.of(1, 2, 3));
  a.links.drain(world.now);
  world.filter = () => true;
  return { a, b, bytes };
}

describe('the load of the other direction', () => {
  test('is told when asked for: spare time is what passed with nothing to send', () => {
    const world = new WirePair();
    const { a, b } = world.upPair();
    const link = b.links.linkOf(a.identity.key)!;
    const ask = () => {
      b.links.askLoad(link);
      b.links.drain(world.now);
      world.run(100);
      return b.loads[b.loads.length - 1];
    };
    const [first, second] = [ask(), ask()];
    expect(second.clockUs - first.clockUs).toBe(100_000);
    expect(second.spareUs - first.spareUs).toBeGreaterThan(95_000);
    for (let message = 0; message < 100; message++) sendMessage(a, b, routeId(7), message, new Uint8Array(20_000));
    const third = ask();
    const busy = ask();
    expect(busy.clockUs - third.clockUs).toBe(100_000);
    expect(busy.spareUs - third.spareUs).toBeLessThan(1_000);
  });
});

describe('a session datagram', () => {
  test('is accepted once', () => {
    const world = new WirePair();
    const { a, b, bytes } = capture(world);
    world.inject(b, a.endpoint, bytes.slice(), bytes.slice());
    world.inject(b, a.endpoint, bytes.slice());
    expect(b.pieces.length).toBe(1);
    expect(b.drops.get('session-replayed')).toBe(2);
  });

  test('that is changed in any byte is dropped', () => {
    const world = new WirePair();
    const { a, b, bytes } = capture(world);
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.slice();
      changed[at] ^= 0x40;
      world.inject(b, a.endpoint, changed);
    }
    expect(b.pieces).toEqual([]);
    const named = ['link-type', 'session-counter', 'session-epoch', 'session-header', 'session-index', 'session-tag'];
    expect(Object.keys(b.drops.toJSON())).toEqual(named);
    expect(Object.values(b.drops.toJSON()).reduce((sum, count) => sum + count)).toBe(bytes.length);
    world.inject(b, a.endpoint, bytes);
    expect(b.pieces.length).toBe(1);
  });

  test('that is cut short is dropped by name', () => {
    const world = new WirePair();
    const { a, b, bytes } = capture(world);
    for (let length = 0; length < bytes.length; length++) world.inject(b, a.endpoint, bytes.slice(0, length));
    expect(b.pieces).toEqual([]);
    expect(b.drops.get('link-type')).toBe(1);
    expect(b.drops.get('session-length') + b.drops.get('session-tag')).toBe(bytes.length - 1);
  });

  test('for an index that nobody has is dropped without an answer', () => {
    const world = new WirePair();
    const { a, b } = world.upPair();
    const sent = ofType(world.seen, SESSION, b.name).length;
    world.inject(b, a.endpoint, new Uint8Array(64).fill(5, 0, 1).fill(1, 4, 8));
    expect(b.drops.get('session-index')).toBe(1);
    expect(ofType(world.seen, SESSION, b.name).length).toBe(sent);
  });

  test('shows nothing but its header: type, epoch, index and a counter that goes up by one', () => {
    const world = new WirePair();
    const { a, b } = world.upPair();
    for (let message = 0; message < 20; message++) {
      sendMessage(a, b, routeId(9), message, new Uint8Array(64).fill(0x41));
      world.run(20);
    }
    const sent = ofType(world.seen, SESSION, a.name).map(({ bytes }) => bytes);
    sent.forEach((bytes, counter) => {
      expect(bytes.length % 16).toBe(0);
      expect([...bytes.subarray(2, 4)]).toEqual([0, 0]);
      expect(bytes.subarray(4, 8)).toEqual(sent[0].subarray(4, 8));
      expect(new DataView(bytes.buffer).getBigUint64(8)).toBe(BigInt(counter));
      expect(bytes.subarray(HEADER_BYTES).join()).not.toContain(new Uint8Array(16).fill(0x41).join());
      expect(bytes.subarray(HEADER_BYTES).join()).not.toContain(new Uint8Array(16).fill(9).join());
    });
  });
});

describe('roaming', () => {
  test('follows the peer to where its newest datagram came from', () => {
    const world = new WirePair();
    const { a, b } = world.upPair();
    a.endpoint = world.address(50);
    sendMessage(a, b, routeId(1), 0, Uint8Array.of(1));
    world.run(100);
    expect(b.links.status(world.now)[0].endpoint).toEqual(a.endpoint);
    sendMessage(b, a, routeId(2), 0, Uint8Array.of(2));
    world.run(100);
    expect(a.pieces.length).toBe(1);
    expect([a.told.length, b.told.length]).toEqual([1, 1]);
  });

  test('does not follow an older datagram, nor one that is not authentic', () => {
    const world = new WirePair();
    const { a, b, bytes } = capture(world);
    const forged = bytes.slice();
    forged[30] ^= 1;
    world.inject(b, world.address(66), forged);
    sendMessage(a, b, routeId(7), 1, Uint8Array.of(4));
    world.run(100);
    world.inject(b, world.address(66), bytes);
    expect(b.pieces.length).toBe(2);
    expect(b.links.status(world.now)[0].endpoint).toEqual(a.endpoint);
  });

  test('starts the path search again, because the path may be another', () => {
    const world = new WirePair();
    const { a, b } = world.upPair();
    world.run(1_000);
    expect(sessionOf(b, a, world.now).pathMtuBytes).toBe(1_472);
    world.shape.mtuBytes = 1_300;
    a.endpoint = world.address(51);
    sendMessage(a, b, routeId(1), 0, Uint8Array.of(1));
    world.run(1_500);
    expect(sessionOf(b, a, world.now).pathMtuBytes).toBe(1_280);
  });
});

describe('the round trip', () => {
  test('is measured by PING and PONG, and kept fresh by traffic', () => {
    const world = new WirePair();
    const { a, b } = world.upPair();
    expect(sessionOf(a, b, world.now).roundTripMs).toBe(20);
    world.shape.delayMs = 40;
    for (let message = 0; message < 600; message++) {
      sendMessage(a, b, routeId(1), message, Uint8Array.of(1));
      sendMessage(b, a, routeId(1), message, Uint8Array.of(1));
      world.run(100);
    }
    expect(sessionOf(a, b, world.now).roundTripMs).toBeGreaterThan(70);
    expect(sessionOf(b, a, world.now).roundTripMs).toBeGreaterThan(70);
    expect(sessionOf(a, b, world.now).leastRoundTripMs).toBe(20);
    expect(a.links.roundTripMs(a.links.linkOf(b.identity.key)!)).toBe(sessionOf(a, b, world.now).roundTripMs);
  });
});

describe('peers', () => {
  test('are added while others run, and removed with a CLOSE', () => {
    const world = new WirePair();
    const { a, b } = world.upPair();
    const c = world.add('c');
    c.links.addPeer(a.identity.key, undefined);
    c.links.start(world.now);
    a.links.addPeer(c.identity.key, c.endpoint);
    world.run(100);
    expect(a.told.at(-1)).toBe('up c');
    a.links.removePeer(b.identity.key, world.now);
    world.run(100);
    expect(b.told.at(-1)).toBe(`down ${a.name} closed by peer`);
    expect(a.links.status(world.now).length).toBe(1);
    world.run(30_000);
    expect(b.links.linkOf(a.identity.key)).toBeUndefined();
  });

  test('are as many as configured: one more is refused with a remedy', () => {
    const world = new WirePair();
    const a = world.add('a', { tuning: { peersMax: 2 } });
    a.links.addPeer(world.identity('p').key, undefined);
    a.links.addPeer(world.identity('q').key, undefined);
    expect(() => a.links.addPeer(world.identity('r').key, undefined)).toThrow('more than 2 peers');
  });

  test('that are down are not asked for, and take no message, which is counted', () => {
    const world = new WirePair();
    const { a, b } = world.upPair();
    const link = a.links.linkOf(b.identity.key)!;
    a.links.stop(world.now);
    a.source.send(link, routeId(1), 0, Uint8Array.of(1));
    a.links.drain(world.now);
    expect([a.source.given.size, a.source.kept]).toEqual([0, 1]);
    expect(a.links.sendChannel(link, 0, Uint8Array.of(1))).toBe(false);
    expect(a.drops.get('link-down')).toBe(1);
  });

  test('may be removed by whoever is told that their link was replaced', () => {
    const world = new WirePair();
    const { a, b } = world.upPair();
    const events = b.links.events;
    b.links.events = { ...events, linkDown: (_link, peer, _reason, now) => b.links.removePeer(peer, now) };
    const again = world.add(a.name);
    again.links.addPeer(b.identity.key, b.endpoint);
    again.links.start(world.now);
    world.run(1_000);
    expect(b.links.status(world.now)).toEqual([]);
    expect(b.cipher.keys).toBe(0);
  });
});
