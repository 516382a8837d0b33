/**
 * Links over a modelled bottleneck, for what src/link's window and pacer do: processes that are away now and then, timers that
 * are late, a queue that nobody sees, loss and jitter both ways, ACKs as a receiver sends them. No bytes, only sizes.
 *
 *   sender process ── [queue | rate] ── delay, jitter, loss ──▶ receiver process
 *                  ◀────────────────── delay, jitter, loss ──── ACKs
 */
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { CONGESTION_TUNING, type CongestionTuning } from '../../src/link/congestion/congestion-tuning.ts';
import { CongestionWindow } from '../../src/link/congestion/congestion-window.ts';
import { Pacer } from '../../src/link/congestion/pacer.ts';
import { EventHeap } from '../sim/world/event-heap.ts';

const ACK_EVERY_DATAGRAMS = 2;
const ACK_DELAY_MS = 2;
const ACK_BYTES = 96;
const ACK_SPACING_MS = 1;
const REORDER_DATAGRAMS = 3;
const SLOTS = 1 << 20;

/** One queue before one wire; any number of flows pass it. */
export class Bottleneck {
  bytesPerMs: number;
  queueLimitBytes: number;
  private freeAt = 0;
  passedBytes = 0;
  dropped = 0;
  readonly queueSamples: number[] = [];

  constructor(mbps: number, queueBytes = 256 * 1024) {
    this.bytesPerMs = mbps * 125;
    this.queueLimitBytes = queueBytes;
  }

  queueMs(now: number): number {
    return Math.max(0, this.freeAt - now);
  }

  /** When the datagram has left the queue and the wire's near end; undefined when there is no room. */
  pass(bytes: number, now: number): number | undefined {
    const waitMs = this.queueMs(now);
    if (waitMs * this.bytesPerMs > this.queueLimitBytes) {
      this.dropped += 1;
      return undefined;
    }
    this.freeAt = now + waitMs + bytes / this.bytesPerMs;
    this.passedBytes += bytes;
    return this.freeAt;
  }
}

export interface FlowOptions {
  readonly name: string;
  readonly delayMs: number;
  readonly datagramBytes: number;
  readonly jitterMs: number;
  readonly lossOut: number;
  readonly lossBack: number;
  /** Timers fire up to this late. */
  readonly timerLateMs: number;
  /** Either process is away for `pauseMs` (uniform between the two), every so often. */
  readonly pauseEveryMs: number;
  readonly pauseMs: readonly [number, number];
  /** The receiver's work for a datagram. */
  readonly workMs: number;
  /** Bytes that the receiver's socket holds. */
  readonly socketBytes: number;
  /** Real-time datagrams of 200 bytes every so often; 0 none. */
  readonly realTimeEveryMs: number;
  /** Bytes the application has ready a millisecond; Infinity: always more. */
  readonly offeredBytesPerMs: number;
  /** By how much the receiver's clock runs faster, as a share. */
  readonly clockSkew: number;
  /** ACKs wait in this queue, too. */
  readonly backVia: Bottleneck | undefined;
  /** Loss comes in bursts of so many datagrams on average; 1: each on its own. */
  readonly burst: number;
  readonly tuning: CongestionTuning;
}

export const CLEAN_FLOW: FlowOptions = {
  name: 'flow',
  delayMs: 5,
  datagramBytes: 1_452,
  jitterMs: 0,
  lossOut: 0,
  lossBack: 0,
  timerLateMs: 0.2,
  pauseEveryMs: 0,
  pauseMs: [1, 5],
  workMs: 0,
  socketBytes: 400 * 1024,
  realTimeEveryMs: 0,
  offeredBytesPerMs: Number.POSITIVE_INFINITY,
  clockSkew: 0,
  backVia: undefined,
  burst: 1,
  tuning: CONGESTION_TUNING,
};

/** A process: what happens to it while it is away waits until it is back. */
class Process {
  private readonly net: Simulation;
  private readonly random: SeededRandom;
  private readonly options: FlowOptions;
  private awayUntil = 0;
  private nextPauseAt: number;

  constructor(net: Simulation, random: SeededRandom, options: FlowOptions) {
    this.net = net;
    this.random = random;
    this.options = options;
    this.nextPauseAt = this.drawPause(0);
  }

