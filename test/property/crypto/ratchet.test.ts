import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nobleCurve } from '../../../src/crypto/noble-curve.ts';
import { RatchetWorld } from './ratchet-world.ts';
import { toyCurve } from './toy-curve.ts';

const action = fc.oneof(
  fc.constant({ kind: 'offer' as const }),
  fc.record({ kind: fc.constant('data' as const), to: fc.constantFrom('initiator' as const, 'responder' as const) }),
  // Which datagram on the wire, as a fraction of how many there are.
  ...(['deliver', 'repeat', 'lose'] as const).map((kind) =>
    fc.record({ kind: fc.constant(kind), which: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }) }),
  ),
);
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

function act(world: RatchetWorld, one: Action): void {
  if (one.kind === 'offer') world.offer();
  else if (one.kind === 'data') world.send(one.to);
  else if (world.wire.length > 0) {
    const at = Math.floor(one.which * world.wire.length);
    const datagram = world.wire[at];
    if (one.kind !== 'repeat') world.wire.splice(at, 1);
    if (one.kind !== 'lose') world.deliver(datagram);
  }
}

test('whatever is lost, repeated or reordered, both ends can talk at every moment, and rekey once the wire is clean', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 120 }), (actions) => {
      const world = new RatchetWorld(toyCurve);
      for (const one of actions) {
        act(world, one);
        world.check();
      }
      // Twice: the first offer may finish one that was pending.
      for (let i = 0; i < 2; i++) {
        const before = world.initiator.ratchet.sendEpoch;
        world.offer();
        world.deliverAll();
        world.send('responder');
        world.deliverAll();
        world.check();
        expect(world.initiator.ratchet.sendEpoch).toBe(before + 1);
        expect(world.responder.ratchet.sendEpoch).toBe(before + 1);
      }
      expect(world.keysSeen.size).toBe(2 * world.initiator.ratchet.sendEpoch);
    }),
    { numRuns: 300 },
  );
});

test('10,000 rekeys over a wire that loses a third: every key is new, every replaced chaining key is wiped', () => {
  const world = new RatchetWorld(toyCurve);
  const ends = [world.initiator, world.responder];
  const epochs = 10_000;
  let state = 1;
  let steps = 0;
  while (world.initiator.ratchet.sendEpoch < epochs) {
    const before = ends.map((end) => ({ end, epoch: end.ratchet.receiveEpoch, key: chainingKeyOf(end) }));
    world.offer();
    while (world.wire.length > 0) {
      const datagram = world.wire.shift()!;
      // A linear congruential generator (Numerical Recipes): the same losses every time.
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      if (state > 2 ** 32 / 3) world.deliver(datagram);
    }
    world.check();
    for (const { end, epoch, key } of before) {
      if (end.ratchet.receiveEpoch > epoch) expect(key).toEqual(new Uint8Array(32));
    }
    expect(++steps).toBeLessThan(4 * epochs);
  }
  expect(world.keysSeen.size).toBe(2 * epochs);
});

test('the real curve rekeys alike', () => {
  const world = new RatchetWorld(nobleCurve);
  for (let epoch = 1; epoch <= 10; epoch++) {
    world.offer();
    world.deliverAll();
    world.check();
  }
  expect([world.initiator.ratchet.sendEpoch, world.keysSeen.size]).toEqual([10, 20]);
});

/** Private: it must be seen to be gone. */
function chainingKeyOf(end: RatchetWorld['initiator']): Uint8Array {
  return Reflect.get(end.ratchet, 'chainingKey');
}
