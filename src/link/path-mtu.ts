/**
 * The largest datagram that a path carries, found by probing as RFC 8899 does (docs/protocol.md section 3.1). ICMP is
 * not asked: it is forged too easily and filtered too often. Sizes are UDP payload bytes, rounded down to whole blocks
 * because session datagrams are multiples of 16.
 *
 * Searching: the next size of the ladder is probed. Answered: taken, and the next one follows at once. Three probes lost:
 * refused, settled below it. Where the link loses datagrams of any size it takes more probes than three, up to 24: so
 * many that one in 200 sizes is refused for bad luck. Refused with half of that or fewer, because the loss was not known yet: searching again.
 * Settled: while datagrams above the base size are sent and none of the present size is acknowledged, it is probed every
 * 2 s, and at once when sixteen of them were lost in a row. As many of these lost in a row while the peer was heard: a black hole; back to the base size, and searching again.
 *
 * Timers: a probe is lost after 250 ms or three round trips, whichever is longer. A refused size is tried again after 10
 * minutes; after 10 s when it was refused too early.
 */
import { NEVER } from '../base/env.ts';
import { sessionBytesFor, wholeBlocks } from '../wire/session.ts';
import { PATH_BASE_BYTES, PATH_LADDER_BYTES, PATH_PROBE_TRIES, PATH_SEARCH_AGAIN_MS } from './protocol-numbers.ts';

const TIMEOUT_ROUND_TRIPS = 3;
/**
 * What an ACK tells of is taken for arrived before what it shows to be lost, so a row may have holes. With half of everything lost, rows of 8
 * cost a link of 10 Mb/s ten probes a second, nearly 1 % of it; those of 16 are rare.
 */
const DOUBTFUL_ROW = 16;
const PROBE_TRIES_MAX = 24;
const BAD_LUCK = 1 / 200;
const REFUSED_EARLY_MS = 10_000;
/**
 * The share that a link loses swings, and the tries with it: each 10 s a link that loses half searched again for five. A size that no interface takes never leaves, and still each try keeps the pacer
 * for as long as it would take, 7 ms of 250 at 10 Mb/s.
 */
const REFUSED_EARLY_TIMES = 2;

export interface PathMtuOptions {
  /** Largest UDP payload that the transport takes. */
  readonly transportBytes: number;
  readonly probeTimeoutMs: number;
  readonly confirmEveryMs: number;
}

interface Probe {
  /** Goes into the PATH frame; each probe sent has its own. */
  number: number;
  bytes: number;
  tries: number;
  /** When the first of the tries left. */
  since: number;
  lostAt: number;
}

export class PathMtu {
  private readonly options: PathMtuOptions;
  private readonly baseBytes: number;
  private readonly ladder: readonly number[];
  private presentBytes: number;
  private probe: Probe | undefined;
  private probesSent = 0;
  private searchAt: number;
  private confirmAt = NEVER;
  private confirmedAt: number;
  /** When a larger size was refused last, and after how many probes. */
  private refusedAt = NEVER;
  private refusedTries = 0;

  constructor(options: PathMtuOptions, now: number) {
    this.options = options;
    this.baseBytes = wholeBlocks(Math.min(PATH_BASE_BYTES, options.transportBytes));
    const sizes = PATH_LADDER_BYTES.map(wholeBlocks).filter((bytes) => bytes <= options.transportBytes);
    this.ladder = [...new Set(sizes)];
    this.presentBytes = this.baseBytes;
    this.searchAt = now;
    this.confirmedAt = now;
  }

  /** How long a datagram may be now. */
  get bytes(): number {
    return this.presentBytes;
  }

  /** The path may have become another one: the peer's address changed. */
  restart(now: number): void {
    this.presentBytes = this.baseBytes;
    this.probe = undefined;
    this.searchAt = now;
    this.confirmAt = NEVER;
  }

  /** No path of its own for now: datagrams are of the base size, and nothing is probed until `restart`. */
  hold(): void {
    this.presentBytes = this.baseBytes;
    this.probe = undefined;
    this.searchAt = NEVER;
    this.confirmAt = NEVER;
    this.refusedAt = NEVER;
  }

  /** A datagram of this size was acknowledged. */
  arrived(bytes: number, now: number): void {
    if (bytes === this.probe?.bytes) this.taken(bytes, now);
    else if (bytes === this.presentBytes) this.confirmed(now);
  }

