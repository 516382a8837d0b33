import { expect, test } from 'vitest';
import { toHex } from '../../../src/base/bytes.ts';
import type { NodeKey, SecretKey } from '../../../src/base/ids.ts';
import { buildFailure, readFailure, wrapFailure } from '../../../src/crypto/error-onion.ts';
import { nobleCurve } from '../../../src/crypto/noble-curve.ts';
import { onionKey } from '../../../src/crypto/onion-stream.ts';
import { buildOnion, peelOnion } from '../../../src/crypto/sphinx.ts';
import { hex, readPublished } from '../published.ts';

interface OnionVector {
  readonly generate: {
    readonly session_key: string;
    readonly associated_data: string;
    readonly hops: { readonly pubkey: string; readonly payload: string }[];
  };
  readonly onion: string;
  readonly decode: string[];
}

interface ErrorVector {
  readonly generate: {
    readonly failure_message: string;
    readonly hops: {
      readonly pubkey: string;
      readonly hop_shared_secret: string;
      readonly ammag_key: string;
      readonly um_key?: string;
    }[];
  };
  readonly errorpacket: string;
}

const onion = readPublished<OnionVector>('bolt04-onion.json');
const error = readPublished<ErrorVector>('bolt04-onion-error.json');
const associatedData = hex(onion.generate.associated_data);

/** The file's payloads carry their bigsize length; ours don't. */
function payloadOf(hop: { payload: string }): Uint8Array {
  const bytes = hex(hop.payload);
  return bytes.subarray(bytes[0] < 0xfd ? 1 : 3);
}

function build() {
  return buildOnion({
    curve: nobleCurve,
    sessionSecret: hex(onion.generate.session_key) as SecretKey,
    hops: onion.generate.hops.map((hop) => ({ nodeKey: hex(hop.pubkey) as NodeKey, payload: payloadOf(hop) })),
    associatedData,
  });
}

test('the onion of BOLT-4 is built byte for byte', () => {
  const { packet, sharedSecrets } = build();
  expect(toHex(packet)).toBe(onion.onion);
  expect(sharedSecrets.map(toHex)).toEqual(error.generate.hops.map((hop) => hop.hop_shared_secret));
});

test('every hop of the BOLT-4 onion peels its own payload, and only the last finds no next onion', () => {
  const { sharedSecrets } = build();
  let packet: Uint8Array | undefined = hex(onion.onion);
  for (const [i, nodeSecret] of onion.decode.entries()) {
    expect(packet).toBeDefined();
    const peeled = peelOnion({
      curve: nobleCurve,
      nodeSecret: hex(nodeSecret) as SecretKey,
      packet: packet!,
      associatedData,
    });
    if (typeof peeled === 'string') expect.fail(`hop ${i} refused the onion: ${peeled}`);
    expect(peeled.payload).toEqual(payloadOf(onion.generate.hops[i]));
    expect(peeled.sharedSecret).toEqual(sharedSecrets[i]);
    packet = peeled.next;
  }
  expect(packet).toBeUndefined();
});

test('the failure of BOLT-4 is built, wrapped on the way back and read byte for byte', () => {
  const hops = error.generate.hops;
  for (const hop of hops) {
    expect(toHex(onionKey('ammag', hex(hop.hop_shared_secret)))).toBe(hop.ammag_key);
    if (hop.um_key !== undefined) expect(toHex(onionKey('um', hex(hop.hop_shared_secret)))).toBe(hop.um_key);
  }
  const secrets = hops.map((hop) => hex(hop.hop_shared_secret));
  const message = hex(error.generate.failure_message);
  let packet = buildFailure(secrets[4], message);
  for (let i = 3; i >= 0; i--) packet = wrapFailure(secrets[i], packet);
  expect(toHex(packet)).toBe(error.errorpacket);
  expect(readFailure(secrets, packet)).toEqual({ hop: 4, message });
});
