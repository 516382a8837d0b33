/** Real links over bad wires: what the source gives arrives, whatever is lost on the way. */
import { describe, expect, test } from 'vitest';
import { RELIABLE } from '../../../src/base/traffic-class.ts';
import { CONGESTION_TUNING } from '../../../src/link/congestion/congestion-tuning.ts';
import type { OutgoingFrame } from '../../../src/link/frame-source.ts';
import { FRAME_ACK } from '../../../src/wire/frames.ts';
import { ofType, routeId, sendMessage, sessionOf, type TestNode, WirePair } from './wire-pair.ts';

const SESSION = 5;

/** A pair on a wire of 5 ms that has found its path and is silent. */
function quietPair(seed = 1): { world: WirePair; a: TestNode; b: TestNode } {
  const world = new WirePair(seed);
  world.shape.delayMs = 5;
  const { a, b } = world.upPair();
  world.run(1_000);
  return { world, a, b };
}

/** Sends a message each way every millisecond, numbered by `from`. */
function talk(world: WirePair, a: TestNode, b: TestNode, from: number, count: number): void {
  for (let message = from; message < from + count; message++) {
    sendMessage(a, b, routeId(1), message, new Uint8Array(700).fill(message));
    sendMessage(b, a, routeId(2), message, new Uint8Array(300).fill(message));
    world.run(1);
  }
}

