/**
 * The secp256k1 port. `noble` is the reference in TypeScript; the addon's libsecp256k1 is the fast twin. Both are
 * deterministic, so a simulation gives the same bytes with either.
 *
 * Points are 33 bytes compressed, scalars 32 bytes big-endian. Methods that take points from the network return
 * undefined when the bytes are no point on the curve.
 */
import type { SecretKey } from '../base/ids.ts';

export interface Curve {
  readonly name: 'noble' | 'libsecp256k1';
  /** Whether these 32 bytes are a scalar in [1, n-1]. */
  isSecret(bytes: Uint8Array): bytes is SecretKey;
  isPoint(bytes: Uint8Array): boolean;
  publicKey(secret: Uint8Array): Uint8Array;
  /** SHA-256 of the compressed product, as BOLT-8 has it. */
  ecdh(secret: Uint8Array, point: Uint8Array): Uint8Array | undefined;
  /** point x scalar: Sphinx blinds with it (BOLT-4). */
  multiply(point: Uint8Array, scalar: Uint8Array): Uint8Array | undefined;
  /** BIP-340 over a 32-byte digest: 64 bytes. */
  sign(secret: Uint8Array, digest: Uint8Array, auxiliary: Uint8Array): Uint8Array;
  /** `key` is a 33-byte compressed key; BIP-340 uses its x. */
  verify(key: Uint8Array, digest: Uint8Array, signature: Uint8Array): boolean;
}
