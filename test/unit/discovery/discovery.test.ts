import { describe, expect, test } from 'vitest';
import { readU16 } from '../../../src/base/bytes.ts';
import { DISCOVERY_TUNING } from '../../../src/discovery/tuning.ts';
import { parseBeacon } from '../../../src/wire/beacon.ts';
import { ipv4Endpoint, ipv6Segment, linkLocal } from './endpoints.ts';
import { beaconOf, DiscoveringBox, identityOf, WALL_MS } from './segment-network.ts';

const eth1 = ipv6Segment(1);
const eth2 = ipv6Segment(2);
const friend = identityOf('friend').key;

function boxOn(...segments: ReturnType<typeof ipv6Segment>[]): DiscoveringBox {
  const box = new DiscoveringBox('box');
  box.discovery.segmentsChanged(segments, 0);
  return box;
}

/** One that hears a friend's beacon on a segment. */
function hearingBox(accept?: ConstructorParameters<typeof DiscoveringBox>[1], tuning = {}): DiscoveringBox {
  const box = new DiscoveringBox('box', accept, tuning);
  box.discovery.segmentsChanged([eth1], 0);
  return box;
}

describe('calling', () => {
  test('begins at once on every segment, fast at first, then every 10 s give or take a quarter', () => {
    const box = boxOn(eth1);
    box.run(60_000);
    const at = box.beacons.map((beacon) => beacon.at);
    expect(at.slice(0, 6)).toEqual([0, 250, 750, 1_750, 3_750, 7_750]);
    const gaps = at.slice(6).map((time, i) => time - at[i + 5]);
    for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(7_500);
    for (const gap of gaps) expect(gap).toBeLessThanOrEqual(12_500);
    expect(new Set(gaps).size).toBeGreaterThan(1);
  });

  test('names the node, its port and the time, signed', () => {
    const box = boxOn(eth1);
    box.run(0);
    expect(parseBeacon(box.beacons[0].bytes)).toEqual({
      node: box.identity.key,
      port: 6969,
      time: WALL_MS / 1_000,
      takesStrangers: true,
    });
    const known = new DiscoveringBox('box', 'known');
    known.discovery.segmentsChanged([eth1], 0);
    known.run(0);
    expect(parseBeacon(known.beacons[0].bytes)).toMatchObject({ takesStrangers: false });
  });

  test('begins anew on a segment that comes later, and goes on under another name', () => {
    const box = boxOn(eth1);
    box.run(20_000);
    const before = box.beacons.length;
    box.discovery.segmentsChanged([{ ...eth1, name: 'lan7' }, eth2], box.now);
    box.run(20_100);
    expect(box.beacons.slice(before).map(({ segment }) => segment)).toEqual([2]);
  });

  test('ends on a segment that is gone, and where no address is', () => {
    const box = boxOn(eth1, { ...eth2, ipv6: undefined });
    box.run(1_000);
    expect(box.beacons.every(({ segment }) => segment === 1)).toBe(true);
    box.discovery.segmentsChanged([], box.now);
    const before = box.beacons.length;
    box.run(60_000);
    expect(box.beacons).toHaveLength(before);
  });

  test('happens everywhere when a link went down, but not twice in a second', () => {
    const box = boxOn(eth1, eth2);
    box.run(20_000);
    const before = box.beacons.length;
    box.linkDown(friend);
    box.linkDown(friend);
    box.run(20_100);
    expect(box.beacons.length - before).toBeLessThanOrEqual(2);
    box.run(21_000);
    expect(box.beacons.length - before).toBe(2);
  });
});

