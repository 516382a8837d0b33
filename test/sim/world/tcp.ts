/**
 * One TCP connection that sends as fast as it may, as IPv4 packets: what an application behind the tunnel does. Simplified where the tunnel
 * can't tell: no handshake, no window of the receiver, segments of one size.
 *
 *   congestion   `cubic` (RFC 9438) or `reno` (RFC 5681)
 *   loss         `rack`: a segment sent a quarter of the least round trip later was acknowledged (RFC 8985); `dup3`: three later
 *                ones were (RFC 6675). Retransmission timeout after RFC 6298, 200 ms at least, as Linux has it; where what
 *                was taken for lost is acknowledged as it was sent first, that is undone (RFC 3522, RFC 4015), and later duplicates
 *                have to be as many as overtook it. What timestamps tell of that, a segment that is sent again tells by its
 *                unused urgent pointer, and the receiver echoes it
 *   receiver     acknowledges every second segment, or after 40 ms, at once when one is missing; three SACK blocks (RFC 2018)
 */
import { readU16, readU32, writeU16, writeU32 } from '../../../src/base/bytes.ts';
import { createPacketBatch, type PacketBatch } from '../../../src/base/datagram.ts';
import { IPV4_HEADER_BYTES, PROTOCOL, writeIpv4Header } from '../../../src/wire/ip.ts';

const TCP_HEADER_BYTES = 20;
const ACK_FLAG = 0x10;
/** Where the urgent pointer stands, which nobody looks at without its flag. */
const MARK_AT = 18;
const SENT_AGAIN = 1;
const SACK_KIND = 5;
const SACK_BLOCKS_MAX = 3;
const HEADERS_BYTES = IPV4_HEADER_BYTES + TCP_HEADER_BYTES;
const INITIAL_WINDOW = 10;
const RTO_LEAST_MS = 200;
const RTO_MOST_MS = 60_000;
const DELAYED_ACK_MS = 40;
const DUPLICATES = 3;
/** As Linux has it. */
const REORDERING_MOST = 300;
const CUBIC_C = 0.4;
const CUBIC_BETA = 0.7;
const RENO_BETA = 0.5;
/** Segments under way at most: 8 s at 10 Mb/s. */
const SLOTS = 8_192;

const FLYING = 1;
const SACKED = 2;
const LOST = 3;

export interface TcpOptions {
  readonly congestion: 'cubic' | 'reno';
  readonly lossBy: 'rack' | 'dup3';
  /** Largest packet. */
  readonly mtuBytes: number;
  readonly source: number;
  readonly destination: number;
  readonly port: number;
}

/** What both ends need of the world. */
export interface TcpPort {
  readonly now: number;
  /** Runs later, at a virtual time. */
  at(time: number, run: () => void): void;
  send(packet: PacketBatch): void;
}

export class TcpSender {
  readonly segmentBytes: number;
  /** What was acknowledged in order, segments. */
  acked = 0;
  retransmitted = 0;
  timeouts = 0;
  /** Smoothed round trip and the least, ms. */
  roundTripMs = 0;
  leastRoundTripMs = Number.POSITIVE_INFINITY;
  window = INITIAL_WINDOW;
  private readonly options: TcpOptions;
  private readonly port: TcpPort;
  private readonly batch = createPacketBatch(1, 2_048);
  private next = 0;
  private threshold = Number.POSITIVE_INFINITY;
  private recoverTo = -1;
  /** The last reduction was a timeout's: what is repaired grows the window again (RFC 5681 section 3.1). */
  private timedOut = false;
  private flying = 0;
  private variation = 0;
  private timeoutMs = 1_000;
  private timeoutAt = Number.POSITIVE_INFINITY;
  private timerAt = Number.POSITIVE_INFINITY;
  private highestSacked = -1;
  /** When the newest of all segments known to have arrived was sent. */
  private newestArrivedSentAt = Number.NEGATIVE_INFINITY;
  private cubicFrom = Number.NEGATIVE_INFINITY;
  private cubicMost = 0;
  /** What a loss has changed, until an ACK tells whether it was one. */
  private undo: { readonly window: number; readonly threshold: number } | undefined;
  private duplicates = DUPLICATES;
  /** The ACK at hand answers a segment that was sent once. */
  private ofOriginal = true;
  private readonly state = new Uint8Array(SLOTS);
  private readonly sentAt = new Float64Array(SLOTS);
  private readonly again = new Uint8Array(SLOTS);

