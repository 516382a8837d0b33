/**
 * One configured peer: which session carries the link, which handshakes are under way, and where the peer is sought.
 *
 * down: no session. Where an endpoint is known a handshake is repeated for ever; else the peer is waited for.
 * up: one active session. Beside it there may be an initiation of ours, when the peer fell silent or rekeying
 * stalled, and a candidate, the session of a handshake that the peer began; the active one lives on until one of them is
 * heard (make before break). The one that is heard first becomes the active session. Whatever the peer knew of routes
 * over this link may be gone then, so the user is told: down, then up.
 *
 * Simultaneous open: the handshake of the smaller key is kept. That side drops a FINAL that comes while its own handshake
 * runs, or whose handshake ran when its own was done. The other side drops its own when a FINAL comes.
 *
 * Timers: peer silent for 1.5 s and its endpoint configured: a handshake beside the session. Silent for 4 s: down. Candidate
 * not heard for 10 s: given up. After the peer closed the link: handshake after 250 ms. After yielding in a simultaneous
 * open: our handshake again after 2 s, unless the other came through.
 */
import { compare, equal, toHex } from '../base/bytes.ts';
import { NEVER } from '../base/env.ts';
import type { KeyText, LinkId, NodeKey } from '../base/ids.ts';
import type { RatchetRole } from '../crypto/ratchet.ts';
import { type SessionKeys, wipeSessionKeys } from '../crypto/symmetric-state.ts';
import { CLOSE_NOT_A_PEER, CLOSE_SHUTTING_DOWN } from '../wire/frames.ts';
import type { LinkContext } from './context.ts';
import { Initiation, type InitiationReason } from './handshake/initiation.ts';
import type { FinishedHandshake } from './handshake/responder.ts';
import type { IndexAllocator } from './index-table.ts';
import type { LinkDownReason, LinkEvents } from './link-events.ts';
import type { LinkStatus } from './link-status.ts';
import { Measures } from './measures.ts';
import { isBackEndpoint } from './one-way/back-endpoint.ts';
import type { LinkDirection } from './one-way/direction.ts';
import { PeerWay } from './one-way/peer-way.ts';
import { HANDSHAKE_RETRY_FIRST_MS } from './protocol-numbers.ts';
import { Session } from './session.ts';
import { Traffic } from './traffic.ts';

export interface NeighbourOptions {
  readonly context: LinkContext;
  readonly indices: IndexAllocator;
  readonly link: LinkId;
  readonly key: NodeKey;
  readonly endpoint: Uint8Array | undefined;
  readonly fallbacks: readonly Uint8Array[];
  readonly direction: LinkDirection;
  readonly events: () => LinkEvents;
}

/** A session that the peer's FINAL made. */
interface Candidate {
  readonly session: Session;
  /** The datagram that made it: the same one again means that our PING was lost. */
  readonly final: Uint8Array;
  readonly expiresAt: number;
}

export class Neighbour {
  readonly link: LinkId;
  readonly key: NodeKey;
  readonly keyText: KeyText;
  readonly traffic = new Traffic();
  readonly measures: Measures;
  private readonly context: LinkContext;
  private readonly indices: IndexAllocator;
  private readonly events: () => LinkEvents;
  private readonly configuredEndpoint: Uint8Array | undefined;
  private readonly way: PeerWay;
  private activeSession: Session | undefined;
  private candidate: Candidate | undefined;
  private initiation: Initiation | undefined;
  /** When to begin a handshake again. */
  private initiateAt = NEVER;
  private stopped = false;

  constructor(options: NeighbourOptions) {
    this.context = options.context;
    this.indices = options.indices;
    this.link = options.link;
    this.key = options.key;
    this.keyText = toHex(options.key);
    this.events = options.events;
    this.configuredEndpoint = options.endpoint?.slice();
    this.way = new PeerWay({
      context: options.context,
      peer: options.key,
      configuredEndpoint: this.configuredEndpoint,
      fallbackEndpoints: options.fallbacks.map((endpoint) => endpoint.slice()),
      configuredDirection: options.direction,
      presentAddress: () => this.activeSession?.address,
      changed: (back, now) => this.wayChanged(back, now),
    });
    this.measures = new Measures(options.context, () => this.activeSession);
  }

  /** What carries the link; undefined while it is down. */
  get active(): Session | undefined {
    return this.activeSession;
  }

  start(now: number): void {
    this.stopped = false;
    this.initiate('down', now);
  }

  /** As `start`, at the next `wake`: for a peer that is added while the others run. */
  startSoon(): void {
    this.initiateAt = 0;
  }

  /** It was heard of at this endpoint. Nothing happens while the link is up. */
  meet(endpoint: Uint8Array, now: number): void {
    if (this.activeSession !== undefined) return;
    const isNews = !this.way.isAt(endpoint, now);
    this.way.hearOf(endpoint, now);
    if (this.initiation === undefined && this.candidate === undefined) this.initiate('down', now);
    else if (isNews) this.initiation?.hurry(now);
  }

