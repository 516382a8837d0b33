/**
 * What leaves on one session, and in what order: acknowledgements that are due, CREDIT and BLOCKED, messages of channels,
 * then whatever the source gives, for as long as window and pacer allow (docs/protocol.md section 3.3). Nothing is queued
 * here: a frame is asked for when its datagram is about to leave. Nothing waits for company either: what the source has
 * leaves with this drain, full datagram or not. But through a back channel a datagram costs as much again as what is in
 * it, so there what comes within an eighth of a round trip shares datagrams. An acknowledgement that nobody waits for does not
 * leave alone while datagrams leave one after the other: the first that has room takes it along, within 8 ms.
 *
 * On the hot path: allocates a view a piece at the most.
 *
 * Timers: those of loss-detection.ts and ack-tracker.ts, and the pacer's or that of gathering while something waits for it.
 */
import { NEVER } from '../base/env.ts';
import type { LinkId } from '../base/ids.ts';
import { RangeBlocks } from '../wire/ack-ranges.ts';
import {
  type AckFrame,
  ackBlocksWithin,
  ackFrameBytes,
  CHANNEL_OVERHEAD_BYTES,
  DATA_OVERHEAD_BYTES,
  DATA_TTL_BYTES,
  FRAME_BLOCKED,
  FRAME_CREDIT,
  GONE_FRAME_BYTES,
  LIMIT_FRAME_BYTES,
  writeAckFrame,
  writeChannelHeader,
  writeDataHeader,
  writeGoneFrame,
  writeLimitFrame,
} from '../wire/frames.ts';
import { SESSION_OVERHEAD_BYTES } from '../wire/session.ts';
import type { AckTracker } from './arq/ack-tracker.ts';
import { ChannelSender } from './arq/channel-sender.ts';
import { type FrameFates, LossDetection } from './arq/loss-detection.ts';
import type { RoundTrip } from './arq/round-trip.ts';
import { FLYING, QUIET, SentLog, TOKENS_PER_DATAGRAM_MAX, WATCHED } from './arq/sent-log.ts';
import { CONGESTION_TUNING } from './congestion/congestion-tuning.ts';
import { CongestionWindow } from './congestion/congestion-window.ts';
import { DeliveryRate } from './congestion/delivery-rate.ts';
import { Pacer } from './congestion/pacer.ts';
import { PeerClock } from './congestion/peer-clock.ts';
import { SpareTime } from './congestion/spare-time.ts';
import type { LinkContext } from './context.ts';
import { createOutgoingFrame, createOutgoingRun, NO_ROOM, NOTHING, RUN_DATAGRAMS_MAX } from './frame-source.ts';
import { PROBE_DATAGRAMS } from './protocol-numbers.ts';
import type { Turn } from './ready-list.ts';
import type { Outlet } from './send-arena.ts';

/** A log full of lost datagrams that may still come late empties with time alone. */
const LOG_FULL_RETRY_MS = 10;
/** Of a pace above what the link is known to carry, so much counts as what it would take. */
const CLIMB_BELIEVED = 17 / 16;

/** Whom to ask for a frame. */
type Asked = 'control' | 'channel' | 'data';

/** What has been put into the datagram under construction. */
interface Open {
  /** Something that is to be acknowledged. */
  asks: boolean;
  realTime: boolean;
  ack: boolean;
  /** Window and pacer allowed it, so it may take messages. */
  licensed: boolean;
}

export class Outbound implements FrameFates, Turn {
  isReady = false;
  readonly losses: LossDetection;
  readonly window: CongestionWindow;
  readonly channels: ChannelSender;
  readonly sentRate: DeliveryRate;
  readonly ackedRate: DeliveryRate;
  /** Datagrams sent for nothing but an ACK. */
  ackDatagrams = 0;
  private readonly context: LinkContext;
  private readonly link: LinkId;
  private readonly outlet: Outlet;
  private readonly acks: AckTracker;
  private readonly log: SentLog;
  private readonly pacer = new Pacer(CONGESTION_TUNING);
  private readonly spare = new SpareTime();
  private readonly peerClock = new PeerClock();
  private readonly frame = createOutgoingFrame();
  private readonly run = createOutgoingRun();
  private readonly blocks = new RangeBlocks();
  private readonly open: Open = { asks: false, realTime: false, ack: false, licensed: false };
  /** Somebody said that there is something to send, and nobody has been asked for all of it since. */
  private wanted = false;
  /** The source had nothing when it was asked last, and the link could have taken more. */
  private dry = true;
  /** When the pacer lets the next datagram go that waits for it. */
  private pacedUntil = NEVER;
  /** How long frames are gathered, and since when. */
  private gatherMs = 0;
  private gatheredAt = Number.NEGATIVE_INFINITY;
  /** Datagrams that leave whatever window and pacer say: a probe timeout is over. */
  private probes = 0;
  private sentTotal = 0;
  private stopped = false;

