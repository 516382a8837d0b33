/**
 * The initiator's half of the handshake (docs/protocol.md section 2.1), repeated until it succeeds or is stopped.
 *
 * opening: INIT is sent. closing: RESPONSE came, FINAL is sent, and the session exists but has not been heard.
 *
 * Timers: INIT is sent again every 250 ms for two minutes, because a wire that loses half of everything needs several tries, and what waits for
 * the end of an outage goes on within a second of it; then four times at twice the interval, up to 5 s. After 24 tries a fresh
 * ephemeral key begins another INIT at the same pace.
 * FINAL is sent again every 250 ms, for the peer is there; after thirty tries INIT begins anew, at 250 ms. A COOKIE lets INIT
 * go again at once, one time for each try.
 */
import { NEVER } from '../../base/env.ts';
import type { NodeKey } from '../../base/ids.ts';
import { cookieKey, mac1Key, mac16, openCookie } from '../../crypto/mac.ts';
import type { SessionKeys } from '../../crypto/symmetric-state.ts';
import {
  buildFinal,
  cookieNonceOf,
  type HandshakeDatagram,
  sealedCookieOf,
  underMac1,
  underMac2,
  writeMac1,
  writeMac2,
} from '../../wire/handshake.ts';
import type { LinkContext } from '../context.ts';
import type { IndexAllocator } from '../index-table.ts';
import {
  COOKIE_SECRET_LIFE_MS,
  HANDSHAKE_EAGER_MS,
  HANDSHAKE_RETRY_FIRST_MS,
  HANDSHAKE_RETRY_MAX_MS,
  HANDSHAKE_TRIES_OF_FINAL,
  HANDSHAKE_TRIES_PER_EPHEMERAL,
  HANDSHAKE_TRIES_PER_PACE,
} from '../protocol-numbers.ts';
import type { Session } from '../session.ts';
import { type Opening, openHandshake, readResponse } from './opening.ts';

/** Silence may end by itself; the other reasons stay until a handshake is done. */
export type InitiationReason = 'down' | 'silent' | 'stalled';

export interface InitiationOptions {
  readonly context: LinkContext;
  readonly indices: IndexAllocator;
  readonly peer: NodeKey;
  readonly reason: InitiationReason;
  /** Where the peer may be, likeliest first; tried in turn. Never empty while the initiation lives. */
  readonly endpoints: (now: number) => Uint8Array[];
  /** The session of a handshake that is done but not confirmed: a candidate. */
  readonly createSession: (
    localIndex: number,
    remoteIndex: number,
    keys: SessionKeys,
    endpoint: Uint8Array,
    now: number,
  ) => Session;
}

export class Initiation {
  readonly kind = 'initiation';
  readonly reason: InitiationReason;
  private readonly options: InitiationOptions;
  private opening: Opening | undefined;
  private closing: { readonly session: Session; readonly final: Uint8Array } | undefined;
  private tries = 0;
  private sends = 0;
  private retryMs = HANDSHAKE_RETRY_FIRST_MS;
  private retryAt = NEVER;
  private startedAt = 0;
  private cookie: Uint8Array | undefined;
  private cookieUntil = 0;
  private cookieWelcome = false;

  constructor(options: InitiationOptions) {
    this.options = options;
    this.reason = options.reason;
  }

  /** The session that waits to be heard. */
  get session(): Session | undefined {
    return this.closing?.session;
  }

  start(now: number): void {
    this.startedAt = now;
    this.begin();
    this.send(now);
  }

  wake(now: number): void {
    if (now < this.retryAt) return;
    if (this.tries >= (this.closing === undefined ? HANDSHAKE_TRIES_PER_EPHEMERAL : HANDSHAKE_TRIES_OF_FINAL)) {
      this.abandon();
      this.begin();
    }
    this.send(now);
  }

  nextWakeAt(): number {
    return this.retryAt;
  }

