/** Nodes that meet through a neighbour they have in common: all three ends of it. */
import { describe, expect, test } from 'vitest';
import { toHex } from '../../../src/base/bytes.ts';
import type { NodeKey } from '../../../src/base/ids.ts';
import { addressHash } from '../../../src/crypto/address.ts';
import { DISCOVERY_TUNING } from '../../../src/discovery/tuning.ts';
import { encodeMeet, encodeSeek, parseNodePlace, parseSeek } from '../../../src/wire/meeting.ts';
import { ipv4Endpoint, linkLocal } from './endpoints.ts';
import { DiscoveringBox, IPV4_SOCKET, identityOf, WALL_MS } from './segment-network.ts';

const [a, b, c] = ['a', 'b', 'common'].map((name) => identityOf(name).key);
const PLACE_A = ipv4Endpoint(0xc6336401, 40_001);
const PLACE_B = ipv4Endpoint(0xcb007102, 40_002);

function seek(...keys: NodeKey[]): Uint8Array {
  return encodeSeek(keys.map(addressHash));
}

/** What a box said to a neighbour, without repeats. */
function saidTo(box: DiscoveringBox, key: NodeKey) {
  return box.messages.filter(({ to }) => to === toHex(key)).map(({ message }) => message);
}

describe('the neighbour of both', () => {
  function common(placeA = PLACE_A, placeB = PLACE_B): DiscoveringBox {
    const box = new DiscoveringBox('common');
    box.linkUp(a, placeA);
    box.linkUp(b, placeB);
    return box;
  }

  test('tells each where the other is, once both seek each other', () => {
    const box = common();
    box.discovery.message(a, seek(c, b), 0);
    expect(box.messages).toEqual([]);
    box.discovery.message(b, seek(a), 0);
    expect(saidTo(box, a).map(parseNodePlace)).toMatchObject([{ node: b, endpoint: PLACE_B }]);
    expect(saidTo(box, b).map(parseNodePlace)).toMatchObject([{ node: a, endpoint: PLACE_A }]);
  });

  test('tells nothing of one who has stopped seeking, or whose link went down', () => {
    const box = common();
    box.discovery.message(a, seek(b), 0);
    box.discovery.message(a, seek(), 0);
    box.discovery.message(b, seek(a), 0);
    box.discovery.message(a, seek(b), 0);
    expect(box.messages).toHaveLength(2);
    box.linkDown(a);
    box.linkUp(a, PLACE_A);
    box.discovery.message(b, seek(a), 0);
    expect(box.messages).toHaveLength(2);
  });

  test('tells no address that means nothing where the other one is', () => {
    const home = ipv4Endpoint(0xc0a80107, 6969);
    const box = common(home);
    box.discovery.message(a, seek(b), 0);
    box.discovery.message(b, seek(a), 0);
    expect([saidTo(box, a).length, saidTo(box, b).length]).toEqual([1, 0]);
    const onCable = common(linkLocal(1, 1), linkLocal(1, 2));
    onCable.discovery.message(a, seek(b), 0);
    onCable.discovery.message(b, seek(a), 0);
    expect(onCable.messages).toEqual([]);
  });

  test('hears no more than eight at once and two a second, and drops what is no SEEK', () => {
    const box = common();
    for (let i = 0; i < DISCOVERY_TUNING.soughtAtOnce + 5; i++) box.discovery.message(a, seek(b), 0);
    expect(box.drops.get('seek-rate')).toBe(5);
    box.discovery.message(b, seek(a).subarray(0, 20), 0);
    expect(box.drops.get('seek-malformed')).toBe(1);
    box.discovery.message(identityOf('nobody').key, seek(a), 0);
    expect(box.drops.get('seek-rate')).toBe(6);
  });
});

