/**
 * One end of one route of a session: what is sent and received on it, and whether it works. On each path a session has
 * two, one of each class.
 *
 *   opening   set up, nothing authentic came back yet. The client sends data over it only while it has nothing better
 *   up        carries data
 *   stalled   was up and gave no sign of progress; what was in flight went elsewhere, if there was an elsewhere. Gets
 *             probes only
 *   closed    gone for good; whoever still holds it does nothing with it
 *
 * Timers (`route-health.ts` runs them): opening ends after `confirmMs`; a probe goes out when the route is quiet or
 * progress is overdue; up ends when neither a report nor a probe's reply shows progress in time; stalled ends with a
 * reply, or after `silenceMs`.
 */
import { NEVER } from '../../base/env.ts';
import type { NodeKey, RouteHandle } from '../../base/ids.ts';
import { type DeliveryMs, REAL_TIME, RELIABLE, type TrafficClass } from '../../base/traffic-class.ts';
import type { Cipher } from '../../crypto/cipher.ts';
import { ReplayWindow } from '../../crypto/replay-window.ts';
import { Arrivals } from '../arrivals.ts';
import type { Epoch } from '../handshake/epochs.ts';
import { RouteKeys } from '../handshake/route-keys.ts';
import { Flight } from './flight.ts';
import { Standing } from './harm-guard.ts';
import { RouteRate } from './route-rate.ts';
import { RouteTiming } from './route-timing.ts';
import { NEVER_SOUNDED } from './sounding.ts';

export type RouteState = 'opening' | 'up' | 'stalled' | 'closed';

/**
 * Who seals what goes over a route (docs/protocol.md section 6.3). `link`: DATA, DATAGRAM and REPORT leave bare, and may come so, for the
 * two ends are neighbours and the link between them seals and authenticates all there is.
 *
 *   client    end-to-end -> asked (NEIGHBOUR went out) -> link (NEIGHBOUR_OK came)
 *   service   end-to-end -> granted (NEIGHBOUR came and was right: bare ones may come) -> link (the first came)
 */
export type RouteSeal = 'end-to-end' | 'asked' | 'granted' | 'link';

/** A route's session, as the layer and its batches see it. */
export interface RouteOwner {
  /** A type 1 message: the bytes after the type. */
  messageTwo(route: BundleRoute, bytes: Uint8Array, now: number): void;
  /** The keys of the epoch that the header of a sealed message names (modulo 256), if it can be opened. */
  receiveKeys(epochByte: number): Epoch | undefined;
  /** An authentic message: the plaintext is `arena` from `at` to `end`, at least one byte, valid during the call. */
  opened(route: BundleRoute, message: OpenedMessage, arena: Uint8Array, at: number, end: number, now: number): void;
  /** The route brings nothing for message `number`: it is lost, or could not be used. */
  passedOver(route: BundleRoute, number: number): void;
  /** The layer below has more room on one of the session's routes. */
  writable(): void;
  /** The layer below had no room for the message with this sequence. */
  refused(route: BundleRoute, sequence: number, now: number): void;
  /** The layer below lost the route, at `hop` of its path. */
  routeFailed(route: BundleRoute, hop: number, reason: string, now: number): void;
}

/** What is known of a message beside its bytes; reused. */
export interface OpenedMessage {
  /** The key epoch it was sealed under; undefined: it came bare. */
  epoch: number | undefined;
  /** Of the route and direction, by its sender. */
  sequence: number;
  /** Of the route and direction, by the layer below. */
  number: number;
}

export interface RouteOrigin {
  readonly owner: RouteOwner;
  readonly handle: RouteHandle;
  /** Names the route in its session on the wire. */
  readonly index: number;
  /** Which of the session's `maxRoutes` places it takes. */
  readonly slot: number;
  /** Only the client knows it. */
  readonly path: readonly NodeKey[] | undefined;
  readonly trafficClass: TrafficClass;
  readonly deliveryMs: DeliveryMs;
  readonly cipher: Cipher;
}

/** Either process may pause. */
const PAUSE_MARGIN_MS = 15;
/** And the other end may take its report delay. */
const ANSWER_MARGIN_MS = PAUSE_MARGIN_MS + 40;
/** What one report speaks of: less under way is no load. */
const LIGHT_BYTES = 16 * 1_024;
/** Half of the longest time for which a report waits. */
const LIKE_MS = 20;
/** docs/protocol.md section 3.3: how long a reliable route tries without any progress. */
const PERSISTENCE_MS = 2_000;
/** Probes of which the time and sequence are remembered. */
const PROBES_KEPT = 8;
/** How far messages may overtake each other on a route: 45 MB of full-size ones; Real Time does not grow so old. */
const BULK_REPLAY_BITS = 32_768;
const REAL_TIME_REPLAY_BITS = 1_024;

export class BundleRoute {
  readonly owner: RouteOwner;
  readonly handle: RouteHandle;
  readonly index: number;
  readonly slot: number;
  readonly path: readonly NodeKey[] | undefined;
  readonly trafficClass: TrafficClass;
  readonly deliveryMs: DeliveryMs;
  readonly keys: RouteKeys;
  readonly timing = new RouteTiming();
  readonly rate = new RouteRate();
  readonly flight = new Flight();
  readonly arrivals = new Arrivals();
  readonly replay: ReplayWindow;

