/**
 * Whole nodes that know nobody, each wire a segment:
 *
 *   miner (0) ──┬── relay (1) ──┬── gateway (3)
 *               └── relay (2) ──┘
 */
import { describe, expect, test } from 'vitest';
import { Network } from '../../sim/world/network.ts';

const WIRES = [
  [0, 1],
  [0, 2],
  [1, 3],
  [2, 3],
] as const;

function discoveringNetwork(loss = 0): Network {
  const wires = WIRES.map(([a, b]) => ({ a, b, shape: { loss } }));
  const network = new Network({ seed: 11, nodes: 4, wires, routeCount: 2, discovers: true });
  network.bootAll();
  return network;
}

function linksUp(network: Network): number[] {
  return network.places.map(
    ({ node }) => node?.links.status(network.world.now).filter(({ state }) => state === 'up').length ?? 0,
  );
}

describe('nodes that know nobody', () => {
  test('find each other, and the miner its gateway, within two seconds', () => {
    const network = discoveringNetwork();
    network.world.run(2_000);
    expect(linksUp(network)).toEqual([2, 2, 2, 2]);
    expect(network.exchange(20)).toBe(20);
    expect(network.miner!.uplink!.wantedGateway).toBe('auto');
  });

  test('find each other within ten seconds where half of everything is lost', () => {
    const network = discoveringNetwork(0.5);
    network.world.run(10_000);
    expect(linksUp(network)).toEqual([2, 2, 2, 2]);
  });

  test('find a node again that crashed, and one whose cable was pulled', () => {
    const network = discoveringNetwork();
    const { world } = network;
    world.run(3_000);
    network.crash(1);
    world.wires[1].up = false;
    world.run(12_000);
    expect(linksUp(network)).toEqual([0, 0, 1, 1]);
    world.wires[1].up = true;
    world.boot(1);
    world.run(26_000);
    expect(linksUp(network)).toEqual([2, 2, 2, 2]);
    expect(network.exchange(20)).toBe(20);
  });

  test('find each other again from what they remember when all lost power and no beacon arrives any more', () => {
    const network = discoveringNetwork();
    const { world, places } = network;
    world.run(30_000);
    for (const { index } of places) network.crash(index);
    network.beaconsPass = false;
    world.run(230_000);
    network.bootAll();
    world.run(234_000);
    expect(linksUp(network)).toEqual([2, 2, 2, 2]);
    expect(network.exchange(20)).toBe(20);
  });

  test('find each other again from what one of them remembers', () => {
    const network = discoveringNetwork();
    const { world, places } = network;
    world.run(30_000);
    for (const { index } of places) network.crash(index);
    network.beaconsPass = false;
    for (const place of places) if (place.index === 1 || place.index === 2) place.peers = ['damaged'];
    network.bootAll();
    world.run(34_000);
    expect(linksUp(network)).toEqual([2, 2, 2, 2]);
  });

  test('drop the links of a segment that is gone at once, and take them up when it is back', () => {
    const network = discoveringNetwork();
    const { world } = network;
    world.run(3_000);
    const node = network.places[0].node!;
    const segment = (wire: number) => ({
      id: wire + 1,
      name: 'w',
      medium: 'lan' as const,
      ipv6: { port: 6969 },
      ipv4: undefined,
    });
    world.act(0, () => node.segmentsChanged([segment(1)], world.now));
    expect(linksUp(network)[0]).toBe(1);
    world.act(0, () => node.segmentsChanged([segment(0), segment(1)], world.now));
    world.run(world.now + 2_000);
    expect(linksUp(network)).toEqual([2, 2, 2, 2]);
  });
});
