import { describe, expect, it } from 'vitest';
import { CHANNEL0_KIND } from '../../../src/wire/channel0.ts';
import { bytesOf, ends, entries, openRoute, RouteNetwork } from './route-network.ts';

describe('the end of a route', () => {
  it('clears every table when the origin closes it', () => {
    const network = RouteNetwork.chain(5);
    const { origin, destination } = ends(network);
    const route = openRoute(network, ...network.nodes);
    network.run(100);
    expect(entries(network)).toBe(5);
    origin.layer.close(route, network.now);
    network.run(100);
    expect(entries(network)).toBe(0);
    expect(destination.closed).toEqual([{ route: destination.incoming[0].route, reason: 'torn-down' }]);
    expect(origin.closed).toEqual([]);
    expect(origin.layer.send(route, bytesOf(1), network.now)).toBe(-1);
    origin.layer.close(route, network.now);
  });

  it('clears every table when the destination closes it', () => {
    const network = RouteNetwork.chain(5);
    const { origin, destination } = ends(network);
    const route = openRoute(network, ...network.nodes);
    network.run(100);
    destination.layer.close(destination.incoming[0].route, network.now);
    network.run(100);
    expect(entries(network)).toBe(0);
    expect(origin.closed).toEqual([{ route, reason: 'torn-down' }]);
  });

  it('comes behind what was sent before it, at every hop', () => {
    const network = RouteNetwork.chain(4);
    const { origin, destination } = ends(network);
    const route = openRoute(network, ...network.nodes);
    network.run(100);
    for (let i = 0; i < 10; i++) origin.layer.send(route, bytesOf(1_000), network.now);
    origin.layer.close(route, network.now);
    expect(origin.layer.send(route, bytesOf(1), network.now)).toBe(-1);
    network.run(400);
    expect(destination.messages.length).toBe(10);
    expect(destination.closed).toMatchObject([{ reason: 'torn-down' }]);
    expect(entries(network)).toBe(0);
  });

  it('does not wait for ever for a neighbour that takes nothing', () => {
    const network = RouteNetwork.chain(2);
    const { origin } = ends(network);
    const route = openRoute(network, ...network.nodes);
    network.run(100);
    network.delayOf = () => undefined;
    origin.layer.send(route, bytesOf(1_000), network.now);
    origin.layer.close(route, network.now);
    network.run(499);
    expect(origin.layer.status().origin).toBe(1);
    network.run(10);
    expect(origin.layer.status().origin).toBe(0);
  });

  it('is not brought about by an id of another link', () => {
    const network = RouteNetwork.chain(3);
    const [a, b, c] = network.nodes;
    openRoute(network, a, b, c);
    a.layer.send(1 as never, bytesOf(1), network.now);
    network.run(50);
    const [first] = network.parcels.flatMap(({ piece }) => (piece === undefined ? [] : [piece.buffer.slice(0, 16)]));
    network.inject(c, b, Uint8Array.of(CHANNEL0_KIND.teardown, ...first));
    network.inject(c, b, Uint8Array.of(CHANNEL0_KIND.routeUnknown, ...first));
    expect(b.drops.toJSON()).toEqual({ 'route-teardown-unknown-id': 1, 'route-unknown-unknown-id': 1 });
    network.injectPiece(c, b, first, bytesOf(1));
    network.run(50);
    expect(c.messages.length).toBe(1);
    expect(entries(network)).toBe(3);
  });

  it('comes by itself after 60 s without traffic, at every node', () => {
    const network = RouteNetwork.chain(4);
    const { origin, destination } = ends(network);
    const route = openRoute(network, ...network.nodes);
    network.run(50_000);
    origin.layer.send(route, bytesOf(10), network.now);
    network.run(59_000);
    expect(entries(network)).toBe(4);
    network.run(3_000);
    expect(entries(network)).toBe(0);
    expect(origin.closed).toEqual([{ route, reason: 'idle' }]);
    expect(destination.closed).toMatchObject([{ reason: 'idle' }]);
    expect(network.nodes[1].layer.nextWakeAt()).toBe(Number.POSITIVE_INFINITY);
  });

  it('does not come while data goes one way only', () => {
    const network = RouteNetwork.chain(3);
    const { origin } = ends(network);
    const route = openRoute(network, ...network.nodes);
    for (let i = 0; i < 10; i++) {
      origin.layer.send(route, bytesOf(10), network.now);
      network.run(30_000);
    }
    expect(entries(network)).toBe(3);
  });

  it('comes to idle routes a bounded number at a time', () => {
    const network = RouteNetwork.chain(2, { idledAtOnce: 3, sweptAtOnce: 64 });
    const [a, b] = network.nodes;
    for (let i = 0; i < 10; i++) openRoute(network, a, b);
    network.now = 61_000;
    a.layer.wake(network.now);
    expect(a.layer.status().origin).toBe(7);
    expect(a.layer.nextWakeAt()).toBe(61_000);
    network.run(0);
    expect(a.layer.status().origin).toBe(0);
  });
});