describe('a beacon of a stranger', () => {
  test('leads to a handshake at its address, with the port that it names', () => {
    const box = hearingBox();
    box.hear(1, linkLocal(1, 77), beaconOf('friend'));
    expect(box.peers.told).toEqual(['add']);
    expect(box.peers.endpoints).toEqual([linkLocal(1, 77, 6969)]);
  });

  test('is forgotten after 3 s without a link, and tried again when it comes again', () => {
    const box = hearingBox();
    box.hear(1, linkLocal(1, 77), beaconOf('friend'));
    box.run(2_999);
    expect(box.peers.told).toEqual(['add']);
    box.run(3_000);
    expect(box.peers.told).toEqual(['add', 'remove']);
    box.hear(1, linkLocal(1, 77), beaconOf('friend'));
    expect(box.peers.told).toEqual(['add', 'remove', 'add']);
  });

  test.each([
    ['its own', 'beacon-own', () => beaconOf('box'), 1, linkLocal(1, 5)],
    ['one on a segment that is not here', 'beacon-segment', () => beaconOf('friend'), 9, linkLocal(9, 5)],
    ['one from an address off the segment', 'beacon-off-segment', () => beaconOf('friend'), 1, linkLocal(2, 5)],
    ['one of long ago', 'beacon-time', () => beaconOf('friend', -181_000), 1, linkLocal(1, 5)],
    ['one of a clock far ahead', 'beacon-time', () => beaconOf('friend', 182_000), 1, linkLocal(1, 5)],
    ['one that takes no strangers', 'beacon-stranger', () => beaconOf('friend', 0, 'known'), 1, linkLocal(1, 5)],
  ])('is dropped by name: %s', (_, reason, bytes, segment, endpoint) => {
    const box = hearingBox();
    box.hear(segment, endpoint, bytes());
    expect(box.drops.toJSON()).toEqual({ [reason]: 1 });
    expect(box.peers.told).toEqual([]);
  });

  test('is dropped when a single bit of it differs', () => {
    const beacon = beaconOf('friend');
    const box = hearingBox('segment', { verifiedAtOnce: 1_000 });
    for (let at = 14; at < beacon.length; at++) {
      const spoilt = beacon.slice();
      spoilt[at] ^= 1;
      box.hear(1, linkLocal(1, 5), spoilt);
    }
    expect(box.peers.told).toEqual([]);
    expect(box.drops.get('beacon-signature')).toBe(beacon.length - 14);
  });

  test('is of no interest to a node that takes none', () => {
    const box = hearingBox('known');
    box.hear(1, linkLocal(1, 5), beaconOf('friend'));
    expect(box.peers.told).toEqual([]);
    expect(box.drops.get('beacon-stranger')).toBe(1);
  });
});

describe('a beacon of a peer', () => {
  test('tells where the link may be brought up, also at a node that takes no strangers', () => {
    const box = hearingBox('known');
    box.peers.add(friend, undefined);
    box.hear(1, linkLocal(1, 5), beaconOf('friend', 0, 'known'));
    expect(box.peers.told).toEqual(['add', 'meet']);
    expect(readU16(box.peers.endpoints[0], 2)).toBe(6969);
  });

  test('costs nothing while the link is up', () => {
    const box = hearingBox('segment', { verifiedAtOnce: 1 });
    box.linkUp(friend);
    const beacon = beaconOf('friend');
    for (let i = 0; i < 100; i++) box.hear(1, linkLocal(1, 5), beacon);
    box.hear(1, linkLocal(1, 6), beaconOf('other'));
    expect(box.peers.told).toEqual(['add']);
    expect(box.drops.toJSON()).toEqual({});
  });
});

describe('a flood of beacons', () => {
  test('of one who signs wrongly gets five signatures checked in a second, and none on another segment less', () => {
    const box = new DiscoveringBox('box');
    box.discovery.segmentsChanged([eth1, eth2], 0);
    const wrong = beaconOf('friend');
    wrong[60] ^= 1;
    const { verifiedAtOnce, verifiedPerSecond } = DISCOVERY_TUNING;
    for (let i = 0; i < 1_000; i++) box.hear(1, linkLocal(1, 5), wrong);
    expect(box.drops.get('beacon-signature')).toBe(verifiedAtOnce);
    box.now = 1_000;
    for (let i = 0; i < 1_000; i++) box.hear(1, linkLocal(1, 5), wrong);
    expect(box.drops.get('beacon-signature')).toBe(verifiedAtOnce + verifiedPerSecond);
    box.hear(2, linkLocal(2, 5), beaconOf('other'));
    expect(box.peers.told).toEqual(['add']);
  });

  test('of many who sign rightly has no more handshakes under way than are allowed', () => {
    const box = hearingBox('segment', { verifiedAtOnce: 1_000, triedAtOnce: 1_000 });
    for (let i = 0; i < 100; i++) box.hear(1, linkLocal(1, i), beaconOf(`stranger ${i}`));
    expect(box.peers.states.size).toBe(DISCOVERY_TUNING.maxTrying);
    expect(box.drops.get('beacon-crowded')).toBe(100 - DISCOVERY_TUNING.maxTrying);
  });

  test('of many who sign rightly begins no more handshakes in a second than are allowed', () => {
    const box = hearingBox('segment', { verifiedAtOnce: 1_000 });
    for (let i = 0; i < 100; i++) box.hear(1, linkLocal(1, i), beaconOf(`stranger ${i}`));
    expect(box.peers.told).toHaveLength(DISCOVERY_TUNING.triedAtOnce);
    expect(box.drops.get('beacon-try-rate')).toBe(100 - DISCOVERY_TUNING.triedAtOnce);
  });
});

