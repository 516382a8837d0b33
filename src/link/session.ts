/**
 * One session with a neighbour, from the end of its handshake to the wiping of its keys (docs/protocol.md sections 2.2, 3):
 * counters, replay window, roaming, and the frames that keep it going. When to rekey, to ping and to probe is decided in
 * rekeying.ts, liveness.ts and path-mtu.ts; here it becomes frames. What it carries for others leaves through outbound.ts.
 *
 * candidate: the peer has not proven yet that it holds the keys. A responder sent a PING, an initiator repeats FINAL.
 * active: carries the link. closed: keys wiped, every call on it is a mistake of the owner.
 *
 * Timers are those of the parts, plus one: while traffic flows, a PING every 2 s for the round trip.
 *
 * On the hot path: accepting a datagram and opening one allocate nothing.
 */
import { assert } from '../base/assert.ts';
import { readU64, writeU64 } from '../base/bytes.ts';
import { ENDPOINT_BYTES, sameEndpoint } from '../base/datagram.ts';
import { NEVER } from '../base/env.ts';
import type { LinkId } from '../base/ids.ts';
import type { RatchetRole } from '../crypto/ratchet.ts';
import { ReplayWindow } from '../crypto/replay-window.ts';
import type { SessionKeys } from '../crypto/symmetric-state.ts';
import {
  type AckFrame,
  FRAME_HEADER_BYTES,
  FRAME_LOAD_ASK,
  FRAME_PING,
  FRAME_PONG,
  FRAME_REKEY,
  FRAME_REKEY_ACK,
  LOAD_BODY_BYTES,
  PATH_ACK_BODY_BYTES,
  PING_BODY_BYTES,
  REKEY_BODY_BYTES,
  writeCloseFrame,
  writeFrameHeader,
  writeLoadFrame,
  writePathAckFrame,
  writePathFrame,
  writeRekeyFrame,
} from '../wire/frames.ts';
import { AckTracker, type Asks } from './arq/ack-tracker.ts';
import { ChannelReceiver } from './arq/channel-receiver.ts';
import { RoundTrip } from './arq/round-trip.ts';
import type { LinkContext } from './context.ts';
import { Rekeying } from './handshake/rekeying.ts';
import type { LinkStatus } from './link-status.ts';
import { Liveness } from './liveness.ts';
import { isBackEndpoint } from './one-way/back-endpoint.ts';
import type { Direction } from './one-way/direction.ts';
import { Outbound } from './outbound.ts';
import { PathMtu, pathBodyBytes } from './path-mtu.ts';
import { NO_ENTRY, type Outlet } from './send-arena.ts';
import type { Traffic } from './traffic.ts';

export interface SessionOptions {
  readonly context: LinkContext;
  readonly link: LinkId;
  readonly role: RatchetRole;
  /** What the peer writes into the header, and what we write. */
  readonly localIndex: number;
  readonly remoteIndex: number;
  /** Wiped by the session. */
  readonly keys: SessionKeys;
  /** Where the peer is. */
  readonly address: Uint8Array;
  readonly traffic: Traffic;
  readonly direction: Direction;
}

/** Of the PINGs that try the direct way: above every token for a round trip. */
const TRIAL_TOKEN = 2 ** 52;

/** In a back channel. */
const GATHER_ROUND_TRIPS = 1 / 8;
/** While a sign of life is waited for. */
const PINGS_A_ROUND_TRIP = 4;

export class Session implements Outlet {
  readonly kind = 'session';
  readonly link: LinkId;
  readonly role: RatchetRole;
  readonly localIndex: number;
  readonly remoteIndex: number;
  /** Where the peer is: it follows what comes from there. */
  readonly address: Uint8Array;
  readonly liveness: Liveness;
  readonly pathMtu: PathMtu;
  readonly rekeying: Rekeying;
  readonly roundTrip: RoundTrip;
  readonly acks: AckTracker;
  readonly channels: ChannelReceiver;
  readonly outbound: Outbound;
  state: 'candidate' | 'active' | 'closed' = 'candidate';
  activeSince = NEVER;
  rekeys = 0;
  openEntry = NO_ENTRY;
  inUse = false;
  sendSlot: number;
  private readonly context: LinkContext;
  private readonly traffic: Traffic;
  private readonly direction: Direction;
  /** The back channel while our datagrams take it. */
  private back: Uint8Array | undefined;
  private heardDirectly = false;
  private readonly window = new ReplayWindow();
  private nextCounter = 0;
  private highestCounter = -1;
  private roundTripAt: number;
  /** What was sent since the last `drained`: times are known there only. */
  private sentAsking = false;
  private sentTraffic = false;
  /** Traffic since the last PING for the round trip. */
  private carrying = false;
  private probingPath = false;