describe('a link that goes down in the middle of a route', () => {
  it('tells the origin which hop lost it, and the destination that the route is over', () => {
    const network = RouteNetwork.chain(6);
    const { origin, destination } = ends(network);
    const route = openRoute(network, ...network.nodes);
    network.run(100);
    network.disconnect(network.nodes[2], network.nodes[3]);
    network.run(100);
    expect(origin.failed).toEqual([{ route, hop: 2, reason: 'no-such-link' }]);
    expect(destination.closed).toMatchObject([{ reason: 'torn-down' }]);
    expect(entries(network)).toBe(0);
  });

  it("ends the neighbour's routes at once when it is an end's own", () => {
    const network = RouteNetwork.chain(2);
    const [a, b] = network.nodes;
    const route = openRoute(network, a, b);
    network.run(20);
    network.disconnect(a, b);
    expect(a.failed).toEqual([{ route, hop: 0, reason: 'no-such-link' }]);
    expect(b.closed).toMatchObject([{ reason: 'link-down' }]);
  });

  it('is worked off in parts, and what comes over the new link meanwhile is not mixed up with the old', () => {
    const network = RouteNetwork.chain(3, { dismantledAtOnce: 4 });
    const [a, b, c] = network.nodes;
    const routes = Array.from({ length: 10 }, () => openRoute(network, a, b, c));
    network.run(50);
    const lastId = network.parcels.length;
    network.disconnect(b, c);
    expect(b.layer.status().relayed).toBe(6);
    expect(b.layer.nextWakeAt()).toBe(network.now);
    network.connect(b, c);
    const fresh = openRoute(network, a, b, c);
    network.run(50);
    expect(a.failed.map(({ route }) => route).sort()).toEqual(routes.sort());
    expect(b.layer.status().relayed).toBe(1);
    expect(a.layer.send(fresh, bytesOf(10), network.now)).toBe(0);
    network.run(50);
    expect(c.messages.length).toBe(1);
    expect(network.parcels.length).toBeGreaterThan(lastId);
  });

  it('drops what still comes for it until it is taken apart', () => {
    const network = RouteNetwork.chain(3, { dismantledAtOnce: 1 });
    const [a, b, c] = network.nodes;
    for (let i = 0; i < 3; i++) openRoute(network, a, b, c);
    network.run(50);
    for (let route = 1; route <= 3; route++) a.layer.send(route as never, bytesOf(1), network.now);
    network.run(0);
    network.disconnect(b, c);
    const pieces = network.parcels.flatMap(({ piece }) => (piece === undefined ? [] : [piece]));
    for (const piece of pieces) b.layer.forwarding.data(network.linkTo(a), piece, network.now);
    expect(b.drops.get('route-link-down')).toBe(2);
  });
});

describe('a relay that forgot everything', () => {
  it('says so when data comes, and the origin learns at which hop', () => {
    const network = RouteNetwork.chain(5);
    const { origin, destination } = ends(network);
    const route = openRoute(network, ...network.nodes);
    network.run(100);
    // Node 2 starts anew; its neighbours have not noticed yet.
    const forgetful = network.nodes[2];
    for (const side of [1, 3]) {
      forgetful.layer.linkDown(network.linkTo(network.nodes[side]), network.nodes[side].identity.key, network.now);
    }
    network.delayOf = ({ from, message }) =>
      from === 'node 2' && message?.[0] !== CHANNEL0_KIND.routeUnknown ? undefined : 5;
    for (const side of [1, 3]) {
      forgetful.layer.linkUp(network.linkTo(network.nodes[side]), network.nodes[side].identity.key, network.now);
    }
    origin.layer.send(route, bytesOf(10), network.now);
    destination.layer.send(destination.incoming[0].route, bytesOf(10), network.now);
    network.run(2_200);
    expect(origin.failed).toEqual([{ route, hop: 1, reason: 'next-hop-forgot' }]);
    expect(destination.closed).toMatchObject([{ reason: 'torn-down' }]);
    expect(entries(network)).toBe(0);
  });

  it('is told to the destination itself when the forgetful one is its neighbour', () => {
    const network = RouteNetwork.chain(3);
    const [a, b, c] = network.nodes;
    openRoute(network, a, b, c);
    network.run(100);
    b.layer.close(1 as never, 0);
    b.layer.linkDown(network.linkTo(c), c.identity.key, network.now);
    b.layer.linkUp(network.linkTo(c), c.identity.key, network.now);
    c.layer.send(c.incoming[0].route, bytesOf(10), network.now);
    network.run(2_200);
    expect(c.closed).toMatchObject([{ reason: 'forgotten' }]);
  });
});

describe('what comes over a link that is not up', () => {
  it('is dropped', () => {
    const network = RouteNetwork.chain(2);
    const [a, b] = network.nodes;
    network.disconnect(a, b);
    network.injectPiece(a, b, bytesOf(16), bytesOf(1));
    network.inject(a, b, Uint8Array.of(3, ...bytesOf(16)));
    expect(b.drops.toJSON()).toEqual({ 'route-link-unknown': 2 });
  });
});