describe('who seeks', () => {
  const boxFor = (...configured: NodeKey[]) => new DiscoveringBox('a', 'known', {}, undefined, configured);

  test('asks every neighbour at once, then after 5 s and ever more seldom, until it has whom it seeks', () => {
    const box = boxFor(b, c);
    box.linkUp(c);
    box.run(40_000);
    expect(box.messages.map(({ at }) => at)).toEqual([0, 5_000, 15_000, 35_000]);
    for (const { message } of box.messages) expect(parseSeek(message)).toEqual([addressHash(b)]);
    box.linkUp(b);
    box.run(3_600_000);
    expect(box.messages.slice(4).map(({ to, message }) => [to, parseSeek(message)])).toEqual([
      [toHex(c), []],
      [toHex(b), []],
    ]);
  });

  test('asks for whom it remembers, too, but for no more than 32', () => {
    const kept = { lines: [] as readonly string[], saves: 0 };
    const remembered = Array.from({ length: 40 }, (_, i) => identityOf(`friend ${i}`).key);
    const place = toHex(PLACE_B);
    kept.lines = remembered.map((key, i) => `${toHex(key)} ${place} ${WALL_MS / 1_000} ${1_000 - i}`);
    const box = new DiscoveringBox('a', 'segment', {}, kept, [b]);
    box.discovery.start(0);
    box.linkUp(c);
    box.discovery.wake(0);
    const sought = parseSeek(box.messages[0].message)!;
    expect(sought).toEqual([b, ...remembered].slice(0, 32).map(addressHash));
  });

  test('calls whom it seeks where a neighbour says, and nobody else', () => {
    const box = boxFor(b, c);
    box.linkUp(c);
    box.discovery.message(c, encodeMeet(b, PLACE_B), 0);
    expect(box.peers.told).toEqual(['meet']);
    expect([...box.peers.endpoints[0]]).toEqual([IPV4_SOCKET, ...PLACE_B.subarray(1)]);
    box.discovery.message(c, encodeMeet(identityOf('stranger').key, PLACE_B), 0);
    expect(box.drops.get('meet-unsought')).toBe(1);
    box.linkUp(b);
    box.discovery.message(c, encodeMeet(b, PLACE_B), 0);
    expect(box.peers.told).toEqual(['meet']);
  });

  test('goes to a new place of one that it remembers, and gives it the time of a handshake', () => {
    const kept = { lines: [`${toHex(b)} ${toHex(PLACE_A)} ${WALL_MS / 1_000} 50`], saves: 0 };
    const box = new DiscoveringBox('a', 'segment', {}, kept);
    box.discovery.start(0);
    box.linkUp(c);
    box.run(2_900);
    expect(box.peers.told).toEqual(['add']);
    box.discovery.message(c, encodeMeet(b, PLACE_B), box.now);
    box.run(5_800);
    expect(box.peers.told).toEqual(['add', 'meet']);
    box.run(5_900);
    expect(box.peers.told.slice(2)).toEqual(['remove']);
    box.discovery.message(c, encodeMeet(b, PLACE_B), box.now);
    expect(box.peers.told.at(-1)).toBe('add');
  });

  test('goes to no place without a socket for it, and to eight at once and two a second', () => {
    const box = boxFor(b, c);
    box.linkUp(c);
    box.discovery.message(c, encodeMeet(b, linkLocal(1, 1)), 0);
    box.discovery.message(c, encodeMeet(b, ipv4Endpoint(0x7f000001)), 0);
    expect(box.drops.get('meet-place')).toBe(2);
    box.discovery.message(c, encodeMeet(b, PLACE_B).subarray(0, 40), 0);
    expect(box.drops.get('meet-malformed')).toBe(1);
    for (let i = 0; i < DISCOVERY_TUNING.metAtOnce + 3; i++) box.discovery.message(c, encodeMeet(b, PLACE_B), 0);
    expect(box.drops.get('meet-rate')).toBe(3);
    expect(box.peers.told).toHaveLength(DISCOVERY_TUNING.metAtOnce);
  });
});
