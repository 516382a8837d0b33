/**
 * When a session changes keys, and which epoch it sends under (docs/protocol.md section 2.3). The key schedule itself
 * is crypto/ratchet.ts.
 *
 * Initiator: settled -> offered (REKEY sent) -> unconfirmed (REKEY_ACK came; sends under the new epoch) -> settled (the
 * peer sends under it too). Responder: settled -> answered -> settled.
 *
 * Timers. Settled for 1 s or two round trips, and traffic since: REKEY. Offered: REKEY again every 100 ms or quarter of a
 * round trip: with two of them, a session over a path of 2 s that loses half was soon stalled. Unconfirmed: at once and at the same pace a PING under the new epoch, because the responder switches on the first
 * datagram that it sees under it and nobody else may have anything to send. 3 s or two round trips after a
 * switch the old keys are wiped. Not able to switch for 10 s or ten round trips under traffic: stalled, for the owner to start a new handshake.
 */
import { NEVER } from '../../base/env.ts';
import { epochKeys, Ratchet, type RatchetRole } from '../../crypto/ratchet.ts';
import { type SessionKeys, wipeSessionKeys } from '../../crypto/symmetric-state.ts';
import { ephemeralSecret, type LinkContext } from '../context.ts';
import {
  PREVIOUS_EPOCH_LIFE_MS,
  PREVIOUS_EPOCH_ROUND_TRIPS,
  REKEY_AFTER_MS,
  REKEY_REPEAT_MS,
  REKEY_REPEAT_ROUND_TRIPS,
  REKEY_ROUND_TRIPS,
  REKEY_STALLED_MS,
  REKEY_STALLED_ROUND_TRIPS,
} from '../protocol-numbers.ts';
import { Keyring } from './keyring.ts';

/** What to put in REKEY or REKEY_ACK. */
export interface RekeyOffer {
  readonly epoch: number;
  readonly ephemeral: Uint8Array;
}

type Phase = 'settled' | 'offered' | 'unconfirmed';

export class Rekeying {
  readonly keyring: Keyring;
  private readonly context: LinkContext;
  private readonly role: RatchetRole;
  private readonly ratchet: Ratchet;
  private phase: Phase = 'settled';
  private offer: RekeyOffer | undefined;
  private repeatAt = NEVER;
  private switchedAt: number;
  private dueAt: number;
  /** Traffic since the last switch. */
  private carrying = false;
  private carriedAt: number;
  /** Since when traffic waits for a switch that is due. */
  private wantedSince: number | undefined;

  constructor(context: LinkContext, role: RatchetRole, keys: SessionKeys, now: number) {
    this.context = context;
    this.role = role;
    this.ratchet = new Ratchet({ curve: context.curve, role, keys });
    this.keyring = new Keyring(context.cipher);
    this.keyring.add(epochKeys(role, 0, keys.initiatorKey, keys.responderKey));
    wipeSessionKeys(keys);
    this.switchedAt = now;
    this.dueAt = now + REKEY_AFTER_MS;
    this.carriedAt = now;
  }

  get sendEpoch(): number {
    return this.ratchet.sendEpoch;
  }

  /** DATA or CHANNEL was sent or received. */
  carried(now: number): void {
    // A pause: nobody had a reason to rekey during it.
    if (now > this.carriedAt + 2 * REKEY_AFTER_MS && this.role === 'responder') this.wantedSince = undefined;
    this.carrying = true;
    this.carriedAt = now;
    if (this.role === 'responder' && now >= this.dueAt) this.wantedSince ??= now;
  }

  /** An authentic datagram came under this epoch. True when it switches the epoch that this side sends under. */
  heardUnder(epoch: number, now: number, roundTripMs: number): boolean {
    if (this.role === 'initiator') {
      if (this.phase === 'unconfirmed' && epoch === this.ratchet.sendEpoch) this.phase = 'settled';
      return false;
    }
    if (epoch <= this.ratchet.sendEpoch) return false;
    this.ratchet.confirm(epoch);
    this.switched(now, roundTripMs);
    return true;
  }

