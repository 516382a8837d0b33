/**
 * `skywire ping`: a session with a node's own key as the service, over the best path, and ECHO messages in it.
 * One ping is one session of its own; at most MAX_PINGS run at once, each ends by its own deadline.
 *
 * Timers: `nextEchoAt` sends the next ECHO a second after the last; `deadline` ends the ping whatever came back.
 */
import { assert } from '../base/assert.ts';
import { readU32, writeU32 } from '../base/bytes.ts';
import { NEVER, type RandomSource, randomBytes } from '../base/env.ts';
import type { NodeKey, SecretKey, ServiceKey } from '../base/ids.ts';
import type { BundleLayer } from '../bundle/bundle-layer.ts';
import type { Session, SessionEvents } from '../bundle/session.ts';
import type { Curve } from '../crypto/curve.ts';
import { TUNNEL_KIND, writeEcho, writeEchoReply } from '../wire/tunnel-message.ts';

const MAX_PINGS = 8;
const ECHO_INTERVAL_MS = 1000;
const ECHO_BODY_BYTES = 56;

export interface PingReply {
  readonly sequence: number;
  readonly roundTripMs: number;
}

export interface PingRequest {
  readonly target: NodeKey;
  readonly paths: () => NodeKey[][];
  readonly count: number;
  readonly timeoutMs: number;
  readonly done: (replies: PingReply[]) => void;
}

interface Ping {
  readonly request: PingRequest;
  session: Session | undefined;
  readonly sentAt: number[];
  readonly replies: PingReply[];
  nextEchoAt: number;
  readonly deadline: number;
}

/** Every node answers ECHO on its own key. */
export const echoEvents: SessionEvents = {
  opened: () => {},
  message: (session, bytes, now) => {
    if (bytes[0] === TUNNEL_KIND.echo) session.send(writeEchoReply(bytes), now);
  },
  closed: () => {},
};

export class Pinger {
  private readonly bundles: BundleLayer;
  private readonly curve: Curve;
  private readonly random: RandomSource;
  private readonly pings = new Set<Ping>();

  constructor(bundles: BundleLayer, curve: Curve, random: RandomSource) {
    this.bundles = bundles;
    this.curve = curve;
    this.random = random;
  }

  /** False when too many pings run already. `done` is called once, at the latest `timeoutMs` after the last ECHO. */
  start(request: PingRequest, now: number): boolean {
    assert(request.count >= 1, 'a ping sends something');
    if (this.pings.size >= MAX_PINGS) return false;
    const ping: Ping = {
      request,
      session: undefined,
      sentAt: [],
      replies: [],
      nextEchoAt: now,
      deadline: now + (request.count - 1) * ECHO_INTERVAL_MS + request.timeoutMs,
    };
    this.pings.add(ping);
    ping.session = this.bundles.connect(
      {
        service: request.target as Uint8Array as ServiceKey,
        clientSecret: this.ephemeralSecret(),
        routeCount: 1,
        paths: request.paths,
        events: {
          opened: () => {},
          message: (_session, bytes, at) => this.reply(ping, bytes, at),
          closed: (_session, _reason, at) => this.finish(ping, at),
        },
      },
      now,
    );
    return true;
  }

  wake(now: number): void {
    for (const ping of this.pings) {
      if (now >= ping.deadline) this.finish(ping, now);
      else if (now >= ping.nextEchoAt) this.echo(ping, now);
    }
  }

  nextWakeAt(): number {
    let next = NEVER;
    for (const ping of this.pings) next = Math.min(next, ping.nextEchoAt, ping.deadline);
    return next;
  }

  private echo(ping: Ping, now: number): void {
    const body = new Uint8Array(ECHO_BODY_BYTES);
    writeU32(body, 0, ping.sentAt.length);
    ping.sentAt.push(now);
    ping.session?.send(writeEcho(body), now);
    ping.nextEchoAt = ping.sentAt.length < ping.request.count ? now + ECHO_INTERVAL_MS : NEVER;
  }

  private reply(ping: Ping, bytes: Uint8Array, now: number): void {
    if (bytes.length !== 1 + ECHO_BODY_BYTES || bytes[0] !== TUNNEL_KIND.echoReply) return;
    const sequence = readU32(bytes, 1);
    const sentAt = ping.sentAt[sequence];
    if (sentAt === undefined || ping.replies.some((known) => known.sequence === sequence)) return;
    ping.replies.push({ sequence, roundTripMs: now - sentAt });
    if (ping.replies.length === ping.request.count) this.finish(ping, now);
  }

  private finish(ping: Ping, now: number): void {
    if (!this.pings.delete(ping)) return;
    ping.session?.close('done', now);
    ping.request.done(ping.replies);
  }

  private ephemeralSecret(): SecretKey {
    for (;;) {
      const secret = randomBytes(this.random, 32);
      if (this.curve.isSecret(secret)) return secret;
    }
  }
}