  constructor(context: LinkContext, link: LinkId, outlet: Outlet, acks: AckTracker, roundTrip: RoundTrip, now: number) {
    this.context = context;
    this.link = link;
    this.outlet = outlet;
    this.acks = acks;
    this.log = new SentLog(context.tuning.sentLogFirst, context.tuning.sentLogMax);
    this.losses = new LossDetection(this.log, roundTrip, this, now);
    this.window = new CongestionWindow(CONGESTION_TUNING, now);
    this.channels = new ChannelSender(context.tuning.smallestPieceBytes);
    this.sentRate = new DeliveryRate(now);
    this.ackedRate = new DeliveryRate(now);
  }

  /** There may be something to take from the source. */
  sendable(): void {
    this.wanted = true;
    this.context.ready.add(this);
  }

  /** False when the peer has not taken enough of what was sent before. */
  sendChannel(channel: number, message: Uint8Array): boolean {
    if (!this.channels.add(channel, message)) return false;
    this.sendable();
    return true;
  }

  /** Frames wait so long for company from now on, and so do acknowledgements that nobody waits for; 0: none does. */
  gather(ms: number): void {
    this.gatherMs = ms;
    this.acks.spacingMs = Math.max(ms, this.context.tuning.ackSpacingMs);
  }

  /** Puts into datagrams what is due and what may leave. */
  drain(now: number): void {
    if (this.stopped) return;
    const ackLeaves = now >= this.acks.dueAt;
    if (ackLeaves && (!this.wanted || now >= this.acks.latestAt)) this.writeAck(now);
    if (this.wanted) this.drainSource(ackLeaves, now);
    if (now >= this.ackAt()) this.writeAck(now);
  }

  /** Puts into datagrams what may leave. `ackLeaves`: a datagram leaves in any case. */
  private drainSource(ackLeaves: boolean, now: number): void {
    const gatheredUntil = this.gatheredAt + this.gatherMs;
    if (now < gatheredUntil && !ackLeaves && this.probes === 0) return void this.later(gatheredUntil);
    this.gatheredAt = now;
    this.open.licensed = false;
    this.wanted = false;
    this.pacedUntil = NEVER;
    this.takeAll('control', now);
    this.takeAll('channel', now);
    let more = true;
    while (more) more = this.takeRun(now) || this.take('data', now);
  }

  /** So many datagrams of this length are finished: several only as a run, each with one of the frames. True when they ask for acknowledgement. */
  left(bytes: number, count: number, isPathProbe: boolean): boolean {
    const { open } = this;
    const { now } = this.context.clock;
    const { asks, realTime, ack } = open;
    open.asks = open.realTime = open.ack = open.licensed = false;
    if (ack) this.acks.left(this.log.next, this.losses.roundTripMs, now);
    const total = count * bytes;
    this.sentTotal += total;
    this.window.onSent(total, asks, now);
    if (this.dry) this.spare.lacked(now);
    this.spare.sent(total, this.spareRate(), now);
    // Two datagrams after a silence are no debt that the link would have to work off once it is heard again.
    const { rateBytesPerMs, burstBytes, restMs } = this.window;
    if (this.probes === 0) this.pacer.sent(total, rateBytesPerMs, burstBytes, restMs, now);
    if (!asks) {
      this.log.add(isPathProbe ? WATCHED : QUIET, bytes, this.sentTotal, now);
      if (ack) this.ackDatagrams += 1;
      if (this.losses.flyingBytes === 0) this.losses.forget(now);
      return false;
    }
    if (count === 1) this.log.add(FLYING, bytes, this.sentTotal, now);
    else this.log.addRun(count, bytes, this.sentTotal, now);
    this.losses.sent(count, realTime, now);
    this.sentRate.add(total, now);
    if (this.probes > 0) this.probes -= 1;
    return true;
  }

  /** ACK came. False when it speaks of what was never sent. */
  acknowledge(ack: AckFrame, now: number): boolean {
    const { losses, window } = this;
    if (!losses.acknowledge(ack, now)) return false;
    this.acks.heard(ack.blocks);
    const { arrival } = losses;
    if (arrival.total >= 0) {
      window.onArrival(arrival, this.peerClock.transitMs(ack.arrivedUs, arrival.sentAt), now);
    }
    if (losses.ackedBytes > 0) {
      window.onAcked(losses.ackedBytes, now);
      this.ackedRate.add(losses.ackedBytes, now);
      this.probes = 0;
    }
    if (losses.lostBytes > 0) window.onLost(losses.lostBytes, now);
    // The window may have opened.
    if (this.wanted) this.context.ready.add(this);
    return true;
  }

