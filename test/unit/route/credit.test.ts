/** Room: what it is given for, what becomes of lost CREDITs, and how memory is shared. */
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { bytesOf, digestOf, ends, openRoute, RouteNetwork, sendWhenRoom, type TestNode } from './route-network.ts';

const MIB = 1024 * 1024;

/** CREDITs that a node is told of are swallowed as `swallow` says, and nobody hears of it. */
function swallowCredits(node: TestNode, swallow: () => boolean): void {
  const { forwarding } = node.layer;
  const credit = forwarding.credit.bind(forwarding);
  forwarding.credit = (...told) => {
    if (!swallow()) credit(...told);
  };
}

describe('room', () => {
  it('is 16 KiB before the first CREDIT: more is not sent, and not taken', () => {
    const network = RouteNetwork.chain(3);
    const [a, b, c] = network.nodes;
    const route = openRoute(network, a, b, c);
    network.run(50);
    swallowCredits(a, () => true);
    network.windowDatagrams = 1_000;
    let sent = 0;
    network.onParcel = ({ from, piece }) => {
      if (from === a.name && piece !== undefined) sent += piece.length;
    };
    for (let i = 0; i < 40; i++) {
      a.layer.send(route, bytesOf(1_000, i), network.now);
      network.run(20);
    }
    expect(sent).toBeLessThanOrEqual(16_384);
    expect(sent).toBeGreaterThan(15_000);
    const [{ piece }] = network.parcels.filter((parcel) => parcel.to === b.name && parcel.piece !== undefined);
    const id = piece!.buffer.slice(0, 16);
    expect(network.injectPiece(a, b, id, bytesOf(1_000), { sequence: 500 })).toBe(true);
    for (let i = 501; i < 600; i++) network.injectPiece(a, b, id, bytesOf(1_000), { sequence: i });
    expect(b.drops.get('route-beyond-credit')).toBeGreaterThan(0);
  });

  it('goes on after any one CREDIT was lost without anybody noticing', () => {
    for (let lost = 0; lost < 6; lost++) {
      const network = RouteNetwork.chain(3);
      const [a, b, c] = network.nodes;
      const route = openRoute(network, a, b, c);
      for (const node of [a, b]) {
        let told = 0;
        swallowCredits(node, () => told++ === lost);
      }
      for (let i = 0; i < 50; i++) sendWhenRoom(network, a, route, bytesOf(2_000, i));
      network.run(500);
      expect(c.messages.length).toBe(50);
    }
  });

  it('goes on where three of four CREDITs are lost without anybody noticing', () => {
    const network = RouteNetwork.chain(4);
    const { origin, destination } = ends(network);
    const random = new SeededRandom(2, 'credits');
    const route = openRoute(network, ...network.nodes);
    for (const node of network.nodes) swallowCredits(node, () => random.chance(0.75));
    const messages = Array.from({ length: 100 }, (_, i) => bytesOf(2_000, i));
    for (const message of messages) sendWhenRoom(network, origin, route, message);
    network.run(5_000);
    const inOrder = destination.messages.toSorted((x, y) => x.number - y.number);
    expect(inOrder.map(({ bytes }) => digestOf(bytes))).toEqual(messages.map(digestOf));
  });

  it('grows with what flows and what is lost, and the buffer of a stopped route stays at what was promised', () => {
    const network = RouteNetwork.chain(3);
    const [a, b, c] = network.nodes;
    network.keepParcels = false;
    const route = openRoute(network, a, b, c);
    const atRelay = () => b.layer.rows(10).find(({ direction }) => direction === 'forward')!;
    // These wires have no rate: with more, the bound would grow beyond what is sent to the stopped route below.
    for (let i = 0; i < 100; i++) sendWhenRoom(network, a, route, bytesOf(5_000, i));
    const bound = atRelay().boundBytes;
    expect(bound).toBeGreaterThan(3 * 16_384);
    // The last hop takes nothing any more.
    network.delayOf = ({ to }) => (to === c.name ? undefined : 5);
    for (let i = 0; i < 300; i++) {
      a.layer.send(route, bytesOf(5_000, i), network.now);
      network.run(5);
      const { bufferedBytes } = atRelay();
      expect(bufferedBytes).toBeLessThanOrEqual(b.layer.status().memory.promisedBytes);
    }
    expect(atRelay().bufferedBytes).toBeLessThan(4 * bound);
    expect(a.layer.room(route, network.now)).toBeLessThan(5_000);
  });
});

