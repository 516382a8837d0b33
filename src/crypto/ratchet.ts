/**
 * The key schedule of a session after its handshake (docs/protocol.md section 2.3), used alike by links and bundles:
 *
 *   (ck', k_i, k_r) = HKDF3(ck, ECDH(e_i, e_r))
 *
 *   initiator                                   responder
 *   begin  REKEY(N+1, e_i)   ---------------->  answer: can receive under N+1
 *          accept            <----------------  REKEY_ACK(N+1, e_r)
 *   sends under N+1          ---------------->  confirm: sends under N+1
 *
 * Initiator: settled -> offering (begin) -> settled (accept). Responder: settled -> answered (answer) -> settled
 * (confirm). Repeats and strays change nothing, so any loss, reordering and duplication of the two messages is
 * harmless. Frames, timers and the keys of earlier epochs are the owner's; this keeps the chaining key, which is
 * overwritten at each epoch, and at most one ephemeral secret, wiped when used.
 */
import { assert } from '../base/assert.ts';
import { equal, wipe } from '../base/bytes.ts';
import type { SecretKey } from '../base/ids.ts';
import type { Curve } from './curve.ts';
import { hkdf } from './hash.ts';
import type { SessionKeys } from './symmetric-state.ts';

export type RatchetRole = 'initiator' | 'responder';

/** Keys (32 bytes each) of one epoch as this side uses them. They belong to whoever receives them, and are his to wipe. */
export interface EpochKeys {
  readonly epoch: number;
  readonly sendKey: Uint8Array;
  readonly receiveKey: Uint8Array;
}

export interface RatchetOptions {
  readonly curve: Curve;
  readonly role: RatchetRole;
  /** Only the chaining key is copied; the rest stays the caller's. */
  readonly keys: SessionKeys;
  /** The epoch that `keys` are for: 0 in a link, 1 in a bundle. */
  readonly firstEpoch?: number;
}

interface Offer {
  readonly epoch: number;
  readonly secret: SecretKey;
  readonly ephemeral: Uint8Array;
}

interface Answer {
  readonly peerEphemeral: Uint8Array;
  readonly ephemeral: Uint8Array;
}

export class Ratchet {
  private readonly curve: Curve;
  private readonly role: RatchetRole;
  private chainingKey: Uint8Array;
  /** The newest epoch that has keys. */
  private newestEpoch: number;
  private sendingEpoch: number;
  /** Initiator: what waits for its acknowledgement. */
  private offer: Offer | undefined;
  /** Responder: how `newestEpoch` came about, for a repeated REKEY. */
  private lastAnswer: Answer | undefined;

  constructor(options: RatchetOptions) {
    this.curve = options.curve;
    this.role = options.role;
    this.chainingKey = options.keys.chainingKey.slice();
    this.newestEpoch = options.firstEpoch ?? 0;
    this.sendingEpoch = this.newestEpoch;
  }

  /** The epoch to send under. */
  get sendEpoch(): number {
    return this.sendingEpoch;
  }

  /** The newest epoch to receive under: one ahead of `sendEpoch` between answer and confirm. */
  get receiveEpoch(): number {
    return this.newestEpoch;
  }

  /** Whether an offer waits for its answer. */
  get offering(): boolean {
    return this.offer !== undefined;
  }

  /**
   * Initiator: what to put in REKEY. While an offer is pending it comes back unchanged. The secret belongs to the
   * ratchet from now on; one that is not needed is wiped.
   */
  begin(ephemeralSecret: SecretKey): { epoch: number; ephemeral: Uint8Array } {
    assert(this.role === 'initiator', 'only the initiator begins');
    if (this.offer === undefined) {
      const ephemeral = this.curve.publicKey(ephemeralSecret);
      this.offer = { epoch: this.newestEpoch + 1, secret: ephemeralSecret, ephemeral };
    } else if (ephemeralSecret !== this.offer.secret) {
      wipe(ephemeralSecret);
    }
    return { epoch: this.offer.epoch, ephemeral: this.offer.ephemeral };
  }