  /** When something that becomes ready at `at` is looked at. */
  readyAt(at: number): number {
    while (this.nextPauseAt <= at) {
      const [least, most] = this.options.pauseMs;
      this.awayUntil = Math.max(this.awayUntil, this.nextPauseAt + least + this.random.unit() * (most - least));
      this.nextPauseAt = this.drawPause(this.awayUntil);
    }
    return Math.max(at, this.awayUntil);
  }

  /** Work that keeps the process busy. */
  works(at: number, ms: number): number {
    this.awayUntil = Math.max(this.awayUntil, at) + ms;
    return this.awayUntil;
  }

  run(at: number, action: () => void): void {
    this.net.events.add(this.readyAt(at), action);
  }

  private drawPause(from: number): number {
    const { pauseEveryMs } = this.options;
    return pauseEveryMs === 0 ? Number.POSITIVE_INFINITY : from - Math.log(1 - this.random.unit()) * pauseEveryMs;
  }
}

interface Ack {
  readonly largest: number;
  readonly received: readonly number[];
  readonly arrivedAt: number;
  readonly delayMs: number;
}

export class Flow {
  readonly options: FlowOptions;
  readonly window: CongestionWindow;
  readonly pacer: Pacer;
  readonly realTimeWaits: number[] = [];
  deliveredBytes = 0;
  sentBytes = 0;
  inFlight = 0;
  lost = 0;
  acks = 0;
  /** Added to the way out: the path has become longer. */
  extraDelayMs = 0;
  private readonly net: Simulation;
  private readonly bottleneck: Bottleneck;
  private readonly random: SeededRandom;
  private readonly sender: Process;
  private readonly receiver: Process;
  // The sent log, by counter modulo SLOTS.
  private readonly sentAt = new Float64Array(SLOTS);
  private readonly totals = new Float64Array(SLOTS);
  private readonly sizes = new Uint16Array(SLOTS);
  private readonly state = new Uint8Array(SLOTS);
  private counter = 0;
  private oldest = 0;
  private largestAcked = -1;
  private wakeAt = Number.POSITIVE_INFINITY;
  private inBurst = false;
  private readonly realTime: number[] = [];
  private probeAt = Number.POSITIVE_INFINITY;
  private offeredBytesPerMs: number;
  private offered = 0;
  private offeredAt = 0;
  // The receiver.
  private highest = -1;
  private highestAt = 0;
  private unacked = 0;
  private ackTimer = false;
  private lastAckAt = Number.NEGATIVE_INFINITY;
  private recent: number[] = [];
  private socketBytes = 0;

  constructor(net: Simulation, bottleneck: Bottleneck, options: FlowOptions) {
    this.net = net;
    this.bottleneck = bottleneck;
    this.options = options;
    this.random = net.random(options.name);
    this.sender = new Process(net, net.random(`${options.name} sender`), options);
    this.receiver = new Process(net, net.random(`${options.name} receiver`), options);
    this.window = new CongestionWindow(options.tuning, net.now);
    this.pacer = new Pacer(options.tuning);
    this.offeredBytesPerMs = options.offeredBytesPerMs;
    this.offeredAt = net.now;
    this.sender.run(net.now, () => this.drain());
    if (options.realTimeEveryMs > 0) this.nextRealTime();
  }

  private nextRealTime(): void {
    const at = this.net.now + this.options.realTimeEveryMs * (0.5 + this.random.unit());
    this.sender.run(at, () => {
      this.realTime.push(at);
      this.drain();
      this.nextRealTime();
    });
  }

  /** From now on the application has so many bytes ready a millisecond. */
  offer(bytesPerMs: number): void {
    this.offeredBytesPerMs = bytesPerMs;
    this.offered = 0;
    this.offeredAt = this.net.now;
    this.drain();
  }

  /** Bytes that the application has ready. */
  private ready(): number {
    const { offeredBytesPerMs } = this;
    if (offeredBytesPerMs === Number.POSITIVE_INFINITY) return offeredBytesPerMs;
    this.offered = Math.min(this.offered + offeredBytesPerMs * (this.net.now - this.offeredAt), 1_000_000);
    this.offeredAt = this.net.now;
    return this.offered;
  }

