/** Links that work in one direction, with a way round the wire that takes twice as long. */
import { describe, expect, it } from 'vitest';
import type { NodeKey } from '../../../src/base/ids.ts';
import { DATAGRAM_FINAL } from '../../../src/wire/handshake.ts';
import { DATAGRAM_SESSION } from '../../../src/wire/session.ts';
import { ofType, routeId, sendMessage, sessionOf, type TestNode, WirePair } from './wire-pair.ts';

/** From now on nothing of this node arrives directly. */
function deafen(world: WirePair, from: string): void {
  world.filter = (datagram) => datagram.isBack || datagram.from !== from;
}

function directionAt(node: TestNode, world: WirePair): string {
  return node.links.status(world.now)[0].direction;
}

/** Both send a small message every 10 ms for a while; how many of those came. */
function talk(world: WirePair, a: TestNode, b: TestNode, ms: number): { atA: number; atB: number } {
  const before = { atA: a.pieces.length, atB: b.pieces.length };
  for (let at = 0; at < ms; at += 10) {
    world.later(at, () => {
      sendMessage(a, b, routeId(1), at, Uint8Array.of(1));
      sendMessage(b, a, routeId(2), at, Uint8Array.of(2));
    });
  }
  world.run(ms + 100);
  return { atA: a.pieces.length - before.atA, atB: b.pieces.length - before.atB };
}

/** A link that is up and works from the node that is heard to the one that is not. `lesser`: who is not heard. */
function oneWayPair(lesser: 'the smaller key' | 'the larger key') {
  const world = new WirePair();
  world.hasWayRound = true;
  const { a, b } = world.upPair({}, 'both');
  const [heard, unheard] = lesser === 'the smaller key' ? [b, a] : [a, b];
  world.run(2_000);
  deafen(world, unheard.name);
  talk(world, heard, unheard, 1_500);
  return { world, heard, unheard };
}

/** Two that are started when one of them is not heard already. */
function deafFromTheStart(lesser: 'the smaller key' | 'the larger key') {
  const world = new WirePair();
  world.hasWayRound = true;
  const { a, b } = world.pair('both');
  const [heard, unheard] = lesser === 'the smaller key' ? [b, a] : [a, b];
  deafen(world, unheard.name);
  for (const node of [a, b]) node.links.start(world.now);
  return { world, heard, unheard };
}

