import { describe, expect, test } from 'vitest';
import { Drops } from '../../../../src/base/drops.ts';
import type { SecretKey } from '../../../../src/base/ids.ts';
import { SeededRandom } from '../../../../src/base/seeded-random.ts';
import { createIdentity } from '../../../../src/crypto/identity.ts';
import { createNodeCipher } from '../../../../src/crypto/node-cipher.ts';
import { InlineSealing } from '../../../../src/crypto/sealed-transport.ts';
import type { LinkContext } from '../../../../src/link/context.ts';
import { EMPTY_SOURCE } from '../../../../src/link/frame-source.ts';
import { Rekeying } from '../../../../src/link/handshake/rekeying.ts';
import { NO_BACK_CHANNELS } from '../../../../src/link/one-way/back-channel-port.ts';
import { ReadyList } from '../../../../src/link/ready-list.ts';
import { SendArena } from '../../../../src/link/send-arena.ts';
import { LINK_TUNING } from '../../../../src/link/tuning.ts';
import { portablePieceCopier } from '../../../../src/wire/piece-copier.ts';
import { routeId, sendMessage, sessionOf, type TestNode, testCurve, WirePair } from '../wire-pair.ts';

/** Sends a message each way every `everyMs`, and counts what arrived. */
function talk(world: WirePair, a: TestNode, b: TestNode, ms: number, everyMs: number): number {
  let message = 0;
  for (const end = world.now + ms; world.now < end; message++) {
    sendMessage(a, b, routeId(1), message, Uint8Array.of(1, 2, 3));
    sendMessage(b, a, routeId(2), message, Uint8Array.of(4, 5, 6));
    world.run(everyMs);
  }
  return message;
}

function rekeyingContext(): LinkContext {
  const drops = new Drops();
  const cipher = createNodeCipher();
  const random = new SeededRandom(1, 'rekeying');
  const transport = { maxDatagramBytes: 1_472, send: () => undefined };
  return {
    identity: createIdentity(testCurve, new Uint8Array(32).fill(9) as SecretKey),
    curve: testCurve,
    cipher,
    random,
    drops,
    log: { write: () => undefined },
    tuning: LINK_TUNING,
    arena: new SendArena(new InlineSealing(cipher, transport, 8, 65_536), portablePieceCopier),
    transportBytes: transport.maxDatagramBytes,
    ready: new ReadyList(),
    clock: { now: 0 },
    source: () => EMPTY_SOURCE,
    backChannels: NO_BACK_CHANNELS,
  };
}