  state: RouteState = 'opening';
  seal: RouteSeal = 'end-to-end';
  readonly openedAt: number;
  stalledAt = 0;
  /** Another one takes its place: it gets no data any more. */
  isLeaving = false;
  readonly standing = new Standing();
  /** When what it carries was last found out by copies (`sounding.ts`). */
  soundedAt = NEVER_SOUNDED;
  /** What was sent before it last came up measures the silence. */
  upSince = 0;
  /** When something authentic last came on it. */
  heardAt: number;
  /**
   * When a report or a probe's reply last showed that what is sent on it arrives, or the first message left after a
   * pause.
   */
  progressAt: number;
  /** When a report that came back on its path last showed that both of its directions work. */
  answeredAt = Number.NEGATIVE_INFINITY;
  /** Bytes in the sealer's batch: the layer below does not know of them yet. */
  sealingBytes = 0;
  /** No data is pulled before: the layer below was full. */
  pausedUntil = 0;
  /** Service only: when message two was last sent on it. */
  messageTwoAt = 0;

  /** What was sent below is lost when it is overdue: three later messages, or a later probe, arrived. */
  lostBelow = 0;
  /** The largest sequence that the other end reported. */
  largestReported = -1;

  probedAt = Number.NEGATIVE_INFINITY;
  /** When the oldest probe that nothing answered was sent. */
  unansweredSince = NEVER;
  private probesSent = 0;
  private readonly probeTokens = new Float64Array(PROBES_KEPT).fill(-1);
  private readonly probeSentAt = new Float64Array(PROBES_KEPT);
  private readonly probeSequence = new Float64Array(PROBES_KEPT);

  deliveredBytes = 0;
  sentBytes = 0;
  receivedBytes = 0;
  lost = 0;
  resent = 0;

  constructor(origin: RouteOrigin, now: number) {
    this.owner = origin.owner;
    this.handle = origin.handle;
    this.index = origin.index;
    this.slot = origin.slot;
    this.path = origin.path;
    this.trafficClass = origin.trafficClass;
    this.deliveryMs = origin.deliveryMs;
    this.keys = new RouteKeys(origin.cipher, origin.index);
    this.replay = new ReplayWindow(this.isRealTime ? REAL_TIME_REPLAY_BITS : BULK_REPLAY_BITS);
    this.openedAt = now;
    this.heardAt = now;
    this.progressAt = now;
  }

  get isRealTime(): boolean {
    return this.trafficClass === REAL_TIME;
  }

  /** Whether Bulk may go there, as far as its state says. */
  get mayCarryBulk(): boolean {
    return this.state === 'up' && !this.isRealTime && !this.standing.parked;
  }

  /** Whether the hops repeat what is lost for as long as anything gets through. */
  get isReliable(): boolean {
    return this.deliveryMs === RELIABLE;
  }

  /** Whether a message may come bare. */
  get takesBare(): boolean {
    return this.seal === 'granted' || this.seal === 'link';
  }

  /** Whether this is the route of the other class on the same path (docs/protocol.md section 6.1). */
  isPartnerOf(route: BundleRoute): boolean {
    return this.index === (route.index ^ 1) && this.trafficClass !== route.trafficClass;
  }

  /** Whether a report over this route tells of `other` as soon as one over the other's own path would, a report's delay later. */
  answersLike(other: BundleRoute): boolean {
    return this.timing.settledMs !== undefined && this.timing.settledMs <= (other.timing.settledMs ?? 0) + LIKE_MS;
  }

  /** A message was given to it. */
  pulled(now: number): void {
    if (this.flight.count === 0) this.progressAt = now;
  }

  /**
   * How long a message that is sent now will take there and its report back, milliseconds: what the path takes by itself, or
   * what is under way at the rate of the route. Unmeasured is never.
   */
  expectedMs(bytes: number): number {
    const { settledMs } = this.timing;
    if (settledMs === undefined) return NEVER;
    return Math.max(settledMs, (this.flight.bytes + bytes) / this.bytesPerMs);
  }

  /** What it carries; a route that was never kept busy is taken to carry what its hops take before they give room. */
  get bytesPerMs(): number {
    if (this.rate.bytesPerMs > 0) return this.rate.bytesPerMs;
    const { settledMs } = this.timing;
    return settledMs === undefined ? 0 : LIGHT_BYTES / settledMs;
  }

  /** More is under way than its round trip takes at the rate it is taken to have: what it delivers now is all that it carries. */
  get isFull(): boolean {
    const { settledMs } = this.timing;
    return settledMs !== undefined && this.flight.bytes > this.bytesPerMs * (settledMs + ANSWER_MARGIN_MS);
  }

  /** How long an answer takes at most, as far as is known. */
  get answerMs(): number {
    return this.timing.answerMs(ANSWER_MARGIN_MS);
  }

  /** The same for a probe, which is answered without delay. */
  get probeAnswerMs(): number {
    return this.timing.answerMs(PAUSE_MARGIN_MS);
  }

  /** After this time a message that is missing among later ones won't come any more. */
  get overdueMs(): number {
    return this.answerMs + Math.min(this.deliveryMs, PERSISTENCE_MS);
  }

  /** A probe leaves now under the next sequence; returns its token. */
  nextProbe(now: number): number {
    const token = this.probesSent++;
    const place = token % PROBES_KEPT;
    this.probeTokens[place] = token;
    this.probeSentAt[place] = now;
    this.probeSequence[place] = this.flight.next;
    this.probedAt = now;
    if (this.unansweredSince === NEVER) this.unansweredSince = now;
    return token;
  }

  /** When the probe was sent and under which sequence; undefined when none of ours is remembered under this token. */
  probeOf(token: number): { sentAt: number; sequence: number } | undefined {
    const place = this.probeTokens.indexOf(token);
    if (place < 0) return undefined;
    return { sentAt: this.probeSentAt[place], sequence: this.probeSequence[place] };
  }
}
