import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { DormantFlows } from '../../../src/route/dormant-flows.ts';
import { NONE } from '../../../src/route/id-index.ts';
import { NO_PORT, RouteTable, SECRET_BYTES } from '../../../src/route/route-table.ts';

const MIB = 1024 * 1024;

function idOf(random: SeededRandom): Uint8Array {
  const id = new Uint8Array(16);
  random.fill(id);
  return id;
}

function tableOf(maxRoutes = 200_000): { table: RouteTable; random: SeededRandom } {
  const random = new SeededRandom(5, 'route table');
  return { table: new RouteTable(random, maxRoutes), random };
}

interface Added {
  readonly slot: number;
  readonly ports: [number, number];
  readonly inIds: [Uint8Array, Uint8Array];
  readonly outIds: [Uint8Array, Uint8Array];
}

function add(table: RouteTable, random: SeededRandom, ports: [number, number]): Added {
  const slot = table.claim(0, 0);
  const inIds: [Uint8Array, Uint8Array] = [idOf(random), idOf(random)];
  const outIds: [Uint8Array, Uint8Array] = [idOf(random), idOf(random)];
  for (const side of [0, 1]) expect(table.attach(2 * slot + side, ports[side], inIds[side], outIds[side])).toBe(true);
  return { slot, ports, inIds, outIds };
}

function expectFound(table: RouteTable, { slot, ports, inIds, outIds }: Added): void {
  for (const side of [0, 1]) {
    const half = 2 * slot + side;
    if (table.findIncoming(ports[side], inIds[side], 0) !== half)
      throw new Error(`incoming id of half ${half} not found`);
    if (table.findOutgoing(ports[side], outIds[side], 0) !== half)
      throw new Error(`outgoing id of half ${half} not found`);
    if (table.portOf(half) !== ports[side]) throw new Error(`port of half ${half} is wrong`);
  }
}