  /** What is due now: a REKEY frame with this content, or a PING that confirms the new epoch. */
  wake(now: number, roundTripMs: number): RekeyOffer | 'confirm' | undefined {
    this.keyring.wake(now);
    if (now < this.actAt()) return undefined;
    if (this.phase === 'settled') {
      this.phase = 'offered';
      this.offer = this.ratchet.begin(ephemeralSecret(this.context));
      this.wantedSince ??= now;
    }
    this.repeatAt = now + repeatAfterMs(roundTripMs);
    return this.phase === 'offered' ? this.offer : 'confirm';
  }

  /** Responder: REKEY came. What to answer; undefined when it is not expected, or too early to be honest. */
  answer(epoch: number, peerEphemeral: Uint8Array, now: number): RekeyOffer | undefined {
    if (this.role !== 'responder') return undefined;
    const tooEarly = now < this.switchedAt + this.context.tuning.rekeyAnswerAfterMs;
    if (tooEarly && epoch > this.ratchet.receiveEpoch) return undefined;
    const answer = this.ratchet.answer(epoch, peerEphemeral, ephemeralSecret(this.context));
    if (answer === undefined) return undefined;
    if (answer.keys !== undefined) this.keyring.add(answer.keys);
    return { epoch, ephemeral: answer.ephemeral };
  }

  /** Initiator: REKEY_ACK came. True when it switches the epoch that this side sends under: a PING goes out under it. */
  accept(epoch: number, peerEphemeral: Uint8Array, now: number, roundTripMs: number): boolean {
    if (this.role !== 'initiator' || this.phase !== 'offered') return false;
    const keys = this.ratchet.accept(epoch, peerEphemeral);
    if (keys === undefined) return false;
    this.keyring.add(keys);
    this.offer = undefined;
    this.phase = 'unconfirmed';
    this.repeatAt = now + repeatAfterMs(roundTripMs);
    this.switched(now, roundTripMs);
    return true;
  }

  nextWakeAt(): number {
    return Math.min(this.actAt(), this.keyring.nextWakeAt());
  }

  /** When the session counts as unable to rekey, unless it switches before. */
  stalledAt(roundTripMs: number): number {
    if (this.wantedSince === undefined) return NEVER;
    return this.wantedSince + Math.max(REKEY_STALLED_MS, REKEY_STALLED_ROUND_TRIPS * roundTripMs);
  }

  /** Whether the session is stalled; a responder's traffic may have ended meanwhile, and then it is not. */
  stalled(now: number, roundTripMs: number): boolean {
    if (now < this.stalledAt(roundTripMs)) return false;
    if (this.role === 'initiator' || now <= this.carriedAt + 2 * REKEY_AFTER_MS) return true;
    this.wantedSince = undefined;
    return false;
  }

  wipe(): void {
    this.ratchet.wipe();
    this.keyring.wipe();
  }

  private actAt(): number {
    if (this.phase !== 'settled') return this.repeatAt;
    return this.role === 'initiator' && this.carrying ? this.dueAt : NEVER;
  }

  private switched(now: number, roundTripMs: number): void {
    // What the peer sent before it switched, too, is still on its way.
    const lifeMs = Math.max(PREVIOUS_EPOCH_LIFE_MS, PREVIOUS_EPOCH_ROUND_TRIPS * roundTripMs);
    this.keyring.retireBefore(this.ratchet.sendEpoch, now + lifeMs);
    this.switchedAt = now;
    this.dueAt = now + Math.max(REKEY_AFTER_MS, REKEY_ROUND_TRIPS * roundTripMs);
    this.carrying = false;
    this.wantedSince = undefined;
  }
}

function repeatAfterMs(roundTripMs: number): number {
  return Math.max(REKEY_REPEAT_MS, REKEY_REPEAT_ROUND_TRIPS * roundTripMs);
}
