/** What becomes of pieces whose time is over, and of routes that try once or for some time only. */
import { describe, expect, it } from 'vitest';
import { REAL_TIME, RELIABLE, SENT_ONCE } from '../../../src/base/traffic-class.ts';
import type { Piece } from '../../../src/link/piece.ts';
import { bytesOf, ends, openAs, openRoute, type Parcel, RouteNetwork, sendWhenRoom } from './route-network.ts';

const VOICE = { trafficClass: REAL_TIME, deliveryMs: 150 } as const;

function piecesTo(network: RouteNetwork, name: string): Piece[] {
  return network.parcels.flatMap(({ to, piece }) => (to === name && piece !== undefined ? [piece] : []));
}

/** Loses DATA (not GONE) on its way to this node, while asked. */
function losing(name: string, while_: () => boolean = () => true): (parcel: Parcel) => number | undefined {
  return ({ to, piece }) => (to === name && piece !== undefined && !piece.gone && while_() ? undefined : 5);
}

describe('a piece with a deadline', () => {
  it('carries the time that it has left, less what it waited at each hop', () => {
    const network = RouteNetwork.chain(3);
    const [a, b, c] = network.nodes;
    const route = openAs(network, { deliveryMs: 600 }, a, b, c);
    network.run(50);
    let tries = 0;
    network.delayOf = ({ to, piece }) => (to === c.name && piece !== undefined && tries++ < 3 ? undefined : 5);
    a.layer.send(route, bytesOf(100), network.now);
    network.run(300);
    expect(piecesTo(network, b.name).map(({ ttlMs }) => ttlMs)).toEqual([600]);
    expect(piecesTo(network, c.name).map(({ ttlMs }) => ttlMs)).toEqual([600, 570, 540, 510]);
    expect(c.messages.length).toBe(1);
  });

  it('becomes a GONE with its sequence and length when the time is over, and the end hears which message', () => {
    const network = RouteNetwork.chain(3);
    const [a, b, c] = network.nodes;
    const route = openAs(network, { deliveryMs: 200 }, a, b, c);
    network.run(50);
    network.delayOf = losing(c.name, () => network.now < 300);
    a.layer.send(route, bytesOf(100), network.now);
    network.run(400);
    a.layer.send(route, bytesOf(200), network.now);
    network.run(100);
    const gone = piecesTo(network, c.name).find((piece) => piece.gone);
    expect(gone).toMatchObject({ sequence: 0, message: 0, length: 100 });
    expect(c.lost).toEqual([{ route: c.incoming[0].route, number: 0 }]);
    expect(c.messages.map(({ number }) => number)).toEqual([1]);
    expect(b.layer.status().memory.usedBytes).toBe(0);
  });

  it('that was not sent yet becomes a GONE of no bytes, which counts for nothing', () => {
    const network = RouteNetwork.chain(3);
    const [a, b, c] = network.nodes;
    const route = openAs(network, { deliveryMs: 100 }, a, b, c);
    network.run(50);
    network.windowDatagrams = 0;
    a.layer.send(route, bytesOf(100), network.now);
    network.run(150);
    network.windowDatagrams = 64;
    network.run(50);
    expect(piecesTo(network, c.name)).toMatchObject([{ gone: true, sequence: 0, length: 0 }]);
    expect(c.lost.map(({ number }) => number)).toEqual([0]);
  });

  it('is given up sooner on a link that is configured so, and the route is none the wiser elsewhere', () => {
    const network = RouteNetwork.chain(3);
    const [a, b, c] = network.nodes;
    network.measuresOf(b, c).deliveryMs = 100;
    const route = openRoute(network, a, b, c);
    network.run(50);
    network.delayOf = losing(c.name, () => network.now < 400);
    a.layer.send(route, bytesOf(100), network.now);
    network.run(1_000);
    expect(c.lost.map(({ number }) => number)).toEqual([0]);
    expect(piecesTo(network, c.name).every(({ ttlMs }) => ttlMs <= 0)).toBe(true);
  });
});

