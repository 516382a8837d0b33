import { describe, expect, test } from 'vitest';
import { concat, utf8 } from '../../../src/base/bytes.ts';
import type { NodeKey, SecretKey } from '../../../src/base/ids.ts';
import { hmac } from '../../../src/crypto/hash.ts';
import { nobleCurve } from '../../../src/crypto/noble-curve.ts';
import { onionKey, onionStream, xorInto } from '../../../src/crypto/onion-stream.ts';
import {
  buildOnion,
  fitsOnion,
  hopSecrets,
  ONION_BYTES,
  ONION_PAYLOADS_BYTES,
  peelOnion,
} from '../../../src/crypto/sphinx.ts';

const secretOf = (byte: number) => new Uint8Array(32).fill(byte) as SecretKey;
const associatedData = utf8('skywire/1 route');
const SESSION = secretOf(0x41);

function build(payloads: Uint8Array[]) {
  const hops = payloads.map((payload, i) => ({ nodeKey: nobleCurve.publicKey(secretOf(i + 1)) as NodeKey, payload }));
  return buildOnion({ curve: nobleCurve, sessionSecret: SESSION, hops, associatedData });
}

const peel = (packet: Uint8Array, nodeSecret = secretOf(1)) =>
  peelOnion({ curve: nobleCurve, nodeSecret, packet, associatedData });

/** A one-hop onion whose opened payload area begins with `front`: what a hostile origin could send. */
function hostileOnion(front: Uint8Array): Uint8Array {
  const shared = nobleCurve.ecdh(SESSION, nobleCurve.publicKey(secretOf(1)))!;
  const payloads = new Uint8Array(ONION_PAYLOADS_BYTES);
  payloads.set(front);
  xorInto(payloads, onionStream(onionKey('rho', shared), ONION_PAYLOADS_BYTES));
  const mac = hmac(onionKey('mu', shared), payloads, associatedData);
  return concat(Uint8Array.of(0), nobleCurve.publicKey(SESSION), payloads, mac);
}

test('every onion is 1366 bytes, for one hop and for ten', () => {
  for (const hops of [1, 10]) {
    let packet: Uint8Array | undefined = build(new Array(hops).fill(new Uint8Array(77).fill(9))).packet;
    for (let i = 0; i < hops; i++) {
      expect(packet?.length).toBe(ONION_BYTES);
      const peeled = peel(packet!, secretOf(i + 1));
      if (typeof peeled === 'string') expect.fail(peeled);
      packet = peeled.next;
    }
    expect(packet).toBeUndefined();
  }
});

test('payloads of 252 and 253 bytes, on both sides of the longer length, arrive whole', () => {
  const payloads = [252, 253].map((bytes) => new Uint8Array(bytes).fill(bytes));
  const first = peel(build(payloads).packet);
  if (typeof first === 'string') expect.fail(first);
  const second = peel(first.next!, secretOf(2));
  if (typeof second === 'string') expect.fail(second);
  expect([first.payload, second.payload]).toEqual(payloads);
});

test('an onion is full at 1300 bytes of payloads with their lengths and MACs', () => {
  expect(fitsOnion([1300 - 32 - 3])).toBe(true);
  expect(fitsOnion([1300 - 32 - 2])).toBe(false);
  expect(peel(build([new Uint8Array(1265)]).packet)).toHaveProperty('payload.length', 1265);
  expect(() => build([new Uint8Array(1266)])).toThrow('fit the onion');
  expect(() => build([])).toThrow('one hop or more');
  expect(() => build([new Uint8Array(1)])).toThrow('2 bytes or more');
});

test('payloads may be made from the secrets of their hops first', () => {
  const nodeKeys = [1, 2].map((byte) => nobleCurve.publicKey(secretOf(byte)) as NodeKey);
  const sharedSecrets = hopSecrets(nobleCurve, SESSION, nodeKeys);
  const plan = {
    curve: nobleCurve,
    sessionSecret: SESSION,
    hops: nodeKeys.map((nodeKey, i) => ({ nodeKey, payload: sharedSecrets[i] })),
    associatedData,
  };
  expect(buildOnion({ ...plan, sharedSecrets })).toEqual(buildOnion(plan));
  expect(SESSION).toEqual(secretOf(0x41));
  expect(() => buildOnion({ ...plan, sharedSecrets: [] })).toThrow('one shared secret a hop');
});

test('a hop key that is no point is a programmer error', () => {
  const hops = [{ nodeKey: new Uint8Array(33) as NodeKey, payload: new Uint8Array(4) }];
  expect(() => buildOnion({ curve: nobleCurve, sessionSecret: SESSION, hops, associatedData })).toThrow('is a point');
});

describe('an onion is refused by name', () => {
  const { packet } = build([new Uint8Array(40), new Uint8Array(40)]);
  const changed = (at: number, value: number) => {
    const copy = packet.slice();
    copy[at] = value;
    return copy;
  };

  test.each([
    ['sphinx-length', 'cut short', packet.subarray(1)],
    ['sphinx-length', 'empty', new Uint8Array(0)],
    ['sphinx-version', 'of version 1', changed(0, 1)],
    ['sphinx-point', 'with no point', changed(1, 5)],
    ['sphinx-hmac', 'with the point negated', changed(1, packet[1] ^ 1)],
    ['sphinx-hmac', 'with a changed payload', changed(34, packet[34] ^ 1)],
    ['sphinx-hmac', 'with a changed last payload byte', changed(1333, packet[1333] ^ 1)],
    ['sphinx-hmac', 'with a changed MAC', changed(1365, packet[1365] ^ 1)],
  ] as const)('%s: %s', (drop, _, bytes) => {
    expect(peel(bytes)).toBe(drop);
  });

  test('sphinx-hmac: for another hop, or under other associated data', () => {
    expect(peel(packet, secretOf(2))).toBe('sphinx-hmac');
    const other = { curve: nobleCurve, nodeSecret: secretOf(1), packet, associatedData: utf8('other') };
    expect(peelOnion(other)).toBe('sphinx-hmac');
  });

  test.each([
    ['a length of 0', [0]],
    ['a length of 1', [1]],
    ['a long form for a short length', [0xfd, 0x00, 0xfc]],
    ['a length one beyond the end', [0xfd, 0x04, 0xf2]],
    ['a length of 65,535', [0xfd, 0xff, 0xff]],
    ['a length of 32 bits', [0xfe, 0, 0, 0, 9]],
    ['a length of 64 bits', [0xff, 0, 0, 0, 0, 0, 0, 0, 9]],
  ])('sphinx-payload: %s', (_, front) => {
    expect(peel(hostileOnion(Uint8Array.from(front)))).toBe('sphinx-payload');
  });

  test('the largest length that fits is taken', () => {
    expect(peel(hostileOnion(Uint8Array.of(0xfd, 0x04, 0xf1)))).toHaveProperty('payload.length', 1265);
  });
});
