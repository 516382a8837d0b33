import { describe, expect, test } from 'vitest';
import type { HeardBox } from '../../../src/radio/radio.ts';
import { RadioPolicy } from '../../../src/radio/radio-policy.ts';
import { RADIO_TUNING } from '../../../src/radio/tuning.ts';
import { ACCESS_POINT, type BoxOptions, hashOf, RadioWorld, type WorldBox } from './radio-world.ts';

function street(...options: BoxOptions[]): RadioWorld {
  const world = new RadioWorld(options);
  for (const { policy } of world.boxes) policy.start(0);
  return world;
}

function joins(box: WorldBox): number {
  return box.commands.filter(({ command }) => command.kind === 'join').length;
}

function scans(box: WorldBox, from: number): readonly (readonly number[])[] {
  return box.commands.flatMap(({ at, command }) =>
    at >= from && command.kind === 'scan' ? [command.frequenciesMhz] : [],
  );
}

describe('two boxes', () => {
  test('are linked within seconds, by one of them alone', () => {
    const world = street({}, {});
    world.runUntil(5_000);
    expect(world.areLinked(world.boxes[0], world.boxes[1])).toBe(true);
    expect(world.boxes.map(joins)).toEqual([0, 1]);
  });

  test('meet on the one frequency that both may use', () => {
    const world = street({}, { frequenciesMhz: [2412, 5220] });
    world.runUntil(15_000);
    expect(world.areLinked(world.boxes[0], world.boxes[1])).toBe(true);
    expect(world.boxes.map(({ policy }) => policy.frequencyMhz)).toEqual([2412, 2412]);
  });

  test('meet where the owner of one said, wherever that is', () => {
    const world = street({ pinnedMhz: 5200 }, {});
    world.runUntil(40_000);
    expect(world.areLinked(world.boxes[0], world.boxes[1])).toBe(true);
    expect(world.boxes[1].policy.frequencyMhz).toBe(5200);
  });

  test('find each other again when an access point was gone', () => {
    const world = street({}, {});
    world.runUntil(5_000);
    world.drop(world.boxes[0]);
    expect(world.areLinked(world.boxes[0], world.boxes[1])).toBe(false);
    world.runUntil(20_000);
    expect(world.areLinked(world.boxes[0], world.boxes[1])).toBe(true);
  });
});

test('a station without an access point goes to whoever it hears, wherever that is', () => {
  const plan = { mesh: false, accessPoint: false, stations: 1 };
  const world = street({ plan }, { pinnedMhz: 5200 });
  world.runUntil(6_000);
  expect(world.areLinked(world.boxes[0], world.boxes[1])).toBe(true);
  expect(world.boxes.map(joins)).toEqual([1, 0]);
});

test('in a line, the middle one is linked with both ends', () => {
  const world = new RadioWorld([{}, {}, {}], (a, b) => Math.abs(a - b) === 1);
  for (const { policy } of world.boxes) policy.start(0);
  world.runUntil(30_000);
  expect(world.areLinked(world.boxes[0], world.boxes[1])).toBe(true);
  expect(world.areLinked(world.boxes[1], world.boxes[2])).toBe(true);
});

test('nobody looks around while a call runs', () => {
  const world = street({});
  world.boxes[0].isCall = true;
  world.runUntil(300_000);
  expect(scans(world.boxes[0], 0)).toEqual([]);
  world.boxes[0].isCall = false;
  world.runUntil(310_000);
  expect(scans(world.boxes[0], 0).length).toBeGreaterThan(0);
});

test('who has a neighbour looks nowhere else, and ever more rarely', () => {
  const world = street({}, {});
  world.runUntil(10_000);
  world.runUntil(3_600_000);
  const later = scans(world.boxes[1], 10_000);
  expect(later.every((frequencies) => frequencies.length === 1)).toBe(true);
  expect(later.length).toBeLessThan(20);
});

