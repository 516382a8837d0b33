/**
 * The laptop's side of the tunnel: packets from the TUN device into the session with the gateway and back, and the lease
 * that names our address there (docs/protocol.md 8).
 *
 * States: without a session (offline); session and no lease (asking); session and lease (leased). A lease outlives its
 * session: the gateway binds it to our client key, so packets flow in the next session before the lease is confirmed.
 * Timers:
 * - LEASE_REQUEST is sent when a session opens, every second until answered, and after half of the lease's life.
 * - After LEASE_REFUSED it is sent again every 15 s.
 * - A lease that is not renewed ends with its seconds.
 * - ECHO is sent 1.5 s after the last bytes from the gateway, and 500 ms after something was sent that nothing answered,
 *   and then again as often. Whatever comes back counts as an answer.
 *
 * Whoever sends a packet that can't go out hears so at once: "net unreachable" without a session or lease, "host unreachable"
 * when nothing has come back for 2 s. One object serves one gateway; for another gateway make another.
 *
 * On the packet path: one copy into the message, no allocation but the view that is handed to the session. A superpacket is cut only as
 * far as the session's routes want shorter messages (packet-messages.ts).
 */
import type { PacketBatch } from '../base/datagram.ts';
import type { Drops } from '../base/drops.ts';
import { NEVER, type RandomSource } from '../base/env.ts';
import { TokenBucket } from '../base/token-bucket.ts';
import {
  contains,
  destinationOf,
  ICMP_ERROR_MAX_BYTES,
  type Ipv4Prefix,
  mayAnswerWithError,
  mustNotFragment,
  sourceOf,
  UNREACHABLE,
  type UnreachableCode,
  writeUnreachable,
} from '../wire/ip.ts';
import { longestPacket, MAX_SEGMENTS, packetProblem, packetsIn } from '../wire/superpacket.ts';
import {
  type Lease,
  type LeaseRefusal,
  readLease,
  readLeaseRefused,
  TREATMENT,
  TUNNEL_KIND,
  writeEcho,
  writeEchoReply,
  writeLeaseRequest,
} from '../wire/tunnel-message.ts';
import { Classifier, type RealTimeRules } from './classifier.ts';
import { PacketReader } from './packet-reader.ts';
import { PacketSender } from './packet-sender.ts';
import { takePolicyMark } from './policy-mark.ts';
import type { Lane, TunnelSession } from './session-port.ts';
import { Silence } from './silence.ts';
import { type TunPort, TunWriter } from './tun-writer.ts';
import {
  CONNECTED_WITHIN_MS,
  ECHO_WHEN_QUIET_MS,
  ECHO_WHEN_WAITING_MS,
  ICMP_BURST,
  ICMP_PER_SECOND,
  LEASE_REFUSED_RETRY_MS,
  LEASE_RETRY_MS,
  STALLED_AFTER_MS,
} from './tuning.ts';

/** Who speaks in our ICMP errors while no gateway is known: the IPv4 dummy address (RFC 7600). */
const DUMMY_ADDRESS = 0xc0_00_00_08;
/** Any body will do: the session authenticates and protects against replay. */
const ECHO_BODY = new Uint8Array(8);

/** Fixed names, as Drops wants them. */
type DropReason = `ip-${string}` | `tunnel-${string}`;

export interface TunnelClientEvents {
  /** A lease, or one that differs from the last: time to set the address, the resolver and the MTU of the TUN device. */
  leased(lease: Lease, now: number): void;
  /** The gateway has no address for us. Repeated with every refusal. */
  refused(reason: LeaseRefusal, now: number): void;
}

export interface TunnelClientOptions {
  readonly tun: TunPort;
  readonly events: TunnelClientEvents;
  readonly drops: Drops;
  /** Keys the hash of flows. */
  readonly random: RandomSource;
  /** What goes before Bulk; without it all that the classifier knows. */
  readonly realTime?: RealTimeRules;
  /** Whether the kernel marks packets as the user's rules say (policy-mark.ts). */
  readonly hasPolicy?: boolean;
  /** Of the TUN device; a lease may make it smaller. */
  readonly mtuBytes: number;
  /** Networks at this box that a lease must not lie in: the LAN. */
  readonly ownNetworks: readonly Ipv4Prefix[];
}

export interface TunnelClientStatus {
  readonly state: 'offline' | 'asking' | 'leased';
  /** Bytes came back end to end within the last seconds. */
  readonly connected: boolean;
  readonly lease: Lease | undefined;
  /** Undefined when nothing ever came. */
  readonly heardMsAgo: number | undefined;
  /** For how long packets have gone out and none came back, whatever the gateway itself answers; 0 when one did, or few went. */
  readonly silentMs: number;
  readonly packetsUp: number;
  readonly bytesUp: number;
  readonly packetsDown: number;
  readonly bytesDown: number;
}

