/**
 * Whether the other end of a session is still there (docs/protocol.md section 3.2).
 *
 * Quiet: everything that asks for a sign of life got one.
 * Waiting: something was sent since the peer was last heard. What only answers (PONG, acknowledgements) does not count, or
 * two idle ends would keep each other awake.
 *
 * Timers: waiting for 500 ms: PING, again every 50 ms or quarter of a round trip. Waiting for 1.5 s: a fresh handshake may start
 * beside the session. Waiting for 4 s: dead. Nothing heard for 10 s: PING, which begins the waiting.
 */
import { NEVER } from '../base/env.ts';
import { DEAD_AFTER_MS, KEEPALIVE_MS, PING_AFTER_MS } from './protocol-numbers.ts';

export class Liveness {
  private readonly silentAfterMs: number;
  private heardAt: number;
  private waitingSince: number | undefined;
  private pingAt = 0;

  /** `silentAfterMs`: how long after the first unanswered datagram `silentAt` lies. */
  constructor(silentAfterMs: number, now: number) {
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
    return this.waitingSince === undefined ? NEVER : this.waitingSince + this.silentAfterMs;
  }

  /** When the peer is dead, unless it is heard before. */
  deadAt(): number {
    return this.waitingSince === undefined ? NEVER : this.waitingSince + DEAD_AFTER_MS;
  }

  nextWakeAt(): number {
    return Math.min(this.nextPingAt(), this.deadAt());
  }

  private nextPingAt(): number {
    return this.waitingSince === undefined ? this.heardAt + KEEPALIVE_MS : this.pingAt;
  }
}
