/**
 * The part of Noise (revision 34, section 5.2) that XK and IK share: chaining key, handshake hash and the key of the
 * moment. A step that reads bytes works on a `fork` and keeps it only when all tags were right, so that a forged act
 * can't spoil a handshake that is under way.
 */
import { assert } from '../base/assert.ts';
import { utf8, wipe } from '../base/bytes.ts';
import { nonceOf, open, seal } from './aead.ts';
import type { Curve } from './curve.ts';
import { HASH_BYTES, hkdf, sha256 } from './hash.ts';

/** What a finished handshake leaves, 32 bytes each: the keys are the sending keys of each side for the first epoch. */
export interface SessionKeys {
  readonly chainingKey: Uint8Array;
  readonly initiatorKey: Uint8Array;
  readonly responderKey: Uint8Array;
}

/** Why an act or message was not taken: wrong version byte, wrong length, no point on the curve, wrong tag. */
export type NoiseDrop = 'noise-version' | 'noise-length' | 'noise-point' | 'noise-tag';

/** The payload of a message that only proves a key. */
export const EMPTY: Uint8Array = new Uint8Array(0);

export class SymmetricState {
  private chainingKey: Uint8Array;
  private hash: Uint8Array;
  private key: Uint8Array;
  /** Messages sealed or opened under `key`. */
  private counter: number;

  private constructor(chainingKey: Uint8Array, hash: Uint8Array, key: Uint8Array, counter: number) {
    this.chainingKey = chainingKey;
    this.hash = hash;
    this.key = key;
    this.counter = counter;
  }

  /** `protocol` is Noise's name of the handshake, longer than 32 bytes for both that are used here. */
  static begin(protocol: string, prologue: Uint8Array): SymmetricState {
    assert(protocol.length > HASH_BYTES, 'a shorter name would be padded, not hashed');
    const chainingKey = sha256(utf8(protocol));
    return new SymmetricState(chainingKey, sha256(chainingKey, prologue), new Uint8Array(HASH_BYTES), 0);
  }

  fork(): SymmetricState {
    return new SymmetricState(this.chainingKey.slice(), this.hash.slice(), this.key.slice(), this.counter);
  }

  mixHash(bytes: Uint8Array): void {
    this.hash = sha256(this.hash, bytes);
  }

  /** Mixes in the Diffie-Hellman of a secret and a point. False when the bytes are no point. */
  mixDh(curve: Curve, secret: Uint8Array, point: Uint8Array): boolean {
    const shared = curve.ecdh(secret, point);
    if (shared === undefined) return false;
    const [chainingKey, key] = hkdf(this.chainingKey, shared, 2);
    wipe(shared);
    this.wipe();
    this.chainingKey = chainingKey;
    this.key = key;
    this.counter = 0;
    return true;
  }

  /** Ciphertext and tag (16). */
  encrypt(plaintext: Uint8Array): Uint8Array {
    const sealed = seal(this.key, nonceOf(this.counter++), this.hash, plaintext);
    this.mixHash(sealed);
    return sealed;
  }

  /** Undefined when the tag is wrong. */
  decrypt(sealed: Uint8Array): Uint8Array | undefined {
    const plaintext = open(this.key, nonceOf(this.counter++), this.hash, sealed);
    if (plaintext !== undefined) this.mixHash(sealed);
    return plaintext;
  }

  /** A key for what is sent before the handshake is over: HKDF1(label, chaining key). */
  earlyKey(label: string): Uint8Array {
    return hkdf(utf8(label), this.chainingKey, 1)[0];
  }

  /** The end of the handshake: hands the keys over and wipes the state. */
  split(): SessionKeys {
    const [initiatorKey, responderKey] = hkdf(this.chainingKey, EMPTY, 2);
    const chainingKey = this.chainingKey.slice();
    this.wipe();
    return { chainingKey, initiatorKey, responderKey };
  }

  wipe(): void {
    wipe(this.chainingKey);
    wipe(this.key);
  }
}

/** For whoever has put the keys where they are used. */
export function wipeSessionKeys(keys: SessionKeys): void {
  wipe(keys.chainingKey);
  wipe(keys.initiatorKey);
  wipe(keys.responderKey);
}
