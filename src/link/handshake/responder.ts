/**
 * The responder's half of the handshake (docs/protocol.md section 2.1), up to knowing who is there.
 *
 * An INIT with the right mac1 becomes a pending handshake and gets RESPONSE; the same INIT again gets the same bytes. A
 * FINAL ends it: it names the initiator, and whoever keeps the neighbours decides about the session.
 *
 * Bounds: 64 pending handshakes. The oldest gives way, because with refusal a flood of INITs would keep everybody
 * out for as long as it lasts, while this way a handshake only has to be faster than 64 others.
 *
 * Timer: a pending handshake waits 10 s for its FINAL.
 */
import { equalSecret, toHex, utf8 } from '../../base/bytes.ts';
import { NEVER } from '../../base/env.ts';
import { mac1Key, mac16 } from '../../crypto/mac.ts';
import { XkResponder } from '../../crypto/noise-xk.ts';
import type { SessionKeys } from '../../crypto/symmetric-state.ts';
import {
  buildResponse,
  ephemeralOf,
  type HandshakeDatagram,
  LINK_PROLOGUE,
  underMac1,
  writeMac1,
} from '../../wire/handshake.ts';
import { ephemeralSecret, type LinkContext } from '../context.ts';
import type { IndexAllocator } from '../index-table.ts';
import { PENDING_HANDSHAKES_MAX } from '../protocol-numbers.ts';
import { Cookies } from './cookies.ts';

const PROLOGUE = utf8(LINK_PROLOGUE);

export class PendingHandshake {
  readonly kind = 'pending';
  readonly remoteIndex: number;
  readonly startedAt: number;
  readonly noise: XkResponder;
  localIndex = 0;
  response: Uint8Array = new Uint8Array(0);

  constructor(remoteIndex: number, noise: XkResponder, now: number) {
    this.remoteIndex = remoteIndex;
    this.noise = noise;
    this.startedAt = now;
  }
}

/** What a FINAL proved. */
export interface FinishedHandshake {
  readonly remoteKey: Uint8Array;
  readonly keys: SessionKeys;
  /** This side's index goes on to name the session. */
  readonly localIndex: number;
  readonly remoteIndex: number;
  /** When its INIT came. */
  readonly startedAt: number;
}

export class Responder {
  private readonly context: LinkContext;
  private readonly indices: IndexAllocator;
  private readonly answerAt: (endpoint: Uint8Array, now: number) => Uint8Array;
  private readonly mac1Key: Uint8Array;
  private readonly cookies: Cookies;
  /** By the INIT's mac1, oldest first. */
  private readonly pending = new Map<string, PendingHandshake>();

  /** `answerAt`: where the answer to an INIT from an endpoint goes. */
  constructor(
    context: LinkContext,
    indices: IndexAllocator,
    answerAt: (endpoint: Uint8Array, now: number) => Uint8Array,
  ) {
    this.answerAt = answerAt;
    this.context = context;
    this.indices = indices;
    this.mac1Key = mac1Key(context.identity.key);
    this.cookies = new Cookies(context.random, context.identity.key);
  }

  get pendingCount(): number {
    return this.pending.size;
  }

  init(datagram: HandshakeDatagram, endpoint: Uint8Array, now: number): void {
    const { arena, drops } = this.context;
    if (!this.isForUs(datagram)) return drops.count('handshake-mac1');
    const answerAt = this.answerAt(endpoint, now);
    const name = toHex(datagram.mac1);
    const repeated = this.pending.get(name);
    if (repeated !== undefined) return arena.plain(repeated.response, answerAt);
    if (!this.cookies.admit(datagram, endpoint, now)) {
      drops.count('handshake-load');
      return arena.plain(this.cookies.answer(datagram, endpoint, now), answerAt);
    }
    const noise = this.createNoise();
    const read = noise.readActOne(datagram.body);
    if (read !== 'ok') {
      noise.wipe();
      return drops.count(`handshake-${read}`);
    }
    const pending = new PendingHandshake(datagram.senderIndex, noise, now);
    pending.localIndex = this.indices.add(pending);
    pending.response = buildResponse(pending.localIndex, datagram.senderIndex, noise.actTwo());
    writeMac1(pending.response, mac16(mac1Key(ephemeralOf(datagram.body)), underMac1(pending.response)));
    if (this.pending.size >= PENDING_HANDSHAKES_MAX) this.giveWay();
    this.pending.set(name, pending);
    arena.plain(pending.response, answerAt);
  }

  /** Undefined when the FINAL is not authentic (counted); the pending handshake then still waits for the true one. */
  final(pending: PendingHandshake, datagram: HandshakeDatagram): FinishedHandshake | undefined {
    const { drops } = this.context;
    if (!this.isForUs(datagram)) {
      drops.count('handshake-mac1');
      return undefined;
    }
    if (datagram.senderIndex !== pending.remoteIndex) {
      drops.count('handshake-index');
      return undefined;
    }
    const read = pending.noise.readActThree(datagram.body);
    if (typeof read === 'string') {
      drops.count(`handshake-${read}`);
      return undefined;
    }
    this.remove(pending);
    const { localIndex, remoteIndex, startedAt } = pending;
    return { remoteKey: read.remoteKey, keys: pending.noise.keys(), localIndex, remoteIndex, startedAt };
  }

  /** Whether the sender of this INIT or FINAL knows this node's key. */
  isForUs(datagram: HandshakeDatagram): boolean {
    return equalSecret(mac16(this.mac1Key, underMac1(datagram.bytes)), datagram.mac1);
  }

  /** Forgets every pending handshake. */
  stop(): void {
    for (const pending of this.pending.values()) this.giveUp(pending);
  }

  wake(now: number): void {
    for (const pending of this.pending.values()) {
      if (now < pending.startedAt + this.context.tuning.pendingLifeMs) return;
      this.context.drops.count('handshake-late');
      this.giveUp(pending);
    }
  }

  nextWakeAt(): number {
    const oldest = this.pending.values().next();
    return oldest.done ? NEVER : oldest.value.startedAt + this.context.tuning.pendingLifeMs;
  }

  private createNoise(): XkResponder {
    const { curve, identity } = this.context;
    return new XkResponder({
      curve,
      prologue: PROLOGUE,
      localSecret: identity.secret,
      ephemeralSecret: ephemeralSecret(this.context),
    });
  }

  private giveWay(): void {
    for (const oldest of this.pending.values()) {
      this.context.drops.count('handshake-crowded');
      return this.giveUp(oldest);
    }
  }

  private giveUp(pending: PendingHandshake): void {
    pending.noise.wipe();
    this.remove(pending);
  }

  /** The index stays with whoever replaces it, or goes. */
  private remove(pending: PendingHandshake): void {
    this.indices.remove(pending.localIndex);
    for (const [name, entry] of this.pending) {
      if (entry === pending) this.pending.delete(name);
    }
  }
}