  /** So many datagrams above the base size were lost in a row: the present size is probed at once when that looks like a hole. */
  lostInRow(datagrams: number, now: number): void {
    if (datagrams >= DOUBTFUL_ROW && this.confirmAt !== NEVER) this.confirmAt = Math.min(this.confirmAt, now);
  }

  /** Datagrams of these sizes were sent; only those above the base size can fall into a black hole. */
  sent(bytes: number): void {
    if (bytes > this.baseBytes && this.confirmAt === NEVER) {
      this.confirmAt = this.confirmedAt + this.options.confirmEveryMs;
    }
  }

  /**
   * The number and size of a probe to send now. `heardAt`: when the peer was last heard. `repeat`: a probe of this size
   * was lost just before, so it is worth a PING to learn whether the path is alive at all. `lossShare`: of datagrams that
   * any path takes, as far as it is known.
   */
  wake(
    now: number,
    heardAt: number,
    roundTripMs: number,
    lossShare: number,
  ): { number: number; bytes: number; repeat: boolean } | undefined {
    const tries = triesAt(lossShare);
    if (tries >= REFUSED_EARLY_TIMES * this.refusedTries && now >= this.refusedAt + REFUSED_EARLY_MS)
      this.searchAgain(now);
    if (now < this.nextWakeAt()) return undefined;
    if (this.probe !== undefined && this.probe.tries >= tries) this.giveUp(this.probe, now, heardAt);
    const bytes = this.probe?.bytes ?? this.nextSize(now);
    if (bytes === undefined) return undefined;
    this.probe ??= { number: 0, bytes, tries: 0, since: now, lostAt: now };
    this.probe.number = this.probesSent = (this.probesSent + 1) >>> 0;
    this.probe.tries += 1;
    this.probe.lostAt = now + Math.max(this.options.probeTimeoutMs, TIMEOUT_ROUND_TRIPS * roundTripMs);
    return { number: this.probe.number, bytes, repeat: this.probe.tries > 1 };
  }

  /** PATH_ACK came. False when it answers no probe on the way. */
  acknowledge(number: number, bytes: number, now: number): boolean {
    if (this.probe === undefined || this.probe.number !== number || this.probe.bytes !== bytes) return false;
    this.taken(bytes, now);
    return true;
  }

  nextWakeAt(): number {
    return this.probe === undefined ? Math.min(this.searchAt, this.confirmAt) : this.probe.lostAt;
  }

  private taken(bytes: number, now: number): void {
    if (bytes > this.presentBytes) {
      this.presentBytes = bytes;
      this.searchAt = now;
    }
    this.probe = undefined;
    this.confirmed(now);
  }

  private confirmed(now: number): void {
    this.confirmedAt = now;
    this.confirmAt = NEVER;
  }

  private searchAgain(now: number): void {
    this.refusedAt = NEVER;
    this.searchAt = now;
  }

  private nextSize(now: number): number | undefined {
    if (now >= this.searchAt) {
      const larger = this.ladder.find((bytes) => bytes > this.presentBytes);
      if (larger !== undefined) return larger;
      this.searchAt = NEVER;
    }
    return now >= this.confirmAt ? this.presentBytes : undefined;
  }

  private giveUp(probe: Probe, now: number, heardAt: number): void {
    this.probe = undefined;
    if (probe.bytes > this.presentBytes) {
      this.searchAt = now + PATH_SEARCH_AGAIN_MS;
      this.refusedAt = now;
      this.refusedTries = probe.tries;
    } else if (heardAt > probe.since) {
      this.restart(now);
    } else {
      // Nothing at all came back: that is liveness's matter. Ask again once the peer is heard or declared dead.
      this.confirmAt = now + this.options.confirmEveryMs;
    }
  }
}

/** How many probes must be lost before their size is to blame, where each way loses this share of all datagrams. */
function triesAt(lossShare: number): number {
  const answered = (1 - Math.min(lossShare, 0.9)) ** 2;
  const tries = answered >= 1 ? PATH_PROBE_TRIES : Math.ceil(Math.log(BAD_LUCK) / Math.log(1 - answered));
  return Math.min(Math.max(tries, PATH_PROBE_TRIES), PROBE_TRIES_MAX);
}

/** How many bytes of body fill a PATH frame so that its datagram has this size. */
export function pathBodyBytes(datagramBytes: number): number {
  return datagramBytes - sessionBytesFor(0) - 3;
}
