import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SecretKey } from '../../../src/base/ids.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { BULK, RELIABLE } from '../../../src/base/traffic-class.ts';
import { readFailure } from '../../../src/crypto/error-onion.ts';
import { nobleCurve } from '../../../src/crypto/noble-curve.ts';
import { buildOnion } from '../../../src/crypto/sphinx.ts';
import { LEAST_ROOM_BYTES } from '../../../src/route/protocol-limits.ts';
import { parseFailure } from '../../../src/route/route-failure.ts';
import { SETUP_ASSOCIATED_DATA } from '../../../src/route/set-up/set-up.ts';
import { CHANNEL0_KIND, encodeSetup } from '../../../src/wire/channel0.ts';
import { encodeHopPayload } from '../../../src/wire/hop-payload.ts';
import {
  bytesOf,
  digestOf,
  ends,
  entries,
  final,
  hello,
  openRoute,
  RouteNetwork,
  sendWhenRoom,
  service,
  type TestNode,
  WALL_START_MS,
} from './route-network.ts';

describe('a route', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])('over %d hops carries messages both ways', (hops) => {
    const network = RouteNetwork.chain(hops + 1);
    const { origin, destination } = ends(network);
    const route = openRoute(network, ...network.nodes);
    const there = [bytesOf(1), bytesOf(5_000, 2), bytesOf(65_535, 3)];
    expect(there.map((message) => sendWhenRoom(network, origin, route, message))).toEqual([0, 1, 2]);
    network.run(1_000);
    expect(destination.incoming).toMatchObject([{ service, hello, routeIndex: 7 }]);
    const inOrder = destination.messages.toSorted((x, y) => x.number - y.number);
    expect(inOrder.map(({ bytes }) => digestOf(bytes))).toEqual(there.map(digestOf));

    const back = bytesOf(30_000, 4);
    expect(destination.layer.send(destination.incoming[0].route, back, network.now)).toBe(0);
    network.run(1_000);
    expect(origin.messages.map(({ bytes }) => digestOf(bytes))).toEqual([digestOf(back)]);
    expect(entries(network)).toBe(hops + 1);
  });

  it('brings its first data after one way, with no round trip before', () => {
    const network = RouteNetwork.chain(4);
    const { origin, destination } = ends(network);
    const route = openRoute(network, ...network.nodes);
    origin.layer.send(route, bytesOf(100), network.now);
    network.run(100);
    expect(destination.messages[0].at).toBe(3 * 5);
  });

  it('shows a relay other ids on each link and direction', () => {
    const network = RouteNetwork.chain(4);
    const { origin, destination } = ends(network);
    const route = openRoute(network, ...network.nodes);
    origin.layer.send(route, bytesOf(10), network.now);
    network.run(50);
    destination.layer.send(destination.incoming[0].route, bytesOf(10), network.now);
    network.run(50);
    const ids = network.parcels.flatMap(({ piece }) =>
      piece === undefined ? [] : [piece.buffer.subarray(0, 16).join()],
    );
    expect(ids.length).toBe(6);
    expect(new Set(ids).size).toBe(6);
  });

  it('passes pieces on as they come, and a narrower link cuts them further', () => {
    const network = RouteNetwork.chain(4);
    const { origin, destination } = ends(network);
    const route = openRoute(network, ...network.nodes);
    const message = bytesOf(10_000);
    network.pieceBytes = 3_000;
    origin.layer.send(route, message, network.now);
    network.pieceBytes = 700;
    network.run(7);
    network.pieceBytes = 1_100;
    network.run(100);
    expect(destination.messages.map(({ bytes }) => bytes)).toEqual([message]);
    expect(destination.drops.toJSON()).toEqual({});
  });

  it('never cuts a piece that fits a datagram at the edge of the room, and carries all of them', () => {
    const lengths = fc.array(fc.integer({ min: 500, max: LEAST_ROOM_BYTES }), { minLength: 20, maxLength: 60 });
    fc.assert(
      fc.property(lengths, (each) => {
        const network = RouteNetwork.chain(4);
        const { origin, destination } = ends(network);
        network.pieceBytes = LEAST_ROOM_BYTES;
        const route = openRoute(network, ...network.nodes);
        for (const length of each)
          expect(sendWhenRoom(network, origin, route, bytesOf(length))).toBeGreaterThanOrEqual(0);
        network.run(1_000);
        const inOrder = destination.messages.toSorted((x, y) => x.number - y.number);
        expect(inOrder.map(({ bytes }) => bytes.length)).toEqual(each);
        const pieces = network.parcels.filter(({ piece }) => piece !== undefined);
        expect(pieces.length).toBe(3 * each.length);
      }),
      { numRuns: 20 },
    );
  });

  it('cuts a piece that is longer than all the room that it is ever given', () => {
    const network = RouteNetwork.chain(4);
    const { origin, destination } = ends(network);
    network.pieceBytes = 8_900;
    const route = openRoute(network, ...network.nodes);
    for (let i = 0; i < 10; i++) {
      sendWhenRoom(network, origin, route, bytesOf(8_900, i));
      network.run(500);
    }
    network.run(1_000);
    expect(destination.messages.length).toBe(10);
  });

  it('numbers the messages of a direction one by one, and those not that find no room', () => {
    const network = RouteNetwork.chain(2);
    const { origin, destination } = ends(network);
    const route = openRoute(network, ...network.nodes);
    network.run(50);
    const numbers = Array.from({ length: 20 }, () => origin.layer.send(route, bytesOf(1_500), network.now));
    expect(numbers.slice(0, 10)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(numbers.slice(10)).toEqual(Array(10).fill(-1));
    expect(origin.layer.room(route, network.now)).toBe(16_384 - 15_000);
    expect(origin.writable).toEqual([]);
    network.run(100);
    expect(origin.writable).toEqual([route]);
    expect(origin.layer.room(route, network.now)).toBe(65_535);
    expect(origin.layer.send(route, bytesOf(10), network.now)).toBe(10);
    network.run(100);
    expect(destination.messages.map(({ number }) => number)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it('brings everything over links that lose, delay and reorder, each message once', () => {
    const network = RouteNetwork.chain(4);
    const { origin, destination } = ends(network);
    const random = new SeededRandom(11, 'weather');
    const route = openRoute(network, ...network.nodes);
    network.run(50);
    network.delayOf = () => (random.chance(0.2) ? undefined : 5 + 20 * random.unit());
    network.ackDelayOf = network.delayOf;
    const sent = Array.from({ length: 100 }, (_, i) => bytesOf(1 + random.integer(20_000), i));
    for (const message of sent) sendWhenRoom(network, origin, route, message);
    network.run(5_000);
    const inOrder = destination.messages.toSorted((x, y) => x.number - y.number);
    expect(inOrder.map(({ bytes }) => digestOf(bytes))).toEqual(sent.map(digestOf));
    expect(destination.lost).toEqual([]);
    for (const { layer } of network.nodes) {
      expect(layer.status()).toMatchObject({ unfinishedMessages: 0, memory: { usedBytes: 0 } });
    }
  });
});

describe('data that comes before its set-up', () => {
  /** The set-up is slower than data by `ms`. */
  function slowSetUp(network: RouteNetwork, ms: number): void {
    network.delayOf = ({ message }) => (message?.[0] === CHANNEL0_KIND.setup ? 5 + ms : 5);
  }

  it('waits at the next hop, and arrives', () => {
    const network = RouteNetwork.chain(3);
    const { origin, destination } = ends(network);
    slowSetUp(network, 100);
    const route = openRoute(network, ...network.nodes);
    const messages = [bytesOf(3_000, 1), bytesOf(20, 2), bytesOf(9_000, 3)];
    for (const message of messages) origin.layer.send(route, message, network.now);
    network.run(50);
    expect(network.nodes[1].layer.status().parkedBytes).toBeGreaterThan(12_000);
    network.run(300);
    const inOrder = destination.messages.toSorted((x, y) => x.number - y.number);
    expect(inOrder.map(({ bytes }) => bytes)).toEqual(messages);
    expect(network.nodes.map(({ layer }) => layer.status().parkedBytes)).toEqual([0, 0, 0]);
  });

  it('is given up after 2 s; the origin hears that the next hop forgot the route', () => {
    const network = RouteNetwork.chain(3);
    const { origin } = ends(network);
    network.delayOf = ({ message, to }) => (message?.[0] === CHANNEL0_KIND.setup && to === 'node 1' ? undefined : 5);
    const route = openRoute(network, ...network.nodes);
    origin.layer.send(route, bytesOf(10), network.now);
    network.run(2_004);
    expect(origin.failed).toEqual([]);
    network.run(20);
    expect(origin.failed).toEqual([{ route, hop: 0, reason: 'next-hop-forgot' }]);
    expect(network.nodes[1].drops.get('route-unknown-id')).toBe(1);
    expect(entries(network)).toBe(0);
  });

  it('takes at most 64 KiB an id and 16 ids a link', () => {
    const network = RouteNetwork.chain(2);
    const [a, b] = network.nodes;
    const id = bytesOf(16);
    for (let i = 0; i < 100; i++) network.injectPiece(a, b, id, bytesOf(1_000));
    expect(b.layer.status().parkedBytes).toBeLessThanOrEqual(65_536);
    expect(b.layer.status().parkedBytes).toBeGreaterThan(64_000);
    expect(b.drops.get('route-parking-full')).toBe(100 - Math.floor(65_536 / 1_064));
    for (let i = 0; i < 20; i++) network.injectPiece(a, b, bytesOf(16, 100 + i), bytesOf(10));
    expect(b.drops.get('route-parking-full')).toBe(100 - Math.floor(65_536 / 1_064) + 5);
    network.run(2_100);
    expect(b.layer.status().parkedBytes).toBe(0);
  });

  it('is answered with ROUTE_UNKNOWN at most 10 times a second and link', () => {
    const network = RouteNetwork.chain(2);
    const [a, b] = network.nodes;
    for (let i = 0; i < 16; i++) network.injectPiece(a, b, bytesOf(16, i), bytesOf(10));
    network.run(2_100);
    const answers = network.parcels.filter(({ message }) => message?.[0] === CHANNEL0_KIND.routeUnknown);
    expect(answers.length).toBe(10);
    expect(answers[0].message?.subarray(1)).toEqual(bytesOf(16, 0));
  });
});

describe('a failure', () => {
  /** The bytes of each ROUTE_FAILED without its route id, by link. */
  function failuresSeen(network: RouteNetwork): string[] {
    return network.parcels.flatMap(({ message }) =>
      message?.[0] === CHANNEL0_KIND.routeFailed ? [message.subarray(17).join()] : [],
    );
  }

  it.each([1, 2, 3, 4])('at hop %d of 5, whose next link is missing, names that hop to the origin only', (hop) => {
    const network = RouteNetwork.chain(6);
    const { origin, destination } = ends(network);
    network.disconnect(network.nodes[hop], network.nodes[hop + 1]);
    const route = openRoute(network, ...network.nodes);
    network.run(200);
    expect(origin.failed).toEqual([{ route, hop, reason: 'no-such-link' }]);
    expect(destination.incoming).toEqual([]);
    expect(entries(network)).toBe(0);
    const seen = failuresSeen(network);
    expect(seen.length).toBe(hop);
    expect(new Set(seen).size).toBe(hop);
    for (const { failed } of network.nodes.slice(1)) expect(failed).toEqual([]);
  });

  it.each(['no-such-service', 'refused', 'limit'] as const)(
    'of the service, "%s", comes from the last hop',
    (verdict) => {
      const network = RouteNetwork.chain(4);
      const { origin, destination } = ends(network);
      destination.verdict = verdict;
      const route = openRoute(network, ...network.nodes);
      network.run(100);
      expect(origin.failed).toEqual([{ route, hop: 3, reason: verdict }]);
      expect(entries(network)).toBe(0);
      expect(destination.drops.get(`route-setup-${verdict}`)).toBe(1);
    },
  );

  it.each([
    ['behind', 200_000],
    ['ahead', -200_000],
  ])('"expired" comes from a hop whose clock is far %s', (_, clockErrorMs) => {
    const network = RouteNetwork.chain(4);
    const { origin } = ends(network);
    network.nodes[2].clockErrorMs = clockErrorMs;
    const route = openRoute(network, ...network.nodes);
    network.run(100);
    expect(origin.failed).toEqual([{ route, hop: 2, reason: 'expired' }]);
  });

  it('does not come from clocks that differ by 50 s', () => {
    const network = RouteNetwork.chain(4);
    const { origin, destination } = ends(network);
    network.nodes[1].clockErrorMs = 50_000;
    network.nodes[2].clockErrorMs = -50_000;
    openRoute(network, ...network.nodes);
    network.run(100);
    expect(origin.failed).toEqual([]);
    expect(destination.incoming.length).toBe(1);
  });

  it('"limit" comes from a hop that has no room in its table, and one whose link takes nothing', () => {
    const network = RouteNetwork.chain(4, { routesPerLink: 1 });
    const { origin } = ends(network);
    const first = openRoute(network, ...network.nodes);
    network.run(100);
    const second = openRoute(network, ...network.nodes);
    network.run(100);
    expect(origin.failed).toEqual([{ route: second, hop: 1, reason: 'limit' }]);
    origin.layer.close(first, network.now);
    network.run(100);
    network.delayOf = ({ to }) => {
      // Just when the set-up is on its way to node 2, that node's queues are full.
      if (to === 'node 2') network.nodes[2].hasRoom = false;
      return 5;
    };
    const third = openRoute(network, ...network.nodes);
    network.run(12);
    expect(network.nodes[2].drops.get('route-setup-limit')).toBe(1);
    expect(network.nodes[2].drops.get('route-control-unsent')).toBe(1);
    expect(network.nodes[2].layer.status().relayed).toBe(0);
    expect(origin.layer.send(third, bytesOf(1), network.now)).toBe(0);
  });

  it('that was spoilt on its way is reported as unreadable, at the neighbour', () => {
    const network = RouteNetwork.chain(4);
    const { origin } = ends(network);
    network.disconnect(network.nodes[2], network.nodes[3]);
    network.delayOf = ({ message, to }) => {
      if (message?.[0] === CHANNEL0_KIND.routeFailed && to === 'node 1') message[100] ^= 1;
      return 5;
    };
    const route = openRoute(network, ...network.nodes);
    network.run(100);
    expect(origin.failed).toEqual([{ route, hop: 1, reason: 'unreadable' }]);
  });

  it('is refused from the link that leads to the origin, and for an id of another link', () => {
    const network = RouteNetwork.chain(3);
    const [a, b, c] = network.nodes;
    openRoute(network, a, b, c);
    a.layer.send(1 as never, bytesOf(1), network.now);
    network.run(50);
    const forwardIds = network.parcels.flatMap(({ piece }) => (piece === undefined ? [] : [piece.buffer.slice(0, 16)]));
    network.inject(a, b, Uint8Array.of(CHANNEL0_KIND.routeFailed, ...forwardIds[0], ...bytesOf(292)));
    expect(b.drops.get('route-failed-wrong-way')).toBe(1);
    network.inject(c, b, Uint8Array.of(CHANNEL0_KIND.routeFailed, ...forwardIds[0], ...bytesOf(292)));
    expect(b.drops.get('route-failed-unknown-id')).toBe(1);
    expect(entries(network)).toBe(3);
  });
});

describe('a set-up', () => {
  function setUpSent(network: RouteNetwork, from: TestNode): Uint8Array {
    return network.parcels.find((p) => p.from === from.name && p.message?.[0] === CHANNEL0_KIND.setup)!.message!;
  }

  it('is accepted once, however often it comes, until it has expired', () => {
    const network = RouteNetwork.chain(3);
    const [a, b, c] = network.nodes;
    openRoute(network, a, b, c);
    network.run(50);
    const again = setUpSent(network, a);
    for (let i = 0; i < 5; i++) network.inject(a, b, again);
    network.run(50);
    expect(b.drops.get('route-setup-replayed')).toBe(5);
    expect(c.incoming.length).toBe(1);
    a.layer.close(1 as never, network.now);
    network.run(300_000);
    network.inject(a, b, again);
    network.run(50);
    expect(c.incoming.length).toBe(1);
    expect(b.drops.get('route-setup-expired')).toBe(1);
  });

  it('is refused when nothing more can be remembered, not let through', () => {
    const network = RouteNetwork.chain(2, { maxRemembered: 2 });
    const [a, b] = network.nodes;
    for (let i = 0; i < 3; i++) openRoute(network, a, b);
    network.run(50);
    expect(b.incoming.length).toBe(2);
    expect(a.failed).toMatchObject([{ hop: 1, reason: 'limit' }]);
  });

  it('that is not for this node, or not an onion, is dropped without an answer', () => {
    const network = RouteNetwork.chain(3);
    const [a, b, c] = network.nodes;
    openRoute(network, a, b, c);
    network.run(50);
    const before = network.parcels.length;
    network.inject(b, c, setUpSent(network, a));
    network.inject(b, c, Uint8Array.of(CHANNEL0_KIND.setup, ...new Uint8Array(1366)));
    network.inject(b, c, Uint8Array.of(CHANNEL0_KIND.setup, 0));
    expect(c.drops.toJSON()).toEqual({ 'route-control-malformed': 1, 'sphinx-hmac': 1, 'sphinx-point': 1 });
    expect(network.parcels.length).toBe(before);
  });

  it('comes at most 50 times a second over a link', () => {
    const network = RouteNetwork.chain(2);
    const [a, b] = network.nodes;
    const junk = Uint8Array.of(CHANNEL0_KIND.setup, ...new Uint8Array(1366));
    for (let i = 0; i < 60; i++) network.inject(a, b, junk);
    expect(b.drops.get('sphinx-point')).toBe(50);
    expect(b.drops.get('route-setup-rate')).toBe(10);
    network.run(100);
    for (let i = 0; i < 10; i++) network.inject(a, b, junk);
    expect(b.drops.get('sphinx-point')).toBe(55);
  });

  /** Sends node 1 an onion whose payload for it is as given, and reads the failure that it answers with. */
  function answerTo(network: RouteNetwork, payload: Uint8Array, seed: number): string | undefined {
    const [a, b, c] = network.nodes;
    const sessionSecret = bytesOf(32, seed) as SecretKey;
    const hops = [
      { nodeKey: b.identity.key, payload },
      { nodeKey: c.identity.key, payload },
    ];
    const associatedData = SETUP_ASSOCIATED_DATA;
    const { packet, sharedSecrets } = buildOnion({ curve: nobleCurve, sessionSecret, hops, associatedData });
    network.inject(a, b, encodeSetup(packet));
    const answer = network.parcels.findLast(({ to, message }) => to === a.name && message?.[0] === 2)?.message;
    if (answer === undefined) return undefined;
    const failure = readFailure(sharedSecrets, answer.subarray(17));
    return failure === undefined ? undefined : `hop ${failure.hop + 1}: ${parseFailure(failure.message)}`;
  }

  const middle = {
    kind: 'middle',
    trafficClass: BULK,
    deliveryMs: RELIABLE,
    expiry: Math.floor(WALL_START_MS / 1000) + 60,
    previousId: bytesOf(16, 50),
    nextId: bytesOf(16, 51),
  } as const;

  it('with a payload that is not to be followed is answered as malformed, if it says the way back', () => {
    const network = RouteNetwork.chain(3);
    const nextNode = network.nodes[2].identity.key;
    const sound = encodeHopPayload({ ...middle, nextNode });
    const unknownEven = Uint8Array.of(...sound, 20, 1, 0);
    expect(answerTo(network, unknownEven, 1)).toBe('hop 1: malformed');
    const lastInTheMiddle = encodeHopPayload({ ...final, ...middle, kind: 'last' });
    expect(answerTo(network, lastInTheMiddle, 2)).toBe('hop 1: malformed');
    const silent = RouteNetwork.chain(3);
    expect(answerTo(silent, Uint8Array.of(21, 1, 0), 3)).toBeUndefined();
    expect(silent.nodes[1].drops.toJSON()).toEqual({ 'route-setup-malformed': 1 });
  });

  it('can not take over a route by naming its id', () => {
    const network = RouteNetwork.chain(3);
    const nextNode = network.nodes[2].identity.key;
    expect(answerTo(network, encodeHopPayload({ ...middle, nextNode }), 4)).toBeUndefined();
    expect(network.nodes[1].layer.status().relayed).toBe(1);
    const sameNext = encodeHopPayload({ ...middle, nextNode, previousId: bytesOf(16, 60) });
    expect(answerTo(network, sameNext, 5)).toBe('hop 1: malformed');
    const sameBack = encodeHopPayload({ ...middle, nextNode, nextId: bytesOf(16, 61) });
    expect(answerTo(network, sameBack, 6)).toBe('hop 1: malformed');
    expect(network.nodes[1].layer.status().relayed).toBe(1);
  });

  it('has no more than 10 hops and at least one', () => {
    const network = RouteNetwork.chain(2);
    const [a, b] = network.nodes;
    expect(() => a.layer.open([], final, 0)).toThrow();
    expect(() => a.layer.open(Array(11).fill(b.identity.key), final, 0)).toThrow();
  });

  it('is refused on the spot without a link to the first hop, and beyond the routes that a node may begin', () => {
    const network = RouteNetwork.chain(3, { maxOriginRoutes: 1 });
    const [a, b, c] = network.nodes;
    expect(a.layer.open(network.path(c), final, 0)).toBe('no-such-link');
    openRoute(network, a, b);
    expect(a.layer.open(network.path(b), final, 0)).toBe('limit');
  });

  it('takes no place beyond the size of the table', () => {
    const network = RouteNetwork.chain(3, { maxRoutes: 2 });
    const [a, b, c] = network.nodes;
    for (let i = 0; i < 2; i++) openRoute(network, a, b, c);
    network.run(50);
    expect(a.layer.open(network.path(b), final, 0)).toBe('limit');
    expect(b.layer.open(network.path(c), final, 0)).toBe('limit');
    expect(entries(network)).toBe(6);
  });
});
