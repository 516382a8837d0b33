import { describe, expect, test } from 'vitest';
import { toHex } from '../../../src/base/bytes.ts';
import type { NodeKey } from '../../../src/base/ids.ts';
import { DISCOVERY_TUNING } from '../../../src/discovery/tuning.ts';
import { ipv4Endpoint, ipv6Segment, linkLocal } from './endpoints.ts';
import { beaconOf, DiscoveringBox, identityOf, WALL_MS } from './segment-network.ts';

const friend = identityOf('friend').key;
const far = ipv4Endpoint(0xc0000207, 6969);
const farther = ipv4Endpoint(0xc0000208, 6969);
const { maxRemembered, callFirstWaitMs, callLastWaitMs, enoughFound, placesForRemembered } = DISCOVERY_TUNING;
const WALL_S = WALL_MS / 1_000;

function line(key: NodeKey, endpoint = far, goodAtS = WALL_S, upS = 100): string {
  return `${toHex(key)} ${toHex(endpoint)} ${goodAtS} ${upS}`;
}

function boxWith(kept: { lines: readonly string[]; saves: number }, accept?: 'known' | 'any'): DiscoveringBox {
  const box = new DiscoveringBox('box', accept, {}, kept);
  box.discovery.start(0);
  return box;
}

function boxThatKept(...lines: string[]): DiscoveringBox {
  return boxWith({ lines, saves: 0 });
}

/** A stranger comes from afar and stays. */
function comes(box: DiscoveringBox, key: NodeKey, endpoint = far): void {
  expect(box.discovery.admits(key, endpoint, box.now)).toBe(true);
  box.linkUp(key, endpoint);
}

describe('a neighbour whose link worked for 10 s', () => {
  test('is written down with its place, and once an hour how long it was up', () => {
    const kept = { lines: [] as readonly string[], saves: 0 };
    const box = boxWith(kept, 'any');
    comes(box, friend);
    box.run(9_999);
    expect(kept.lines).toEqual([]);
    box.run(3_600_000);
    expect(kept.saves).toBe(1);
    expect(kept.lines).toEqual([line(friend, far, WALL_S + 10, 10)]);
    box.run(3_620_000);
    expect(kept.saves).toBe(2);
    expect(kept.lines).toEqual([line(friend, far, WALL_S + 3_610, 3_610)]);
  });

  test('is written down with its new place, and when the node ends', () => {
    const kept = { lines: [] as readonly string[], saves: 0 };
    const box = boxWith(kept, 'any');
    comes(box, friend);
    box.run(15_000);
    box.peers.heardAt.set(toHex(friend), farther);
    box.run(20_000);
    expect(kept.lines).toEqual([line(friend, farther, WALL_S + 20, 20)]);
    box.run(25_000);
    box.discovery.stop(25_000);
    expect(kept.lines).toEqual([line(friend, farther, WALL_S + 25, 25)]);
  });

  test('that changes its place all the time is written once a minute in the long run', () => {
    const kept = { lines: [] as readonly string[], saves: 0 };
    const box = boxWith(kept, 'any');
    comes(box, friend);
    for (; box.now < 3_600_000; box.run(box.now + 10_000)) {
      box.peers.heardAt.set(toHex(friend), ipv4Endpoint(box.now / 10_000));
    }
    expect(kept.saves).toBeLessThanOrEqual(60 + DISCOVERY_TUNING.savesAtOnce);
  });

  test('is not one that somebody configured, nor anybody at a node that takes no strangers', () => {
    const kept = { lines: [] as readonly string[], saves: 0 };
    const box = boxWith(kept, 'any');
    box.peers.add(friend, undefined);
    box.linkUp(friend, far);
    box.run(100_000);
    const known = boxWith({ lines: [line(friend)], saves: 0 }, 'known');
    known.run(100_000);
    expect(kept.saves).toBe(0);
    expect(known.peers.told).toEqual([]);
  });
});