  constructor(options: TcpOptions, port: TcpPort) {
    this.options = options;
    this.port = port;
    this.segmentBytes = options.mtuBytes - HEADERS_BYTES;
  }

  start(): void {
    this.send();
  }

  /** A packet for this connection came back. */
  receive(packet: Uint8Array): void {
    const { now } = this.port;
    const tcp = IPV4_HEADER_BYTES;
    this.ofOriginal = readU16(packet, tcp + MARK_AT) === 0;
    const acked = Math.floor(readU32(packet, tcp + 8) / this.segmentBytes);
    let news = 0;
    for (; this.acked < acked && this.acked < this.next; this.acked++) news += this.arrived(this.acked, now);
    for (let at = tcp + TCP_HEADER_BYTES + 4; at + 8 <= tcp + (packet[tcp + 12] >> 4) * 4; at += 8) {
      const to = Math.floor(readU32(packet, at + 4) / this.segmentBytes);
      for (let segment = Math.floor(readU32(packet, at) / this.segmentBytes); segment < to; segment++) {
        if (segment < this.acked || segment >= this.next) continue;
        news += this.arrived(segment, now);
        this.highestSacked = Math.max(this.highestSacked, segment);
      }
    }
    if (news > 0) this.armTimeout(now);
    this.findLost(now);
    if (news > 0 && (this.timedOut || this.acked > this.recoverTo)) this.grow(news, now);
    this.send();
  }

  private arrived(segment: number, now: number): number {
    const slot = segment % SLOTS;
    const before = this.state[slot];
    if (before === SACKED) return 0;
    if (before === FLYING) this.flying -= 1;
    this.state[slot] = SACKED;
    if (this.undo !== undefined && (before === LOST || this.again[slot] !== 0)) this.judgeLoss(segment);
    this.newestArrivedSentAt = Math.max(this.newestArrivedSentAt, this.again[slot] === 0 ? this.sentAt[slot] : -1);
    if (this.again[slot] === 0) this.sample(now - this.sentAt[slot]);
    return 1;
  }

  /** What was taken for lost was acknowledged. */
  private judgeLoss(segment: number): void {
    const { window, threshold } = this.undo!;
    this.undo = undefined;
    if (!this.ofOriginal) return;
    this.window = Math.max(this.window, window);
    this.threshold = threshold;
    this.recoverTo = segment;
    this.duplicates = Math.min(Math.max(this.duplicates, this.highestSacked - segment + 1), REORDERING_MOST);
    for (let other = this.acked; other < this.next; other++) {
      const slot = other % SLOTS;
      if (this.state[slot] !== LOST || this.again[slot] !== 0) continue;
      this.state[slot] = FLYING;
      this.flying += 1;
    }
  }

  private sample(ms: number): void {
    this.leastRoundTripMs = Math.min(this.leastRoundTripMs, ms);
    if (this.roundTripMs === 0) {
      this.roundTripMs = ms;
      this.variation = ms / 2;
    } else {
      this.variation += (Math.abs(this.roundTripMs - ms) - this.variation) / 4;
      this.roundTripMs += (ms - this.roundTripMs) / 8;
    }
    this.timeoutMs = this.roundTripMs + Math.max(RTO_LEAST_MS, 4 * this.variation);
  }

  private findLost(now: number): void {
    const { lossBy } = this.options;
    const patienceMs = Math.min(this.leastRoundTripMs / 4, this.roundTripMs);
    let sackedAbove = 0;
    if (lossBy === 'dup3') {
      for (let segment = this.acked; segment <= this.highestSacked; segment++) {
        if (this.state[segment % SLOTS] === SACKED) sackedAbove += 1;
      }
    }
    for (let segment = this.acked; segment < this.next; segment++) {
      const slot = segment % SLOTS;
      if (this.state[slot] === SACKED) sackedAbove -= 1;
      if (this.state[slot] !== FLYING) continue;
      const lost =
        lossBy === 'rack'
          ? this.sentAt[slot] + patienceMs < this.newestArrivedSentAt
          : sackedAbove >= this.duplicates && (this.again[slot] === 0 || this.sentAt[slot] + this.roundTripMs < now);
      if (!lost) continue;
      this.state[slot] = LOST;
      this.flying -= 1;
      if (segment > this.recoverTo) this.reduce(now);
    }
  }