test('who is alone looks everywhere in portions of four, and once a minute in the end', () => {
  const world = street({});
  world.runUntil(3_600_000);
  expect(scans(world.boxes[0], 0)[0]).toEqual([2437, 2412, 2462, 5180]);
  expect(scans(world.boxes[0], 3_000_000).length).toBeLessThanOrEqual(2 * 11);
});

describe('an impostor', () => {
  const IMPOSTOR: HeardBox = {
    hash: hashOf(1),
    ssid: 'x',
    bssid: '02:00:00:00:00:01',
    frequencyMhz: 2437,
    signalDbm: -30,
  };

  function joined(): RadioPolicy {
    const policy = new RadioPolicy({
      ownHash: hashOf(9),
      plan: ACCESS_POINT,
      frequenciesMhz: [2437],
      pinnedMhz: undefined,
      isLinked: () => false,
      isCallRunning: () => false,
    });
    policy.start(0);
    policy.wake(0);
    policy.drain();
    policy.scanned([IMPOSTOR], 100);
    expect(policy.drain()).toEqual([{ kind: 'join', station: 0, box: IMPOSTOR }]);
    policy.joined(0, 500);
    return policy;
  }

  test('that lets the station in and gives no link is left after 30 s, and then left alone', () => {
    const policy = joined();
    const until = 500 + RADIO_TUNING.linkMs;
    policy.wake(until - 1);
    expect(policy.drain().some(({ kind }) => kind === 'leave')).toBe(false);
    policy.scanned([IMPOSTOR], until - 1);
    expect(policy.drain()).toEqual([]);
    policy.wake(until);
    const commands = policy.drain();
    expect(commands).toContainEqual({ kind: 'leave', station: 0 });
    expect(commands.some(({ kind }) => kind === 'join')).toBe(false);
  });

  test('that calls itself this box is not joined', () => {
    const policy = joined();
    policy.scanned([{ ...IMPOSTOR, hash: hashOf(9) }], 1_000);
    expect(policy.drain().some(({ kind }) => kind === 'join')).toBe(false);
  });

  test('with a thousand names fills a table of 64 and no more', () => {
    const policy = joined();
    const crowd = Array.from({ length: 1_000 }, (_, number) => {
      const hash = new Uint8Array(20).fill(1);
      hash[0] = number & 0xff;
      hash[1] = number >> 8;
      return { ...IMPOSTOR, hash };
    });
    policy.scanned(crowd, 1_000);
    expect(policy.heardCount).toBe(RADIO_TUNING.mostHeard);
  });
});

describe('a mesh', () => {
  const OTHERS: HeardBox = {
    hash: undefined,
    ssid: '',
    bssid: '02:00:00:00:00:02',
    frequencyMhz: 2412,
    signalDbm: -60,
  };

  function mesh(frequenciesMhz: readonly number[]): RadioPolicy {
    const policy = new RadioPolicy({
      ownHash: hashOf(9),
      plan: { mesh: true, accessPoint: true, stations: 0 },
      frequenciesMhz,
      pinnedMhz: undefined,
      isLinked: () => false,
      isCallRunning: () => false,
    });
    policy.start(0);
    policy.wake(0);
    policy.drain();
    return policy;
  }

  test('without members goes to where it hears one, at once when that is the more preferred frequency', () => {
    const policy = mesh([2412, 2437]);
    expect(policy.frequencyMhz).toBe(2412);
    const other = mesh([2437, 2412]);
    other.scanned([OTHERS], 100);
    expect(other.drain()).toEqual([]);
    other.wake(100 + RADIO_TUNING.letOthersMs);
    expect(other.drain()).toContainEqual({ kind: 'move', frequencyMhz: 2412 });
  });

  test('with members stays and does not look around, until they are gone', () => {
    const policy = mesh([2437, 2412]);
    policy.scanned([], 100);
    policy.meshHas(2, 200);
    policy.wake(1e9);
    expect(policy.drain()).toEqual([]);
    policy.meshHas(0, 1e9);
    policy.wake(1e9);
    expect(policy.drain()).toEqual([{ kind: 'scan', frequenciesMhz: [2437, 2412] }]);
  });
});
