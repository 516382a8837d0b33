/**
 * The application messages of a session on their way: pulled from the queues by whichever route has room, Real Time
 * first and where wanted over two routes, kept in flight until reported, taken back from a route that died. Loss is repaired by the hops, not here.
 *
 * Timer (`wake`): a message in flight is lost when three later ones or a later probe arrived and its own report is
 * overdue.
 */
import type { Drops } from '../base/drops.ts';
import { NEVER } from '../base/env.ts';
import type { RangeBlocks } from '../wire/ack-ranges.ts';
import { DATA_OVERHEAD_BYTES, MAX_REPORT_DELAY_MS, type ReportReader } from '../wire/route-message.ts';
import type { PlaintextSender } from './handshake/plaintext-sender.ts';
import type { Lane } from './ports.ts';
import { FlowOrder } from './queue/flow-order.ts';
import type { Mark } from './queue/flow-queue.ts';
import { IngressQueue } from './queue/ingress-queue.ts';
import { type MessageCopy, type MessagePool, UNSENT } from './queue/message-pool.ts';
import { RealTimeQueue } from './queue/real-time-queue.ts';
import { Duplicator, type Redundancy } from './redundancy/duplicator.ts';
import type { BundleRoute } from './routes/bundle-route.ts';
import type { RouteSet } from './routes/route-set.ts';
import { SOUNDING_COPIES, Sounding } from './routes/sounding.ts';
import type { BundleTuning } from './tuning.ts';

/** Later messages that must have arrived before one is missing (RFC 9002 section 6.1.1). */
const REORDER_MESSAGES = 3;

export class Traffic {
  readonly bulk: IngressQueue;
  readonly realTime: RealTimeQueue;
  readonly duplicator: Duplicator;
  private readonly pool: MessagePool;
  private readonly drops: Drops;
  private readonly tuning: BundleTuning;
  private nextBundleSequence = 0;
  private nextDatagramSequence = 0;
  private readonly order = new FlowOrder();
  private readonly sounding = new Sounding<BundleRoute>();

  constructor(pool: MessagePool, drops: Drops, tuning: BundleTuning, redundancy: Redundancy, mark: Mark) {
    this.pool = pool;
    this.drops = drops;
    this.tuning = tuning;
    this.bulk = new IngressQueue(
      pool,
      tuning,
      { targetMs: tuning.codelMinMs, intervalMs: 2 * tuning.codelMinMs, urgentMs: tuning.codelUrgentMs },
      mark,
    );
    this.realTime = new RealTimeQueue(pool, tuning);
    this.duplicator = new Duplicator(tuning, redundancy);
  }

  /** Whether messages wait. */
  get waiting(): boolean {
    return this.bulk.length > 0 || this.realTime.bytes > 0;
  }

  /** Queues a message, copied at once; it leaves in the next `pump`. False when there is no memory for it. */
  offer(bytes: Uint8Array, lane: Lane, isRealTime: boolean, now: number): boolean {
    if (isRealTime) return this.realTime.offer(bytes, lane.twice === true, now);
    return this.bulk.offer(bytes, lane.flow, now);
  }

  /** Sends what waits while there is room. Whether anything was sent. */
  pump(routes: RouteSet, sender: PlaintextSender, now: number): boolean {
    let sent = false;
    for (let copy = this.realTime.peek(now); copy !== undefined; copy = this.realTime.peek(now)) {
      const bytes = copy.length + DATA_OVERHEAD_BYTES;
      const route = routes.pullRealTime(bytes, now);
      if (route === undefined) break;
      this.realTime.take();
      if (copy.sequence === UNSENT) copy.sequence = this.nextDatagramSequence++;
      const second = this.duplicator.second(routes, route, bytes, copy.twice, now);
      if (second !== undefined) sender.duplicate(second, copy, now);
      this.give(route, copy, sender, now);
      sent = true;
    }
    return this.pumpBulk(routes, sender, now) || sent;
  }

  /**
   * The other end says what arrived on `route`. `samePath`: the report came back on its path, so its time measures it.
   */
  reported(route: BundleRoute, report: ReportReader, blocks: RangeBlocks, samePath: boolean, now: number): void {
    const { flight } = route;
    if (report.largest >= flight.next) {
      this.drops.count('bundle-report-unsent');
      return;
    }
    const isNew = report.largest > route.largestReported;
    let progress = isNew;
    let reportedBytes = 0;
    for (let i = 0; i < blocks.count; i++) {
      for (let sequence = Math.max(blocks.low[i], flight.oldest); sequence <= blocks.high[i]; sequence++) {
        const copy = flight.take(sequence);
        if (copy === undefined) continue;
        progress = true;
        if (!copy.spare) route.deliveredBytes += copy.length;
        reportedBytes += copy.length;
        this.pool.release(copy);
      }
    }
    if (reportedBytes > 0) {
      const isBusy = route.isRealTime ? this.realTime.bytes > 0 : this.bulk.length > 0;
      route.rate.delivered(reportedBytes, flight.count === 0, isBusy || route.isFull ? 0 : route.bytesPerMs, now);
    }
    if (progress) {
      // What a report over another path tells may be older than what a dead one would have told.
      const arrivedAt = now - report.delayMs;
      route.progressAt = Math.max(route.progressAt, arrivedAt);
      if (arrivedAt >= route.unansweredSince) route.unansweredSince = NEVER;
      if (samePath) route.answeredAt = now;
    }
    if (isNew && samePath) this.measure(route, report, now);
    route.largestReported = Math.max(route.largestReported, report.largest);
    route.lostBelow = Math.max(route.lostBelow, report.largest - REORDER_MESSAGES);
    this.wake(route, now);
  }