describe('the route table', () => {
  it('finds a route by incoming and by outgoing id, on its own port only', () => {
    const { table, random } = tableOf();
    const route = add(table, random, [1, 2]);
    expectFound(table, route);
    expect(table.outIdOf(2 * route.slot + 1)).toEqual(route.outIds[1]);
    expect(table.findIncoming(2, route.inIds[0], 0)).toBe(NONE);
    expect(table.findOutgoing(1, route.outIds[1], 0)).toBe(NONE);
    expect(table.findIncoming(1, route.outIds[0], 0)).toBe(NONE);
    const within = Uint8Array.of(9, 9, 9, ...route.inIds[0]);
    expect(table.findIncoming(1, within, 3)).toBe(2 * route.slot);
  });

  it('refuses an id that is in use on the port, and then holds nothing of it', () => {
    const { table, random } = tableOf();
    const route = add(table, random, [1, 2]);
    const slot = table.claim(0, 0);
    expect(table.attach(2 * slot, 1, route.inIds[0], idOf(random))).toBe(false);
    const inId = idOf(random);
    expect(table.attach(2 * slot, 1, inId, route.outIds[0])).toBe(false);
    expect(table.findIncoming(1, inId, 0)).toBe(NONE);
    expect(table.attach(2 * slot, 3, route.inIds[0], route.outIds[0])).toBe(true);
    expectFound(table, route);
  });

  it('holds 100,000 idle routes in 64 MiB with what is remembered of them, each found in a few steps', () => {
    const { table, random } = tableOf();
    const dormant = new DormantFlows();
    const routes = Array.from({ length: 100_000 }, (_, i) => add(table, random, [i % 50, 50 + (i % 30)]));
    expect(table.count).toBe(100_000);
    for (const { slot } of routes) dormant.begin(slot, table.capacity);
    expect(table.memoryBytes + dormant.memoryBytes).toBeLessThanOrEqual(64 * MIB);
    for (const route of routes) expectFound(table, route);
    // Linear probing at a load of 0.38: (1 + 1 / (1 - load)) / 2 = 1.31 steps to find an id (Knuth, 6.4).
    expect(table.probeLengths().mean).toBeLessThan(1.5);
    expect(table.probeLengths().longest).toBeLessThan(64);
  });

  it('takes no more steps for ids that were chosen to collide under a hash without a key', () => {
    const { table, random } = tableOf();
    for (let i = 0; i < 20_000; i++) {
      // Ids that differ in the top bits of their words only: sums, products and shifts of words fold them together.
      const slot = table.claim(0, 0);
      const id = new Uint8Array(16);
      for (let word = 0; word < 4; word++) id[4 * word] = (i >>> (4 * word)) << 4;
      id[15] = 1;
      expect(table.attach(2 * slot, 1, id, idOf(random))).toBe(true);
    }
    expect(table.probeLengths().mean).toBeLessThan(1.5);
    expect(table.probeLengths().longest).toBeLessThan(64);
  });

  it('grows by doubling and never beyond its limit', () => {
    const { table, random } = tableOf(1_000);
    const before = table.memoryBytes;
    const routes = Array.from({ length: 1_000 }, () => add(table, random, [1, 2]));
    expect(table.claim(0, 0)).toBe(NONE);
    expect(table.capacity).toBe(1_024);
    expect(table.memoryBytes).toBeLessThan(4.1 * before);
    for (const route of routes) expectFound(table, route);
  });

  it('forgets a released route wholly, secret included, and uses its slot again', () => {
    const { table, random } = tableOf();
    const route = add(table, random, [1, 2]);
    table.setSecret(route.slot, new Uint8Array(SECRET_BYTES).fill(7));
    const secret = table.secretOf(route.slot);
    table.release(route.slot);
    expect(secret).toEqual(new Uint8Array(SECRET_BYTES));
    expect(table.count).toBe(0);
    expect(table.isUsed(route.slot)).toBe(false);
    for (const side of [0, 1]) {
      expect(table.findIncoming(route.ports[side], route.inIds[side], 0)).toBe(NONE);
      expect(table.findOutgoing(route.ports[side], route.outIds[side], 0)).toBe(NONE);
      expect(table.portOf(2 * route.slot + side)).toBe(NO_PORT);
      expect(table.firstOf(route.ports[side])).toBe(NONE);
    }
    expect(add(table, random, [1, 2]).slot).toBe(route.slot);
  });

  it('wipes the old memory of secrets when it grows', () => {
    const { table, random } = tableOf();
    const first = add(table, random, [1, 2]);
    table.setSecret(first.slot, new Uint8Array(SECRET_BYTES).fill(7));
    const old = table.secretOf(first.slot);
    while (table.capacity === 256) add(table, random, [1, 2]);
    expect(old).toEqual(new Uint8Array(SECRET_BYTES));
    expect(table.secretOf(first.slot)).toEqual(new Uint8Array(SECRET_BYTES).fill(7));
  });

  it('lists the routes of a port while others come and go', () => {
    const { table, random } = tableOf();
    const routes = Array.from({ length: 300 }, (_, i) => add(table, random, [i % 3, 10]));
    for (const route of routes.filter((_, i) => i % 2 === 0)) table.release(route.slot);
    const left = new Set(routes.filter((_, i) => i % 2 === 1 && i % 3 === 1).map(({ slot }) => slot));
    for (let half = table.firstOf(1); half !== NONE; half = table.firstOf(1)) {
      expect(left.delete(half >> 1)).toBe(true);
      table.release(half >> 1);
    }
    expect(left.size).toBe(0);
  });

  it('names the routes that were not used since a time', () => {
    const { table } = tableOf();
    const slots = [0, 10, 20].map((at) => table.claim(0, at));
    expect(table.nextIdle(0, table.capacity, 5)).toBe(slots[0]);
    table.touch(slots[0], 30);
    expect(table.nextIdle(0, table.capacity, 5)).toBe(NONE);
    expect(table.nextIdle(0, table.capacity, 10)).toBe(slots[1]);
    expect(table.nextIdle(slots[1] + 1, table.capacity, 25)).toBe(slots[2]);
  });
});
