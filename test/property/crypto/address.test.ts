import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addressText, parseAddress } from '../../../src/crypto/address.ts';
import { decodeBase58, encodeBase58 } from '../../../src/crypto/base58.ts';

test('bytes survive base58, leading zeros included', () => {
  const bytes = fc.tuple(fc.integer({ min: 0, max: 8 }), fc.uint8Array({ maxLength: 32 }));
  fc.assert(
    fc.property(bytes, ([zeros, rest]) => {
      const all = Uint8Array.of(...new Uint8Array(zeros), ...rest);
      expect(decodeBase58(encodeBase58(all), all.length)).toEqual(all);
      expect(decodeBase58(encodeBase58(all), all.length + 1)).toBeUndefined();
    }),
  );
});

test('every address hash survives its text, and any text at all is an address or refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 20, maxLength: 20 }), (hash) => {
      expect(parseAddress(addressText(hash))).toEqual(hash);
    }),
  );
  fc.assert(
    fc.property(fc.string({ maxLength: 40 }), (text) => {
      const hash = parseAddress(text);
      if (hash !== undefined) expect(addressText(hash)).toBe(text);
    }),
  );
});