describe('a stranger who finished a handshake', () => {
  const stranger = (i: number) => identityOf(`stranger ${i}`).key;

  test('is taken in from a segment, from elsewhere only where anybody is, and nowhere where nobody is', () => {
    const here = linkLocal(1, 5, 6969);
    const elsewhere = linkLocal(7, 5, 6969);
    const answers = (['known', 'segment', 'any'] as const).map((accept) => {
      const box = hearingBox(accept);
      return [here, elsewhere].map((endpoint, i) => box.discovery.admits(stranger(i), endpoint, 0));
    });
    expect(answers).toEqual([
      [false, false],
      [true, false],
      [true, true],
    ]);
  });

  test('finds 16 places on a segment, and puts nobody out whose link is up', () => {
    const box = hearingBox();
    const { maxFoundOnSegment } = DISCOVERY_TUNING;
    for (let i = 0; i < maxFoundOnSegment; i++) {
      expect(box.discovery.admits(stranger(i), linkLocal(1, i), 0)).toBe(true);
      box.linkUp(stranger(i));
    }
    expect(box.discovery.admits(stranger(99), linkLocal(1, 99), 0)).toBe(false);
    box.linkDown(stranger(3));
    expect(box.discovery.admits(stranger(99), linkLocal(1, 99), 0)).toBe(true);
    expect(box.peers.told).toEqual(['remove']);
    expect(box.peers.stateOf(stranger(3))).toBeUndefined();
  });

  test('finds 32 places in all', () => {
    const box = new DiscoveringBox('box');
    box.discovery.segmentsChanged(
      [1, 2, 3].map((id) => ipv6Segment(id)),
      0,
    );
    let taken = 0;
    for (let i = 0; i < 45; i++) {
      const scope = 1 + Math.floor(i / 15);
      if (!box.discovery.admits(stranger(i), linkLocal(scope, i), 0)) continue;
      box.linkUp(stranger(i));
      taken++;
    }
    expect(taken).toBe(DISCOVERY_TUNING.maxFound);
  });

  test('takes the place of one whose handshake is only tried', () => {
    const box = hearingBox('segment', { verifiedAtOnce: 100, triedAtOnce: 100 });
    for (let i = 0; i < 16; i++) box.hear(1, linkLocal(1, i), beaconOf(`stranger ${i}`));
    expect(box.discovery.admits(stranger(99), linkLocal(1, 99), 0)).toBe(true);
    expect(box.peers.told.filter((told) => told === 'remove')).toHaveLength(1);
  });
});

describe('a neighbour that was found', () => {
  function withFriend(): DiscoveringBox {
    const box = hearingBox();
    box.hear(1, linkLocal(1, 5), beaconOf('friend'));
    box.linkUp(friend);
    return box;
  }

  test('is sought for 60 s after its link went down, then forgotten', () => {
    const box = withFriend();
    box.run(100_000);
    box.linkDown(friend);
    box.run(159_999);
    expect(box.peers.told).toEqual(['add']);
    box.run(160_000);
    expect(box.peers.told).toEqual(['add', 'remove']);
  });

  test('is given up at once when its segment is gone, and kept when that gets another name', () => {
    const box = withFriend();
    box.discovery.segmentsChanged([{ ...eth1, name: 'uplink' }], 10);
    expect(box.peers.told).toEqual(['add']);
    expect([...box.discovery.peers()].map(({ name, state }) => [name, state])).toEqual([['uplink', 'up']]);
    box.discovery.segmentsChanged([eth2], 20);
    expect(box.peers.told).toEqual(['add', 'remove']);
  });
});

test('a neighbour is reached over what the segment of his address is, and over who knows what from farther away', () => {
  const { discovery } = boxOn({ ...eth1, medium: 'wifi' }, eth2);
  expect(discovery.mediumOf(linkLocal(eth1.id, 7))).toBe('wifi');
  expect(discovery.mediumOf(linkLocal(eth2.id, 7))).toBe('lan');
  expect(discovery.mediumOf(ipv4Endpoint(0xc0000207))).toBe('unknown');
});