export class TunnelClient {
  private readonly options: TunnelClientOptions;
  private readonly writer: TunWriter;
  private readonly classifier: Classifier;
  private readonly icmpLimit = new TokenBucket(ICMP_PER_SECOND, ICMP_BURST);
  private readonly outgoing: PacketSender;
  private readonly incoming = new PacketReader();
  private session: TunnelSession | undefined;
  private lease: Lease | undefined;
  /** The last address we had, to ask for it again; zero at first. */
  private wanted = 0;
  private leaseEndsAt = NEVER;
  private askAt = NEVER;
  private echoAt = NEVER;
  private heardAt: number | undefined;
  /** When the oldest message was sent that nothing has answered yet. */
  private waitingSince: number | undefined;
  private readonly silence = new Silence();
  private readonly traffic = { packetsUp: 0, bytesUp: 0, packetsDown: 0, bytesDown: 0 };

  constructor(options: TunnelClientOptions) {
    this.options = options;
    this.writer = new TunWriter(options.tun);
    this.classifier = new Classifier(options.random, options.realTime);
    this.outgoing = new PacketSender((_session, message, now, lane) => this.send(message, now, lane), options.drops);
  }

  /** A session with the gateway is there: also when it replaces the last one. */
  sessionOpened(session: TunnelSession, now: number): void {
    this.session = session;
    this.waitingSince = undefined;
    this.ask(now);
  }

  /** A session that was replaced already closes without effect. */
  sessionClosed(session: TunnelSession, _now: number): void {
    if (session !== this.session) return;
    this.session = undefined;
    this.waitingSince = undefined;
    this.askAt = NEVER;
    this.echoAt = NEVER;
  }

  /** Packets that the TUN device gave. */
  packets(batch: PacketBatch, now: number): void {
    for (let i = 0; i < batch.count; i++) {
      const drop = this.packetUp(batch.arena, batch.offsets[i], batch.lengths[i], batch.segments[i], now);
      if (drop !== undefined) this.options.drops.count(drop);
    }
    this.outgoing.leave(now);
  }

  /** A message of the session; the view need not outlive the call. */
  message(bytes: Uint8Array, now: number): void {
    const drop = this.handle(bytes, now);
    if (drop !== undefined) this.options.drops.count(drop);
  }

  wake(now: number): void {
    if (now >= this.leaseEndsAt) this.dropLease();
    if (now >= this.askAt) this.ask(now);
    if (now >= this.echoAt) this.echo(now);
  }

  nextWakeAt(): number {
    return Math.min(this.leaseEndsAt, this.askAt, this.echoAt);
  }

  /** Hands the packets collected since the last call to the TUN device. */
  drain(_now: number): void {
    this.writer.flush();
  }

  status(now: number): TunnelClientStatus {
    const heardMsAgo = this.heardAt === undefined ? undefined : now - this.heardAt;
    const state = this.session === undefined ? 'offline' : this.lease === undefined ? 'asking' : 'leased';
    return {
      state,
      connected: state === 'leased' && heardMsAgo !== undefined && heardMsAgo <= CONNECTED_WITHIN_MS,
      lease: this.lease,
      heardMsAgo,
      silentMs: this.silence.lastsMs(now),
      ...this.traffic,
    };
  }

  // The handlers return why they dropped what came, or undefined.

  private handle(bytes: Uint8Array, now: number): DropReason | undefined {
    if (this.session === undefined) return 'tunnel-no-session';
    this.heardAt = now;
    this.waitingSince = undefined;
    this.echoAt = now + ECHO_WHEN_QUIET_MS;
    switch (bytes[0]) {
      case TUNNEL_KIND.packet:
      case TUNNEL_KIND.train:
        return this.packetsDown(bytes);
      case TUNNEL_KIND.lease:
        return this.leaseArrived(bytes, now);
      case TUNNEL_KIND.leaseRefused:
        return this.leaseRefused(bytes, now);
      case TUNNEL_KIND.echo:
        this.session.send(writeEchoReply(bytes), now);
        return undefined;
      case TUNNEL_KIND.echoReply:
        return undefined;
      default:
        return 'tunnel-message-unknown';
    }
  }

  private packetUp(
    arena: Uint8Array,
    start: number,
    length: number,
    segmentBytes: number,
    now: number,
  ): DropReason | undefined {
    const problem = packetProblem(arena, start, length, segmentBytes, Number.POSITIVE_INFINITY);
    if (problem !== undefined) return problem;
    if (this.session === undefined || this.lease === undefined) {
      this.answerUnreachable(UNREACHABLE.net, arena, start, length, now);
      return 'tunnel-not-connected';
    }
    if (sourceOf(arena, start) !== this.lease.address) return 'tunnel-source-not-leased';
    if (this.isStalled(now)) {
      this.answerUnreachable(UNREACHABLE.host, arena, start, length, now);
      return 'tunnel-stalled';
    }
    if (longestPacket(arena, start, length, segmentBytes) > this.mtuBytes) {
      if (mustNotFragment(arena, start)) {
        this.answerUnreachable(UNREACHABLE.fragmentationNeeded, arena, start, length, now);
      }
      return 'tunnel-packet-too-big';
    }
    const treatment = this.options.hasPolicy ? takePolicyMark(arena, start) : TREATMENT.own;
    const lane = this.classifier.classify(arena, start, length, now, treatment);
    if (!this.outgoing.send(this.session, arena, start, length, segmentBytes, treatment, lane, now)) {
      return 'tunnel-session-full';
    }
    this.silence.sent(destinationOf(arena, start), this.lease.resolver, now);
    this.traffic.packetsUp += packetsIn(arena, start, length, segmentBytes);
    this.traffic.bytesUp += length;
    return undefined;
  }

