/** Whether a node answers at an address, without a link. */
import { describe, expect, test } from 'vitest';
import { DATAGRAM_FINAL, DATAGRAM_INIT, DATAGRAM_RESPONSE } from '../../../src/wire/handshake.ts';
import { ofType, WirePair } from './wire-pair.ts';

function twoStrangers() {
  const world = new WirePair();
  const a = world.add('a');
  const b = world.add('b');
  for (const node of [a, b]) node.links.start(world.now);
  return { world, a, b };
}

describe('a probe', () => {
  test('is answered by who has the key, and leaves no link behind', () => {
    const { world, a, b } = twoStrangers();
    const answered: number[] = [];
    expect(a.links.probe(b.identity.key, b.endpoint, (now) => answered.push(now))).toBe(true);
    world.run(60_000);
    expect(answered).toEqual([1_020]);
    expect([DATAGRAM_INIT, DATAGRAM_RESPONSE, DATAGRAM_FINAL].map((type) => ofType(world.seen, type).length)).toEqual([
      1, 1, 0,
    ]);
    expect([...a.told, ...b.told]).toEqual([]);
  });

  test('is tried three times where nobody answers, and given up', () => {
    const { world, a, b } = twoStrangers();
    a.links.probe(b.identity.key, world.address(99), () => expect.unreachable());
    world.run(60_000);
    expect(ofType(world.seen, DATAGRAM_INIT)).toHaveLength(3);
    expect(a.links.nextWakeAt()).toBe(Number.POSITIVE_INFINITY);
  });

  test('survives the loss of its first datagrams', () => {
    const { world, a, b } = twoStrangers();
    let lost = 0;
    world.filter = ({ bytes }) => bytes[0] !== DATAGRAM_INIT || ++lost > 2;
    let answers = 0;
    a.links.probe(b.identity.key, b.endpoint, () => answers++);
    world.run(5_000);
    expect(answers).toBe(1);
  });

  test('takes no answer of somebody else at that address', () => {
    const { world, a, b } = twoStrangers();
    const other = world.add('other');
    other.links.start(world.now);
    a.links.probe(b.identity.key, other.endpoint, () => expect.unreachable());
    world.run(5_000);
    expect(other.drops.get('handshake-mac1')).toBe(3);
    world.filter = (datagram) => {
      if (datagram.bytes[0] === DATAGRAM_RESPONSE) datagram.bytes[20] ^= 1;
      return true;
    };
    a.links.probe(b.identity.key, b.endpoint, () => expect.unreachable());
    world.run(5_000);
    expect(a.drops.get('handshake-mac1')).toBeGreaterThan(0);
  });

  test('is one of eight at most', () => {
    const { world, a, b } = twoStrangers();
    const begun = Array.from({ length: 9 }, () => a.links.probe(b.identity.key, world.address(99), () => {}));
    expect(begun.filter((one) => one)).toHaveLength(8);
    a.links.stop(world.now);
    expect(a.links.probe(b.identity.key, world.address(99), () => {})).toBe(true);
  });
});