  constructor(options: SessionOptions, now: number) {
    const { context } = options;
    const { tuning } = context;
    this.context = context;
    this.link = options.link;
    this.role = options.role;
    this.localIndex = options.localIndex;
    this.remoteIndex = options.remoteIndex;
    this.address = options.address.slice();
    this.direction = options.direction;
    this.traffic = options.traffic;
    this.roundTrip = new RoundTrip(tuning.initialRoundTripMs);
    this.liveness = new Liveness(this.roundTrip, tuning.handshakeAfterSilenceMs, now);
    this.rekeying = new Rekeying(context, options.role, options.keys, now);
    this.sendSlot = this.rekeying.keyring.sendSlot(0);
    this.roundTripAt = now;
    this.acks = new AckTracker(tuning.ackSpacingMs);
    this.channels = new ChannelReceiver(context.drops);
    this.outbound = new Outbound(context, options.link, this, this.acks, this.roundTrip, now);
    this.pathMtu = new PathMtu(
      {
        transportBytes: context.transportBytes,
        probeTimeoutMs: tuning.pathProbeTimeoutMs,
        confirmEveryMs: tuning.pathConfirmEveryMs,
      },
      now,
    );
  }

  /**
   * Whether this is a link at all. Where this end is not heard directly, hearing the other only the long way round is none:
   * there would be nothing but the long way.
   */
  get isLink(): boolean {
    return this.back === undefined || this.heardDirectly;
  }

  /** Where datagrams go. */
  get endpoint(): Uint8Array {
    return this.back ?? this.address;
  }

  get sendEpoch(): number {
    return this.rekeying.sendEpoch;
  }

  get datagramBytes(): number {
    return this.pathMtu.bytes;
  }

  takeCounters(count: number): number {
    const first = this.nextCounter;
    this.nextCounter += count;
    return first;
  }

  left(datagramBytes: number, count: number): void {
    this.traffic.sent(datagramBytes, count);
    this.pathMtu.sent(datagramBytes);
    if (!this.outbound.left(datagramBytes, count, this.probingPath)) return;
    this.sentTraffic = true;
    this.sentAsking = true;
  }

  /** The peer proved that it holds the keys. The first PING gives the first round trip. */
  activate(now: number): void {
    assert(this.state === 'candidate', 'a session becomes active once');
    this.state = 'active';
    this.activeSince = now;
    this.ping(now);
  }

  /** Sends what is under way and wipes the keys. `reason`: tell the peer, with the code of CLOSE. */
  close(reason?: number): void {
    if (this.state === 'closed') return;
    if (reason !== undefined) writeCloseFrame(this.context.arena.bytes, this.reserve(FRAME_HEADER_BYTES + 1), reason);
    this.context.arena.flush();
    this.state = 'closed';
    this.outbound.stop();
    this.rekeying.wipe();
  }

  /** Datagrams go through this back channel from now on; undefined: to the peer's address. */
  take(back: Uint8Array | undefined, now: number): void {
    this.context.arena.finish(this);
    this.back = back;
    if (back === undefined) this.pathMtu.restart(now);
    else this.pathMtu.hold();
    this.anotherPath(now);
    this.outbound.gather(this.gatherMs());
  }

  /** A PING to the peer's address, whatever way the rest goes. */
  tryDirectly(): void {
    const { arena } = this.context;
    const { back } = this;
    arena.finish(this);
    this.back = undefined;
    this.writePing(TRIAL_TOKEN);
    arena.finish(this);
    this.back = back;
  }

  ping(now: number): void {
    this.writePing(this.roundTrip.ping(now));
    this.roundTripAt = now + this.context.tuning.roundTripEveryMs;
    this.carrying = false;
    this.sentAsking = true;
  }

  /** PING came: its token goes back as it is. */
  pong(bytes: Uint8Array, tokenAt: number, now: number): void {
    const { arena } = this.context;
    const at = writeFrameHeader(
      arena.bytes,
      this.reserve(FRAME_HEADER_BYTES + PING_BODY_BYTES),
      FRAME_PONG,
      PING_BODY_BYTES,
    );
    for (let i = 0; i < PING_BODY_BYTES; i++) arena.bytes[at + i] = bytes[tokenAt + i];
    if (this.direction.askedByPeer(now)) this.ping(now);
  }

  /** PONG came. False when it answers no PING. */
  ponged(bytes: Uint8Array, tokenAt: number, now: number): boolean {
    const token = readU64(bytes, tokenAt);
    if (token === TRIAL_TOKEN) {
      this.direction.trialAnswered(now);
      return true;
    }
    if (!this.roundTrip.pong(token, now)) return false;
    this.outbound.ponged();
    this.direction.answered(now);
    return true;
  }

