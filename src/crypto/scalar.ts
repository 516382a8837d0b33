/**
 * Arithmetic modulo the order of secp256k1. Only an origin needs it, for the blinding of its own fresh secrets, so it
 * is not part of the curve port.
 */
import { assert } from '../base/assert.ts';
import { fromHex, toHex } from '../base/bytes.ts';

const SCALAR_BYTES = 32;
/** SEC 2, section 2.4.1. */
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/** a x b mod n; all three are 32 bytes, big-endian. */
export function multiplyScalars(a: Uint8Array, b: Uint8Array): Uint8Array {
  assert(a.length === SCALAR_BYTES && b.length === SCALAR_BYTES, 'scalars of 32 bytes');
  const product = (BigInt(`0x${toHex(a)}`) * BigInt(`0x${toHex(b)}`)) % ORDER;
  return fromHex(product.toString(16).padStart(2 * SCALAR_BYTES, '0'))!;
}
