/**
 * The keys of a session by epoch, in slots of the cipher (docs/protocol.md sections 2.2 and 2.3). The present epoch, the
 * next one, and those of the last 3 s live side by side: a ring of eight, found by the epoch byte of a datagram.
 * Epochs are 1 s apart at the least, so five are in use at most; a hostile peer that rekeys faster only loses its own
 * late datagrams.
 */
import { wipe } from '../../base/bytes.ts';
import { NEVER } from '../../base/env.ts';
import type { Cipher } from '../../crypto/cipher.ts';
import type { EpochKeys } from '../../crypto/ratchet.ts';
import { EPOCH_MODULUS } from '../../wire/session.ts';

const RING = 8;
const NONE = -1;

export class Keyring {
  private readonly cipher: Cipher;
  private readonly epochs = new Float64Array(RING).fill(NONE);
  private readonly sendSlots = new Int32Array(RING).fill(NONE);
  private readonly receiveSlots = new Int32Array(RING).fill(NONE);
  private readonly expiresAt = new Float64Array(RING).fill(NEVER);

  constructor(cipher: Cipher) {
    this.cipher = cipher;
  }

  /** Puts the keys into slots and wipes the arrays they came in. */
  add(keys: EpochKeys): void {
    const at = keys.epoch % RING;
    this.removeAt(at);
    this.epochs[at] = keys.epoch;
    this.sendSlots[at] = this.cipher.addKey(keys.sendKey);
    this.receiveSlots[at] = this.cipher.addKey(keys.receiveKey);
    this.expiresAt[at] = NEVER;
    wipe(keys.sendKey);
    wipe(keys.receiveKey);
  }

  sendSlot(epoch: number): number {
    return this.sendSlots[epoch % RING];
  }

  /** The epoch that a datagram with this epoch byte is under, or -1 when its keys are not here. */
  epochOf(epochByte: number): number {
    const epoch = this.epochs[epochByte % RING];
    return epoch % EPOCH_MODULUS === epochByte ? epoch : NONE;
  }

  /** The slot to open datagrams of an epoch that `epochOf` found. */
  receiveSlot(epoch: number): number {
    return this.receiveSlots[epoch % RING];
  }

  /** Keys of epochs before this one are wiped at `at`, unless they already had an earlier date. */
  retireBefore(epoch: number, at: number): void {
    for (let i = 0; i < RING; i++) {
      if (this.epochs[i] !== NONE && this.epochs[i] < epoch) this.expiresAt[i] = Math.min(this.expiresAt[i], at);
    }
  }

  wake(now: number): void {
    for (let i = 0; i < RING; i++) if (now >= this.expiresAt[i]) this.removeAt(i);
  }

  nextWakeAt(): number {
    let at = NEVER;
    for (let i = 0; i < RING; i++) at = Math.min(at, this.expiresAt[i]);
    return at;
  }

  /** The end of the session. */
  wipe(): void {
    for (let i = 0; i < RING; i++) this.removeAt(i);
  }

  private removeAt(at: number): void {
    if (this.epochs[at] === NONE) return;
    this.cipher.removeKey(this.sendSlots[at]);
    this.cipher.removeKey(this.receiveSlots[at]);
    this.epochs[at] = NONE;
    this.expiresAt[at] = NEVER;
  }
}
