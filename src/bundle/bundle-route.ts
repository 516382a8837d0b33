/**
 * One end of one route of a session: what is sent and received on it, and whether it works.
 *
 *   opening   set up, nothing authentic came back yet. The client sends data over it only while it has nothing better
 *   up        carries data
 *   stalled   was up and gave no sign of progress; what was in flight went elsewhere. Gets probes only
 *   closed    gone for good; whoever still holds it does nothing with it
 *
 * Timers (`route-health.ts` runs them): opening ends after `confirmMs`; a probe goes out when the route is quiet or
 * progress is overdue; up ends when neither a report nor a probe's reply shows progress in time; stalled ends with a
 * reply, or after `silenceMs`.
 */
import { NEVER } from '../base/env.ts';
import type { NodeKey, RouteHandle } from '../base/ids.ts';
import type { Cipher } from '../crypto/cipher.ts';
import { ReplayWindow } from '../crypto/replay-window.ts';
import { Arrivals } from './arrivals.ts';
import type { Epoch } from './epochs.ts';
import { Flight } from './flight.ts';
import { InboundDelay } from './inbound-delay.ts';
import { RouteKeys } from './route-keys.ts';
import { RouteWindow, type WindowTuning } from './route-window.ts';

export type RouteState = 'opening' | 'up' | 'stalled' | 'closed';

/** A route's session, as the layer and its batches see it. */
export interface RouteOwner {
  /** A type 1 message: the bytes after the type. */
  messageTwo(route: BundleRoute, bytes: Uint8Array, now: number): void;
  /** The keys of the epoch that the header of a sealed message names (modulo 256), if it can be opened. */
  receiveKeys(epochByte: number): Epoch | undefined;
  /** An authentic message: the plaintext is `arena` from `at` to `end`, at least one byte, valid during the call. */
  opened(
    route: BundleRoute,
    epoch: number,
    sequence: number,
    arena: Uint8Array,
    at: number,
    end: number,
    now: number,
  ): void;
  /** The layer below had no room for the message with this sequence. */
  refused(route: BundleRoute, sequence: number, now: number): void;
  /** The layer below lost the route, at `hop` of its path. */
  routeFailed(route: BundleRoute, hop: number, reason: string, now: number): void;
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
  readonly cipher: Cipher;
  readonly window: WindowTuning;
}

/** RFC 9002 section 6.2.2: assumed before the first sample. */
const INITIAL_ROUND_TRIP_MS = 333;
/** Probes of which the time and sequence are remembered. */
const PROBES_KEPT = 8;

export class BundleRoute {
  readonly owner: RouteOwner;
  readonly handle: RouteHandle;
  readonly index: number;
  readonly slot: number;
  readonly path: readonly NodeKey[] | undefined;
  readonly keys: RouteKeys;
  readonly window: RouteWindow;
  readonly flight = new Flight();
  readonly arrivals = new Arrivals();
  readonly inboundDelay = new InboundDelay();
  readonly replay = new ReplayWindow();

  state: RouteState = 'opening';
  readonly openedAt: number;
  stalledAt = 0;
  /** When something authentic last came on it. */
  heardAt: number;
  /** When a report or a probe's reply last showed that what is sent on it arrives, or the first DATA left after a pause. */
  progressAt: number;
  /** Smoothed milliseconds between two signs of progress. */
  progressEveryMs = 0;
  reportedAt = 0;
  /** When all that was sent would have left at the window's pace. */
  pacedUntil = 0;
  /** No data is pulled before: the route is ahead of its pace, or the layer below was full. */
  pausedUntil = 0;
  /** Service only: when message two was last sent on it. */
  messageTwoAt = 0;

  /** DATA below is lost when it is overdue: three later ones, or a later probe, arrived. */
  lostBelow = 0;
  /** The largest sequence that the other end reported. */
  largestReported = -1;

  probedAt = Number.NEGATIVE_INFINITY;
  /** When the oldest probe that nothing answered was sent. */
  unansweredSince = NEVER;
  private probesSent = 0;
  private lastToken = -1;
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
    this.keys = new RouteKeys(origin.cipher, origin.index);
    this.window = new RouteWindow(origin.window, now);
    this.openedAt = now;
    this.heardAt = now;
    this.progressAt = now;
  }

  /** Whether the window has room for one more message. */
  get hasRoom(): boolean {
    return this.flight.bytes < this.window.bytes && !this.flight.full;
  }

  /** Whether the route may send now: it is neither ahead of its pace nor was refused just before. */
  mayPull(now: number): boolean {
    if (now < this.pausedUntil) return false;
    if (now >= this.pacedUntil || this.pacedUntil - now < this.window.paceBurstMs) return true;
    this.pausedUntil = this.pacedUntil;
    return false;
  }

  /** One message of `bytes` was given to it. */
  pulled(bytes: number, now: number): void {
    if (this.flight.count === 0) this.progressAt = now;
    this.pacedUntil = Math.max(this.pacedUntil, now) + this.window.paceMs(bytes);
  }

  /** A report shows that what is sent arrives; `waited`: DATA was in flight. */
  progressed(waited: boolean, now: number): void {
    if (waited) this.progressEveryMs += (now - this.progressAt - this.progressEveryMs) / 8;
    this.progressAt = now;
  }

  /** How long an answer takes at most, as far as is known. */
  answerMs(marginMs: number): number {
    const { roundTripMs, variationMs } = this.window;
    return (roundTripMs ?? INITIAL_ROUND_TRIP_MS) + Math.max(4 * variationMs, marginMs);
  }

  /** A probe leaves now under the next sequence; returns its token: the route's age in us, made unique (inbound-delay.ts). */
  nextProbe(now: number): number {
    const token = Math.max(Math.round((now - this.openedAt) * 1000), this.lastToken + 1);
    const place = this.probesSent++ % PROBES_KEPT;
    this.lastToken = token;
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