/** Messages of this length, each whole, once and unchanged. */
function expectEachOnce(node: TestNode, count: number, length: number): void {
  expect(new Set(node.pieces.map(({ message, offset }) => `${message}/${offset}`)).size).toBe(node.pieces.length);
  expect(node.pieces.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBe(count * length);
  expect(new Set(node.pieces.map(({ message }) => message)).size).toBe(count);
  expect(node.pieces.every(({ message, bytes }) => bytes.every((byte) => byte === message % 256))).toBe(true);
}

/** The session datagrams that `node` sends from now on, by what their frames begin with. */
function watchFrames(node: TestNode): { type: number; bytes: number }[] {
  const seen: { type: number; bytes: number }[] = [];
  node.cipher.beforeSeal = (arena, at, length) => seen.push({ type: arena[at], bytes: length });
  return seen;
}

describe('everything arrives', () => {
  test.each([
    ['half is lost each way', { loss: 0.5 }],
    ['a tenth is lost and a third comes out of order', { loss: 0.1, reorder: 0.3 }],
    ['everything comes twice', { duplication: 1 }],
  ])('where %s, through ten rekeys', (_what, shape) => {
    const { world, a, b } = quietPair();
    Object.assign(world.shape, shape);
    talk(world, a, b, 0, 10_000);
    world.run(2_000);
    expectEachOnce(a, 10_000, 300);
    expectEachOnce(b, 10_000, 700);
    expect([a.source.kept, b.source.kept]).toEqual([0, 0]);
    expect(sessionOf(a, b, world.now).rekeys).toBeGreaterThanOrEqual(8);
    expect([a.told.length, b.told.length]).toEqual([1, 1]);
    const { lossShare, pathMtuBytes, inFlightBytes } = sessionOf(a, b, world.now);
    expect(Math.abs(lossShare - ('loss' in shape ? shape.loss : 0))).toBeLessThan(0.12);
    expect([pathMtuBytes, inFlightBytes]).toEqual([1_472, 0]);
  });

  test('and little is sent twice where only acknowledgements are lost', () => {
    const { world, a, b } = quietPair();
    const random = world.stream('acks');
    world.filter = ({ from }) => from === a.name || random.chance(0.5);
    for (let message = 0; message < 5_000; message++) {
      sendMessage(a, b, routeId(1), message, new Uint8Array(700).fill(message));
      world.run(1);
    }
    world.run(500);
    expectEachOnce(b, 5_000, 700);
    expect(b.piecesAgain).toBeLessThan(50);
    expect(sessionOf(a, b, world.now).lossShare).toBeLessThan(0.01);
  });

  test('and little is sent twice where all acknowledgements of 100 ms are lost now and then', () => {
    const { world, a, b } = quietPair();
    world.filter = ({ from }) => from === a.name || world.now % 1_000 > 100;
    for (let message = 0; message < 5_000; message++) {
      sendMessage(a, b, routeId(1), message, new Uint8Array(700).fill(message));
      world.run(1);
    }
    world.run(500);
    expectEachOnce(b, 5_000, 700);
    // Two a probe timeout.
    expect(b.piecesAgain).toBeLessThan(50);
  });

  test('with a log that holds few datagrams', () => {
    const world = new WirePair();
    world.shape.delayMs = 5;
    const { a, b } = world.upPair({ tuning: { sentLogFirst: 4, sentLogMax: 8 } });
    world.run(1_000);
    world.shape.loss = 0.3;
    for (let message = 0; message < 200; message++) {
      sendMessage(a, b, routeId(1), message, new Uint8Array(700).fill(message));
    }
    world.run(10_000);
    expectEachOnce(b, 200, 700);
    expect(a.source.kept).toBe(0);
  });

  test('after bursts in which nothing passes', () => {
    const { world, a, b } = quietPair();
    world.filter = ({ bytes }) => bytes[0] !== SESSION || world.now % 200 > 60;
    talk(world, a, b, 0, 5_000);
    world.run(1_000);
    expectEachOnce(a, 5_000, 300);
    expectEachOnce(b, 5_000, 700);
  });
});

describe('a full wire', () => {
  /** Mb/s of payload over the next `ms`. */
  function flood(world: WirePair, a: TestNode, b: TestNode, ms: number): number {
    let bytes = 0;
    for (const end = world.now + ms; world.now < end; ) {
      while (a.source.kept < 200) sendMessage(a, b, routeId(1), 0, new Uint8Array(1_410));
      world.run(1);
      bytes += b.pieces.splice(0).reduce((sum, piece) => sum + piece.bytes.length, 0);
    }
    return (8 * bytes) / ms / 1_000;
  }

  function floodedPair() {
    const { world, a, b } = quietPair();
    world.keepSeen = false;
    world.shape.bytesPerMs = 1_250;
    expect(flood(world, a, b, 3_000)).toBeGreaterThan(9);
    return { world, a, b };
  }

  test('that was cut for 2.5 s, or whose acknowledgements were, is full again half a second later', () => {
    for (const cut of ['both', 'back']) {
      const { world, a, b } = floodedPair();
      world.filter = ({ from }) => cut === 'back' && from === a.name;
      flood(world, a, b, 2_500);
      world.filter = () => true;
      flood(world, a, b, 500);
      expect(flood(world, a, b, 500), cut).toBeGreaterThan(9);
    }
  });

  test('that became narrower is full again 2 s later', () => {
    const { world, a, b } = floodedPair();
    world.shape.mtuBytes = 1_300;
    flood(world, a, b, 2_000);
    expect(sessionOf(a, b, world.now).pathMtuBytes).toBe(1_280);
    expect(flood(world, a, b, 500)).toBeGreaterThan(8.8);
  });
});

describe('a cut wire', () => {
  test('is not flooded with repetitions, and carries all that waited within 150 ms of its return', () => {
    const { world, a, b } = quietPair();
    b.realTimeRoutes.add(1);
    let message = 0;
    const call = (ms: number): void => {
      for (let i = 0; i < ms; i += 5) {
        sendMessage(a, b, routeId(1), message++, new Uint8Array(100), { realTime: true });
        world.run(5);
      }
    };
    call(1_000);
    world.filter = () => false;
    const before = world.seen.length;
    call(2_000);
    expect(world.seen.length - before).toBeLessThan(250);
    world.filter = () => true;
    call(150);
    world.run(50);
    expect(new Set(b.pieces.map((piece) => piece.message)).size).toBe(message);
  });
});

describe('the last datagram', () => {
  test.each([
    ['Bulk', false],
    ['Real Time', true],
  ])('of %s comes again after its probe timeout', (_class, realTime) => {
    const { world, a, b } = quietPair();
    b.realTimeRoutes.add(1);
    for (let message = 0; message < 50; message++) {
      sendMessage(a, b, routeId(1), message, Uint8Array.of(1), { realTime });
      world.run(20);
    }
    const { realTimeProbeMs, bulkProbeMs, roundTripMs } = a.links.measures(a.links.linkOf(b.identity.key)!);
    expect(realTimeProbeMs).toBeCloseTo(roundTripMs + 3);
    expect(bulkProbeMs).toBeLessThan(roundTripMs + 6);
    world.filter = () => false;
    sendMessage(a, b, routeId(1), 50, Uint8Array.of(1), { realTime });
    a.links.drain(world.now);
    world.filter = () => true;
    const timeoutMs = realTime ? realTimeProbeMs : bulkProbeMs;
    world.run(timeoutMs + 4.9);
    expect(b.pieces.length).toBe(50);
    world.run(0.2);
    expect(b.pieces.length).toBe(51);
  });
});

describe('an acknowledgement', () => {
  test('leaves at once for Real Time, after 2 ms for a single datagram of Bulk', () => {
    for (const realTime of [true, false]) {
      const { world, a, b } = quietPair();
      if (realTime) b.realTimeRoutes.add(1);
      const before = sessionOf(b, a, world.now).ackDatagrams;
      sendMessage(a, b, routeId(1), 0, Uint8Array.of(1), { realTime });
      world.run(5);
      expect(sessionOf(b, a, world.now).ackDatagrams - before).toBe(realTime ? 1 : 0);
      world.run(2);
      expect(sessionOf(b, a, world.now).ackDatagrams - before).toBe(1);
    }
  });

  test('rides along with what leaves anyway', () => {
    const { world, a, b } = quietPair();
    b.onPiece = () => sendMessage(b, a, routeId(2), b.pieces.length, new Uint8Array(2_000));
    const frames = watchFrames(b);
    for (let message = 0; message < 20; message++) {
      sendMessage(a, b, routeId(1), message, Uint8Array.of(1));
      world.run(30);
    }
    expect(a.pieces.length).toBe(40);
    expect(frames.filter(({ type }) => type === FRAME_ACK)).toEqual([]);
    expect(a.source.kept).toBe(0);
  });

  test('rides along with full packets too, cut to what they leave, where loss makes it long', () => {
    const { world, a, b } = quietPair();
    Object.assign(world.shape, { delayMs: 40, loss: 0.5, bytesPerMs: 1_250, queueMs: 50 });
    const lengths: number[] = [];
    b.cipher.beforeSeal = (_arena, _at, length) => lengths.push(length);
    const before = sessionOf(b, a, world.now).ackDatagrams;
    const link = a.links.linkOf(b.identity.key)!;
    for (let message = 0; message < 1_000; message++) {
      // A full packet of the tunnel; with what it needs it leaves 37 bytes of a datagram.
      sendMessage(b, a, routeId(2), message, new Uint8Array(1_373).fill(message));
      if (message % 2 === 0) a.source.sendLimit(link, { kind: 'credit', routeId: routeId(2), limit: message });
      world.run(2.5);
    }
    const alone = sessionOf(b, a, world.now).ackDatagrams - before;
    world.run(2_000);
    expectEachOnce(a, 1_000, 1_373);
    expect(alone).toBeLessThan(12);
    expect(Math.max(...lengths)).toBe(1_472 - 32);
  });

  test('is one for many where datagrams come fast', () => {
    const { world, a, b } = quietPair();
    world.keepSeen = false;
    const measures = a.links.measures(a.links.linkOf(b.identity.key)!);
    let message = 0;
    for (const end = world.now + 2_000; world.now < end; world.run(0.5)) {
      for (let i = 0; i < 10; i++) sendMessage(a, b, routeId(1), message++, new Uint8Array(1_400));
    }
    world.run(100);
    expect(b.pieces.length).toBe(40_000);
    expect(measures.deliveredBytesPerMs).toBeGreaterThan(0);
    expect(sessionOf(b, a, world.now).ackDatagrams).toBeLessThan(2_500);
  });

  test('is not given for a datagram of which something had no room: all of it comes again', () => {
    const { world, a, b } = quietPair();
    let full = true;
    b.hasRoom = ({ routeId: id }) => !full || !id.startsWith('02');
    sendMessage(a, b, routeId(1), 0, Uint8Array.of(1));
    sendMessage(a, b, routeId(2), 0, Uint8Array.of(1));
    sendMessage(a, b, routeId(3), 0, Uint8Array.of(1));
    world.run(100);
    expect(b.pieces.map(({ routeId: id }) => id.slice(0, 2))).toEqual(['01', '03']);
    expect(b.drops.get('link-piece-refused')).toBeGreaterThan(1);
    expect(a.source.kept).toBe(3);
    full = false;
    world.run(300);
    expect(b.pieces.length).toBe(3);
    expect(b.piecesAgain).toBeGreaterThan(2);
    expect(a.source.kept).toBe(0);
  });

  test('of what was never sent is dropped by name', () => {
    const { world, a, b } = quietPair();
    b.cipher.beforeSeal = (arena, at) => {
      if (arena[at] === FRAME_ACK) arena[at + 3 + 6] = 0xff;
    };
    sendMessage(a, b, routeId(1), 0, Uint8Array.of(1));
    world.run(20);
    expect(a.drops.get('frame-ack-unsent')).toBe(1);
    expect(a.source.kept).toBe(1);
  });
});

describe('the source', () => {
  test('hears of a token as lost, and as acknowledged when it arrived after all', () => {
    const { world, a, b } = quietPair();
    world.filter = ({ from }) => from !== b.name;
    sendMessage(a, b, routeId(1), 0, Uint8Array.of(1));
    world.run(60);
    expect(a.source.lostTokens.length).toBeGreaterThan(0);
    expect(b.pieces.length).toBe(1);
    world.filter = () => true;
    // The next one's ACK says that the first has arrived, long ago.
    sendMessage(a, b, routeId(1), 1, Uint8Array.of(1));
    world.run(60);
    expect(a.source.ackedTokens).toContain(a.source.lostTokens[0]);
    expect(sessionOf(a, b, world.now).lateDatagrams).toBeGreaterThan(0);
    expect(a.source.kept).toBe(0);
  });

  test('hears nothing of its tokens once the session was replaced', () => {
    const { world, a, b } = quietPair();
    world.filter = ({ bytes }) => bytes[0] !== SESSION;
    for (let message = 0; message < 20; message++) sendMessage(a, b, routeId(1), message, new Uint8Array(1_400));
    a.links.drain(world.now);
    expect(a.source.given.size).toBeGreaterThan(0);
    world.filter = () => true;
    const again = world.add(b.name);
    again.links.addPeer(a.identity.key, a.endpoint);
    again.links.start(world.now);
    const heard = a.source.ackedTokens.length;
    world.run(30);
    expect(a.told.at(-1)).toBe(`up ${b.name}`);
    expect(a.told).toContain(`down ${b.name} replaced`);
    a.source.lostTokens = [];
    world.run(2_000);
    expect([a.source.ackedTokens.length, a.source.lostTokens]).toEqual([heard, []]);
    sendMessage(a, again, routeId(1), 100, Uint8Array.of(7));
    world.run(50);
    expect(again.pieces.map(({ message }) => message)).toEqual([100]);
    expect(a.source.kept).toBe(0);
  });

  test('is asked when a datagram leaves, and not before', () => {
    const { world, a, b } = quietPair();
    const rooms: number[] = [];
    a.source.onGiven = (_frame: OutgoingFrame, roomBytes) => rooms.push(roomBytes);
    sendMessage(a, b, routeId(1), 0, new Uint8Array(1_000));
    expect(rooms).toEqual([]);
    a.links.drain(world.now);
    const { frameBytes } = a.links.measures(a.links.linkOf(b.identity.key)!);
    expect(rooms).toEqual([frameBytes]);
    expect(frameBytes).toBe(1_472 - 32);
  });

  test('is asked for no more than the window and the pace allow', () => {
    const { world, a, b } = quietPair();
    const measures = a.links.measures(a.links.linkOf(b.identity.key)!);
    world.filter = ({ from }) => from !== b.name;
    for (let message = 0; message < 1_000; message++) sendMessage(a, b, routeId(1), message, new Uint8Array(1_400));
    const before = a.source.given.size;
    a.links.drain(world.now);
    // The burst of a link that knows nothing yet, and then one datagram at a time.
    const burst = a.source.given.size - before;
    expect(burst * 1_472).toBeLessThanOrEqual(CONGESTION_TUNING.burstBytes + 1_472);
    for (let i = 0; i < 20; i++) {
      world.run(0.5);
      expect(measures.inFlightBytes).toBeLessThan(measures.windowBytes + 1_472);
    }
    world.filter = () => true;
    world.run(3_000);
    expect(b.pieces.length).toBe(1_000);
  });

  test('gets CREDIT and BLOCKED through whatever the window says, and again when they are lost', () => {
    const { world, a, b } = quietPair();
    const link = a.links.linkOf(b.identity.key)!;
    world.filter = () => false;
    for (let message = 0; message < 200; message++) sendMessage(a, b, routeId(1), message, new Uint8Array(1_400));
    world.run(40);
    const stuck = a.source.given.size;
    a.source.sendLimit(link, { kind: 'credit', routeId: routeId(4), limit: 16_384 });
    a.source.sendLimit(link, { kind: 'blocked', routeId: routeId(5), limit: 2 ** 40 });
    a.links.drain(world.now);
    expect(a.source.given.size).toBe(stuck + 2);
    world.filter = () => true;
    world.run(500);
    expect(b.limits.sort()).toEqual(['blocked 5 1099511627776', 'credit 4 16384']);
    expect(a.source.kept).toBe(0);
  });

  test('may be empty after all', () => {
    const { world, a, b } = quietPair();
    const before = ofType(world.seen, SESSION, a.name).length;
    a.links.sendable(a.links.linkOf(b.identity.key)!);
    world.run(10);
    expect(ofType(world.seen, SESSION, a.name).length).toBe(before);
  });

  test('gives a piece a time to live, which arrives with it', () => {
    const { world, a, b } = quietPair();
    const ttls: number[] = [];
    const { data } = b.links.events;
    b.links.events = {
      ...b.links.events,
      data: (link, piece, now) => {
        ttls.push(piece.ttlMs);
        return data(link, piece, now);
      },
    };
    sendMessage(a, b, routeId(1), 0, new Uint8Array(1_500).fill(0), { ttlMs: 150 });
    world.run(20);
    expect(ttls).toEqual([150, 150]);
    expect(b.pieces.map(({ bytes }) => bytes.length)).toEqual([1_408, 92]);
  });
});

describe('a link that loses half each way', () => {
  test('stays up for an hour of silence', () => {
    const { world, a, b } = quietPair(5);
    world.keepSeen = false;
    world.shape.loss = 0.5;
    world.run(3_600_000);
    expect([a.told, b.told]).toEqual([[`up ${b.name}`], [`up ${a.name}`]]);
  });

  test('carries nearly half of what the wire does, and its queue stays short', () => {
    const { world, a, b } = quietPair(11);
    world.keepSeen = false;
    Object.assign(world.shape, { loss: 0.5, bytesPerMs: 1_250 });
    let [message, bytes, queueMs] = [0, 0, 0];
    const measureFrom = world.now + 2_000;
    const until = measureFrom + 8_000;
    while (world.now < until) {
      while (a.source.kept < 200) sendMessage(a, b, routeId(1), message++, new Uint8Array(1_410));
      world.run(1);
      const arrived = b.pieces.splice(0).reduce((sum, piece) => sum + piece.bytes.length, 0);
      if (world.now < measureFrom) continue;
      bytes += arrived;
      queueMs += world.queueMs(a.name);
    }
    // 1,410 of 1,500 bytes are payload, and half of that arrives: 0.47.
    expect(bytes / 8_000 / 1_250).toBeGreaterThan(0.45);
    // Two datagrams are 2.4 ms.
    expect(queueMs / 8_000).toBeLessThan(4);
  });

  test('finds its path MTU, also when it is slow to learn that it loses', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const world = new WirePair(seed);
      world.keepSeen = false;
      Object.assign(world.shape, { loss: 0.5, delayMs: 5 });
      const { a, b } = world.pair('both');
      a.links.start(world.now);
      b.links.start(world.now);
      world.run(30_000);
      talk(world, a, b, 0, 1_000);
      for (let message = 1_000; message < 1_200; message++) {
        sendMessage(a, b, routeId(1), message, new Uint8Array(5_000).fill(message));
        world.run(200);
      }
      expect(sessionOf(a, b, world.now).pathMtuBytes, `seed ${seed}`).toBe(1_472);
    }
  });

  test('delivers every message of a channel once', () => {
    const { world, a, b } = quietPair();
    world.shape.loss = 0.5;
    const link = a.links.linkOf(b.identity.key)!;
    const lengths = Array.from({ length: 60 }, (_, i) => 1 + ((i * 997) % 5_000));
    for (const length of lengths) {
      expect(a.links.sendChannel(link, 0, new Uint8Array(length).fill(length))).toBe(true);
      world.run(20);
    }
    world.run(2_000);
    expect(b.messages.map((message) => message.length).sort()).toEqual(lengths.toSorted());
    expect(b.messages.every((message) => message.every((byte) => byte === message.length % 256))).toBe(true);
  });
});

describe('the measures of a link', () => {
  test('are one object from before it is up to after it is down', () => {
    const world = new WirePair();
    const { a, b } = world.pair('a knows b');
    const link = 0 as ReturnType<typeof a.links.linkOf> & number;
    const measures = a.links.measures(link);
    expect(measures).toMatchObject({ roundTripMs: 200, lossShare: 0, inFlightBytes: 0, deliveryMs: RELIABLE });
    a.links.start(world.now);
    b.links.start(world.now);
    world.run(1_000);
    expect(a.links.measures(link)).toBe(measures);
    expect(measures.roundTripMs).toBeCloseTo(20);
    a.links.setDelivery(b.identity.key, 0);
    expect([measures.deliveryMs, a.links.status(world.now)[0].deliveryMs]).toEqual([0, 0]);
    a.links.stop(world.now);
    expect(measures).toMatchObject({ roundTripMs: 200, deliveryMs: 0 });
  });
});
