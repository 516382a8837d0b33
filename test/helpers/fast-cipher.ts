/** The fastest cipher that loads here: the addon's, else that of Node. Both give the same bytes. */
import type { Cipher } from '../../src/crypto/cipher.ts';
import { createNodeCipher } from '../../src/crypto/node-cipher.ts';
import { loadNative } from '../../src/native/index.ts';

export function fastCipher(): Cipher {
  const loaded = loadNative();
  return 'datapath' in loaded ? loaded.datapath.cipher : createNodeCipher();
}
