/**
 * Nodes around a wire that works in one direction only: 2 is heard by 0, and not the other way round.
 *
 *   0 ◀──── 2
 *   └── 1 ──┘
 */
import { describe, expect, it } from 'vitest';
import { toHex } from '../../../src/base/bytes.ts';
import type { SecretKey, ServiceKey } from '../../../src/base/ids.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { REAL_TIME } from '../../../src/base/traffic-class.ts';
import type { Session } from '../../../src/bundle/session.ts';
import { addressOf } from '../../../src/crypto/address.ts';
import { TUNNEL_KIND } from '../../../src/wire/tunnel-message.ts';
import { Network } from '../../sim/world/network.ts';

const FORMED_MS = 6_000;

function oneWayNetwork(): Network {
  const wires = [
    { a: 0, b: 2, shape: {} },
    { a: 0, b: 1, shape: {} },
    { a: 1, b: 2, shape: {} },
  ];
  const network = new Network({ seed: 3, nodes: 3, wires, routeCount: 1 });
  network.world.wires[0].setOpen(0, false);
  network.bootAll();
  network.world.run(FORMED_MS);
  return network;
}

/** Which links of the graph one node takes for detours. */
function detours(network: Network, at: number): string[] {
  const { places } = network;
  const names = new Map(places.map(({ key, name }) => [addressOf(key), name]));
  const { graph } = places[at].node!.flood;
  return places.flatMap(({ key, name }) =>
    graph
      .neighbours(toHex(key))
      .filter(({ detour }) => detour)
      .map((link) => `${name} - ${names.get(addressOf(link.key))}`),
  );
}

describe('a node whose datagrams a neighbour does not hear', () => {
  it('tells all others that the link is a detour, and takes it back when it is none', () => {
    const network = oneWayNetwork();
    for (const at of [0, 1, 2]) expect(detours(network, at)).toEqual(['node 0 - node 2', 'node 2 - node 0']);
    network.world.wires[0].setOpen(0, true);
    network.world.run(network.world.now + 20_000);
    for (const at of [0, 1, 2]) expect(detours(network, at)).toEqual([]);
    expect(network.miner!.backChannels.serves(network.places[2].key)).toBe(false);
  });

  it('carries its tunnel over that link, both ways', () => {
    const network = oneWayNetwork();
    const { world, laptop, places } = network;
    // The session began over the relay, before that link was up, and keeps what works: it is begun anew.
    const uplink = network.miner!.uplink!;
    const wanted = uplink.wantedGateway;
    world.act(0, () => {
      uplink.use(undefined, world.now);
      uplink.use(wanted, world.now);
    });
    world.run(world.now + 1_000);
    const [{ path }] = network.miner!.uplink!.session!.status(world.now).routes;
    expect(path).toEqual([places[2].key]);
    const before = laptop.returned;
    for (let i = 0; i < 100; i++) world.at(world.now + i * 10, () => network.send(600));
    world.run(world.now + 2_000);
    expect(laptop.returned - before).toBe(100);
  });

  it('is missed when it is gone, and found again after a restart', () => {
    const network = oneWayNetwork();
    const { world, places } = network;
    network.crash(0);
    // Silence is looked for after 10 s on an idle link, and proven 4 s later.
    world.run(world.now + 15_000);
    const linkAt2 = () => places[2].node!.links.linkOf(places[0].key);
    expect(linkAt2()).toBeUndefined();
    world.boot(0);
    world.run(world.now + 10_000);
    expect(linkAt2()).toBeDefined();
  });
});

describe('LINK messages of a stranger', () => {
  it('do no more than bytes from anywhere, and are counted', () => {
    const network = oneWayNetwork();
    const { world, places } = network;
    const random = new SeededRandom(9, 'stranger');
    const target = places[1];
    let session: Session | undefined;
    world.act(0, () => {
      session = network.miner!.bundles.connect(
        {
          service: target.key as Uint8Array as ServiceKey,
          clientSecret: new Uint8Array(32).fill(5) as SecretKey,
          routeCount: 1,
          paths: () => [[target.key]],
          events: { opened: () => {}, message: () => {}, closed: () => {} },
        },
        world.now,
      );
    });
    const before = target.node!.drops.toJSON();
    for (let i = 0; i < 400; i++) {
      world.at(world.now + i * 5, () =>
        world.act(0, () => {
          const message = new Uint8Array(1 + random.integer(1_300));
          random.fill(message);
          message[0] = TUNNEL_KIND.link;
          // Often the type and the length of a real one.
          if (message.length > 1) message[1] = 1 + random.integer(6);
          const cut = [95, 79, 95, 69, message.length][random.integer(5)];
          session!.send(message.subarray(0, Math.min(cut, message.length)), world.now, {
            trafficClass: REAL_TIME,
            flow: 0,
          });
        }),
      );
    }
    world.run(world.now + 4_000);
    const after = target.node!.drops.toJSON();
    const counted = Object.entries(after).reduce((sum, [name, count]) => sum + count - (before[name] ?? 0), 0);
    expect(counted).toBeGreaterThan(350);
    expect(target.node!.links.linkOf(places[0].key)).toBeDefined();
    expect(target.node!.links.linkOf(places[2].key)).toBeDefined();
  });
});