  askLoad(): void {
    writeFrameHeader(this.context.arena.bytes, this.reserve(FRAME_HEADER_BYTES), FRAME_LOAD_ASK, 0);
  }

  /** LOAD_ASK came: how busy our direction is. */
  tellLoad(now: number): void {
    const at = this.reserve(FRAME_HEADER_BYTES + LOAD_BODY_BYTES);
    writeLoadFrame(this.context.arena.bytes, at, now, this.outbound.spareMs(now));
  }

  acknowledgePath(probe: number, datagramBytes: number): void {
    writePathAckFrame(
      this.context.arena.bytes,
      this.reserve(FRAME_HEADER_BYTES + PATH_ACK_BODY_BYTES),
      probe,
      datagramBytes,
    );
  }

  /** REKEY came. False when it is not expected. */
  rekey(epoch: number, ephemeral: Uint8Array, now: number): boolean {
    const answer = this.rekeying.answer(epoch, ephemeral, now);
    if (answer === undefined) return false;
    this.writeRekey(FRAME_REKEY_ACK, answer.epoch, answer.ephemeral);
    return true;
  }

  /** REKEY_ACK came. False when it is not expected. */
  rekeyed(epoch: number, ephemeral: Uint8Array, now: number): boolean {
    if (!this.rekeying.accept(epoch, ephemeral, now, this.roundTrip.smoothedMs)) return false;
    this.switchEpoch();
    this.ping(now);
    return true;
  }

  /** Whether a datagram with this counter may be opened at all. */
  wouldAccept(counter: number): boolean {
    return this.window.wouldAccept(counter);
  }

  /** An authentic datagram: counts it, follows the peer to where it came from. False when its counter was seen before. */
  accept(epoch: number, counter: number, endpoints: Uint8Array, endpointAt: number, now: number): boolean {
    if (!this.window.accept(counter)) return false;
    const directly = !isBackEndpoint(endpoints, endpointAt);
    if (this.rekeying.heardUnder(epoch, now, this.roundTrip.smoothedMs)) this.switchEpoch();
    if (counter > this.highestCounter) {
      this.highestCounter = counter;
      if (directly && !sameEndpoint(this.address, 0, endpoints, endpointAt)) this.roam(endpoints, endpointAt, now);
    }
    if (this.direction.heard(directly, now)) this.anotherPath(now);
    if (directly) this.heardDirectly = true;
    if (directly || this.back === undefined) this.liveness.heard(now);
    return true;
  }

  /** As `accept`, for the datagram behind one that was accepted now, under the same epoch and from the same place. */
  acceptNext(counter: number, datagramBytes: number): boolean {
    if (!this.window.accept(counter)) return false;
    this.highestCounter = Math.max(this.highestCounter, counter);
    this.traffic.received(datagramBytes);
    return true;
  }

  /** ACK came. False when it speaks of what was never sent. */
  acknowledge(ack: AckFrame, now: number): boolean {
    if (!this.outbound.acknowledge(ack, now)) return false;
    const { longestAckedBytes } = this.outbound.losses;
    if (longestAckedBytes === 0) return true;
    this.pathMtu.arrived(longestAckedBytes, now);
    this.direction.answered(now);
    return true;
  }

  /** All frames of a datagram were taken; `asks`: what its sender is owed for it. */
  taken(counter: number, asks: Asks, now: number): void {
    this.acks.arrived(counter, asks, now);
    if (now >= this.acks.dueAt) this.context.ready.add(this.outbound);
  }

  /** DATA or CHANNEL was received. */
  carried(now: number): void {
    this.carrying = true;
    this.rekeying.carried(now);
  }

  /** What was reserved since the last call leaves now. */
  drained(now: number): void {
    if (this.sentTraffic) this.carried(now);
    if (this.sentAsking) this.asked(now);
    this.sentTraffic = false;
    this.sentAsking = false;
  }

