/**
 * Two neighbours under anything that can happen to them: outages, restarts, moves, bad wires. Nothing is received twice
 * or changed, and once the trouble is over both ends hold the same one session.
 */
import { expect, test } from 'vitest';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { routeId, sendMessage, sessionOf, type TestNode, testCurve, WirePair } from '../../unit/link/wire-pair.ts';

const SEEDS = testCurve.name === 'noble' ? 10 : 100;
const EVENTS = 25;

function know(node: TestNode, peer: TestNode, endpoint: boolean): void {
  node.links.addPeer(peer.identity.key, endpoint ? peer.endpoint : undefined);
}

function trouble(world: WirePair, random: SeededRandom, nodes: TestNode[], knows: boolean[]): void {
  const which = random.integer(2);
  const node = nodes[which];
  const other = nodes[1 - which];
  switch (random.integer(6)) {
    case 0: {
      const again = world.add(node.name);
      know(again, other, knows[which]);
      again.links.start(world.now);
      nodes[which] = again;
      return;
    }
    case 1:
      node.links.stop(world.now);
      world.run(random.integer(3_000));
      node.links.start(world.now);
      return;
    case 2:
      // Whoever is looked for at a fixed address stays there, or nobody could find it.
      if (!knows[1 - which]) node.endpoint = world.address(100 + random.integer(50));
      return;
    case 3: {
      const cut = random.integer(3);
      world.filter = ({ from }) => cut === 2 || from !== nodes[cut].name;
      return;
    }
    case 4:
      world.filter = () => true;
      return;
    default:
      Object.assign(world.shape, {
        loss: random.unit() * 0.5,
        duplication: random.unit() * 0.3,
        reorder: random.unit() * 0.5,
        delayMs: 1 + random.integer(100),
        mtuBytes: 1_200 + random.integer(300),
      });
  }
}

/** Message numbers are never used twice, and each message consists of its number. */
function expectOnceAndUnchanged({ pieces }: TestNode): void {
  expect(new Set(pieces.map(({ message, offset }) => `${message}/${offset}`)).size).toBe(pieces.length);
  expect(pieces.every(({ message, bytes }) => bytes.every((byte) => byte === message % 256))).toBe(true);
}

test.each(Array.from({ length: SEEDS }, (_, i) => i + 1))('neighbours converge after trouble (seed %i)', (seed) => {
  const world = new WirePair(seed);
  world.keepSeen = false;
  const random = new SeededRandom(seed, 'trouble');
  const knows = [
    [true, false],
    [false, true],
    [true, true],
  ][random.integer(3)];
  const pair = world.pair('both');
  const nodes = [pair.a, pair.b].map(({ name }) => world.add(name));
  for (const i of [0, 1]) know(nodes[i], nodes[1 - i], knows[i]);
  for (const node of nodes) node.links.start(world.now);
  let message = 0;
  const talk = (ms: number) => {
    for (const end = world.now + ms; world.now < end; message++) {
      for (const i of [0, 1])
        sendMessage(
          nodes[i],
          nodes[1 - i],
          routeId(i),
          message,
          new Uint8Array(random.integer(3_000) + 1).fill(message),
        );
      world.run(100);
    }
  };
  for (let event = 0; event < EVENTS; event++) {
    trouble(world, random, nodes, knows);
    if (random.chance(0.7)) talk(random.integer(8_000));
    else world.run(random.integer(20_000));
  }
  world.filter = () => true;
  Object.assign(world.shape, { loss: 0, duplication: 0, reorder: 0, delayMs: 10, mtuBytes: 1_472 });
  world.run(25_000);
  const told = nodes.map((node) => node.told.length);
  for (const node of nodes) {
    expectOnceAndUnchanged(node);
    node.pieces.length = 0;
  }
  talk(3_000);
  world.run(15_000);
  expect(nodes.map((node) => node.told.length)).toEqual(told);
  expect(nodes.map((node) => node.cipher.keys)).toEqual([2, 2]);
  for (const i of [0, 1]) {
    expect(nodes[i].pieces.length).toBeGreaterThanOrEqual(30);
    expectOnceAndUnchanged(nodes[i]);
  }
  const roles = [sessionOf(nodes[0], nodes[1], world.now).role, sessionOf(nodes[1], nodes[0], world.now).role];
  expect(roles.sort()).toEqual(['initiator', 'responder']);
});