describe.each(['the smaller key', 'the larger key'] as const)(
  'a link whose end with %s is not heard any more',
  (who) => {
    it('goes on over the way round after a second, and is never down', () => {
      const { world, heard, unheard } = oneWayPair(who);
      expect(directionAt(unheard, world)).toBe('receive-only');
      expect(directionAt(heard, world)).toBe('send-only');
      expect(talk(world, heard, unheard, 2_000)).toEqual({ atA: 200, atB: 200 });
      expect(heard.told).toEqual([`up ${unheard.name}`]);
      expect(unheard.told).toEqual([`up ${heard.name}`]);
    });

    it('sends directly from the end that is heard, and everything else the way round', () => {
      const { world, heard, unheard } = oneWayPair(who);
      world.seen.length = 0;
      talk(world, heard, unheard, 900);
      expect(ofType(world.seen, DATAGRAM_SESSION, heard.name).some(({ isBack }) => isBack)).toBe(false);
      const direct = ofType(world.seen, DATAGRAM_SESSION, unheard.name).filter(({ isBack }) => !isBack);
      // Nothing but trials of the direct way.
      expect(direct.length).toBeLessThanOrEqual(4);
    });

    it('changes keys each second, and loses nothing by it', () => {
      const { world, heard, unheard } = oneWayPair(who);
      const before = sessionOf(heard, unheard, world.now).rekeys;
      expect(talk(world, heard, unheard, 10_000)).toEqual({ atA: 1_000, atB: 1_000 });
      expect(sessionOf(heard, unheard, world.now).rekeys).toBeGreaterThanOrEqual(before + 9);
      expect(sessionOf(unheard, heard, world.now).rekeys).toBeGreaterThanOrEqual(before + 9);
    });

    it('does not follow the peer into the back channel', () => {
      const { world, heard, unheard } = oneWayPair(who);
      expect(heard.links.status(world.now)[0].endpoint).toEqual(unheard.endpoint);
      expect(unheard.links.status(world.now)[0].endpoint).toEqual(heard.endpoint);
    });

    it('takes the direct way again once it works, and gives the back channel up', () => {
      const { world, heard, unheard } = oneWayPair(who);
      world.filter = () => true;
      expect(talk(world, heard, unheard, 4_000)).toEqual({ atA: 400, atB: 400 });
      expect(directionAt(unheard, world)).toBe('both');
      expect(directionAt(heard, world)).toBe('both');
      expect(world.backChannelCalls).toEqual([`${unheard.name} open`, `${unheard.name} close`]);
      world.seen.length = 0;
      talk(world, heard, unheard, 1_000);
      expect(world.seen.some(({ isBack }) => isBack)).toBe(false);
    });

    it('goes down at both ends when the good direction dies, too, however good the way round is', () => {
      const { world, heard, unheard } = oneWayPair(who);
      world.filter = ({ isBack }) => isBack;
      talk(world, heard, unheard, 10_000);
      expect(heard.told.at(-1)).toBe(`down ${unheard.name} silent`);
      expect(unheard.told.at(-1)).toBe(`down ${heard.name} silent`);
      world.run(60_000);
      expect(heard.told.length).toBe(2);
      expect(world.backChannelCalls.at(-1)).toBe(`${unheard.name} close`);
    });

    it('sends no more than 1,200 bytes at once the way round, and probes for more afterwards', () => {
      const { world, heard, unheard } = oneWayPair(who);
      expect(sessionOf(unheard, heard, world.now).pathMtuBytes).toBe(1_200);
      expect(sessionOf(heard, unheard, world.now).pathMtuBytes).toBe(1_472);
      sendMessage(unheard, heard, routeId(3), 0, new Uint8Array(20_000).fill(7));
      world.run(100);
      expect(heard.pieces.filter(({ routeId: id }) => id === '03'.repeat(16)).length).toBeGreaterThan(16);
      expect(Math.max(...world.seen.filter(({ isBack }) => isBack).map(({ bytes }) => bytes.length))).toBe(1_200);
      world.filter = () => true;
      talk(world, heard, unheard, 4_000);
      expect(sessionOf(unheard, heard, world.now).pathMtuBytes).toBe(1_472);
    });

    it('lets what it sends the way round wait for company, and nothing that it sends directly', () => {
      const { world, heard, unheard } = oneWayPair(who);
      world.seen.length = 0;
      for (let at = 0; at < 1_000; at++) {
        world.later(at, () => {
          sendMessage(heard, unheard, routeId(1), at, Uint8Array.of(1));
          sendMessage(unheard, heard, routeId(2), at, Uint8Array.of(2));
        });
      }
      world.run(1_100);
      // 30 ms there and back, so a datagram every 4 ms, and some for what can't wait.
      expect(ofType(world.seen, DATAGRAM_SESSION, unheard.name).length).toBeLessThan(300);
      expect(ofType(world.seen, DATAGRAM_SESSION, heard.name).length).toBeGreaterThanOrEqual(1_000);
    });

    it('comes up though somebody says that the peers are where neither reaches the other', () => {
      const { world, heard, unheard } = deafFromTheStart(who);
      for (const [node, peer] of [
        [heard, unheard],
        [unheard, heard],
      ]) {
        const elsewhere = peer.endpoint.slice();
        elsewhere[elsewhere.length - 1] ^= 0xff;
        world.later(50, () => node.links.meetPeer(peer.identity.key as NodeKey, elsewhere, world.now));
      }
      world.run(5_000);
      expect(heard.told).toEqual([`up ${unheard.name}`]);
      expect(unheard.told).toEqual([`up ${heard.name}`]);
      expect(talk(world, heard, unheard, 2_000)).toEqual({ atA: 200, atB: 200 });
    });

    it('comes up in the first place', () => {
      const { world, heard, unheard } = deafFromTheStart(who);
      world.run(5_000);
      expect(heard.told).toEqual([`up ${unheard.name}`]);
      expect(unheard.told).toEqual([`up ${heard.name}`]);
      expect(talk(world, heard, unheard, 2_000)).toEqual({ atA: 200, atB: 200 });
    });

    it.each([true, false])(
      'comes up as configured, whether the end that only receives has an address: %s',
      (hasAddress) => {
        const world = new WirePair();
        world.hasWayRound = true;
        const [keyA, keyB] = [world.identity('a').key, world.identity('b').key];
        const heardIsA = Buffer.compare(keyA, keyB) < 0 === (who === 'the larger key');
        const heard = world.add(heardIsA ? 'a' : 'b');
        const unheard = world.add(heardIsA ? 'b' : 'a');
        heard.links.addPeer(unheard.identity.key as NodeKey, unheard.endpoint, { direction: 'send-only' });
        unheard.links.addPeer(heard.identity.key as NodeKey, hasAddress ? heard.endpoint : undefined, {
          direction: 'receive-only',
        });
        deafen(world, unheard.name);
        heard.links.start(world.now);
        unheard.links.start(world.now);
        world.run(3_000);
        expect(talk(world, heard, unheard, 5_000)).toEqual({ atA: 500, atB: 500 });
        expect(ofType(world.seen, DATAGRAM_SESSION, unheard.name).every(({ isBack }) => isBack)).toBe(true);
        expect(unheard.links.status(world.now)[0].endpoint).toEqual(heard.endpoint);
      },
    );
  },
);