  /** What is wrong with a packet is said of that packet alone. */
  private packetsDown(bytes: Uint8Array): DropReason | undefined {
    const { incoming } = this;
    incoming.begin(bytes);
    let next = incoming.next();
    for (; next === 'packet'; next = incoming.next()) {
      const drop = this.packetDown(bytes, incoming.start, incoming.length, incoming.segmentBytes);
      if (drop !== undefined) this.options.drops.count(drop);
    }
    return next === 'malformed' ? 'tunnel-packet-header' : undefined;
  }

  private packetDown(bytes: Uint8Array, start: number, length: number, segmentBytes: number): DropReason | undefined {
    const problem = packetProblem(bytes, start, length, segmentBytes, MAX_SEGMENTS);
    if (problem !== undefined) return problem;
    if (this.lease === undefined) return 'tunnel-no-lease';
    if (destinationOf(bytes, start) !== this.lease.address) return 'tunnel-destination-not-leased';
    if (longestPacket(bytes, start, length, segmentBytes) > this.mtuBytes) return 'tunnel-packet-too-big';
    this.writer.append(bytes, start, length, segmentBytes);
    // The gateway itself says that a network is unreachable, too.
    if (sourceOf(bytes, start) !== this.lease.gateway) this.silence.heard();
    this.traffic.packetsDown += packetsIn(bytes, start, length, segmentBytes);
    this.traffic.bytesDown += length;
    return undefined;
  }

  private leaseArrived(bytes: Uint8Array, now: number): DropReason | undefined {
    const lease = readLease(bytes);
    if (lease === undefined) return 'tunnel-lease-malformed';
    if (this.options.ownNetworks.some((network) => contains(network, lease.address))) return 'tunnel-lease-not-usable';
    const isNew = this.lease === undefined || !sameTerms(this.lease, lease);
    this.lease = lease;
    this.wanted = lease.address;
    this.leaseEndsAt = now + lease.seconds * 1_000;
    this.askAt = now + (lease.seconds * 1_000) / 2;
    if (isNew) this.options.events.leased(lease, now);
    return undefined;
  }

  private leaseRefused(bytes: Uint8Array, now: number): DropReason | undefined {
    const reason = readLeaseRefused(bytes);
    if (reason === undefined) return 'tunnel-lease-malformed';
    this.dropLease();
    this.askAt = now + LEASE_REFUSED_RETRY_MS;
    this.options.events.refused(reason, now);
    return undefined;
  }

  private dropLease(): void {
    this.lease = undefined;
    this.leaseEndsAt = NEVER;
  }

  /** What is sent while nothing comes back also moves the next ECHO nearer. */
  private send(message: Uint8Array, now: number, lane?: Lane): boolean {
    if (this.session === undefined || !this.session.send(message, now, lane)) return false;
    if (this.waitingSince === undefined) {
      this.waitingSince = now;
      this.echoAt = Math.min(this.echoAt, now + ECHO_WHEN_WAITING_MS);
    }
    return true;
  }

  private ask(now: number): void {
    this.askAt = now + LEASE_RETRY_MS;
    this.send(writeLeaseRequest(this.wanted), now);
  }

  private echo(now: number): void {
    this.echoAt = now + ECHO_WHEN_WAITING_MS;
    this.send(writeEcho(ECHO_BODY), now);
  }

  private isStalled(now: number): boolean {
    return this.waitingSince !== undefined && now - this.waitingSince > STALLED_AFTER_MS;
  }

  private get mtuBytes(): number {
    return Math.min(this.options.mtuBytes, this.lease?.mtuBytes ?? this.options.mtuBytes);
  }

  private answerUnreachable(
    code: UnreachableCode,
    arena: Uint8Array,
    start: number,
    length: number,
    now: number,
  ): void {
    if (!mayAnswerWithError(arena, start, length)) return;
    if (!this.icmpLimit.take(now)) {
      this.options.drops.count('tunnel-icmp-rate');
      return;
    }
    const at = this.writer.reserve(ICMP_ERROR_MAX_BYTES);
    const source = this.lease?.gateway ?? DUMMY_ADDRESS;
    const nextHopMtu = code === UNREACHABLE.fragmentationNeeded ? this.mtuBytes : 0;
    this.writer.commit(writeUnreachable(this.writer.arena, at, code, nextHopMtu, source, arena, start, length));
  }
}

/** Whether only the life of the lease begins anew. */
function sameTerms(a: Lease, b: Lease): boolean {
  return (
    a.address === b.address &&
    a.prefixLength === b.prefixLength &&
    a.gateway === b.gateway &&
    a.resolver === b.resolver &&
    a.mtuBytes === b.mtuBytes
  );
}