  /** The peer was just heard of at a new address: INIT goes there at once. */
  hurry(now: number): void {
    if (this.opening === undefined) return;
    this.sends = 0;
    this.restartPace();
    this.send(now);
  }

  response(datagram: HandshakeDatagram, endpoint: Uint8Array, now: number): void {
    const { context, indices } = this.options;
    const { opening } = this;
    if (opening === undefined) return context.drops.count('handshake-unexpected');
    const read = readResponse(opening, datagram);
    if (read !== 'ok') return context.drops.count(read);
    const final = buildFinal(opening.localIndex, datagram.senderIndex, opening.noise.actThree());
    writeMac1(final, mac16(mac1Key(this.options.peer), underMac1(final)));
    const keys = opening.noise.keys();
    const session = this.options.createSession(opening.localIndex, datagram.senderIndex, keys, endpoint, now);
    indices.put(opening.localIndex, session);
    this.opening = undefined;
    this.closing = { session, final };
    this.restartPace();
    this.send(now);
  }

  cookieArrived(datagram: HandshakeDatagram, endpoint: Uint8Array, now: number): void {
    const { drops } = this.options.context;
    const { opening } = this;
    if (opening === undefined || !this.cookieWelcome) return drops.count('handshake-unexpected');
    const key = cookieKey(this.options.peer);
    const cookie = openCookie(key, cookieNonceOf(datagram), opening.mac1, sealedCookieOf(datagram));
    if (cookie === undefined) return drops.count('handshake-cookie');
    this.cookieWelcome = false;
    this.cookie = cookie;
    this.cookieUntil = now + COOKIE_SECRET_LIFE_MS;
    this.transmitInit(opening, endpoint, now);
  }

  /** Gives up; a session that was not confirmed is closed. */
  stop(): void {
    this.abandon();
    this.retryAt = NEVER;
  }

  /** The session was heard: it belongs to the neighbour from now on. */
  finish(): void {
    this.closing = undefined;
    this.retryAt = NEVER;
  }

  private begin(): void {
    const { context, indices, peer } = this.options;
    this.opening = openHandshake(context, indices, peer, this);
    this.tries = 0;
  }

  private send(now: number): void {
    const { context } = this.options;
    if (this.closing !== undefined) {
      context.arena.plain(this.closing.final, this.closing.session.endpoint);
    } else if (this.opening !== undefined) {
      this.cookieWelcome = true;
      this.transmitInit(this.opening, this.endpointInTurn(now), now);
      this.sends += 1;
    }
    this.tries += 1;
    this.retryAt = now + this.retryMs;
    if (this.closing !== undefined || this.tries % HANDSHAKE_TRIES_PER_PACE !== 0) return;
    const slowestMs = now - this.startedAt < HANDSHAKE_EAGER_MS ? HANDSHAKE_RETRY_FIRST_MS : HANDSHAKE_RETRY_MAX_MS;
    this.retryMs = Math.min(2 * this.retryMs, slowestMs);
  }

  /** The peer lives, or may: as fast as at first. */
  private restartPace(): void {
    this.tries = 0;
    this.retryMs = HANDSHAKE_RETRY_FIRST_MS;
  }

  private transmitInit(opening: Opening, endpoint: Uint8Array, now: number): void {
    if (this.cookie !== undefined && now < this.cookieUntil) {
      writeMac2(opening.init, mac16(this.cookie, underMac2(opening.init)));
    }
    this.options.context.arena.plain(opening.init, endpoint);
  }

  private endpointInTurn(now: number): Uint8Array {
    const endpoints = this.options.endpoints(now);
    return endpoints[this.sends % endpoints.length];
  }

  /** Forgets the present ephemeral key and what came of it. */
  private abandon(): void {
    const { indices } = this.options;
    if (this.opening !== undefined) {
      indices.remove(this.opening.localIndex);
      this.opening.noise.wipe();
      this.opening = undefined;
    }
    if (this.closing !== undefined) {
      indices.remove(this.closing.session.localIndex);
      this.closing.session.close();
      this.closing = undefined;
    }
  }
}