  /** Ends everything with this peer. It is told when there is a session. */
  stop(why: 'removed' | 'stopped', now: number): void {
    this.stopped = true;
    this.endInitiation();
    this.endCandidate();
    this.initiateAt = NEVER;
    const session = this.activeSession;
    this.activeSession = undefined;
    if (session !== undefined) this.end(session, why === 'stopped' ? CLOSE_SHUTTING_DOWN : CLOSE_NOT_A_PEER);
    this.way.forget(now);
    if (session !== undefined) this.tellDown(why, now);
  }

  /** The peer finished a handshake that it began. */
  answered(handshake: FinishedHandshake, final: Uint8Array, endpoint: Uint8Array, now: number): void {
    if (this.yieldsToOurs(handshake, endpoint, now)) {
      wipeSessionKeys(handshake.keys);
      return this.context.drops.count('handshake-simultaneous');
    }
    const address = this.way.addressFor(endpoint, now);
    if (address === undefined) {
      wipeSessionKeys(handshake.keys);
      return this.context.drops.count('handshake-no-address');
    }
    this.way.direction.answered(now);
    if (this.initiation !== undefined || this.initiateAt !== NEVER) {
      this.endInitiation();
      this.initiateAt = now + this.context.tuning.yieldMs;
    }
    this.endCandidate();
    const { localIndex, remoteIndex, keys } = handshake;
    const session = this.createSession('responder', localIndex, remoteIndex, keys, address, now);
    this.indices.put(localIndex, session);
    this.candidate = { session, final: final.slice(), expiresAt: now + this.context.tuning.candidateLifeMs };
    session.ping(now);
  }

  /** A FINAL named a session that exists already: when it is the one that made it, our first datagram was lost. */
  finalRepeated(session: Session, final: Uint8Array, now: number): boolean {
    if (this.candidate?.session !== session || !equal(this.candidate.final, final)) return false;
    session.ping(now);
    return true;
  }

  /** An authentic datagram came on this session. Afterwards the session is the active one, or closed. */
  heard(session: Session, now: number): void {
    if (session !== this.activeSession) {
      if (session.isLink) this.promote(session, now);
    } else if (this.initiation?.reason === 'silent') this.endInitiation();
  }

  /** CLOSE came on the active session. */
  closedByPeer(now: number): void {
    this.lose('closed by peer', now + HANDSHAKE_RETRY_FIRST_MS, now);
  }

  /** Whether this is an address that the peer may be at. */
  isAt(endpoint: Uint8Array, now: number): boolean {
    return this.way.isAt(endpoint, now);
  }

  /** An INIT came from the peer's address. Where to answer instead, if the peer does not hear us there. */
  begged(now: number): Uint8Array | undefined {
    this.way.direction.begged(now);
    return this.way.back;
  }

  wake(now: number): void {
    const session = this.activeSession;
    const task = this.way.wake(now, session !== undefined, this.measures.bulkProbeMs);
    if (task === 'ping') session?.ping(now);
    else if (task === 'trial') session?.tryDirectly();
    if (this.candidate !== undefined && now >= this.candidate.expiresAt) this.endCandidate();
    session?.wake(now);
    this.watch(now);
    if (now >= this.initiateAt) {
      this.initiateAt = NEVER;
      if (this.activeSession === undefined) this.initiate('down', now);
    }
    if (this.initiation === undefined) return;
    if (this.way.endpoints(now).length === 0) this.endInitiation();
    else this.initiation.wake(now);
  }

  nextWakeAt(): number {
    const session = this.activeSession;
    return Math.min(
      this.way.nextWakeAt(session !== undefined),
      this.initiateAt,
      this.candidate?.expiresAt ?? NEVER,
      this.initiation?.nextWakeAt() ?? NEVER,
      session === undefined ? NEVER : Math.min(session.nextWakeAt(), this.besideAt(session)),
    );
  }

  status(now: number): LinkStatus {
    const session = this.activeSession;
    const { sentDatagrams, sentBytes, receivedDatagrams, receivedBytes } = this.traffic;
    const trying = this.initiation !== undefined || this.candidate !== undefined;
    return {
      link: this.link,
      key: this.key,
      state: session !== undefined ? 'up' : trying ? 'handshake' : 'down',
      endpoint: this.way.addresses(now)[0],
      configuredEndpoint: this.configuredEndpoint,
      direction: this.way.direction.effective,
      sentDatagrams,
      sentBytes,
      receivedDatagrams,
      receivedBytes,
      deliveryMs: this.measures.deliveryMs,
      session: session?.status(now),
    };
  }