describe('a Bulk route of whose pieces none gets through', () => {
  it('gives them up after 2 s, and goes on when the link does', () => {
    const network = RouteNetwork.chain(3);
    const [a, b, c] = network.nodes;
    const route = openRoute(network, a, b, c);
    network.run(50);
    network.delayOf = losing(c.name, () => network.now < 2_500);
    a.layer.send(route, bytesOf(5_000), network.now);
    network.run(1_900);
    expect(b.layer.status().memory.usedBytes).toBeGreaterThan(0);
    network.run(400);
    expect(b.layer.status().memory.usedBytes).toBe(0);
    expect(c.lost.map(({ number }) => number)).toEqual([0]);
    a.layer.send(route, bytesOf(5_000), network.now);
    network.run(1_000);
    expect(c.messages.map(({ number }) => number)).toEqual([1]);
  });

  it('is as patient as a link of seconds needs', () => {
    const network = RouteNetwork.chain(2);
    const { origin, destination } = ends(network);
    const route = openRoute(network, ...network.nodes);
    network.run(50);
    network.measuresOf(origin, destination).bulkProbeMs = 1_000;
    network.delayOf = losing(destination.name, () => network.now < 2_900);
    origin.layer.send(route, bytesOf(5_000), network.now);
    network.run(4_000);
    expect(destination.messages.length).toBe(1);
    expect(destination.lost).toEqual([]);
  });

  it('gives nothing up while something gets through', () => {
    const network = RouteNetwork.chain(2);
    const { origin, destination } = ends(network);
    const route = openRoute(network, ...network.nodes);
    network.run(50);
    let datagrams = 0;
    network.delayOf = () => (datagrams++ % 20 === 0 ? 5 : undefined);
    for (let i = 0; i < 30; i++) sendWhenRoom(network, origin, route, bytesOf(1_000, i));
    network.delayOf = () => 5;
    network.run(500);
    expect(destination.messages.length).toBe(30);
    expect(destination.lost).toEqual([]);
  });
});

describe('a route that is sent once', () => {
  it('keeps no bytes of what it sent, gives its room back at once, and tells what was lost', () => {
    const network = RouteNetwork.chain(3);
    const [a, b, c] = network.nodes;
    const route = openAs(network, { deliveryMs: SENT_ONCE }, a, b, c);
    network.run(50);
    network.delayOf = ({ to, piece }) => (to === c.name && piece?.message === 1 && !piece.gone ? undefined : 5);
    for (let i = 0; i < 3; i++) a.layer.send(route, bytesOf(900, i), network.now);
    network.run(6);
    expect(b.layer.status()).toMatchObject({ memory: { usedBytes: 0 }, forwardedPieces: 3 });
    network.run(100);
    expect(c.messages.map(({ number }) => number)).toEqual([0, 2]);
    expect(c.lost.map(({ number }) => number)).toEqual([1]);
    expect(piecesTo(network, c.name).filter(({ message, gone }) => message === 1 && !gone).length).toBe(1);
  });

  it('is what a link makes of every route where it is configured so', () => {
    const network = RouteNetwork.chain(2);
    const [a, b] = network.nodes;
    network.measuresOf(a, b).deliveryMs = SENT_ONCE;
    const route = openRoute(network, a, b);
    network.run(50);
    network.delayOf = losing(b.name);
    a.layer.send(route, bytesOf(500), network.now);
    network.run(100);
    expect(b.lost.map(({ number }) => number)).toEqual([0]);
    network.measuresOf(a, b).deliveryMs = RELIABLE;
    network.delayOf = losing(b.name, () => network.now < 300);
    a.layer.send(route, bytesOf(500), network.now);
    network.run(500);
    expect(b.messages.map(({ number }) => number)).toEqual([1]);
  });
});

