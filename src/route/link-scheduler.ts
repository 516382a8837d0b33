/**
 * Which route's frame goes next over one link. Real Time goes before Bulk, and leaves Bulk a fifth of the bytes while Bulk
 * waits; inside a class routes take turns by deficit round robin (Shreedhar and Varghese, 1996), one full datagram a turn.
 * Bulk does not fill up a datagram that carries Real Time, which would wait until the whole of it has left.
 * Where the node's own routes go first, transit gets what they leave, and a hundredth of the bytes in any case, so that its
 * routes live.
 *
 * Hot path: allocates nothing.
 */
import { BULK, REAL_TIME, type TrafficClass } from '../base/traffic-class.ts';
import { NO_ROOM, NOTHING, type OutgoingFrame, type OutgoingRun } from '../link/frame-source.ts';
import { DATA_OVERHEAD_BYTES, DATA_TTL_BYTES, GONE_FRAME_BYTES } from '../wire/frames.ts';
import { NOT_IN_THIS_DATAGRAM, type RouteBuffer } from './buffers/route-buffer.ts';
import type { TransitShare } from './transit/transit-share.ts';
import type { RouteTuning } from './tuning.ts';

/** What a frame is taken for, and what became of it. */
interface Opportunity {
  roomBytes: number;
  /** Numbers the datagrams of the link. */
  datagram: number;
  /** The datagram carries Real Time already. */
  besideRealTime: boolean;
  now: number;
  frame: OutgoingFrame | undefined;
  /** Bytes of the frame that was taken, and whose it is. */
  bytes: number;
  buffer: RouteBuffer | undefined;
}

/** Somebody who may be asked for a frame: answers a record, NOTHING, NO_ROOM or NOT_IN_THIS_DATAGRAM. */
interface Queue {
  readonly isEmpty: boolean;
  next(opportunity: Opportunity): number;
}

/** The routes of one class that have something to send; the one whose turn it is stands first. */
export class Ring implements Queue {
  private readonly trafficClass: TrafficClass;
  private readonly turnBytes: number;
  private first: RouteBuffer | undefined;

  constructor(trafficClass: TrafficClass, turnBytes: number) {
    this.trafficClass = trafficClass;
    this.turnBytes = turnBytes;
  }

  get isEmpty(): boolean {
    return this.first === undefined;
  }

  add(buffer: RouteBuffer): void {
    const { first } = this;
    buffer.ring = this;
    // Debts stay, so that nobody gains by leaving after each frame.
    if (buffer.deficit <= 0) buffer.deficit += this.turnBytes;
    if (first === undefined) {
      this.first = buffer;
      buffer.nextInRing = buffer;
      buffer.previousInRing = buffer;
      return;
    }
    const last = first.previousInRing!;
    buffer.nextInRing = first;
    buffer.previousInRing = last;
    last.nextInRing = buffer;
    first.previousInRing = buffer;
  }

  remove(buffer: RouteBuffer): void {
    if (buffer.nextInRing === buffer) this.first = undefined;
    else {
      if (this.first === buffer) this.first = buffer.nextInRing;
      buffer.previousInRing!.nextInRing = buffer.nextInRing;
      buffer.nextInRing!.previousInRing = buffer.previousInRing;
    }
    buffer.ring = undefined;
    buffer.nextInRing = undefined;
    buffer.previousInRing = undefined;
    if (buffer.deficit > 0) buffer.deficit = 0;
  }

  next(opportunity: Opportunity): number {
    if (opportunity.besideRealTime && this.trafficClass !== REAL_TIME) return this.isEmpty ? NOTHING : NO_ROOM;
    while (this.first !== undefined) {
      const buffer = this.turn(this.first);
      const frame = opportunity.frame!;
      const record = buffer.take(opportunity.roomBytes, opportunity.datagram, opportunity.now, frame);
      if (record >= 0) {
        opportunity.bytes = bytesOf(frame);
        opportunity.buffer = buffer;
        buffer.deficit -= opportunity.bytes;
        if (!buffer.isReady) this.remove(buffer);
        return record;
      }
      if (record !== NOTHING) return record;
      this.remove(buffer);
    }
    return NOTHING;
  }

  /** Pieces of the only route that has something to send, as if `next` had given them one by one; undefined where there are others, or none. */
  nextRun(frameBytes: number, most: number, datagram: number, now: number, run: OutgoingRun): RouteBuffer | undefined {
    const buffer = this.first;
    if (buffer === undefined || buffer.nextInRing !== buffer) return undefined;
    run.count = buffer.takeRun(frameBytes, most, datagram, now, run);
    if (run.count === 0) return undefined;
    for (let i = 0; i < run.count; i++) {
      if (buffer.deficit <= 0) this.turn(buffer);
      buffer.deficit -= frameBytes;
    }
    if (!buffer.isReady) this.remove(buffer);
    return buffer;
  }

  /** Who has used up his turn gets the next one behind the others. */
  private turn(first: RouteBuffer): RouteBuffer {
    let buffer = first;
    while (buffer.deficit <= 0) {
      buffer.deficit += this.turnBytes;
      buffer = buffer.nextInRing!;
    }
    this.first = buffer;
    return buffer;
  }
}

/**
 * Two queues of which the first goes first, but gets no more than its share of the bytes while the second waits. The share
 * is kept as an account: the first pays for its bytes while the second waits, and is paid back as the second sends.
 */
class Pair<Part extends Queue> implements Queue {
  readonly first: Part;
  readonly second: Part;
  /** Whether the second may send at all. */
  secondMayGo: () => boolean = () => true;
  private readonly burstBytes: number;
  /** Bytes of the first for each of the second. */
  private ratio: number;
  private account: number;

