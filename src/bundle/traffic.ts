/**
 * The application messages of a session on their way: pulled from the ingress queue by whichever route has room, kept in
 * flight until reported, taken back from a route that died. Ordinary loss is counted and not repaired here.
 *
 * Timer (`wake`): a message in flight is lost when three later ones or a later probe arrived and its own report is
 * overdue.
 */
import type { Drops } from '../base/drops.ts';
import { NEVER } from '../base/env.ts';
import type { RangeBlocks } from '../wire/ack-ranges.ts';
import type { ReportReader } from '../wire/route-message.ts';
import type { BundleRoute } from './bundle-route.ts';
import { IngressQueue } from './ingress-queue.ts';
import { type MessageCopy, type MessagePool, UNSENT } from './message-pool.ts';
import type { PlaintextSender } from './plaintext-sender.ts';
import type { RouteSet } from './route-set.ts';
import type { BundleTuning } from './tuning.ts';

/** Later messages that must have arrived before one is missing (RFC 9002 section 6.1.1). */
const REORDER_MESSAGES = 3;
/** The other end may take its report delay, and either process a pause. */
const OVERDUE_MARGIN_MS = 15;

export class Traffic {
  readonly queue: IngressQueue;
  private readonly pool: MessagePool;
  private readonly drops: Drops;
  private readonly tuning: BundleTuning;
  private nextBundleSequence = 0;

  constructor(pool: MessagePool, drops: Drops, tuning: BundleTuning) {
    this.pool = pool;
    this.drops = drops;
    this.tuning = tuning;
    this.queue = new IngressQueue(pool, tuning);
  }

  /** Sends what waits while there is room. Whether anything was sent. */
  pump(routes: RouteSet, sender: PlaintextSender, now: number): boolean {
    let sent = false;
    while (this.queue.length > 0) {
      const route = routes.pull(this.tuning.admitSkewMs, now);
      if (route === undefined) break;
      const copy = this.queue.take()!;
      if (copy.bundleSequence === UNSENT) copy.bundleSequence = this.nextBundleSequence++;
      route.pulled(copy.length, now);
      sender.data(route, copy, now);
      sent = true;
    }
    return sent;
  }

  /** The other end says what arrived on `route`. `sameRoute`: the report came back on it, so its time measures it. */
  reported(route: BundleRoute, report: ReportReader, blocks: RangeBlocks, sameRoute: boolean, now: number): void {
    const { flight, window } = route;
    if (report.largest >= flight.next) {
      this.drops.count('bundle-report-unsent');
      return;
    }
    const waited = flight.count > 0;
    let progress = report.largest > route.largestReported;
    for (let i = 0; i < blocks.count; i++) {
      for (let sequence = Math.max(blocks.low[i], flight.oldest); sequence <= blocks.high[i]; sequence++) {
        const copy = flight.take(sequence);
        if (copy === undefined) continue;
        progress = true;
        route.deliveredBytes += copy.length;
        window.delivered(copy.flightBytes);
        this.pool.release(copy);
      }
    }
    if (progress) {
      route.progressed(waited, now);
      route.unansweredSince = NEVER;
    }
    route.largestReported = Math.max(route.largestReported, report.largest);
    route.lostBelow = Math.max(route.lostBelow, report.largest - REORDER_MESSAGES);
    if (sameRoute) this.measure(route, report, now);
    this.wake(route, now);
    window.wake(now);
  }

  /** Deems lost what is overdue; returns when to look again. */
  wake(route: BundleRoute, now: number): number {
    const { flight } = route;
    const overdueMs = route.answerMs(OVERDUE_MARGIN_MS);
    while (flight.count > 0 && flight.oldest < route.lostBelow) {
      const dueAt = flight.sentAt(flight.oldest)! + overdueMs;
      if (dueAt > now) return dueAt;
      this.pool.release(flight.take(flight.oldest)!);
      route.lost += 1;
      route.window.lost();
    }
    return NEVER;
  }

  /** Takes everything back that is in flight on a route, to go elsewhere before all else. */
  takeBack(route: BundleRoute, now: number): void {
    const { flight } = route;
    for (let sequence = flight.next - 1; flight.count > 0; sequence--) {
      const copy = flight.take(sequence);
      if (copy !== undefined) this.putBack(route, copy, now);
    }
  }

  /** The layer below had no room for this message. */
  refused(route: BundleRoute, sequence: number, now: number): void {
    const copy = route.flight.take(sequence);
    // A refused report or probe is made anew when it is due again.
    if (copy !== undefined) this.putBack(route, copy, now);
    route.pausedUntil = now + this.tuning.sendPauseMs;
    route.window.refused();
  }

  /**
   * A new session with the same service, numbered from 0. What was sent before may have arrived before the service forgot,
   * and the new session could not know it again: it is dropped rather than risk delivering it twice.
   */
  restart(): void {
    this.drops.count('bundle-sent-before-restart', this.queue.dropSent());
    this.nextBundleSequence = 0;
  }

  private putBack(route: BundleRoute, copy: MessageCopy, now: number): void {
    route.resent += 1;
    this.queue.putBack(copy, now);
  }

  private measure(route: BundleRoute, report: ReportReader, now: number): void {
    const sentAt = route.flight.sentAt(report.largest);
    if (sentAt !== undefined) {
      route.window.sample(now - sentAt - report.delayUs / 1000, route.inboundDelay.queueMs(now), now);
    }
    route.window.reportCame(now - route.reportedAt);
    route.reportedAt = now;
  }
}
