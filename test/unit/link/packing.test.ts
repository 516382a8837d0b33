import { describe, expect, test } from 'vitest';
import { concat } from '../../../src/base/bytes.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { joined, ofType, routeId, sendMessage, sessionOf, WirePair } from './wire-pair.ts';

const SESSION = 5;

function bytesOf(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  new SeededRandom(seed, 'message').fill(bytes);
  return bytes;
}

describe('packing', () => {
  test('puts small messages of several routes into one datagram', () => {
    const world = new WirePair();
    const { a, b } = world.upPair();
    world.run(1_000);
    const before = ofType(world.seen, SESSION, a.name).length;
    for (let route = 1; route <= 10; route++) sendMessage(a, b, routeId(route), 0, bytesOf(50, route));
    a.links.drain(world.now);
    expect(ofType(world.seen, SESSION, a.name).length - before).toBe(1);
    world.run(20);
    expect(b.pieces.map(({ bytes }) => bytes)).toEqual(Array.from({ length: 10 }, (_, i) => bytesOf(50, i + 1)));
    expect(new Set(b.pieces.map((piece) => piece.routeId)).size).toBe(10);
  });

  test.each([1, 1_000, 1_410, 1_411, 10_000, 65_535])(
    'cuts a message of %i bytes so that every datagram is full',
    (length) => {
      const world = new WirePair();
      const { a, b } = world.upPair();
      world.run(1_000);
      const before = ofType(world.seen, SESSION, a.name).length;
      sendMessage(a, b, routeId(1), 5, bytesOf(length, 1));
      world.run(300);
      expect(joined(b.pieces)).toEqual(bytesOf(length, 1));
      expect(b.pieces.filter(({ last }) => last).length).toBe(1);
      expect(b.pieces.every(({ message }) => message === 5)).toBe(true);
      const sent = ofType(world.seen, SESSION, a.name).slice(before);
      const full = sent.filter(({ bytes }) => bytes.length === 1_472).length;
      expect(full).toBeGreaterThanOrEqual(Math.ceil(length / 1_410) - 1);
      expect(b.pieces.length).toBe(Math.ceil(length / 1_410));
      expect([a.source.kept, a.source.lostTokens]).toEqual([0, []]);
    },
  );

  test.each([
    [2, 64],
    [3, 128],
    [66, 128],
    [67, 192],
    [194, 256],
    [195, 512],
    [706, 768],
    [707, 1_024],
    [1_218, 1_280],
    [1_300, 1_376],
  ])('pads the datagram of a message of %i bytes to %i', (length, padded) => {
    const world = new WirePair();
    const { a, b } = world.upPair();
    world.run(1_000);
    sendMessage(a, b, routeId(1), 0, new Uint8Array(length));
    a.links.drain(world.now);
    expect(ofType(world.seen, SESSION, a.name).at(-1)?.bytes.length).toBe(padded);
  });

  test('forwards out of a handler: three nodes in a row', () => {
    const world = new WirePair();
    const [a, b, c] = ['a', 'b', 'c'].map((name) => world.add(name));
    a.links.addPeer(b.identity.key, b.endpoint);
    b.links.addPeer(a.identity.key, undefined);
    b.links.addPeer(c.identity.key, c.endpoint);
    c.links.addPeer(b.identity.key, undefined);
    b.links.events = {
      ...b.links.events,
      data: (_link, piece) => {
        const { routeIdAt, message, offset, buffer, start, length } = piece;
        const routeId = buffer.slice(routeIdAt, routeIdAt + 16);
        b.source.send(
          b.links.linkOf(c.identity.key)!,
          routeId,
          1_000 * message + offset,
          buffer.slice(start, start + length),
        );
        return true;
      },
    };
    for (const node of [a, b, c]) node.links.start(world.now);
    world.run(1_000);
    sendMessage(a, b, routeId(4), 1, bytesOf(60_000, 4));
    world.run(500);
    const inOrder = c.pieces.toSorted((x, y) => x.message - y.message);
    expect(concat(...inOrder.map(({ bytes }) => bytes))).toEqual(bytesOf(60_000, 4));
  });

  test('that fills the arena sends it at once and loses nothing', () => {
    const world = new WirePair();
    const { a, b } = world.upPair({ tuning: { sendDatagrams: 2 } });
    world.run(1_000);
    const batches: number[] = [];
    const transmit = world.transmit.bind(world);
    world.transmit = (from, batch) => {
      if (from === a) batches.push(batch.count);
      transmit(from, batch);
    };
    for (let message = 0; message < 20; message++) sendMessage(a, b, routeId(1), message, bytesOf(4_230, message));
    world.run(500);
    expect(Math.max(...batches)).toBe(2);
    for (let message = 0; message < 20; message++) {
      expect(joined(b.pieces.filter((piece) => piece.message === message))).toEqual(bytesOf(4_230, message));
    }
  });

  test('that runs out of arena bytes sends it at once too', () => {
    const world = new WirePair();
    world.shape.mtuBytes = 8_972;
    const { a, b } = world.upPair({ maxDatagramBytes: 8_972, tuning: { sendArenaBytes: 65_536 } });
    world.run(1_000);
    for (let message = 0; message < 10; message++) sendMessage(a, b, routeId(1), message, bytesOf(30_000, message));
    world.run(1_000);
    for (let message = 0; message < 10; message++) {
      expect(joined(b.pieces.filter((piece) => piece.message === message))).toEqual(bytesOf(30_000, message));
    }
  });
});

describe('a channel message', () => {
  test.each([1, 1_500, 65_535])('of %i bytes arrives whole, however the wire reorders', (length) => {
    const world = new WirePair(3);
    const { a, b } = world.upPair();
    world.run(1_000);
    world.shape.reorder = 0.5;
    const link = a.links.linkOf(b.identity.key)!;
    expect(a.links.sendChannel(link, 0, bytesOf(length, 8))).toBe(true);
    world.run(500);
    expect(b.messages).toEqual([bytesOf(length, 8)]);
  });

  test('that lost a piece is sent again, and handed on once', () => {
    const world = new WirePair();
    const { a, b } = world.upPair();
    world.run(1_000);
    let datagrams = 0;
    world.filter = ({ from, bytes }) => from !== a.name || bytes.length < 1_400 || ++datagrams !== 2;
    a.links.sendChannel(a.links.linkOf(b.identity.key)!, 0, bytesOf(5_000, 1));
    world.run(200);
    expect(b.messages).toEqual([bytesOf(5_000, 1)]);
    expect(sessionOf(a, b, world.now).retransmittedDatagrams).toBe(1);
  });

  test('is refused when 256 KiB wait already, which is counted', () => {
    const world = new WirePair();
    const { a, b } = world.upPair();
    world.run(1_000);
    const link = a.links.linkOf(b.identity.key)!;
    world.filter = () => false;
    const sent = Array.from({ length: 6 }, () => a.links.sendChannel(link, 0, new Uint8Array(50_000)));
    expect(sent).toEqual([true, true, true, true, true, false]);
    expect(a.drops.get('link-channel-full')).toBe(1);
    world.run(50);
    world.filter = () => true;
    world.run(3_000);
    expect(b.messages.length).toBe(5);
    expect(a.links.sendChannel(link, 0, new Uint8Array(50_000))).toBe(true);
  });
});