  private drain(): void {
    const now = this.net.now;
    const ready = this.ready();
    let left = ready;
    while (this.inFlight < this.window.bytes && this.pacer.mayAt(now) <= now) {
      const bornAt = this.realTime.shift();
      const bytes = bornAt === undefined ? this.options.datagramBytes : 200;
      if (bornAt === undefined) {
        if (left < bytes) break;
        left -= bytes;
      }
      this.send(bytes, bornAt);
    }
    this.offered = left;
    this.arm();
  }

  private arm(): void {
    const { timerLateMs, datagramBytes } = this.options;
    const { offeredBytesPerMs } = this;
    if (offeredBytesPerMs === 0 && this.realTime.length === 0) return;
    if (this.inFlight >= this.window.bytes) return;
    let at = this.pacer.mayAt(this.net.now);
    if (offeredBytesPerMs !== Number.POSITIVE_INFINITY && this.realTime.length === 0)
      at = Math.max(at, this.net.now + Math.max(0.2, (datagramBytes - this.offered) / offeredBytesPerMs));
    if (at >= this.wakeAt && this.wakeAt > this.net.now) return;
    this.wakeAt = at;
    this.sender.run(at + this.random.unit() * timerLateMs, () => {
      if (this.wakeAt !== at) return;
      this.wakeAt = Number.POSITIVE_INFINITY;
      this.drain();
    });
  }

  private send(bytes: number, bornAt: number | undefined): void {
    const now = this.net.now;
    const counter = this.counter++;
    const slot = counter % SLOTS;
    this.sentBytes += bytes;
    this.inFlight += bytes;
    this.sentAt[slot] = now;
    this.totals[slot] = this.sentBytes;
    this.sizes[slot] = bytes;
    this.state[slot] = 1;
    this.window.onSent(bytes, true, now);
    this.pacer.sent(bytes, this.window.rateBytesPerMs, this.window.burstBytes, this.window.restMs, now);
    this.armProbe();
    const leftAt = this.bottleneck.pass(bytes, now);
    if (leftAt === undefined) return;
    const { delayMs, jitterMs } = this.options;
    if (bornAt !== undefined) this.realTimeWaits.push(leftAt - bornAt - bytes / this.bottleneck.bytesPerMs);
    if (this.isLost()) return;
    const at = leftAt + delayMs + this.extraDelayMs + this.random.unit() * jitterMs;
    this.net.events.add(at, () => this.atSocket(counter, bytes, bornAt));
  }

  /** Gilbert's model: in a burst all is lost. */
  private isLost(): boolean {
    const { lossOut, burst } = this.options;
    if (burst === 1) return this.random.chance(lossOut);
    this.inBurst = this.random.chance(this.inBurst ? 1 - 1 / burst : lossOut / (1 - lossOut) / burst);
    return this.inBurst;
  }

  private atSocket(counter: number, bytes: number, bornAt: number | undefined): void {
    if (this.socketBytes + bytes > this.options.socketBytes) return;
    this.socketBytes += bytes;
    this.receiver.run(this.net.now, () => {
      const at = this.receiver.works(this.net.now, this.options.workMs);
      if (at > this.net.now) this.net.events.add(at, () => this.receive(counter, bytes, bornAt));
      else this.receive(counter, bytes, bornAt);
    });
  }

  private receive(counter: number, bytes: number, bornAt: number | undefined): void {
    const now = this.net.now;
    this.socketBytes -= bytes;
    this.deliveredBytes += bytes;
    const gap = counter !== this.highest + 1;
    if (counter > this.highest) {
      this.highest = counter;
      this.highestAt = now;
    }
    this.recent.push(counter);
    this.unacked += 1;
    if (bornAt !== undefined || gap || this.unacked >= ACK_EVERY_DATAGRAMS) this.ackAt(this.lastAckAt + ACK_SPACING_MS);
    else this.ackAt(now + ACK_DELAY_MS);
  }

  private ackAt(at: number): void {
    if (at <= this.net.now) return this.acknowledge();
    if (this.ackTimer) return;
    this.ackTimer = true;
    this.receiver.run(at + this.random.unit() * this.options.timerLateMs, () => {
      this.ackTimer = false;
      if (this.unacked > 0) this.acknowledge();
    });
  }

