/**
 * Whether a route works: the timers of `bundle-route.ts`, run for one route at a time.
 *
 *   opening   probed every `openingProbeMs` (client); given up after `confirmMs`
 *   up        messages in flight without progress: a probe as soon as an answer is overdue, again and again; cut out
 *             after two times as long as an answer may take and its variation. So one message that is slow to come
 *             stalls nothing, and a route that is dead is known on a clean path in 0.15 s
 *             just up: a probe every `settleProbeMs` until eight were answered
 *             quiet: a probe every `idleProbeMs`, or `busyProbeMs` while the session is busy; repeated until answered, cut out when
 *             the third is not
 *             not quiet, but no report about it came over its path: every `measureProbeMs` while the session is busy, as often as a quiet one
 *             while its round trip is not what it was: an end that only receives has no other way to know by what it will tell the death
 *   stalled   probed every `stalledProbeMs`; given up after `silenceMs`, or `lostSilenceMs` while no route is up, and
 *             not before an answer could have come
 */
import { NEVER } from '../../base/env.ts';
import type { BundleTuning } from '../tuning.ts';
import type { BundleRoute } from './bundle-route.ts';

export interface RouteHealthActions {
  probe(route: BundleRoute, now: number): void;
  /** Up ended: what is in flight has to go elsewhere. */
  stalled(route: BundleRoute, now: number): void;
  /** Opening or stalled ended in silence. */
  silent(route: BundleRoute, now: number): void;
}

/** Probes without an answer after which a quiet route is cut out. */
const QUIET_PROBES = 3;
/** Of the settled round trip: more is not known well enough to tell a death by. */
const USUAL_ROUND_TRIP = 1.5;
/** The variation is a tenth of what the first sample assumed. */
const SETTLED_SAMPLES = 8;

export class RouteHealth {
  private readonly tuning: BundleTuning;
  private readonly role: 'client' | 'service';
  private readonly actions: RouteHealthActions;

  constructor(tuning: BundleTuning, role: 'client' | 'service', actions: RouteHealthActions) {
    this.tuning = tuning;
    this.role = role;
    this.actions = actions;
  }

  /**
   * Does what is due; returns when to look again. `busy`: the session has data waiting or in flight. `hasUp`: a route
   * of it is up.
   */
  wake(route: BundleRoute, busy: boolean, hasUp: boolean, now: number): number {
    switch (route.state) {
      case 'opening':
        return this.opening(route, now);
      case 'up':
        return Math.min(this.progress(route, now), this.quiet(route, busy, now));
      case 'stalled':
        return this.stalled(route, hasUp, now);
      case 'closed':
        return NEVER;
    }
  }

  private opening(route: BundleRoute, now: number): number {
    const isClient = this.role === 'client';
    const endAt = route.openedAt + (isClient ? this.tuning.confirmMs : this.tuning.incomingConfirmMs);
    if (now >= endAt) {
      this.actions.silent(route, now);
      return NEVER;
    }
    // The service answers; it has nothing to ask before the client has spoken.
    if (!isClient) return endAt;
    return Math.min(endAt, this.probeEvery(route, this.tuning.openingProbeMs, now));
  }

  private progress(route: BundleRoute, now: number): number {
    if (route.flight.count === 0) return NEVER;
    const { answerMs } = route;
    // Probes go out twice an answer's time: each of those meanwhile was a chance of its own.
    const patienceMs = answerMs + route.probeAnswerMs + 4 * route.timing.variationMs;
    const stallAt = route.progressAt + Math.max(this.tuning.stallMinMs, patienceMs);
    if (now >= stallAt) {
      this.actions.stalled(route, now);
      return now;
    }
    const probeAt = Math.max(route.progressAt + answerMs, route.probedAt + 0.5 * answerMs);
    if (now < probeAt) return Math.min(stallAt, probeAt);
    this.actions.probe(route, now);
    return Math.min(stallAt, now + 0.5 * answerMs);
  }

  private quiet(route: BundleRoute, busy: boolean, now: number): number {
    if (route.state !== 'up') return NEVER;
    const { settleProbeMs, stalledProbeMs } = this.tuning;
    const settled = route.timing.samples >= SETTLED_SAMPLES;
    const answerMs = Math.max(stalledProbeMs, route.answerMs);
    const againMs = settled ? answerMs : settleProbeMs;
    if (route.unansweredSince !== NEVER) {
      const stallAt = route.unansweredSince + QUIET_PROBES * answerMs;
      if (now >= stallAt) {
        this.actions.stalled(route, now);
        return now;
      }
      return Math.min(stallAt, this.probeEvery(route, againMs, now));
    }
    const measuredAt = Math.max(route.answeredAt, route.probedAt);
    const probeAt = settled ? this.quietProbeAt(route, measuredAt, busy) : measuredAt + settleProbeMs;
    if (now < probeAt) return probeAt;
    this.actions.probe(route, now);
    return now + againMs;
  }

  private quietProbeAt(route: BundleRoute, measuredAt: number, busy: boolean): number {
    const { busyProbeMs, idleProbeMs, measureProbeMs } = this.tuning;
    const quietSince = Math.max(route.heardAt, measuredAt);
    if (!busy) return quietSince + idleProbeMs;
    const { roundTripMs = 0, settledMs = 0 } = route.timing;
    const measureMs = roundTripMs > USUAL_ROUND_TRIP * settledMs ? busyProbeMs : measureProbeMs;
    return Math.min(quietSince + busyProbeMs, measuredAt + measureMs);
  }

  private stalled(route: BundleRoute, hasUp: boolean, now: number): number {
    const silenceMs = hasUp ? this.tuning.silenceMs : this.tuning.lostSilenceMs;
    const endAt = route.stalledAt + Math.max(silenceMs, 2 * route.answerMs);
    if (now >= endAt) {
      this.actions.silent(route, now);
      return NEVER;
    }
    return Math.min(endAt, this.probeEvery(route, this.tuning.stalledProbeMs, now));
  }

  private probeEvery(route: BundleRoute, everyMs: number, now: number): number {
    if (now < route.probedAt + everyMs) return route.probedAt + everyMs;
    this.actions.probe(route, now);
    return now + everyMs;
  }
}
