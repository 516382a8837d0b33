import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, writeU16, writeU32 } from '../../../src/base/bytes.ts';
import type { NodeKey } from '../../../src/base/ids.ts';
import { BEACON_BYTES, encodeUnsignedBeacon, parseBeacon, signedParts } from '../../../src/wire/beacon.ts';

const node = new Uint8Array(33).fill(2) as NodeKey;
const beacon = { node, port: 6969, time: 1_800_000_000, takesStrangers: true };
const signature = new Uint8Array(64).fill(9);
const bytes = concat(encodeUnsignedBeacon(beacon), signature);

describe('a beacon', () => {
  it('has the layout of docs/protocol.md section 9.1', () => {
    const expected = new Uint8Array(BEACON_BYTES);
    expected.set([...'SKYB'].map((letter) => letter.charCodeAt(0)));
    expected[4] = 1;
    writeU16(expected, 6, 1);
    writeU16(expected, 8, 6969);
    writeU32(expected, 10, 1_800_000_000);
    expected.set(node, 14);
    expected.set(signature, 47);
    expect(bytes).toEqual(expected);
    expect(parseBeacon(bytes)).toEqual(beacon);
    expect(signedParts(bytes)).toEqual({ signed: bytes.subarray(0, 47), signature });
  });

  it.each([
    ['magic', 0, 'beacon-malformed'],
    ['version', 4, 'beacon-version'],
  ])('is dropped by name with another %s', (_, at, reason) => {
    const wrong = bytes.slice();
    wrong[at] ^= 0xff;
    expect(parseBeacon(wrong)).toBe(reason);
  });

  it('is dropped when it is cut, longer, or names no port', () => {
    for (let length = 0; length < bytes.length; length++) {
      expect(parseBeacon(bytes.subarray(0, length))).toBe('beacon-malformed');
    }
    expect(parseBeacon(concat(bytes, Uint8Array.of(0)))).toBe('beacon-malformed');
    expect(parseBeacon(concat(encodeUnsignedBeacon({ ...beacon, port: 0 }), signature))).toBe('beacon-malformed');
  });

  it('is read with capabilities that have no meaning yet', () => {
    const more = bytes.slice();
    more[6] = 0xff;
    more[7] = 0xfe;
    expect(parseBeacon(more)).toEqual({ ...beacon, takesStrangers: false });
  });

  it('comes back from its bytes as it was', () => {
    const key = fc.uint8Array({ minLength: 33, maxLength: 33 });
    const port = fc.integer({ min: 1, max: 0xffff });
    const time = fc.integer({ min: 0, max: 0xffff_ffff });
    fc.assert(
      fc.property(key, port, time, fc.boolean(), (keyBytes, somePort, someTime, takesStrangers) => {
        const one = { node: keyBytes as NodeKey, port: somePort, time: someTime, takesStrangers };
        expect(parseBeacon(concat(encodeUnsignedBeacon(one), signature))).toEqual(one);
      }),
    );
  });
});
