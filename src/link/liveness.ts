/**
 * Whether the other end of a session is still there (docs/protocol.md section 3.2).
 *
 * Quiet: everything that asks for a sign of life got one.
 * Waiting: something was sent since the peer was last heard. What only answers (PONG, acknowledgements) does not count, or
 * two idle ends would keep each other awake.
 *
 * Timers: waiting for 500 ms: PING, again every 50 ms or quarter of a round trip. Waiting for 1.5 s: a fresh handshake may start
 * beside the session. Waiting for 4 s: dead. Nothing heard for 10 s: PING, which begins the waiting. On long paths 1.5 s is one and a half
 * round trips, and 4 s is three. A session that has not measured any takes it for 4 s.
 */
import { NEVER } from '../base/env.ts';
import type { RoundTrip } from './arq/round-trip.ts';
import { DEAD_AFTER_MS, DEAD_ROUND_TRIPS, KEEPALIVE_MS, PING_AFTER_MS } from './protocol-numbers.ts';

const SILENT_ROUND_TRIPS = 1.5;
const UNKNOWN_ROUND_TRIP_MS = 4_000;

export class Liveness {
  private readonly roundTrip: RoundTrip;
  private readonly silentAfterMs: number;
  private heardAt: number;
  private waitingSince: number | undefined;
  private pingAt = 0;

  /** `silentAfterMs`: how long after the first unanswered datagram `silentAt` lies at least. */
  constructor(roundTrip: RoundTrip, silentAfterMs: number, now: number) {
    this.roundTrip = roundTrip;
    this.silentAfterMs = silentAfterMs;
    this.heardAt = now;
  }

  get lastHeardAt(): number {
    return this.heardAt;
  }

  /** An authenticated datagram came. */
  heard(now: number): void {
    this.heardAt = now;
    this.waitingSince = undefined;
  }

  /** Something that asks for a sign of life was sent. */
  sent(now: number): void {
    if (this.waitingSince !== undefined) return;
    this.waitingSince = now;
    this.pingAt = now + PING_AFTER_MS;
  }

  /** Whether a PING is due; asking moves the timer on, to `repeatMs` from now. */
  takePing(now: number, repeatMs: number): boolean {
    if (now < this.nextPingAt()) return false;
    if (this.waitingSince === undefined) this.waitingSince = now;
    this.pingAt = now + repeatMs;
    return true;
  }

  /** When a fresh handshake may start, unless the peer is heard before. */
  silentAt(): number {
    return this.waitingFor(this.silentAfterMs, SILENT_ROUND_TRIPS);
  }

  /** When the peer is dead, unless it is heard before. */
  deadAt(): number {
    return this.waitingFor(DEAD_AFTER_MS, DEAD_ROUND_TRIPS);
  }

  nextWakeAt(): number {
    return Math.min(this.nextPingAt(), this.deadAt());
  }

  /** When the waiting will have lasted so long. */
  private waitingFor(leastMs: number, roundTrips: number): number {
    if (this.waitingSince === undefined) return NEVER;
    const roundTripMs = this.roundTrip.isKnown ? this.roundTrip.smoothedMs : UNKNOWN_ROUND_TRIP_MS;
    return this.waitingSince + Math.max(leastMs, roundTrips * roundTripMs);
  }

  private nextPingAt(): number {
    return this.waitingSince === undefined ? this.heardAt + KEEPALIVE_MS : this.pingAt;
  }
}