  wake(now: number): void {
    if (now < this.nextWakeAt()) return;
    if (this.losses.wake(now)) this.probes = PROBE_DATAGRAMS;
    this.context.ready.add(this);
  }

  nextWakeAt(): number {
    return Math.min(this.losses.nextWakeAt(), this.ackAt(), this.pacedUntil);
  }

  /** PONG came: where nothing was acknowledged of late, it is not for the wire. */
  ponged(): void {
    this.losses.heard();
    if (this.wanted) this.context.ready.add(this);
  }

  /** The path is another one. */
  restart(now: number): void {
    this.losses.longLostRow = 0;
    this.losses.heard();
    this.window.restart(now);
    this.losses.meter.restart();
    this.losses.smallMeter.restart();
    this.losses.runs.restart();
  }

  /** Nothing has been under way for long. */
  idle(): void {
    this.log.trim();
  }

  /** The session is over: what it carried is forgotten, and nobody hears of it. */
  stop(): void {
    this.stopped = true;
  }

  framesAcked(tokens: Float64Array, count: number, now: number): void {
    let ofSource = 0;
    for (let i = 0; i < count; i++) {
      if (tokens[i] < 0) this.channels.acked(-1 - tokens[i]);
      else tokens[ofSource++] = tokens[i];
    }
    if (ofSource > 0) this.context.source().acked(this.link, tokens, ofSource, now);
  }

  frameLost(token: number, now: number): void {
    if (token >= 0) return this.context.source().lost(this.link, token, now);
    this.channels.lost(-1 - token);
    this.sendable();
  }

  /** All the time in which the link would have taken more than there was to send, ms. */
  spareMs(now: number): number {
    if (this.dry) this.spare.lacked(now);
    return this.spare.totalMs;
  }

  /** The longest whole frame that fits an empty datagram. */
  get frameBytes(): number {
    return this.outlet.datagramBytes - SESSION_OVERHEAD_BYTES;
  }

  private takeAll(asked: Asked, now: number): void {
    let more = true;
    while (more) more = this.take(asked, now);
  }

  /** Asks for one frame and writes it. False when there is none, or when it may not leave now. */
  private take(asked: Asked, now: number): boolean {
    const { arena } = this.context;
    if (this.log.gatheredTokens === TOKENS_PER_DATAGRAM_MAX) arena.finish(this.outlet);
    let room = arena.roomIn(this.outlet);
    if (room < LIMIT_FRAME_BYTES) {
      arena.finish(this.outlet);
      room = this.frameBytes;
    }
    if (!this.open.licensed && !this.license(asked, now)) return false;
    const withAck = this.acks.pending && !this.open.ack;
    const ackBytes = withAck ? this.ackBytes() : 0;
    let token = this.ask(asked, room - ackBytes, now);
    let ackFits = withAck;
    if (token === NO_ROOM && room < this.frameBytes) {
      // There is a datagram under way, and the next one has more room.
      arena.finish(this.outlet);
      return true;
    }
    if (token === NO_ROOM && withAck) {
      ackFits = false;
      token = this.ask(asked, room, now);
    }
    if (token === NO_ROOM) this.context.drops.count('link-frame-too-long');
    if (asked === 'data') this.setDry(token === NOTHING, now);
    if (token < 0) return false;
    this.put(asked, token);
    if (ackFits) this.writeAck(now);
    else if (withAck) this.writeCutAck(now);
    return true;
  }

  /**
   * Datagrams that one long message fills, for as long as window and pacer allow them. An ACK goes with the datagram behind them, which is not
   * full. False when there is no run, or not now.
   */
  private takeRun(now: number): boolean {
    const { arena } = this.context;
    if (this.probes > 0 || this.log.full || this.losses.isSilent) return false;
    if (arena.roomIn(this.outlet) >= LIMIT_FRAME_BYTES) return false;
    arena.finish(this.outlet);
    const most = this.allowed(now);
    if (most < 2) return false;
    const { run, frameBytes } = this;
    const count = this.context.source().nextRun(this.link, frameBytes, most, now, run);
    if (count === 0) return false;
    this.setDry(false, now);
    this.open.asks = true;
    for (let i = 0; i < count; i++) this.log.addToken(run.tokens[i]);
    arena.putRun(this.outlet, run);
    return true;
  }

  /** How many full datagrams window and pacer let leave now, of one run. */
  private allowed(now: number): number {
    const { datagramBytes } = this.outlet;
    const { bytes, rateBytesPerMs, burstBytes } = this.window;
    const byWindow = Math.ceil((bytes - this.losses.flyingBytes) / datagramBytes);
    if (byWindow < 2) return byWindow;
    return this.pacer.allows(datagramBytes, rateBytesPerMs, burstBytes, Math.min(byWindow, RUN_DATAGRAMS_MAX), now);
  }

