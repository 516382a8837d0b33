/** The fastest curve that loads here: the addon's libsecp256k1, else the reference. Both give the same bytes. */
import type { Curve } from '../../src/crypto/curve.ts';
import { nobleCurve } from '../../src/crypto/noble-curve.ts';
import { loadNative } from '../../src/native/index.ts';

export function fastCurve(): Curve {
  const loaded = loadNative();
  return 'datapath' in loaded ? loaded.datapath.curve : nobleCurve;
}
