/**
 * What the control socket tells of links and routes, of nodes that really run, on clean simulated wires:
 *
 *   miner (0) ──┬── relay (1) ──┬── gateway (3)
 *               └── relay (2) ──┘
 */
import * as v from 'valibot';
import { beforeAll, describe, expect, test } from 'vitest';
import { toHex } from '../../../src/base/bytes.ts';
import { RELIABLE } from '../../../src/base/traffic-class.ts';
import { METHODS } from '../../../src/control/schema.ts';
import { delivery, links, routes, useDelivery } from '../../../src/daemon/traffic-handlers.ts';
import type { Node } from '../../../src/node/node.ts';
import { Network } from '../../sim/world/network.ts';

const PAIRS = [
  [0, 1],
  [0, 2],
  [1, 3],
  [2, 3],
];
const CONNECTED_MS = 4_000;
const PACKETS = 200;
const PACKET_EVERY_MS = 5;
/** Every packet is back by then. */
const RETURNED_MS = 200;

let network: Network;
let miner: Node;
let addresses: string[];

beforeAll(() => {
  network = new Network({
    seed: 3,
    nodes: 4,
    wires: PAIRS.map(([a, b]) => ({ a, b, shape: {} })),
    routeCount: 2,
  });
  network.bootAll();
  const { world } = network;
  world.run(CONNECTED_MS);
  for (let i = 0; i < PACKETS; i++) world.at(world.now + i * PACKET_EVERY_MS, () => network.send(1_000));
  world.run(world.now + PACKETS * PACKET_EVERY_MS + RETURNED_MS);
  miner = network.miner!;
  addresses = network.places.map(({ node }) => node!.identity.address);
});

/** As the CLI checks it. */
function linksOf(node: Node) {
  return v.parse(METHODS.links.result, { links: links(node, [], network.world.now) }).links;
}

function routesOf(node: Node) {
  return v.parse(METHODS.routes.result, routes(node, network.world.now));
}

describe('links', () => {
  test('have what was measured on them', () => {
    const rows = linksOf(miner);
    expect(rows.map(({ address }) => address).sort()).toEqual([addresses[1], addresses[2]].sort());
    for (const row of rows) {
      expect(row).toMatchObject({ state: 'up', direction: 'both', detour: false, delivery: 'reliable', loss: 0 });
      expect(row.rtt_ms).toBeGreaterThanOrEqual(row.least_rtt_ms!);
      expect(row.window_bytes).toBeGreaterThan(0);
    }
    expect(rows.some(({ delivered_bits_per_s }) => delivered_bits_per_s > 100_000)).toBe(true);
  });

  test('have the direction of the configuration', () => {
    const key = toHex(network.places[1].key);
    const configured = [
      { key, endpoint: undefined, alsoAt: [], tcp: undefined, deliveryMs: RELIABLE, direction: 'send-only' as const },
    ];
    const rows = links(miner, configured, network.world.now);
    expect(Object.fromEntries(rows.map((row) => [row.address, row.direction]))).toEqual({
      [addresses[1]]: 'send-only',
      [addresses[2]]: 'both',
    });
  });
});

describe('routes', () => {
  test('of a session come in pairs, one of each class on each path', () => {
    const { session, relayed } = routesOf(miner);
    expect(relayed).toBe(0);
    expect(session?.gateway).toBe(addresses[3]);
    const kinds = session!.routes.map((route) => `${route.class} by ${addresses.indexOf(route.path[0])}`);
    expect(kinds.sort()).toEqual(['bulk by 1', 'bulk by 2', 'real-time by 1', 'real-time by 2']);
    for (const route of session!.routes) {
      expect(route).toMatchObject({ state: 'up', lost: 0 });
      expect(route.path.at(-1)).toBe(addresses[3]);
      expect(route.window_bytes).toBeGreaterThanOrEqual(route.in_flight_bytes);
    }
  });

  test('at each node name the neighbours that they come from and go to', () => {
    const roles = (index: number) => new Set(routesOf(network.places[index].node!).hops.map(({ role }) => role));
    expect([roles(0), roles(1), roles(3)]).toEqual([new Set(['origin']), new Set(['relay']), new Set(['destination'])]);
    for (const hop of routesOf(network.places[1].node!).hops) {
      expect([hop.from, hop.to].sort()).toEqual([addresses[0], addresses[3]].sort());
    }
    const out = routesOf(miner).hops.filter(({ from }) => from === null);
    expect(out.length).toBeGreaterThan(0);
    for (const hop of out) expect(addresses.slice(1, 3)).toContain(hop.to);
  });

  test('use no more memory than there is', () => {
    const { buffers } = routesOf(network.places[1].node!);
    expect(buffers.used_bytes).toBeLessThanOrEqual(buffers.limit_bytes);
    expect(buffers.promised_bytes).toBeLessThanOrEqual(buffers.limit_bytes);
  });
});

describe('delivery', () => {
  const act = <T>(action: () => T): T => {
    let result: T;
    network.world.act(0, () => {
      result = action();
    });
    return result!;
  };
  const use = (params: Parameters<typeof useDelivery>[1], node = miner) =>
    act(() => useDelivery(node, params, network.world.now));

  test('of one link is switched while it runs, by address or by key', () => {
    use({ peer: addresses[1], delivery: 'unreliable' });
    use({ peer: toHex(network.places[2].key).toUpperCase(), delivery: '2s' });
    expect(
      Object.fromEntries(delivery(miner, network.world.now).peers.map((peer) => [peer.address, peer.delivery])),
    ).toEqual({ [addresses[1]]: 'unreliable', [addresses[2]]: '2000ms' });
    const before = network.laptop.returned;
    act(() => network.send(100));
    network.world.run(network.world.now + 500);
    expect(network.laptop.returned).toBe(before + 1);
  });

  test('of the tunnel is switched while it runs, and packets go on', () => {
    expect(delivery(miner, network.world.now).tunnel).toBe('reliable');
    expect(use({ tunnel: true, delivery: '500ms' }).tunnel).toBe('500ms');
    const before = network.laptop.returned;
    for (let i = 0; i < 20; i++) network.world.at(network.world.now + i * 50, () => network.send(100));
    network.world.run(network.world.now + 2_000);
    expect(network.laptop.returned).toBe(before + 20);
  });

  test('of who is no neighbour, or of a tunnel that is not there, is a failure with a remedy', () => {
    expect(() => use({ peer: addresses[3], delivery: 'reliable' })).toThrow(
      expect.objectContaining({ code: 'failed', remedy: expect.stringContaining('skywire links') }),
    );
    expect(() => use({ tunnel: true, delivery: 'reliable' }, network.places[1].node!)).toThrow(
      expect.objectContaining({ code: 'failed', remedy: expect.stringContaining('[lan]') }),
    );
  });
});
