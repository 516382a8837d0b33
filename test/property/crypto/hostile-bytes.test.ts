import fc from 'fast-check';
import { expect, test } from 'vitest';
import { utf8 } from '../../../src/base/bytes.ts';
import type { NodeKey, SecretKey } from '../../../src/base/ids.ts';
import { readFailure } from '../../../src/crypto/error-onion.ts';
import { openCookie } from '../../../src/crypto/mac.ts';
import { nobleCurve } from '../../../src/crypto/noble-curve.ts';
import { IkResponder } from '../../../src/crypto/noise-ik.ts';
import { XkResponder } from '../../../src/crypto/noise-xk.ts';
import { buildOnion, ONION_BYTES, peelOnion } from '../../../src/crypto/sphinx.ts';

const secretOf = (byte: number) => new Uint8Array(32).fill(byte) as SecretKey;
const point = nobleCurve.publicKey(secretOf(5));
const options = { curve: nobleCurve, prologue: utf8('p'), localSecret: secretOf(1), ephemeralSecret: secretOf(2) };

/** Bytes of roughly this length; half of them with a real version byte and point in front, to get further in. */
const nearly = (length: number, version: number[]) =>
  fc.tuple(fc.boolean(), fc.uint8Array({ minLength: length - 2, maxLength: length + 2 })).map(([real, bytes]) => {
    if (real) bytes.set([...version, ...point].slice(0, bytes.length));
    return bytes;
  });

test('bytes that nobody sealed get a drop reason from every reader, never an exception', () => {
  fc.assert(
    fc.property(
      nearly(50, [0]),
      nearly(106, []),
      nearly(ONION_BYTES, [0]),
      nearly(292, []),
      (act, one, onion, failure) => {
        expect(new XkResponder(options).readActOne(act)).toMatch(/^noise-/);
        expect(new IkResponder(options).readMessageOne(one)).toMatch(/^noise-/);
        const peeled = peelOnion({ curve: nobleCurve, nodeSecret: secretOf(1), packet: onion, associatedData: act });
        expect(peeled).toMatch(/^sphinx-/);
        expect(readFailure([secretOf(1), secretOf(2)], failure)).toBeUndefined();
        expect(
          openCookie(secretOf(1), onion.subarray(0, 24), act.subarray(0, 16), act.subarray(0, 32)),
        ).toBeUndefined();
      },
    ),
    { numRuns: 100 },
  );
});

test('onions of any hops and payloads that fit peel down to the last; one flipped bit stops the hop it reaches', () => {
  const payloads = fc.array(fc.uint8Array({ minLength: 2, maxLength: 97 }), { minLength: 1, maxLength: 10 });
  fc.assert(
    fc.property(payloads, fc.nat(), fc.nat(), (all, flipAt, flipHop) => {
      const hops = all.map((payload, i) => ({ nodeKey: nobleCurve.publicKey(secretOf(i + 1)) as NodeKey, payload }));
      const plan = { curve: nobleCurve, sessionSecret: secretOf(77), hops, associatedData: utf8('a') };
      let { packet } = buildOnion(plan);
      for (const [i, payload] of all.entries()) {
        const hop = { curve: nobleCurve, nodeSecret: secretOf(i + 1), associatedData: utf8('a') };
        if (i === flipHop % all.length) {
          const changed = packet.slice();
          changed[flipAt % ONION_BYTES] ^= 1;
          expect(peelOnion({ ...hop, packet: changed })).toMatch(/^sphinx-/);
        }
        const peeled = peelOnion({ ...hop, packet });
        if (typeof peeled === 'string') expect.fail(`hop ${i}: ${peeled}`);
        expect(peeled.payload).toEqual(payload);
        expect(peeled.next === undefined).toBe(i === all.length - 1);
        packet = peeled.next ?? packet;
      }
    }),
    { numRuns: 15 },
  );
});