describe('a Real Time route', () => {
  it('needs no credit, has at most 64 KiB waiting, and loses the oldest beyond', () => {
    const network = RouteNetwork.chain(3);
    const [a, b, c] = network.nodes;
    const route = openAs(network, { ...VOICE, deliveryMs: RELIABLE }, a, b, c);
    network.run(50);
    const [first] = [network.pull(a, b)];
    expect(first.token).toBeLessThan(0);
    network.measuresOf(b, c).bulkProbeMs = 10_000;
    a.layer.send(route, bytesOf(100), network.now);
    network.run(5);
    const id = piecesTo(network, b.name)[0].buffer.slice(0, 16);
    network.windowDatagrams = 0;
    for (let i = 1; i <= 100; i++) {
      network.injectPiece(a, b, id, bytesOf(1_000, i), { sequence: i, message: i });
      expect(b.layer.rows(9).find(({ direction }) => direction === 'forward')!.bufferedBytes).toBeLessThanOrEqual(
        65_536,
      );
    }
    expect(b.drops.toJSON()).toEqual({});
    network.windowDatagrams = 1_000;
    network.run(1_000);
    expect(c.lost.length).toBe(100 - 65);
    expect(c.messages.length).toBe(66);
    expect(Math.min(...c.messages.slice(1).map(({ number }) => number))).toBe(36);
  });

  it.each([
    [0.01, 1],
    [0.05, 2],
    [0.3, 2],
    [0.31, 3],
  ])('at a loss of %f goes out %d times at once, each time in another datagram', (loss, copies) => {
    const network = RouteNetwork.chain(2);
    const [a, b] = network.nodes;
    const route = openAs(network, VOICE, a, b);
    network.run(50);
    network.measuresOf(a, b).lossShare = loss;
    network.windowDatagrams = 0;
    a.layer.send(route, bytesOf(100), network.now);
    let datagrams = 0;
    let frames = 0;
    for (let pulled = network.pull(a, b); pulled.token !== -1; pulled = network.pull(a, b)) {
      datagrams++;
      if (pulled.token >= 0) frames++;
      const rest = network.pull(a, b, network.pieceBytes + 30 - pulled.bytes);
      expect(rest.token).toBeLessThan(0);
    }
    expect([datagrams, frames]).toEqual([copies, copies]);
  });

  it('is repeated only when all of its copies were lost', () => {
    const network = RouteNetwork.chain(2);
    const [a, b] = network.nodes;
    const route = openAs(network, VOICE, a, b);
    network.run(50);
    network.measuresOf(a, b).lossShare = 0.5;
    network.windowDatagrams = 0;
    a.layer.send(route, bytesOf(100), network.now);
    const link = network.linkTo(b);
    const tokens = [0, 1, 2].map(() => network.pull(a, b).token);
    expect(new Set(tokens).size).toBe(1);
    const { forwarding } = a.layer;
    for (const token of tokens.slice(1)) forwarding.lost(link, token, network.now);
    expect(network.pull(a, b).token).toBe(-1);
    forwarding.lost(link, tokens[0], network.now);
    expect([0, 1, 2, 3].map(() => network.pull(a, b).token)).toEqual([...tokens, -1]);
    forwarding.acked(link, Float64Array.of(tokens[0]), 1, network.now);
    forwarding.lost(link, tokens[0], network.now);
    expect(network.pull(a, b).token).toBe(-1);
  });
});

describe('a piece of a Bulk route', () => {
  it.each([
    [200, 0.14, 1],
    [200, 0.15, 2],
    [200, 0.5, 2],
    [201, 0.5, 1],
  ])('of %d bytes at a loss of %f goes out %d times', (length, loss, copies) => {
    const network = RouteNetwork.chain(2);
    const [a, b] = network.nodes;
    const route = openRoute(network, a, b);
    network.run(50);
    network.measuresOf(a, b).lossShare = loss;
    network.windowDatagrams = 0;
    a.layer.send(route, bytesOf(length), network.now);
    const tokens: number[] = [];
    for (let { token } = network.pull(a, b); token !== -1; { token } = network.pull(a, b)) tokens.push(token);
    expect(tokens.length).toBe(copies);
    expect(new Set(tokens).size).toBe(1);
  });
});

describe('a path that becomes narrower', () => {
  it('has what was sent before cut anew, and the end takes every byte once', () => {
    const network = RouteNetwork.chain(3);
    const [a, b, c] = network.nodes;
    const route = openRoute(network, a, b, c);
    network.run(50);
    // The datagrams arrive, and no acknowledgement does.
    network.ackDelayOf = () => undefined;
    for (let i = 0; i < 5; i++) a.layer.send(route, bytesOf(2_500, i), network.now);
    network.run(20);
    network.pieceBytes = 300;
    network.run(200);
    network.ackDelayOf = () => 5;
    network.run(2_000);
    const inOrder = c.messages.toSorted((x, y) => x.number - y.number);
    expect(inOrder.map(({ bytes }) => bytes)).toEqual([0, 1, 2, 3, 4].map((i) => bytesOf(2_500, i)));
    expect(c.lost).toEqual([]);
    for (const node of network.nodes) expect(node.layer.status().memory.usedBytes).toBe(0);
  });
});