describe('a node that starts', () => {
  test('calls those it remembers, who was up the longest first, two a second', () => {
    const others = [1, 2, 3].map((i) => identityOf(`other ${i}`).key);
    const box = boxThatKept(...others.map((key, i) => line(key, ipv4Endpoint(i + 1), WALL_S, i)));
    const calls: number[] = [];
    for (; box.now <= 1_000; box.run(box.now + 100)) calls.push(box.peers.endpoints.length);
    expect(calls[calls.length - 1]).toBe(3);
    expect(calls.indexOf(3) - calls.indexOf(2)).toBe(5);
    expect(box.peers.endpoints).toEqual([3, 2, 1].map((address) => ipv4Endpoint(address)));
    expect(box.events).toEqual(['peers-remembered']);
  });

  test('calls one that does not answer again at growing pauses, and gives it up never', () => {
    const box = boxThatKept(line(friend));
    box.run(24 * 3_600_000);
    const calls = box.peers.told.filter((told) => told === 'add').length;
    expect(calls).toBeGreaterThan((24 * 3_600_000) / callLastWaitMs);
    expect(calls).toBeLessThan((24 * 3_600_000) / callLastWaitMs + 20);
    expect(box.peers.states.size).toBeLessThanOrEqual(1);
  });

  test('calls nobody while it has found enough', () => {
    const box = boxThatKept(line(friend));
    box.discovery.segmentsChanged([ipv6Segment(1)], 0);
    for (let i = 0; i < enoughFound; i++) {
      const key = identityOf(`stranger ${i}`).key;
      expect(box.discovery.admits(key, linkLocal(1, i), 0)).toBe(true);
      box.linkUp(key);
    }
    box.run(60_000);
    expect(box.peers.told).toEqual([]);
    for (let i = 0; i < enoughFound; i++) box.linkDown(identityOf(`stranger ${i}`).key);
    box.run(60_000 + 2 * callLastWaitMs);
    expect(box.peers.endpoints).toContainEqual(far);
  });

  test('calls from the start again when a segment came, and when a link is lost', () => {
    const box = boxThatKept(line(friend));
    box.run(3_600_000);
    const before = box.peers.told.length;
    box.discovery.segmentsChanged([ipv6Segment(1)], box.now);
    box.run(box.now + 100);
    expect(box.peers.told.slice(before)).toEqual(['add']);
    box.linkUp(friend, far);
    box.run(box.now + 100_000);
    expect(box.peers.told.slice(before)).toEqual(['add']);
    box.linkDown(friend);
    box.run(box.now + 60_000 + 16 * callFirstWaitMs);
    expect(box.peers.told.slice(before, before + 3)).toEqual(['add', 'remove', 'add']);
  });

  test('forgets who was not good for 30 days, and nobody because its clock is wrong', () => {
    const box = boxThatKept(
      line(friend, far, WALL_S - 31 * 86_400),
      line(identityOf('fresh').key, farther, WALL_S + 9e7),
    );
    box.run(0);
    expect(box.peers.endpoints).toEqual([farther]);
  });
});

describe('a damaged file', () => {
  test.each([
    ['half a line', line(friend).slice(0, 40)],
    ['a key that is no point', line(Uint8Array.of(2, ...new Uint8Array(32).fill(0xff)) as NodeKey)],
    ['a number that is none', `${line(friend)}x`],
    ['noise', '\u0000\u0001\u0002 \u0003'],
  ])('costs the line with %s and no other, and is said', (_, damaged) => {
    const other = identityOf('other').key;
    const box = boxThatKept(damaged, line(other, farther));
    box.run(60_000);
    expect(box.events).toEqual(['peers-damaged', 'peers-remembered']);
    expect(box.peers.endpoints.every((endpoint) => toHex(endpoint) === toHex(farther))).toBe(true);
    expect(box.peers.endpoints.length).toBeGreaterThan(0);
  });

  test('is read up to 64 lines', () => {
    const box = boxThatKept(...Array.from({ length: 70 }, (_, i) => line(identityOf(`peer ${i}`).key)));
    expect(box.events).toEqual(['peers-damaged', 'peers-remembered']);
    for (let i = 0; i < 70; i++) {
      const isKept = box.discovery.admits(identityOf(`peer ${i}`).key, far, 0);
      if (isKept) box.discovery.linkUp(identityOf(`peer ${i}`).key, 0);
      expect(isKept, `${i}`).toBe(i < DISCOVERY_TUNING.maxFoundOnSegment + placesForRemembered);
    }
  });
});

describe('strangers', () => {
  test('that come and go put out nobody who was up for longer', () => {
    const lines = Array.from({ length: maxRemembered }, (_, i) =>
      line(identityOf(`peer ${i}`).key, far, WALL_S, 60 + i),
    );
    const kept = { lines: lines as readonly string[], saves: 0 };
    const box = boxWith(kept, 'any');
    for (let i = 0; i < 100; i++) {
      const key = identityOf(`stranger ${i}`).key;
      expect(box.discovery.admits(key, farther, box.now)).toBe(true);
      box.linkUp(key, farther);
      box.run(box.now + 59_000);
      box.linkDown(key);
      box.run(box.now + 61_000);
    }
    box.discovery.stop(box.now);
    expect(kept.lines.filter((text) => text.includes(toHex(farther)))).toEqual([]);
    comes(box, friend, farther);
    box.run(box.now + 65_000);
    box.discovery.stop(box.now);
    expect(kept.lines.filter((text) => text.includes(toHex(farther)))).toHaveLength(1);
    expect(kept.lines).toHaveLength(maxRemembered);
    expect(kept.lines.some((text) => text.startsWith(toHex(identityOf('peer 0').key)))).toBe(false);
  });

  test('that fill a segment leave places for who is remembered, from anywhere', () => {
    const box = boxThatKept(line(friend));
    box.discovery.segmentsChanged([ipv6Segment(1)], 0);
    for (let i = 0; i < 20; i++) {
      const key = identityOf(`stranger ${i}`).key;
      if (box.discovery.admits(key, linkLocal(1, i), 0)) box.linkUp(key);
    }
    expect(box.discovery.admits(identityOf('another').key, linkLocal(1, 99), 0)).toBe(false);
    expect(box.discovery.admits(identityOf('another').key, far, 0)).toBe(false);
    expect(box.discovery.admits(friend, linkLocal(1, 100), 0)).toBe(true);
  });

  test('that call by beacon are no reason to forget the remembered', () => {
    const box = boxThatKept(line(friend));
    box.discovery.segmentsChanged([ipv6Segment(1)], 0);
    for (let i = 0; i < 30; i++) box.hear(1, linkLocal(1, i), beaconOf(`stranger ${i}`));
    box.run(100);
    expect(box.peers.endpoints).toContainEqual(far);
  });
});