  /** Whether the handshake of the peer's that just ended is dropped for the sake of one of ours. */
  private yieldsToOurs(handshake: FinishedHandshake, endpoint: Uint8Array, now: number): boolean {
    if (compare(this.context.identity.key, this.key) > 0) return false;
    if (this.initiation !== undefined) {
      // The peer can't answer our INIT where we are heard only there.
      if (isBackEndpoint(endpoint, 0) && this.initiation.session === undefined) return false;
      // Our own endpoint for the peer may be stale, and then ours would never be done.
      this.way.remember(endpoint, now);
      this.initiation.hurry(now);
      return true;
    }
    const session = this.activeSession;
    return session?.role === 'initiator' && handshake.startedAt < session.activeSince;
  }

  private initiate(reason: InitiationReason, now: number): void {
    if (this.initiation !== undefined || this.way.endpoints(now).length === 0) return;
    this.initiation = new Initiation({
      context: this.context,
      indices: this.indices,
      peer: this.key,
      reason,
      endpoints: (at) => this.way.endpoints(at),
      createSession: (localIndex, remoteIndex, keys, endpoint, at) =>
        this.createSession(
          'initiator',
          localIndex,
          remoteIndex,
          keys,
          this.way.addressFor(endpoint, at) ?? endpoint,
          at,
        ),
    });
    this.initiation.start(now);
  }

  private createSession(
    role: RatchetRole,
    localIndex: number,
    remoteIndex: number,
    keys: SessionKeys,
    address: Uint8Array,
    now: number,
  ): Session {
    const { context, link, traffic } = this;
    const { direction, back } = this.way;
    const options = { context, link, role, localIndex, remoteIndex, keys, address, traffic, direction };
    const session = new Session(options, now);
    if (back !== undefined) session.take(back, now);
    return session;
  }

  private promote(session: Session, now: number): void {
    if (this.candidate?.session === session) this.candidate = undefined;
    else this.endCandidate();
    if (this.initiation?.session === session) this.initiation.finish();
    else this.initiation?.stop();
    this.initiation = undefined;
    this.initiateAt = NEVER;
    const old = this.activeSession;
    if (old !== undefined) {
      this.activeSession = undefined;
      this.end(old);
      this.tellDown('replaced', now);
    }
    // Whoever was told may have removed the peer.
    if (this.stopped) return this.end(session);
    this.activeSession = session;
    session.activate(now);
    this.way.direction.up();
    this.context.log.write('info', 'link-up', { peer: this.keyText, link: this.link });
    this.events().linkUp(this.link, this.key, now);
  }

  /** Looks after an active session that may be dying. */
  private watch(now: number): void {
    const session = this.activeSession;
    if (session === undefined) return;
    if (now >= session.liveness.deadAt()) {
      this.lose('silent', now, now);
    } else if (now >= this.besideAt(session)) {
      if (session.rekeying.stalled(now, session.roundTrip.smoothedMs)) this.initiate('stalled', now);
      else if (now >= session.liveness.silentAt()) this.initiate('silent', now);
    }
  }

  /** When a handshake starts beside the session. */
  private besideAt(session: Session): number {
    if (this.initiation !== undefined || this.candidate !== undefined) return NEVER;
    const silentAt = this.configuredEndpoint === undefined ? NEVER : session.liveness.silentAt();
    return Math.min(silentAt, session.rekeying.stalledAt(session.roundTrip.smoothedMs));
  }

  private lose(reason: LinkDownReason, initiateAt: number, now: number): void {
    const session = this.activeSession;
    if (session === undefined) return;
    this.activeSession = undefined;
    this.initiateAt = initiateAt;
    this.way.remember(session.address, now);
    this.way.direction.down(now);
    this.end(session);
    this.tellDown(reason, now);
  }

  private tellDown(reason: LinkDownReason, now: number): void {
    this.context.log.write('info', 'link-down', { peer: this.keyText, link: this.link, reason });
    this.events().linkDown(this.link, this.key, reason, now);
  }

  /** Everything goes this way from now on, and a handshake that waits for an answer gets another chance. */
  private wayChanged(back: Uint8Array | undefined, now: number): void {
    for (const session of [this.activeSession, this.candidate?.session, this.initiation?.session]) {
      session?.take(back, now);
    }
    const event = back === undefined ? 'link-direct' : 'link-one-way';
    this.context.log.write('info', event, { peer: this.keyText, link: this.link });
    if (back === undefined || this.activeSession !== undefined) return;
    if (this.initiation !== undefined) this.initiation.hurry(now);
    else if (this.candidate === undefined) this.initiate('down', now);
  }

  private end(session: Session, closeReason?: number): void {
    this.indices.remove(session.localIndex);
    session.close(closeReason);
  }

  private endInitiation(): void {
    this.initiation?.stop();
    this.initiation = undefined;
  }

  private endCandidate(): void {
    if (this.candidate !== undefined) this.end(this.candidate.session);
    this.candidate = undefined;
  }
}