  /** Once a window. */
  private reduce(now: number): void {
    this.undo ??= { window: this.window, threshold: this.threshold };
    this.recoverTo = this.next - 1;
    this.timedOut = false;
    const cubic = this.options.congestion === 'cubic';
    // Fast convergence, RFC 9438 section 4.7.
    this.cubicMost = this.window < this.cubicMost ? (this.window * (1 + CUBIC_BETA)) / 2 : this.window;
    this.window = Math.max(2, this.window * (cubic ? CUBIC_BETA : RENO_BETA));
    this.threshold = this.window;
    this.cubicFrom = now;
  }

  private grow(segments: number, now: number): void {
    if (this.window < this.threshold) this.window += segments;
    else if (this.options.congestion === 'reno') this.window += segments / this.window;
    else {
      const seconds = (now - this.cubicFrom + this.roundTripMs) / 1_000;
      const k = Math.cbrt((this.cubicMost * (1 - CUBIC_BETA)) / CUBIC_C);
      const target = CUBIC_C * (seconds - k) ** 3 + this.cubicMost;
      const friendly = (3 * (1 - CUBIC_BETA)) / (1 + CUBIC_BETA);
      const step = Math.min(Math.max(target - this.window, 0), this.window / 2);
      this.window += Math.max(step, friendly) * (segments / this.window);
    }
  }

  private send(): void {
    for (let segment = this.acked; this.flying < this.window && segment < this.next; segment++) {
      if (this.state[segment % SLOTS] === LOST) this.transmit(segment, true);
    }
    while (this.flying < this.window && this.next - this.acked < SLOTS) this.transmit(this.next++, false);
  }

  private transmit(segment: number, again: boolean): void {
    const { now } = this.port;
    const slot = segment % SLOTS;
    this.state[slot] = FLYING;
    this.sentAt[slot] = now;
    this.again[slot] = again ? 1 : 0;
    this.flying += 1;
    if (again) this.retransmitted += 1;
    if (this.timeoutAt === Number.POSITIVE_INFINITY) this.armTimeout(now);
    const mark = again ? SENT_AGAIN : 0;
    writePacket(this.batch, this.options, segment * this.segmentBytes, 0, [], this.segmentBytes, mark);
    this.port.send(this.batch);
  }

  private armTimeout(now: number): void {
    this.timeoutAt = now + this.timeoutMs;
    // A later time is asked for when this one has come; after an outage it may be much earlier than the last.
    if (this.timerAt > this.timeoutAt) this.setTimer();
  }

  private setTimer(): void {
    const at = this.timeoutAt;
    this.timerAt = at;
    this.port.at(at, () => {
      if (this.timerAt === at) this.onTimer();
    });
  }

  private onTimer(): void {
    const { now } = this.port;
    this.timerAt = Number.POSITIVE_INFINITY;
    if (now < this.timeoutAt) return this.setTimer();
    if (this.flying === 0 && this.next === this.acked) {
      this.timeoutAt = Number.POSITIVE_INFINITY;
      return;
    }
    this.timeouts += 1;
    this.reduce(now);
    this.timedOut = true;
    this.window = 1;
    for (let segment = this.acked; segment < this.next; segment++) {
      if (this.state[segment % SLOTS] === FLYING) this.state[segment % SLOTS] = LOST;
    }
    this.flying = 0;
    this.timeoutMs = Math.min(2 * this.timeoutMs, RTO_MOST_MS);
    this.armTimeout(now);
    this.send();
  }
}

export class TcpReceiver {
  /** Bytes that arrived in order. */
  bytes = 0;
  /** Segments that came when an earlier one was missing. */
  disordered = 0;
  private readonly options: TcpOptions;
  private readonly port: TcpPort;
  private readonly batch = createPacketBatch(1, 2_048);
  private readonly segmentBytes: number;
  private expected = 0;
  /** Blocks beyond `expected`, [from, to), newest first. */
  private blocks: [number, number][] = [];
  private unacked = 0;
  private mark = 0;
  private timerSet = false;