  private acknowledge(): void {
    const now = this.net.now;
    const { delayMs, jitterMs, lossBack, backVia } = this.options;
    this.unacked = 0;
    this.lastAckAt = now;
    this.acks += 1;
    // Ranges reach back a long way: everything of the last 1,024 numbers is said again.
    const floor = this.highest - 1_024;
    if (this.recent.length > 4_096) this.recent = this.recent.filter((counter) => counter > floor);
    const ack: Ack = {
      largest: this.highest,
      received: lossBack > 0 ? this.recent.slice(-1_024) : this.recent.splice(0),
      arrivedAt: this.highestAt,
      delayMs: now - this.highestAt,
    };
    if (this.random.chance(lossBack)) return;
    const leftAt = backVia === undefined ? now : backVia.pass(ACK_BYTES, now);
    if (leftAt === undefined) return;
    this.net.events.add(leftAt + delayMs + this.random.unit() * jitterMs, () =>
      this.sender.run(this.net.now, () => this.acked(ack)),
    );
  }

  private acked(ack: Ack): void {
    const now = this.net.now;
    const slot = ack.largest % SLOTS;
    if (ack.largest > this.largestAcked) {
      this.largestAcked = ack.largest;
      const sentAt = this.sentAt[slot];
      const transitMs = ack.arrivedAt - sentAt + 1e6 + ack.arrivedAt * this.options.clockSkew;
      const roundTripMs = now - sentAt - ack.delayMs;
      this.window.onArrival({ total: this.totals[slot], bytes: this.sizes[slot], sentAt, roundTripMs }, transitMs, now);
    }
    let bytes = 0;
    for (const counter of ack.received) bytes += this.settle(counter);
    if (bytes > 0) this.window.onAcked(bytes, now);
    this.detectLoss();
    this.armProbe();
    this.drain();
  }

  private settle(counter: number): number {
    const slot = counter % SLOTS;
    if (counter < this.oldest || this.state[slot] !== 1) return 0;
    this.state[slot] = 0;
    this.inFlight -= this.sizes[slot];
    return this.sizes[slot];
  }

  private detectLoss(): void {
    const now = this.net.now;
    const late = now - Math.max((9 / 8) * this.window.roundTripMs, 1);
    let lost = 0;
    for (let counter = this.oldest; counter <= this.largestAcked; counter++) {
      const slot = counter % SLOTS;
      if (this.state[slot] === 1) {
        const old = this.sentAt[slot] < late && this.sentAt[slot] < this.sentAt[this.largestAcked % SLOTS];
        if (counter > this.largestAcked - REORDER_DATAGRAMS && !old) break;
        lost += this.settle(counter);
        this.lost += 1;
      }
      if (counter === this.oldest) this.oldest += 1;
    }
    if (lost > 0) this.window.onLost(lost, now);
  }

  /** The probe timeout: everything under way is given up, so that sending goes on. */
  private armProbe(): void {
    const at =
      this.net.now +
      (this.window.roundTripMs === 0 ? 600 : Math.max(2 * this.window.roundTripMs, 20)) +
      2 * ACK_DELAY_MS;
    const earlier = this.probeAt;
    this.probeAt = at;
    if (earlier !== Number.POSITIVE_INFINITY) return;
    const check = (): void => {
      if (this.net.now < this.probeAt) return this.net.events.add(this.probeAt, check);
      this.probeAt = Number.POSITIVE_INFINITY;
      let lost = 0;
      for (let i = 0; i < 2 && this.oldest < this.counter; this.oldest++) {
        const bytes = this.settle(this.oldest);
        if (bytes > 0) i++;
        lost += bytes;
      }
      if (lost > 0) this.window.onLost(lost, this.net.now);
      if (this.oldest < this.counter) this.armProbe();
      this.drain();
    };
    this.net.events.add(at, check);
  }
}

export class Simulation {
  readonly events = new EventHeap();
  readonly seed: number;
  now = 0;

  constructor(seed: number) {
    this.seed = seed;
  }

  random(name: string): SeededRandom {
    return new SeededRandom(this.seed, name);
  }

  flow(bottleneck: Bottleneck, options: Partial<FlowOptions> = {}): Flow {
    return new Flow(this, bottleneck, { ...CLEAN_FLOW, ...options });
  }

  run(untilMs: number): void {
    while (this.events.nextAt() <= untilMs) {
      const event = this.events.take();
      this.now = Math.max(this.now, event.at);
      event.run();
    }
    this.now = untilMs;
  }
}
