import { describe, expect, test } from 'vitest';
import { concat, toHex } from '../../../src/base/bytes.ts';
import { NONCE_BYTES, open } from '../../../src/crypto/aead.ts';
import type { MessageCipher } from '../../../src/crypto/job-runner.ts';
import { nodeMessageCipher } from '../../../src/crypto/node-cipher.ts';
import { referenceMessageCipher } from '../../../src/crypto/reference-cipher.ts';
import { hex, readPublished } from '../published.ts';

interface AeadCase {
  readonly tcId: number;
  readonly key: string;
  readonly iv: string;
  readonly aad: string;
  readonly msg: string;
  readonly ct: string;
  readonly tag: string;
  readonly result: 'valid' | 'invalid';
}

const cases = readPublished<{ testGroups: { tests: AeadCase[] }[] }>(
  'wycheproof-chacha20-poly1305.json',
).testGroups.flatMap((group) => group.tests);
const rightNonce = cases.filter((one) => hex(one.iv).length === NONCE_BYTES);
const otherNonce = cases.filter((one) => hex(one.iv).length !== NONCE_BYTES);
/** Jobs lie anywhere in an arena: an odd place is where a back end that assumes alignment fails. */
const AT = 3;

test('the Wycheproof file holds 316 cases with a nonce of 96 bits and 9 with another', () => {
  expect([rightNonce.length, otherNonce.length]).toEqual([316, 9]);
});

test('Wycheproof calls every other nonce size invalid, and it is refused as a programmer error', () => {
  for (const one of otherNonce) {
    expect(one.result).toBe('invalid');
    expect(() => open(hex(one.key), hex(one.iv), hex(one.aad), hex(one.ct + one.tag))).toThrow('nonce of 12');
  }
});

function checkThrough<Key>(cipher: MessageCipher<Key>): void {
  describe(`Wycheproof ChaCha20-Poly1305 through the ${cipher.name} cipher`, () => {
    test.each(rightNonce.map((one) => [one.tcId, one.result, one] as const))('case %i (%s)', (_, result, one) => {
      const key = cipher.importKey(hex(one.key));
      const [nonce, associated, text] = [one.iv, one.aad, one.msg].map(hex);
      const margin = new Uint8Array(AT).fill(0xee);
      const sealed = concat(margin, associated, hex(one.ct), hex(one.tag), margin);

      const arena = concat(margin, associated, text, new Uint8Array(16), margin);
      cipher.seal(key, nonce, arena, AT, associated.length, text.length);
      if (result === 'valid') expect(toHex(arena)).toBe(toHex(sealed));
      else expect(toHex(arena)).not.toBe(toHex(sealed));

      expect(cipher.open(key, nonce, sealed, AT, associated.length, text.length)).toBe(result === 'valid');
      if (result !== 'valid') return;
      const textAt = AT + associated.length;
      expect(toHex(sealed.subarray(textAt, textAt + text.length))).toBe(toHex(text));
    });
  });
}

checkThrough(referenceMessageCipher);
checkThrough(nodeMessageCipher);