  wake(now: number): void {
    // Jobs under construction may use keys that expire now.
    if (now >= this.rekeying.keyring.nextWakeAt()) this.context.arena.flush();
    const rekey = this.rekeying.wake(now, this.roundTrip.smoothedMs);
    if (rekey === 'confirm') this.ping(now);
    else if (rekey !== undefined) this.writeRekey(FRAME_REKEY, rekey.epoch, rekey.ephemeral);
    const lossShare = this.outbound.losses.smallMeter.share ?? 0;
    const pathBytes = this.pathMtu.bytes;
    this.pathMtu.lostInRow(this.outbound.losses.longLostRow, now);
    const probe = this.pathMtu.wake(now, this.liveness.lastHeardAt, this.roundTrip.smoothedMs, lossShare);
    // What fell into a hole was too long: that is no congestion.
    if (this.pathMtu.bytes < pathBytes) this.outbound.restart(now);
    if (probe !== undefined) this.probePath(probe.number, probe.bytes);
    const doubtful = probe?.repeat === true && probe.bytes <= this.pathMtu.bytes;
    const repeatMs = Math.max(this.context.tuning.pingRepeatMs, this.roundTrip.smoothedMs / PINGS_A_ROUND_TRIP);
    const pingDue = this.liveness.takePing(now, repeatMs);
    if (pingDue || doubtful || (this.carrying && now >= this.roundTripAt)) this.ping(now);
    if (pingDue) this.outbound.idle();
    this.outbound.gather(this.gatherMs());
    this.outbound.wake(now);
  }

  nextWakeAt(): number {
    return Math.min(
      this.rekeying.nextWakeAt(),
      this.pathMtu.nextWakeAt(),
      this.liveness.nextWakeAt(),
      this.outbound.nextWakeAt(),
      this.carrying ? this.roundTripAt : NEVER,
    );
  }

  status(now: number): LinkStatus['session'] {
    const { losses, window, sentRate, ackedRate, ackDatagrams } = this.outbound;
    return {
      role: this.role,
      upForMs: now - this.activeSince,
      roundTripMs: this.roundTrip.smoothedMs,
      leastRoundTripMs: this.roundTrip.leastMs,
      epoch: this.sendEpoch,
      rekeys: this.rekeys,
      pathMtuBytes: this.datagramBytes,
      lastHeardMsAgo: now - this.liveness.lastHeardAt,
      lossShare: losses.meter.share ?? 0,
      queueMs: window.queueMs,
      sentBytesPerMs: sentRate.bytesPerMs(now),
      deliveredBytesPerMs: ackedRate.bytesPerMs(now),
      inFlightBytes: losses.flyingBytes,
      windowBytes: window.bytes,
      paceBytesPerMs: window.rateBytesPerMs,
      retransmittedDatagrams: losses.lostDatagrams,
      lateDatagrams: losses.lateDatagrams,
      ackDatagrams,
    };
  }

  private asked(now: number): void {
    this.liveness.sent(now);
    this.direction.asked(now);
  }

  private writePing(token: number): void {
    const { arena } = this.context;
    const reserved = this.reserve(FRAME_HEADER_BYTES + PING_BODY_BYTES);
    writeU64(arena.bytes, writeFrameHeader(arena.bytes, reserved, FRAME_PING, PING_BODY_BYTES), token);
  }

  /** What is sent through a back channel waits for company, but not long beside the way itself. */
  private gatherMs(): number {
    if (this.back === undefined) return 0;
    return Math.min(this.roundTrip.smoothedMs * GATHER_ROUND_TRIPS, this.context.tuning.gatherMostMs);
  }

  private reserve(frameBytes: number): number {
    return this.context.arena.reserve(this, frameBytes);
  }

  private probePath(number: number, bytes: number): void {
    const { arena } = this.context;
    this.probingPath = true;
    writePathFrame(arena.bytes, arena.reserveWhole(this, bytes), number, pathBodyBytes(bytes));
    this.probingPath = false;
  }

  private writeRekey(type: typeof FRAME_REKEY | typeof FRAME_REKEY_ACK, epoch: number, ephemeral: Uint8Array): void {
    const at = this.reserve(FRAME_HEADER_BYTES + REKEY_BODY_BYTES);
    writeRekeyFrame(this.context.arena.bytes, at, type, epoch, ephemeral);
    if (type === FRAME_REKEY) this.sentAsking = true;
  }

  /** From here on datagrams begin under the new epoch. */
  private switchEpoch(): void {
    this.context.arena.finish(this);
    this.sendSlot = this.rekeying.keyring.sendSlot(this.rekeying.sendEpoch);
    this.rekeys += 1;
  }

  /** One of the two ways is another one: what was learnt of the round trip is of no use. */
  private anotherPath(now: number): void {
    this.roundTrip.restart();
    this.outbound.restart(now);
  }

  private roam(endpoints: Uint8Array, at: number, now: number): void {
    for (let i = 0; i < ENDPOINT_BYTES; i++) this.address[i] = endpoints[at + i];
    if (this.back === undefined) this.pathMtu.restart(now);
    this.anotherPath(now);
    this.context.log.write('debug', 'link-roamed', { link: this.link });
  }
}
