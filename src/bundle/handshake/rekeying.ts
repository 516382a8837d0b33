/**
 * New keys for a session every second while it carries traffic (docs/protocol.md sections 2.3 and 6.1): the ratchet's
 * steps as messages of the session. The client is the initiator.
 *
 * Timers (client): an offer begins `rekeyMs` or two round trips after the last keys, once anything was sent or came; it
 * is repeated, over whichever route is then fastest, every `rekeyRetryMs` or two round trips; after `rekeyFailedMs`
 * with a route up the session has failed.
 */
import { NEVER, type RandomSource } from '../../base/env.ts';
import type { Curve } from '../../crypto/curve.ts';
import { epochKeys, Ratchet, type RatchetRole } from '../../crypto/ratchet.ts';
import { type SessionKeys, wipeSessionKeys } from '../../crypto/symmetric-state.ts';
import type { BundleRoute } from '../routes/bundle-route.ts';
import type { BundleTuning } from '../tuning.ts';
import type { Epochs } from './epochs.ts';
import type { PlaintextSender } from './plaintext-sender.ts';
import { randomSecret } from './session-handshake.ts';

/** docs/protocol.md section 6.1. */
const FIRST_EPOCH = 1;

export interface RekeyingOptions {
  readonly curve: Curve;
  readonly random: RandomSource;
  readonly role: RatchetRole;
  /** What the handshake left; they are this object's from now on. */
  readonly keys: SessionKeys;
  readonly epochs: Epochs;
  readonly sender: PlaintextSender;
  readonly tuning: BundleTuning;
  /** Of the slowest route in use; 0 while it is not known. */
  readonly longestRoundTripMs: () => number;
}

/**
 * Of the slowest route: a message may be that long under way, and wait for room before, under the keys it was sealed
 * with.
 */
const KEEP_ROUND_TRIPS = 4;

export class Rekeying {
  private readonly options: RekeyingOptions;
  private readonly ratchet: Ratchet;
  private changedAt: number;
  private offeredAt = 0;
  private repeatedAt = 0;
  /** No route was up: time does not count against the offer. */
  private interrupted = false;
  private traffic = false;
  private changes = 0;
  /** The newest epoch under which anything came; 0: nothing did. */
  private heardEpoch = 0;

  constructor(options: RekeyingOptions, now: number) {
    const { curve, role, keys, epochs } = options;
    this.options = options;
    this.ratchet = new Ratchet({ curve, role, keys, firstEpoch: FIRST_EPOCH });
    epochs.add(epochKeys(role, FIRST_EPOCH, keys.initiatorKey.slice(), keys.responderKey.slice()));
    epochs.sendUnder(FIRST_EPOCH);
    if (role === 'initiator') epochs.retireBefore(FIRST_EPOCH, 0, now);
    wipeSessionKeys(keys);
    this.changedAt = now;
  }

  /** The epoch this side sends under. */
  get epoch(): number {
    return this.ratchet.sendEpoch;
  }

  /** How often the keys have changed since the handshake. */
  get rekeys(): number {
    return this.changes;
  }

  /** Data was sent or came: worth new keys. */
  sawTraffic(): void {
    this.traffic = true;
  }

  /**
   * An authentic message came under `epoch`. Only then do older ones begin to leave: what the other end sent before it had the newest keys
   * may still come, and after an outage late.
   */
  received(epoch: number, now: number): void {
    if (epoch === this.heardEpoch || epoch < FIRST_EPOCH || epoch !== this.ratchet.receiveEpoch) return;
    this.heardEpoch = epoch;
    if (epoch !== this.ratchet.sendEpoch) {
      this.ratchet.confirm(epoch);
      this.options.epochs.sendUnder(epoch);
      this.changes += 1;
    }
    this.options.epochs.retireBefore(epoch, this.keepMs(), now);
  }

  /** Service: REKEY came on `route`. */
  rekey(route: BundleRoute, epoch: number, ephemeral: Uint8Array, now: number): 'ok' | 'bundle-rekey-unexpected' {
    const { curve, random, role, epochs, sender } = this.options;
    if (role === 'initiator') return 'bundle-rekey-unexpected';
    const answer = this.ratchet.answer(epoch, ephemeral, randomSecret(curve, random));
    if (answer === undefined) return 'bundle-rekey-unexpected';
    if (answer.keys !== undefined) epochs.add(answer.keys);
    sender.rekey(route, 'rekeyAck', epoch, answer.ephemeral, now);
    return 'ok';
  }

  /** Client: REKEY_ACK came on `route`. */
  rekeyAck(route: BundleRoute, epoch: number, ephemeral: Uint8Array, now: number): 'ok' | 'bundle-rekey-unexpected' {
    const { role, epochs, sender } = this.options;
    const keys = role === 'initiator' ? this.ratchet.accept(epoch, ephemeral) : undefined;
    if (keys === undefined) return 'bundle-rekey-unexpected';
    epochs.add(keys);
    epochs.sendUnder(epoch);
    this.changes += 1;
    this.changedAt = now;
    this.traffic = false;
    // The service sends under the new keys once it has seen them used: don't let it wait for data.
    sender.probe(route, now);
    return 'ok';
  }

  /** Does what is due over the fastest route; returns when to be called again, or 'failed'. */
  wake(fastest: BundleRoute | undefined, now: number): number | 'failed' {
    const { curve, random, role, tuning, sender } = this.options;
    if (role === 'responder') return NEVER;
    if (fastest === undefined) {
      this.interrupted = true;
      return NEVER;
    }
    if (this.interrupted) this.offeredAt = now;
    this.interrupted = false;
    const twoRoundTripsMs = 2 * (fastest.timing.roundTripMs ?? 0);
    if (!this.ratchet.offering) {
      if (!this.traffic) return NEVER;
      const dueAt = this.changedAt + Math.max(tuning.rekeyMs, twoRoundTripsMs);
      if (now < dueAt) return dueAt;
      this.offeredAt = now;
      this.repeatedAt = Number.NEGATIVE_INFINITY;
    }
    if (now >= this.offeredAt + tuning.rekeyFailedMs) return 'failed';
    const retryMs = Math.max(tuning.rekeyRetryMs, twoRoundTripsMs);
    if (now >= this.repeatedAt + retryMs) {
      const { epoch, ephemeral } = this.ratchet.begin(randomSecret(curve, random));
      sender.rekey(fastest, 'rekey', epoch, ephemeral, now);
      this.repeatedAt = now;
    }
    return Math.min(this.repeatedAt + retryMs, this.offeredAt + tuning.rekeyFailedMs);
  }

  private keepMs(): number {
    return KEEP_ROUND_TRIPS * this.options.longestRoundTripMs();
  }

  /** The end of the session. */
  close(): void {
    this.ratchet.wipe();
  }
}