  /** Deems lost what is overdue; returns when to look again. */
  wake(route: BundleRoute, now: number): number {
    const { flight } = route;
    while (flight.count > 0 && flight.oldest < route.lostBelow) {
      const dueAt = flight.sentAt(flight.oldest)! + route.overdueMs;
      if (dueAt > now) return dueAt;
      const copy = flight.take(flight.oldest)!;
      if (copy.realTime) this.duplicator.lostOne();
      this.pool.release(copy);
      route.lost += 1;
    }
    return NEVER;
  }

  /** Takes everything back that is in flight on a route, to go elsewhere before all else. */
  takeBack(route: BundleRoute): void {
    const { flight } = route;
    for (let sequence = flight.next - 1; flight.count > 0; sequence--) {
      const copy = flight.take(sequence);
      if (copy !== undefined) this.putBack(route, copy);
    }
  }

  /** The layer below had no room for this message. */
  refused(route: BundleRoute, sequence: number, now: number): void {
    const copy = route.flight.take(sequence);
    if (copy !== undefined) this.putBack(route, copy);
    // A refused report or probe is made anew when it is due again, and nobody can have answered it.
    else route.unansweredSince = NEVER;
    route.pausedUntil = now + this.tuning.sendPauseMs;
  }

  /**
   * A new session with the same service, numbered from 0. What was sent before may have arrived before the service
   * forgot, and the new session could not know it again: it is dropped rather than risk delivering it twice.
   */
  restart(): void {
    this.drops.count('bundle-sent-before-restart', this.bulk.dropSent() + this.realTime.dropSent());
    this.nextBundleSequence = 0;
    this.nextDatagramSequence = 0;
    this.order.clear();
  }

  clear(): void {
    this.bulk.clear();
    this.realTime.clear();
  }

  private pumpBulk(routes: RouteSet, sender: PlaintextSender, now: number): boolean {
    if (this.bulk.length === 0) return false;
    const limitMs = routes.bulkLimitMs();
    this.aim(routes, limitMs);
    let sent = false;
    for (let copy = this.bulk.peek(now); copy !== undefined; copy = this.bulk.peek(now)) {
      const bytes = copy.length + DATA_OVERHEAD_BYTES;
      const route = routes.pullBulk(bytes, this.bulk.bytes, limitMs, now);
      if (route === undefined) break;
      this.bulk.take();
      if (copy.sequence === UNSENT) this.number(copy);
      const wasEmpty = routes.isEmpty(route, now);
      this.sound(routes, copy, sender, now);
      this.give(route, copy, sender, now);
      if (wasEmpty) sender.flush(now);
      sent = true;
    }
    this.sounding.turn(routes.live, this.bulk.length > 0, limitMs, now);
    return sent;
  }

  /** Copies of a message that is about to leave go over the route of which it is not known what it carries. */
  private sound(routes: RouteSet, copy: MessageCopy, sender: PlaintextSender, now: number): void {
    const { route } = this.sounding;
    if (route === undefined || !route.mayCarryBulk) return;
    for (let i = 0; i < SOUNDING_COPIES; i++) {
      if (this.pool.scarce || !routes.hasRoom(route, copy.length + DATA_OVERHEAD_BYTES, now)) return;
      const spare = this.pool.take(copy.buffer.subarray(0, copy.length));
      if (spare === undefined) return;
      spare.spare = true;
      spare.sequence = copy.sequence;
      spare.back = copy.back;
      this.give(route, spare, sender, now);
    }
  }

  private give(route: BundleRoute, copy: MessageCopy, sender: PlaintextSender, now: number): void {
    route.pulled(now);
    sender.data(route, copy, now);
    if (!this.pool.scarce) return;
    const oldest = route.flight.take(route.flight.oldest);
    if (oldest !== undefined) this.pool.release(oldest);
  }

  private number(copy: MessageCopy): void {
    copy.sequence = this.nextBundleSequence++;
    copy.back = this.order.follow(copy.bucket, copy.sequence);
  }

  private putBack(route: BundleRoute, copy: MessageCopy): void {
    if (copy.spare) {
      this.pool.release(copy);
      return;
    }
    route.resent += 1;
    if (copy.realTime) this.realTime.putBack(copy);
    else this.bulk.putBack(copy);
  }

  /** What the queue may hold follows the routes: less would keep a TCP inside from using them. */
  private aim(routes: RouteSet, limitMs: number): void {
    const { codelShare, codelFarShare, codelMinMs, codelMaxMs, codelRoundTrips, queueMs } = this.tuning;
    const { expected } = this.sounding;
    const isFar = routes.reach.isFar || expected !== undefined;
    const roundTripMs = Math.max(routes.bulkRoundTripMs(limitMs), expected?.timing.settledMs ?? 0);
    const [share, mostMs] = isFar ? [codelFarShare, queueMs] : [codelShare, codelMaxMs];
    const targetMs = Math.min(Math.max(share * roundTripMs, codelMinMs), mostMs);
    this.bulk.setTiming(targetMs, Math.max(2 * targetMs, codelRoundTrips * roundTripMs));
  }

  private measure(route: BundleRoute, report: ReportReader, now: number): void {
    if (report.delayMs === MAX_REPORT_DELAY_MS) return;
    const sentAt = route.flight.sentAt(report.largest);
    if (sentAt !== undefined && sentAt >= route.upSince) route.timing.sample(now - sentAt - report.delayMs, now);
  }
}