  /**
   * Initiator: REKEY_ACK arrived. Gives the new epoch's keys, to receive and from now on send under; undefined when it
   * answers no pending offer or its key is no point.
   */
  accept(epoch: number, peerEphemeral: Uint8Array): EpochKeys | undefined {
    assert(this.role === 'initiator', 'only the initiator is answered');
    if (this.offer === undefined || this.offer.epoch !== epoch) return undefined;
    const keys = this.advance(this.offer.secret, peerEphemeral);
    if (keys === undefined) return undefined;
    wipe(this.offer.secret);
    this.offer = undefined;
    this.sendingEpoch = epoch;
    return keys;
  }

  /**
   * Responder: REKEY arrived. Gives what to put in REKEY_ACK, and the new epoch's keys to receive under; the keys are
   * undefined for a repeat, which gets the same answer. Undefined when the epoch is not the next one, the present
   * one is not confirmed yet, or the key is no point. The secret is the ratchet's, and wiped in every case.
   */
  answer(
    epoch: number,
    peerEphemeral: Uint8Array,
    ephemeralSecret: SecretKey,
  ): { ephemeral: Uint8Array; keys: EpochKeys | undefined } | undefined {
    assert(this.role === 'responder', 'only the responder answers');
    const answered = this.answerOnce(epoch, peerEphemeral, ephemeralSecret);
    wipe(ephemeralSecret);
    return answered;
  }

  /** Responder: a datagram arrived under `epoch`. When it is the newest, the initiator has its keys: send under it. */
  confirm(epoch: number): void {
    assert(this.role === 'responder', 'only the responder confirms');
    if (epoch === this.newestEpoch) this.sendingEpoch = epoch;
  }

  /** The end of the session. */
  wipe(): void {
    wipe(this.chainingKey);
    if (this.offer !== undefined) wipe(this.offer.secret);
    this.offer = undefined;
  }

  private answerOnce(
    epoch: number,
    peerEphemeral: Uint8Array,
    ephemeralSecret: SecretKey,
  ): { ephemeral: Uint8Array; keys: EpochKeys | undefined } | undefined {
    if (epoch === this.newestEpoch && this.lastAnswer !== undefined) {
      if (!equal(peerEphemeral, this.lastAnswer.peerEphemeral)) return undefined;
      return { ephemeral: this.lastAnswer.ephemeral, keys: undefined };
    }
    // An honest initiator offers N+2 only from inside N+1, so three live epochs are never needed.
    if (epoch !== this.newestEpoch + 1 || this.sendingEpoch !== this.newestEpoch) return undefined;
    const keys = this.advance(ephemeralSecret, peerEphemeral);
    if (keys === undefined) return undefined;
    const ephemeral = this.curve.publicKey(ephemeralSecret);
    this.lastAnswer = { peerEphemeral: peerEphemeral.slice(), ephemeral };
    return { ephemeral, keys };
  }

  private advance(secret: Uint8Array, peerEphemeral: Uint8Array): EpochKeys | undefined {
    const shared = this.curve.ecdh(secret, peerEphemeral);
    if (shared === undefined) return undefined;
    const [chainingKey, initiatorKey, responderKey] = hkdf(this.chainingKey, shared, 3);
    wipe(shared);
    wipe(this.chainingKey);
    this.chainingKey = chainingKey;
    this.newestEpoch += 1;
    return epochKeys(this.role, this.newestEpoch, initiatorKey, responderKey);
  }
}

/** The two sending keys of an epoch (32 bytes each) as one side uses them; also for what a handshake left. */
export function epochKeys(
  role: RatchetRole,
  epoch: number,
  initiatorKey: Uint8Array,
  responderKey: Uint8Array,
): EpochKeys {
  return role === 'initiator'
    ? { epoch, sendKey: initiatorKey, receiveKey: responderKey }
    : { epoch, sendKey: responderKey, receiveKey: initiatorKey };
}