describe('memory', () => {
  /** Nodes s0, s1, ... all joined to one relay, which is joined to as many exits; a route from each to its exit. */
  function star(count: number, memoryBytes: number) {
    const network = new RouteNetwork({}, memoryBytes);
    network.keepParcels = false;
    const relay = network.add();
    const sources = Array.from({ length: count }, () => network.add());
    const exits = Array.from({ length: count }, () => network.add());
    for (const node of [...sources, ...exits]) network.connect(node, relay);
    const routes = sources.map((source, i) => openRoute(network, source, relay, exits[i]));
    network.run(50);
    return { network, relay, sources, exits, routes };
  }

  it('is never more than it is given, and routes that stall keep nobody from going on', () => {
    const { network, relay, sources, exits, routes } = star(6, MIB);
    let most = 0;
    network.afterStep = () => {
      const { usedBytes, limitBytes } = relay.layer.status().memory;
      most = Math.max(most, usedBytes);
      expect(usedBytes).toBeLessThanOrEqual(limitBytes);
    };
    // Their rates are high at first, so that they are promised much.
    for (let i = 0; i < 300; i++) {
      sources.forEach((source, at) => void source.layer.send(routes[at], bytesOf(8_000, i), network.now));
      network.run(2);
    }
    const stalled = new Set(exits.slice(0, 5).map(({ name }) => name));
    network.delayOf = ({ to }) => (stalled.has(to) ? undefined : 5);
    const [going, goingExit, goingRoute] = [sources[5], exits[5], routes[5]];
    for (let i = 0; i < 100; i++) {
      for (let at = 0; at < 5; at++) sources[at].layer.send(routes[at], bytesOf(8_000, i), network.now);
      network.run(2);
    }
    const before = goingExit.messages.length;
    for (let i = 0; i < 200; i++) sendWhenRoom(network, going, goingRoute, bytesOf(1_000, i));
    network.run(500);
    expect(goingExit.messages.length).toBeGreaterThanOrEqual(before + 200);
    expect(most).toBeGreaterThan(100_000);
  });

  it('is not promised twice, but for the least that each route has in any case', () => {
    const { network, relay, sources, routes } = star(8, MIB);
    let most = 0;
    network.afterStep = () => {
      const { promisedBytes, promiseLimitBytes } = relay.layer.status().memory;
      most = Math.max(most, promisedBytes / promiseLimitBytes);
    };
    for (const node of network.nodes) {
      for (const other of network.nodes) network.measuresOf(node, other).lossShare = 0.5;
    }
    for (let i = 0; i < 600; i++) {
      sources.forEach((source, at) => void source.layer.send(routes[at], bytesOf(8_000, i), network.now));
      network.run(1);
    }
    expect(most).toBeGreaterThan(0.8);
    const least = (8 * 8_192) / relay.layer.status().memory.promiseLimitBytes;
    expect(most).toBeLessThanOrEqual(1 + least);
  });

  it('of 1 GB lets one route have nearly all of it', () => {
    const network = RouteNetwork.chain(3, {}, 1_000_000_000);
    const { memory } = network.nodes[1].layer.status();
    expect((memory.promiseLimitBytes * 8) / 9).toBeGreaterThan(600_000_000);
  });

  it('that is spoken for has set-ups refused', () => {
    const { network, relay, sources, exits } = star(2, MIB);
    const routes = Array.from({ length: 60 }, () => openRoute(network, sources[0], relay, exits[0]));
    network.run(50);
    network.delayOf = ({ piece, to }) => (piece !== undefined && to === exits[0].name ? undefined : 5);
    for (let round = 0; round < 4; round++) {
      for (const route of routes) sources[0].layer.send(route, bytesOf(16_000), network.now);
      network.run(50);
    }
    const refused = openRoute(network, sources[1], relay, exits[1]);
    network.run(50);
    expect(sources[1].failed).toEqual([{ route: refused, hop: 1, reason: 'limit' }]);
  });
});

describe('idle routes', () => {
  it('keep their counts and go on where they stopped', () => {
    const network = RouteNetwork.chain(3);
    const [a, b, c] = network.nodes;
    const route = openRoute(network, a, b, c);
    for (let i = 0; i < 12; i++) {
      expect(sendWhenRoom(network, a, route, bytesOf(3_000, i))).toBe(i);
      network.run(50);
      network.run(i % 3 === 2 ? 8_000 : 10);
      if (i % 3 === 2) expect(b.layer.rows(9).length).toBeLessThan(2);
    }
    network.run(100);
    expect(c.messages.map(({ number }) => number)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(b.drops.toJSON()).toEqual({});
  });
});
