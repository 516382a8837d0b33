/**
 * The layers as one machine, on clean simulated wires:
 *
 *   miner (0) ──┬── relay (1) ──┬── gateway (3)
 *               └── relay (2) ──┘
 */
import { describe, expect, it } from 'vitest';
import { toHex } from '../../../src/base/bytes.ts';
import type { PingReply } from '../../../src/node/pinger.ts';
import { Network } from '../../sim/world/network.ts';

const CONNECTED_MS = 4_000;

function connectedNetwork(): Network {
  const pairs = [
    [0, 1],
    [0, 2],
    [1, 3],
    [2, 3],
  ];
  const network = new Network({
    seed: 7,
    nodes: 4,
    wires: pairs.map(([a, b]) => ({ a, b, shape: {} })),
    routeCount: 2,
  });
  network.bootAll();
  network.world.run(CONNECTED_MS);
  return network;
}

describe('a miner', () => {
  it('finds two disjoint paths to its gateway by itself and carries packets both ways', () => {
    const network = connectedNetwork();
    const routes = network.miner!.uplink!.session!.status(network.world.now).routes;
    const firstHops = routes.map(({ path }) => toHex(path![0]));
    expect(routes.map(({ state }) => state)).toEqual(['up', 'up', 'up', 'up']);
    expect(new Set(firstHops)).toEqual(new Set([toHex(network.places[1].key), toHex(network.places[2].key)]));
    expect(network.exchange(50)).toBe(50);
  });

  it('sends nothing once it wants no gateway, and goes on when it wants it again', () => {
    const network = connectedNetwork();
    const { world } = network;
    const wanted = network.miner!.uplink!.wantedGateway!;
    world.act(0, () => network.miner!.uplink!.use(undefined, world.now));
    expect(network.miner!.uplink!.session).toBeUndefined();
    expect(network.exchange(10)).toBe(0);
    world.act(0, () => network.miner!.uplink!.use(wanted, world.now));
    world.run(world.now + 1_000);
    expect(network.exchange(10)).toBe(10);
  });

  it('wants a gateway that nobody knows, in vain and without harm', () => {
    const network = connectedNetwork();
    const { world } = network;
    world.act(0, () => network.miner!.uplink!.use(new Uint8Array(20), world.now));
    world.run(world.now + 2_000);
    expect(network.miner!.uplink!.session).toBeUndefined();
    expect(network.exchange(5)).toBe(0);
  });
});

describe('a ping', () => {
  it('is answered by a node two hops away on its own key', () => {
    const network = connectedNetwork();
    const { world, places } = network;
    const target = places[3].key;
    let replies: PingReply[] | undefined;
    world.act(0, () => {
      const node = network.miner!;
      const done = (answers: PingReply[]) => {
        replies = answers;
      };
      node.pinger.start({ target, paths: () => node.paths(target, 1), count: 3, timeoutMs: 1_000, done }, world.now);
    });
    world.run(world.now + 5_000);
    expect(replies?.map(({ sequence }) => sequence)).toEqual([0, 1, 2]);
    // Two wires of 5 ms, there and back.
    for (const { roundTripMs } of replies!) expect(roundTripMs).toBeCloseTo(20, 0);
  });

  it('ends without an answer when nobody is there, and no more than eight run at once', () => {
    const network = connectedNetwork();
    const { world, places } = network;
    const target = places[3].key;
    network.crash(3);
    const ended: PingReply[][] = [];
    const started: boolean[] = [];
    world.act(0, () => {
      const node = network.miner!;
      const done = (answers: PingReply[]) => void ended.push(answers);
      const request = { target, paths: () => node.paths(target, 1), count: 1, timeoutMs: 1_000, done };
      for (let i = 0; i < 9; i++) started.push(node.pinger.start(request, world.now));
    });
    world.run(world.now + 3_000);
    expect(started.filter(Boolean)).toHaveLength(8);
    expect(ended).toEqual(Array.from({ length: 8 }, () => []));
  });
});

describe('a node', () => {
  it('counts what comes for a channel that nobody serves', () => {
    const network = connectedNetwork();
    const { world, places } = network;
    world.act(1, () => {
      const relay = places[1].node!;
      relay.links.sendChannel(relay.links.linkOf(places[0].key)!, 7, Uint8Array.of(1));
    });
    world.run(world.now + 100);
    expect(network.miner!.drops.get('channel-unknown')).toBe(1);
  });
});