  private setDry(dry: boolean, now: number): void {
    if (this.dry) this.spare.lacked(now);
    this.dry = dry;
  }

  /** The pace of a climb may be far above what the link carries: it is believed in small steps. */
  private spareRate(): number {
    return Math.min(this.window.rateBytesPerMs, CLIMB_BELIEVED * this.window.carriedBytesPerMs);
  }

  /** Whether the datagram under construction may take a frame of this kind. */
  private license(asked: Asked, now: number): boolean {
    if (this.log.full) {
      this.losses.forget(now);
      if (this.log.full) return this.later(now + LOG_FULL_RETRY_MS);
    }
    if (this.probes === 0 && this.losses.isSilent) return this.later(this.losses.probeAt);
    if (asked === 'control') return true;
    if (this.probes === 0) {
      if (this.losses.flyingBytes >= this.window.bytes) return this.later(NEVER);
      const mayAt = this.pacer.mayAt(now);
      if (mayAt > now) return this.later(mayAt);
    }
    this.open.licensed = true;
    return true;
  }

  /** Something may be left to send; `at`: when to try again, unless an ACK comes before. */
  private later(at: number): false {
    this.wanted = true;
    this.pacedUntil = at;
    return false;
  }

  private ask(asked: Asked, roomBytes: number, now: number): number {
    if (asked === 'channel') return this.channels.next(roomBytes);
    const source = this.context.source();
    return asked === 'data'
      ? source.next(this.link, roomBytes, now, this.frame)
      : source.nextControl(this.link, roomBytes, now, this.frame);
  }

  private put(asked: Asked, token: number): void {
    if (asked === 'channel') this.writeChannel();
    else this.writeFrame();
    this.log.addToken(asked === 'channel' ? -1 - token : token);
    this.open.asks = true;
    if (asked === 'data' && this.frame.realTime) this.open.realTime = true;
  }

  private writeFrame(): void {
    const { frame, outlet } = this;
    const { arena } = this.context;
    const { kind, routeId, routeIdAt, sequence, message, offset, length } = frame;
    if (kind === 'data') {
      const overhead = DATA_OVERHEAD_BYTES + (frame.ttlMs < 0 ? 0 : DATA_TTL_BYTES);
      const at = arena.reserve(outlet, overhead + length);
      const { last, ttlMs, start, buffer } = frame;
      writeDataHeader(arena.bytes, at, routeId, routeIdAt, sequence, message, offset, last, ttlMs, length);
      arena.bytes.set(buffer.subarray(start, start + length), at + overhead);
    } else if (kind === 'gone') {
      const at = arena.reserve(outlet, GONE_FRAME_BYTES);
      writeGoneFrame(arena.bytes, at, routeId, routeIdAt, sequence, message, offset, length);
    } else {
      const at = arena.reserve(outlet, LIMIT_FRAME_BYTES);
      const type = kind === 'credit' ? FRAME_CREDIT : FRAME_BLOCKED;
      writeLimitFrame(arena.bytes, at, type, routeId, routeIdAt, frame.limit);
    }
  }

  private writeChannel(): void {
    const { arena } = this.context;
    const { channel, message, offset, last, bytes, start, length } = this.channels.outgoing;
    const at = arena.reserve(this.outlet, CHANNEL_OVERHEAD_BYTES + length);
    writeChannelHeader(arena.bytes, at, channel, message, offset, last, length);
    arena.bytes.set(bytes.subarray(start, start + length), at + CHANNEL_OVERHEAD_BYTES);
  }

  /** When an ACK has to leave, with company or without: it waits for a datagram that the pacer lets go in time. */
  private ackAt(): number {
    const { dueAt, latestAt } = this.acks;
    return this.wanted && this.pacedUntil <= latestAt ? latestAt : dueAt;
  }

  private ackBytes(): number {
    this.acks.fill(this.blocks);
    return ackFrameBytes(this.blocks.count);
  }

  private writeAck(now: number): void {
    this.putAck(this.ackBytes(), false, now);
  }

  /** Of the blocks that `take` found too long the newest, in what is left of the datagram, where that answers everybody who waits: most ACKs beside full packets. */
  private writeCutAck(now: number): void {
    const { acks, blocks } = this;
    blocks.count = Math.min(blocks.count, ackBlocksWithin(this.context.arena.roomIn(this.outlet)));
    if (blocks.count > 0 && acks.answersAll(blocks)) this.putAck(ackFrameBytes(blocks.count), true, now);
  }

  private putAck(bytes: number, isCut: boolean, now: number): void {
    const { acks, blocks } = this;
    const { arena } = this.context;
    const at = arena.reserve(this.outlet, bytes);
    writeAckFrame(arena.bytes, at, now - acks.largestAt, acks.largestAt, blocks);
    acks.sent(isCut, now);
    this.open.ack = true;
  }
}