describe('rekeying', () => {
  test('happens every second under traffic, and no datagram is lost to it', () => {
    const world = new WirePair();
    const { a, b } = world.upPair();
    world.keepSeen = false;
    // The TypeScript curve takes 3 ms for each point: a tenth of the rounds shows the same there.
    const rekeys = testCurve.name === 'noble' ? 1_000 : 10_000;
    let sent = 0;
    let [receivedByA, receivedByB] = [0, 0];
    while (sessionOf(a, b, world.now).rekeys < rekeys) {
      sent += talk(world, a, b, 10_000, 250);
      world.run(50);
      receivedByA += a.pieces.splice(0).length;
      receivedByB += b.pieces.splice(0).length;
    }
    expect([receivedByA, receivedByB]).toEqual([sent, sent]);
    const elapsedSeconds = sessionOf(a, b, world.now).upForMs / 1_000;
    expect(sessionOf(a, b, world.now).rekeys).toBeGreaterThan(elapsedSeconds * 0.9);
    expect(a.drops.toJSON()).toEqual({});
    expect(b.drops.toJSON()).toEqual({});
    expect(a.told).toEqual([`up ${b.name}`]);
  });

  test('loses nothing on a wire that loses, reorders and doubles', () => {
    for (let seed = 1; seed <= 5; seed++) {
      const world = new WirePair(seed);
      const { a, b } = world.upPair();
      Object.assign(world.shape, { reorder: 0.3, loss: 0.1, duplication: 0.1 });
      const sent = talk(world, a, b, 30_000, 7);
      Object.assign(world.shape, { reorder: 0, loss: 0, duplication: 0 });
      world.run(1_000);
      expect([a.pieces.length, b.pieces.length]).toEqual([sent, sent]);
      expect(sessionOf(a, b, world.now).rekeys).toBeGreaterThan(20);
      for (const node of [a, b]) {
        expect(Object.keys(node.drops.toJSON()).filter((name) => name.startsWith('session-'))).toEqual([
          'session-replayed',
        ]);
      }
    }
  });

  test('is done by traffic in one direction alone', () => {
    for (const from of ['initiator', 'responder']) {
      const world = new WirePair();
      const { a, b } = world.upPair();
      const [sender, receiver] = from === 'initiator' ? [a, b] : [b, a];
      for (let message = 0; message < 1_000; message++) {
        sendMessage(sender, receiver, routeId(1), message, Uint8Array.of(1));
        world.run(10);
      }
      world.run(50);
      expect(receiver.pieces.length).toBe(1_000);
      expect(sessionOf(b, a, world.now).epoch).toBeGreaterThan(8);
      expect(sessionOf(b, a, world.now).epoch).toBe(sessionOf(a, b, world.now).epoch);
    }
  });

  test('does not happen on an idle link', () => {
    const world = new WirePair();
    const { a, b } = world.upPair();
    world.run(60_000);
    expect(sessionOf(a, b, world.now).rekeys).toBe(0);
    sendMessage(a, b, routeId(1), 0, Uint8Array.of(1));
    world.run(100);
    expect(sessionOf(a, b, world.now).rekeys).toBe(1);
  });

  test('waits two round trips on a slow path', () => {
    const world = new WirePair();
    world.shape.delayMs = 500;
    const { a, b } = world.pair('a knows b');
    a.links.start(world.now);
    b.links.start(world.now);
    world.run(5_000);
    const before = sessionOf(a, b, world.now).rekeys;
    talk(world, a, b, 30_000, 100);
    const rekeys = sessionOf(a, b, world.now).rekeys - before;
    expect(rekeys).toBeGreaterThan(7);
    expect(rekeys).toBeLessThan(16);
  });

  test('goes on where a path of 2 s loses half each way', () => {
    const world = new WirePair();
    const { a, b } = world.upPair();
    world.shape.delayMs = 1_000;
    talk(world, a, b, 30_000, 100);
    world.shape.loss = 0.5;
    const before = sessionOf(a, b, world.now);
    talk(world, a, b, 600_000, 100);
    const after = sessionOf(a, b, world.now);
    expect(after.upForMs).toBe(before.upForMs + 600_000);
    expect(after.rekeys - before.rekeys).toBeGreaterThan(60);
  });

  test('wipes the keys of an epoch 3 s after the switch', () => {
    const world = new WirePair();
    const { a, b } = world.upPair();
    talk(world, a, b, 20_000, 20);
    // The present epoch, those of the last 3 s, and one being agreed on: two keys each.
    for (const node of [a, b]) {
      expect(node.cipher.keys).toBeGreaterThanOrEqual(8);
      expect(node.cipher.keys).toBeLessThanOrEqual(10);
    }
    world.run(3_500);
    expect([a.cipher.keys, b.cipher.keys]).toEqual([2, 2]);
  });

  test('that a peer asks for too early gets no answer', () => {
    const keys = () => ({
      chainingKey: new Uint8Array(32).fill(1),
      initiatorKey: new Uint8Array(32).fill(2),
      responderKey: new Uint8Array(32).fill(3),
    });
    const responder = new Rekeying(rekeyingContext(), 'responder', keys(), 0);
    const ephemeral = testCurve.publicKey(new Uint8Array(32).fill(7));
    expect(responder.answer(1, ephemeral, LINK_TUNING.rekeyAnswerAfterMs - 1)).toBeUndefined();
    const answer = responder.answer(1, ephemeral, LINK_TUNING.rekeyAnswerAfterMs);
    expect(answer?.epoch).toBe(1);
    expect(responder.answer(1, ephemeral, LINK_TUNING.rekeyAnswerAfterMs)).toEqual(answer);
    expect(responder.heardUnder(1, 600, 20)).toBe(true);
    expect(responder.answer(1, ephemeral, 601)).toEqual(answer);
    expect(responder.answer(2, ephemeral, 601)).toBeUndefined();
    expect(responder.answer(2, ephemeral, 1_600)?.epoch).toBe(2);
  });

  test('that is impossible for 10 s under traffic leads to a new handshake', () => {
    const world = new WirePair();
    const { a, b } = world.upPair();
    world.run(1_000);
    // Whoever only receives sends ACK and PING, which fill 64 bytes, and REKEY, which fills 128.
    world.filter = ({ from, bytes }) => from !== a.name || bytes.length !== 128 || bytes[0] !== 5;
    const started = world.now;
    for (let message = 0; message < 2_400; message++) {
      sendMessage(b, a, routeId(2), message, new Uint8Array(300));
      world.run(5);
    }
    expect(a.told).toEqual([`up ${b.name}`, `down ${b.name} replaced`, `up ${b.name}`]);
    expect(b.told).toEqual([`up ${a.name}`, `down ${a.name} replaced`, `up ${a.name}`]);
    expect(a.toldAt[1] - started).toBeGreaterThan(9_900);
    expect(a.toldAt[1] - started).toBeLessThan(10_300);
  });
});