describe('a link that works in one direction, without a way round', () => {
  it('goes down and asks for one every second, until there is one', () => {
    const world = new WirePair();
    const { a, b } = world.upPair({}, 'both');
    deafen(world, b.name);
    talk(world, a, b, 10_000);
    expect(a.told.at(-1)).toBe(`down ${b.name} silent`);
    expect(b.told.at(-1)).toBe(`down ${a.name} silent`);
    expect(world.backChannelCalls.length).toBeGreaterThanOrEqual(8);
    expect(new Set(world.backChannelCalls)).toEqual(new Set([`${b.name} open`]));
    world.hasWayRound = true;
    world.run(8_000);
    expect(a.told.at(-1)).toBe(`up ${b.name}`);
    expect(talk(world, a, b, 1_000)).toEqual({ atA: 100, atB: 100 });
  });
});

describe('a handshake that comes through a back channel', () => {
  it('makes no link to a peer that has no address: there would be nothing but the way round', () => {
    const world = new WirePair();
    world.hasWayRound = true;
    const [a, b] = [world.add('a'), world.add('b')];
    a.links.addPeer(b.identity.key, undefined);
    b.links.addPeer(a.identity.key, undefined, { direction: 'receive-only' });
    a.links.start(world.now);
    b.links.start(world.now);
    world.run(10_000);
    expect(ofType(world.seen, DATAGRAM_FINAL, 'b').length).toBeGreaterThan(0);
    expect(a.told).toEqual([]);
    expect(a.drops.get('handshake-no-address')).toBeGreaterThan(0);
  });

  it.each(['both', 'send-only', 'receive-only'] as const)(
    'makes no link with a %s one while nothing comes directly',
    (other) => {
      const world = new WirePair();
      world.hasWayRound = true;
      const [a, b] = [world.add('a'), world.add('b')];
      a.links.addPeer(b.identity.key, b.endpoint, { direction: other });
      b.links.addPeer(a.identity.key, a.endpoint, { direction: 'receive-only' });
      world.filter = ({ isBack }) => isBack;
      a.links.start(world.now);
      b.links.start(world.now);
      world.run(20_000);
      expect(a.told).toEqual([]);
      expect(b.told).toEqual([]);
    },
  );
});

describe('a back channel', () => {
  it('is given up when its link is removed or stopped', () => {
    for (const end of ['remove', 'stop'] as const) {
      const { world, heard, unheard } = oneWayPair('the larger key');
      if (end === 'remove') unheard.links.removePeer(heard.identity.key, world.now);
      else unheard.links.stop(world.now);
      expect(world.backChannelCalls).toEqual([`${unheard.name} open`, `${unheard.name} close`]);
    }
  });

  it('brings nothing in that UDP would not bring in', () => {
    const { world, heard, unheard } = oneWayPair('the larger key');
    const before = heard.pieces.length;
    const old = ofType(world.seen, DATAGRAM_SESSION, unheard.name)[0].bytes;
    const forged = old.slice();
    forged[20] ^= 1;
    world.inject(heard, unheard.backEndpoint, old, forged, new Uint8Array(64));
    expect(heard.drops.get('session-replayed') + heard.drops.get('session-tag')).toBe(2);
    expect(heard.drops.get('link-type')).toBe(1);
    expect(heard.pieces.length).toBe(before);
  });
});