  constructor(first: Part, second: Part, firstShare: number, burstBytes: number) {
    this.first = first;
    this.second = second;
    this.ratio = firstShare / (1 - firstShare);
    this.burstBytes = burstBytes;
    this.account = burstBytes;
  }

  set firstShare(share: number) {
    this.ratio = share / (1 - share);
  }

  get isEmpty(): boolean {
    return this.first.isEmpty && this.second.isEmpty;
  }

  next(opportunity: Opportunity): number {
    const { first, second } = this;
    if (second.isEmpty || !this.secondMayGo()) {
      this.account = this.burstBytes;
      return first.next(opportunity);
    }
    const firstGoes = this.account > 0;
    const result = firstGoes ? this.sendFirst(opportunity) : NOTHING;
    if (result >= 0 || result === NO_ROOM) return result;
    const other = second.next(opportunity);
    if (other >= 0) this.payBack(opportunity.bytes * this.ratio);
    if (other !== NOTHING) return other;
    return firstGoes ? result : this.sendFirst(opportunity);
  }

  /** The second sends several frames of `bytes` while the first has nothing. */
  secondSends(frames: number, bytes: number): void {
    for (let i = 0; i < frames; i++) this.payBack(bytes * this.ratio);
  }

  /** The first sends while the second has nothing. */
  firstSends(): void {
    this.account = this.burstBytes;
  }

  /** One frame of the second may be worth more than the burst: what brings the account out of debt counts in full. */
  private payBack(bytes: number): void {
    if (this.account <= 0) this.account += bytes;
    else this.account = Math.max(this.account, Math.min(this.burstBytes, this.account + bytes));
  }

  private sendFirst(opportunity: Opportunity): number {
    const result = this.first.next(opportunity);
    if (result >= 0) this.account -= opportunity.bytes;
    return result;
  }
}

export class LinkScheduler {
  private readonly opportunity: Opportunity = {
    roomBytes: 0,
    datagram: 0,
    besideRealTime: false,
    now: 0,
    frame: undefined,
    bytes: 0,
    buffer: undefined,
  };
  /** Own routes, or all of them; and transit, where it is to be told from them. */
  private readonly steps: Pair<Pair<Ring>>;
  private readonly transit: TransitShare;
  private readonly tuning: RouteTuning;
  /** Room that is left in the datagram that is being filled, as far as can be told. */
  private roomLeft = -1;

  constructor(tuning: RouteTuning, transit: TransitShare) {
    this.tuning = tuning;
    this.transit = transit;
    const { turnBytes, realTimeShare, ownShare, precedenceBurstBytes } = tuning;
    const step = (): Pair<Ring> =>
      new Pair(new Ring(REAL_TIME, turnBytes), new Ring(BULK, turnBytes), realTimeShare, precedenceBurstBytes);
    this.steps = new Pair(step(), step(), ownShare, precedenceBurstBytes);
    this.steps.secondMayGo = () => transit.maySend;
  }

  /** Own routes go before transit, or take turns with it. */
  set ownFirst(ownFirst: boolean) {
    this.steps.firstShare = ownFirst ? this.tuning.ownShare : 0.5;
  }

  get isEmpty(): boolean {
    return this.steps.isEmpty;
  }

  /** Something changed about what the route may send. True when it is new among those that may. */
  update(buffer: RouteBuffer): boolean {
    if (buffer.isReady === (buffer.ring !== undefined)) return false;
    if (buffer.ring !== undefined) {
      buffer.ring.remove(buffer);
      return false;
    }
    const step = this.transit.isActive && buffer.intake === undefined ? this.steps.second : this.steps.first;
    (buffer.trafficClass === REAL_TIME ? step.first : step.second).add(buffer);
    return true;
  }

  /** As `FrameSource.next`, but answers the record. */
  next(roomBytes: number, frameBytes: number, now: number, frame: OutgoingFrame): number {
    const { opportunity } = this;
    if (roomBytes > this.roomLeft || roomBytes >= frameBytes) {
      opportunity.datagram = (opportunity.datagram + 1) >>> 0;
      opportunity.besideRealTime = false;
    }
    opportunity.roomBytes = roomBytes;
    opportunity.now = now;
    opportunity.frame = frame;
    const record = this.steps.next(opportunity);
    this.roomLeft = record >= 0 ? roomBytes - opportunity.bytes : -1;
    if (record >= 0) {
      opportunity.besideRealTime ||= frame.realTime;
      this.transit.sent(opportunity.bytes, opportunity.buffer!.intake !== undefined);
    }
    return record === NOT_IN_THIS_DATAGRAM ? NO_ROOM : record;
  }

  /** As `FrameSource.nextRun`, but answers whose pieces they are. */
  nextRun(frameBytes: number, most: number, now: number, run: OutgoingRun): RouteBuffer | undefined {
    const { steps, opportunity } = this;
    const { first: realTime, second: bulk } = steps.first;
    if (!steps.second.isEmpty || !realTime.isEmpty) return undefined;
    const buffer = bulk.nextRun(frameBytes, most, (opportunity.datagram + 1) >>> 0, now, run);
    if (buffer === undefined) return undefined;
    steps.firstSends();
    steps.first.secondSends(run.count, frameBytes);
    opportunity.datagram = (opportunity.datagram + run.count) >>> 0;
    opportunity.besideRealTime = false;
    this.roomLeft = 0;
    this.transit.sent(run.count * frameBytes, buffer.intake !== undefined);
    return buffer;
  }
}

function bytesOf(frame: OutgoingFrame): number {
  if (frame.kind === 'gone') return GONE_FRAME_BYTES;
  return frame.length + DATA_OVERHEAD_BYTES + (frame.ttlMs >= 0 ? DATA_TTL_BYTES : 0);
}
