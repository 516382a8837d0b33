import { describe, expect, it } from 'vitest';
import type { SecretKey, ServiceKey } from '../../../../src/base/ids.ts';
import { SeededRandom } from '../../../../src/base/seeded-random.ts';
import {
  ClientHandshake,
  HELLO_LIFE_MS,
  randomSecret,
  readHello,
} from '../../../../src/bundle/handshake/session-handshake.ts';
import { nobleCurve as curve } from '../../../../src/crypto/noble-curve.ts';

const random = new SeededRandom(5, 'handshake');
const secret = randomSecret(curve, random);
const service = curve.publicKey(secret) as ServiceKey;
const clientSecret = randomSecret(curve, random);
const WALL_MS = 1_700_000_000_000;

function begin(): ClientHandshake {
  return new ClientHandshake({ curve, random, clientSecret, service, wallMs: WALL_MS });
}

function answer(hello: Uint8Array, wallMs = WALL_MS, withSecret: SecretKey = secret) {
  return readHello({ curve, random, secret: withSecret, hello, wallMs });
}

describe('session handshake', () => {
  it('has the sizes that the protocol states', () => {
    const client = begin();
    const accepted = answer(client.hello);
    expect(client.hello).toHaveLength(106);
    expect(typeof accepted !== 'string' && accepted.messageTwo).toHaveLength(49);
  });

  it('leaves both ends with the same keys, and the service with the client key', () => {
    const client = begin();
    const accepted = answer(client.hello);
    if (typeof accepted === 'string') throw new Error(accepted);
    expect(accepted.clientKey).toEqual(curve.publicKey(clientSecret));
    expect(accepted.earlyKey).toEqual(client.earlyKey);
    expect(client.read(accepted.messageTwo)).toEqual(accepted.keys);
    expect(client.done).toBe(true);
  });

  it('knows message two again, and refuses another', () => {
    const client = begin();
    const first = answer(client.hello);
    const second = answer(client.hello);
    if (typeof first === 'string' || typeof second === 'string') throw new Error('refused');
    const forged = first.messageTwo.slice();
    forged[40] ^= 1;
    expect(client.read(forged)).toBe('refused');
    client.read(first.messageTwo);
    expect(client.read(first.messageTwo)).toBe('repeat');
    expect(client.read(second.messageTwo)).toBe('refused');
  });

  it('refuses a message one for another service, changed, or cut', () => {
    const { hello } = begin();
    expect(answer(hello, WALL_MS, clientSecret)).toBe('bundle-hello-malformed');
    expect(answer(hello.subarray(0, 100))).toBe('bundle-hello-malformed');
    for (const at of [0, 33, 60, 105]) {
      const changed = hello.slice();
      changed[at] ^= 4;
      expect(answer(changed)).toBe('bundle-hello-malformed');
    }
  });

  it('refuses a message one made more than 120 s ago or ahead', () => {
    const { hello } = begin();
    expect(typeof answer(hello, WALL_MS + HELLO_LIFE_MS)).toBe('object');
    expect(answer(hello, WALL_MS + HELLO_LIFE_MS + 1)).toBe('bundle-hello-expired');
    expect(answer(hello, WALL_MS - HELLO_LIFE_MS - 1)).toBe('bundle-hello-expired');
  });
});
