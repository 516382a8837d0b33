/**
 * Two neighbours that send to each other over a wire that changes all the time, with receivers that have no room now and
 * then. As long as the link lives, everything arrives, unchanged and whole, and nothing is kept when all is quiet.
 */
import { expect, test } from 'vitest';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { routeId, sendMessage, sessionOf, type TestNode, testCurve, WirePair } from '../../unit/link/wire-pair.ts';

const SEEDS = testCurve.name === 'noble' ? 5 : 40;
const PHASES = 12;

function bytesOf(message: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => message + i);
}

function trouble(world: WirePair, random: SeededRandom, nodes: readonly TestNode[]): void {
  const cut = random.integer(4);
  world.filter = ({ from }) => cut > 1 || from !== nodes[cut].name || random.chance(0.5);
  const full = random.unit() * random.integer(2);
  for (const node of nodes) node.hasRoom = () => !random.chance(full);
  Object.assign(world.shape, {
    loss: random.chance(0.3) ? 0 : random.unit() * 0.5,
    duplication: random.unit() * 0.3,
    reorder: random.unit() * random.integer(2),
    delayMs: random.pick([0.1, 2, 20, 150]),
    mtuBytes: random.pick([1_472, 1_472, 1_300, 1_200]),
    bytesPerMs: random.pick([60, 1_250, 20_000]),
    queueMs: random.pick([20, 200]),
  });
}

test.each(Array.from({ length: SEEDS }, (_, i) => i + 1))(
  'everything arrives whatever the wire does (seed %i)',
  (seed) => {
    const world = new WirePair(seed);
    world.keepSeen = false;
    const random = new SeededRandom(seed, 'trouble');
    const pair = world.upPair({}, 'both');
    const nodes = [pair.a, pair.b];
    for (const node of nodes) node.realTimeRoutes.add(2);
    const lengths: number[] = [];
    for (let phase = 0; phase < PHASES; phase++) {
      trouble(world, random, nodes);
      for (const end = world.now + random.integer(2_000); world.now < end; ) {
        const from = random.integer(2);
        const route = 1 + random.integer(2);
        const length = 1 + random.integer(random.pick([100, 1_500, 6_000]));
        const bytes = bytesOf(lengths.length, length);
        sendMessage(nodes[from], nodes[1 - from], routeId(route), lengths.length, bytes, { realTime: route === 2 });
        lengths.push(length);
        world.run(random.integer(40));
      }
    }
    world.filter = () => true;
    for (const node of nodes) node.hasRoom = () => true;
    Object.assign(world.shape, {
      loss: 0,
      duplication: 0,
      reorder: 0,
      delayMs: 5,
      mtuBytes: 1_472,
      bytesPerMs: 20_000,
    });
    for (let i = 0; i < 60 && nodes.some(({ source }) => source.kept > 0); i++) world.run(1_000);
    world.run(1_000);
    expect(nodes.map(({ told }) => told.length)).toEqual([1, 1]);
    expect(nodes.map(({ source }) => source.kept)).toEqual([0, 0]);
    const arrived = new Map<number, boolean[]>();
    for (const { message, offset, bytes, last } of nodes.flatMap(({ pieces }) => pieces)) {
      const had = arrived.get(message) ?? new Array<boolean>(lengths[message]).fill(false);
      arrived.set(message, had);
      expect(last).toBe(offset + bytes.length === lengths[message]);
      expect(bytes.every((byte, i) => byte === (message + offset + i) % 256)).toBe(true);
      had.fill(true, offset, offset + bytes.length);
    }
    expect(arrived.size).toBe(lengths.length);
    for (const had of arrived.values()) expect(had.every(Boolean)).toBe(true);
    const sessions = [sessionOf(nodes[0], nodes[1], world.now), sessionOf(nodes[1], nodes[0], world.now)];
    expect(sessions.map(({ inFlightBytes }) => inFlightBytes)).toEqual([0, 0]);
  },
);