  /** `options` as the sender has them. */
  constructor(options: TcpOptions, port: TcpPort) {
    this.options = { ...options, source: options.destination, destination: options.source };
    this.port = port;
    this.segmentBytes = options.mtuBytes - HEADERS_BYTES;
  }

  /** Bytes that arrived, in order or not: what came long ago is not told of by the one that was missing before it. */
  get arrivedBytes(): number {
    return this.bytes + this.blocks.reduce((segments, [from, to]) => segments + to - from, 0) * this.segmentBytes;
  }

  receive(packet: Uint8Array): void {
    const segment = Math.floor(readU32(packet, IPV4_HEADER_BYTES + 4) / this.segmentBytes);
    const inOrder = segment === this.expected && this.blocks.length === 0;
    // RFC 7323 section 4.3: of the earliest that is not acknowledged yet.
    if (this.unacked === 0 || segment === this.expected) this.mark = readU16(packet, IPV4_HEADER_BYTES + MARK_AT);
    if (segment >= this.expected) this.take(segment);
    this.bytes = this.expected * this.segmentBytes;
    this.unacked += 1;
    if (segment > this.expected) this.disordered += 1;
    if (!inOrder || this.unacked >= 2) return this.acknowledge();
    if (this.timerSet) return;
    this.timerSet = true;
    this.port.at(this.port.now + DELAYED_ACK_MS, () => {
      this.timerSet = false;
      if (this.unacked > 0) this.acknowledge();
    });
  }

  private take(segment: number): void {
    let [from, to] = [segment, segment + 1];
    const others = this.blocks.filter(([low, high]) => {
      if (high < from || low > to) return true;
      [from, to] = [Math.min(from, low), Math.max(to, high)];
      return false;
    });
    if (from <= this.expected) {
      this.expected = Math.max(this.expected, to);
      this.blocks = others;
    } else this.blocks = [[from, to], ...others];
  }

  private acknowledge(): void {
    this.unacked = 0;
    const blocks = this.blocks.slice(0, SACK_BLOCKS_MAX);
    const bytes = blocks.map(([from, to]) => [from * this.segmentBytes, to * this.segmentBytes] as const);
    writePacket(this.batch, this.options, 0, this.expected * this.segmentBytes, bytes, 0, this.mark);
    this.port.send(this.batch);
  }
}

/** Sequence numbers are bytes; a run stays below 4 GB. */
function writePacket(
  batch: PacketBatch,
  { source, destination, port }: TcpOptions,
  sequence: number,
  acknowledged: number,
  blocks: readonly (readonly [number, number])[],
  payloadBytes: number,
  mark: number,
): void {
  const { arena } = batch;
  const optionBytes = blocks.length === 0 ? 0 : 4 + 8 * blocks.length;
  const length = HEADERS_BYTES + optionBytes + payloadBytes;
  batch.count = 1;
  batch.offsets[0] = 0;
  batch.lengths[0] = length;
  arena.fill(0, 0, length);
  writeIpv4Header(arena, 0, { length, protocol: PROTOCOL.tcp, source, destination });
  const tcp = IPV4_HEADER_BYTES;
  writeU16(arena, tcp, port);
  writeU16(arena, tcp + 2, port);
  writeU32(arena, tcp + 4, sequence);
  writeU32(arena, tcp + 8, acknowledged);
  arena[tcp + 12] = ((TCP_HEADER_BYTES + optionBytes) / 4) << 4;
  arena[tcp + 13] = ACK_FLAG;
  writeU16(arena, tcp + 14, 0xffff);
  writeU16(arena, tcp + MARK_AT, mark);
  if (blocks.length === 0) return;
  const option = tcp + TCP_HEADER_BYTES;
  // Two paddings, then kind and length.
  arena.set([1, 1, SACK_KIND, 2 + 8 * blocks.length], option);
  blocks.forEach(([from, to], i) => {
    writeU32(arena, option + 4 + 8 * i, from);
    writeU32(arena, option + 8 + 8 * i, to);
  });
}
