/**
 * The gateway's side of the tunnel: sessions of many clients to one TUN device and back, with a lease for each client
 * (docs/protocol.md 8). The kernel behind the TUN does the address translation (os/firewall.ts, which also repeats
 * the destination policy).
 *
 * A client has no lease, or one; a lease is bound to its key, so a new session of the same key takes over at once what the
 * last one had. A packet of a client without a lease counts as a request for its source address. Timers:
 * - Leases that were not renewed are swept every minute; they live an hour.
 * - A new lease is saved within a second, renewed ones within five minutes.
 *
 * A client's packet must come from the leased address and go where DestinationPolicy lets it; what is refused is counted,
 * and its sender hears "administratively prohibited".
 *
 * What goes to a client has its class and flow from a classifier, as on the client's side, and the treatment that the client chose for the flow.
 *
 * On the packet path: one copy each way, no allocation but the view that is handed to the session.
 */
import { toHex } from '../base/bytes.ts';
import type { PacketBatch } from '../base/datagram.ts';
import type { Drops } from '../base/drops.ts';
import { NEVER, type RandomSource } from '../base/env.ts';
import { TokenBucket } from '../base/token-bucket.ts';
import { formatIpv4 } from '../control/ip-text.ts';
import {
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
  LEASE_REFUSAL,
  readLeaseRequest,
  TREATMENT,
  type Treatment,
  TUNNEL_KIND,
  treatmentOf,
  writeEchoReply,
  writeLease,
  writeLeaseRefused,
} from '../wire/tunnel-message.ts';
import { Classifier, type RealTimeRules } from './classifier.ts';
import { DestinationPolicy } from './destination-policy.ts';
import { LeasePool } from './lease-pool.ts';
import { PacketReader } from './packet-reader.ts';
import { type MessageSend, PacketSender } from './packet-sender.ts';
import type { TunnelSession } from './session-port.ts';
import { type TunPort, TunWriter } from './tun-writer.ts';
import {
  ICMP_BURST,
  ICMP_PER_SECOND,
  LEASE_SECONDS,
  LEASE_SWEEP_MS,
  MAX_CLIENTS,
  MAX_LEASES,
  RATE_BURST_MIN_BYTES,
  RATE_BURST_MS,
  SAVE_NEW_LEASE_MS,
  SAVE_RENEWED_LEASE_MS,
} from './tuning.ts';

/** Fixed names, as Drops wants them. */
type DropReason = `ip-${string}` | `tunnel-${string}`;

/** Where leases outlive a restart. Lines are opaque to the store. */
export interface LeaseStore {
  load(): string[];
  /** Replaces all lines; may write them later. */
  save(lines: string[]): void;
}

export interface GatewayLimits {
  readonly maxClients: number;
  readonly maxLeases: number;
  readonly leaseSeconds: number;
  /** For each client and each direction; zero means no limit. */
  readonly clientBytesPerSecond: number;
}

const DEFAULT_LIMITS: GatewayLimits = {
  maxClients: MAX_CLIENTS,
  maxLeases: MAX_LEASES,
  leaseSeconds: LEASE_SECONDS,
  clientBytesPerSecond: 0,
};

export interface TunnelGatewayOptions {
  /** Its first address is the gateway's own. At most /30. */
  readonly pool: Ipv4Prefix;
  /** The DNS server for clients; zero when there is none. */
  readonly resolver: number;
  /** Of the TUN device and for the clients. */
  readonly mtuBytes: number;
  readonly ownNetworks: readonly Ipv4Prefix[];
  readonly allow: readonly Ipv4Prefix[];
  readonly tun: TunPort;
  readonly store: LeaseStore;
  readonly drops: Drops;
  /** Keys the hash of flows. */
  readonly random: RandomSource;
  /** What goes before Bulk on its way to the clients; without it all that the classifier knows. */
  readonly realTime?: RealTimeRules;
  readonly wallMs: () => number;
  readonly limits?: Partial<GatewayLimits>;
}

export interface GatewayClientStatus {
  readonly clientKey: string;
  readonly address: string | undefined;
  readonly packetsUp: number;
  readonly bytesUp: number;
  readonly packetsDown: number;
  readonly bytesDown: number;
  /** Packets that the policy or the rate limit refused. */
  readonly refused: number;
}

export interface TunnelGatewayStatus {
  readonly address: string;
  readonly poolSize: number;
  readonly leases: number;
  /** Of all clients since the start. */
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly clients: GatewayClientStatus[];
}

interface Client {
  readonly session: TunnelSession;
  /** The leased address; zero without a lease. */
  address: number;
  readonly up: TokenBucket;
  readonly down: TokenBucket;
  readonly icmp: TokenBucket;
  packetsUp: number;
  bytesUp: number;
  packetsDown: number;
  bytesDown: number;
  refused: number;
}

export class TunnelGateway {
  private readonly options: TunnelGatewayOptions;
  private readonly limits: GatewayLimits;
  private readonly pool: LeasePool;
  private readonly policy: DestinationPolicy;
  private readonly writer: TunWriter;
  private readonly classifier: Classifier;
  private readonly icmpToInternet = new TokenBucket(ICMP_PER_SECOND, ICMP_BURST);
  private readonly outgoing: PacketSender;
  private readonly incoming = new PacketReader();
  private readonly icmpError = new Uint8Array(ICMP_ERROR_MAX_BYTES);
  private readonly clients = new Map<TunnelSession, Client>();
  private readonly byAddress = new Map<number, Client>();
  private readonly carried = { bytesUp: 0, bytesDown: 0 };
  private sweepAt = NEVER;
  private saveAt = NEVER;

  constructor(options: TunnelGatewayOptions) {
    this.options = options;
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.pool = new LeasePool({ ...this.limits, pool: options.pool });
    this.policy = new DestinationPolicy({ ...options, gateway: this.pool.gateway });
    this.writer = new TunWriter(options.tun);
    this.classifier = new Classifier(options.random, options.realTime);
    const send: MessageSend = (session, message, now, lane) => session.send(message, now, lane);
    this.outgoing = new PacketSender(send, options.drops);
  }

  /** The gateway's own address in the tunnel: the first of the pool. */
  get address(): number {
    return this.pool.gateway;
  }

  /** Reads the leases of the last run. */
  start(now: number): void {
    const unusable = this.pool.addLines(this.options.store.load());
    if (unusable > 0) this.options.drops.count('tunnel-lease-line', unusable);
    this.sweepAt = now + LEASE_SWEEP_MS;
  }

  stop(_now: number): void {
    this.save();
  }

  /** Returns false when there are too many clients: the caller closes the session. */
  clientOpened(session: TunnelSession, _now: number): boolean {
    if (this.clients.size >= this.limits.maxClients) {
      this.options.drops.count('tunnel-clients-full');
      return false;
    }
    const client = this.createClient(session);
    this.clients.set(session, client);
    const lease = this.pool.find(session.clientKey, this.options.wallMs());
    if (lease !== undefined) this.bind(client, lease.address);
    return true;
  }

  clientClosed(session: TunnelSession, _now: number): void {
    const client = this.clients.get(session);
    if (client === undefined) return;
    this.clients.delete(session);
    this.unbind(client);
  }

  /** A message of a client; the view need not outlive the call. */
  clientMessage(session: TunnelSession, bytes: Uint8Array, now: number): void {
    const drop = this.handle(session, bytes, now);
    if (drop !== undefined) this.options.drops.count(drop);
  }

  /** Packets that the TUN device gave. */
  packets(batch: PacketBatch, now: number): void {
    for (let i = 0; i < batch.count; i++) {
      const drop = this.packetDown(batch.arena, batch.offsets[i], batch.lengths[i], batch.segments[i], now);
      if (drop !== undefined) this.options.drops.count(drop);
    }
    this.outgoing.leave(now);
  }

  wake(now: number): void {
    if (now >= this.sweepAt) {
      this.sweepAt = now + LEASE_SWEEP_MS;
      this.sweep(now);
    }
    if (now >= this.saveAt) this.save();
  }

  nextWakeAt(): number {
    return Math.min(this.sweepAt, this.saveAt);
  }

  /** Hands the packets collected since the last call to the TUN device. */
  drain(_now: number): void {
    this.writer.flush();
  }

  status(): TunnelGatewayStatus {
    return {
      address: formatIpv4(this.pool.gateway),
      poolSize: this.pool.size,
      leases: this.pool.count,
      ...this.carried,
      clients: Array.from(this.clients.values(), (client) => ({
        clientKey: toHex(client.session.clientKey),
        address: client.address === 0 ? undefined : formatIpv4(client.address),
        packetsUp: client.packetsUp,
        bytesUp: client.bytesUp,
        packetsDown: client.packetsDown,
        bytesDown: client.bytesDown,
        refused: client.refused,
      })),
    };
  }

  // The handlers return why they dropped what came, or undefined.

  private handle(session: TunnelSession, bytes: Uint8Array, now: number): DropReason | undefined {
    const client = this.clients.get(session);
    if (client === undefined) return 'tunnel-no-session';
    switch (bytes[0]) {
      case TUNNEL_KIND.packet:
      case TUNNEL_KIND.train:
        return this.packetsUp(client, bytes, now);
      case TUNNEL_KIND.leaseRequest:
        return this.leaseRequested(client, bytes, now);
      case TUNNEL_KIND.echo:
        session.send(writeEchoReply(bytes), now);
        return undefined;
      case TUNNEL_KIND.echoReply:
        return undefined;
      default:
        return 'tunnel-message-unknown';
    }
  }

  /** What is wrong with a packet is said of that packet alone. */
  private packetsUp(client: Client, bytes: Uint8Array, now: number): DropReason | undefined {
    const { incoming } = this;
    incoming.begin(bytes);
    let next = incoming.next();
    for (; next === 'packet'; next = incoming.next()) {
      const { start, length, segmentBytes } = incoming;
      const drop = this.packetUp(client, bytes, start, length, segmentBytes, treatmentOf(bytes), now);
      if (drop !== undefined) this.options.drops.count(drop);
    }
    return next === 'malformed' ? 'tunnel-packet-header' : undefined;
  }

  private packetUp(
    client: Client,
    bytes: Uint8Array,
    start: number,
    length: number,
    segmentBytes: number,
    treatment: Treatment,
    now: number,
  ): DropReason | undefined {
    const problem = packetProblem(bytes, start, length, segmentBytes, MAX_SEGMENTS);
    if (problem !== undefined) return problem;
    // A gateway that lost its leases finds them again in its clients' packets, without waiting for their next request.
    if (client.address === 0 && client.icmp.take(now)) this.grant(client, sourceOf(bytes, start), now);
    if (client.address === 0) return 'tunnel-no-lease';
    if (sourceOf(bytes, start) !== client.address) return 'tunnel-source-not-leased';
    if (!this.policy.permits(bytes, start, length)) {
      client.refused++;
      this.answerClient(client, UNREACHABLE.adminProhibited, bytes, start, length, now);
      return 'tunnel-destination-refused';
    }
    if (longestPacket(bytes, start, length, segmentBytes) > this.options.mtuBytes) {
      if (mustNotFragment(bytes, start)) {
        this.answerClient(client, UNREACHABLE.fragmentationNeeded, bytes, start, length, now);
      }
      return 'tunnel-packet-too-big';
    }
    if (!this.withinRate(client, client.up, length, now)) return 'tunnel-rate-limited';
    if (treatment !== TREATMENT.own) this.classifier.noteAnswers(bytes, start, length, treatment, now);
    this.writer.append(bytes, start, length, segmentBytes);
    client.packetsUp += packetsIn(bytes, start, length, segmentBytes);
    client.bytesUp += length;
    this.carried.bytesUp += length;
    return undefined;
  }

  private packetDown(
    arena: Uint8Array,
    start: number,
    length: number,
    segmentBytes: number,
    now: number,
  ): DropReason | undefined {
    const problem = packetProblem(arena, start, length, segmentBytes, Number.POSITIVE_INFINITY);
    if (problem !== undefined) return problem;
    const client = this.byAddress.get(destinationOf(arena, start));
    if (client === undefined) {
      this.answerInternet(UNREACHABLE.host, arena, start, length, now);
      return 'tunnel-address-not-leased';
    }
    if (longestPacket(arena, start, length, segmentBytes) > this.options.mtuBytes) {
      if (mustNotFragment(arena, start)) {
        this.answerInternet(UNREACHABLE.fragmentationNeeded, arena, start, length, now);
      }
      return 'tunnel-packet-too-big';
    }
    if (!this.withinRate(client, client.down, length, now)) return 'tunnel-rate-limited';
    if (!this.sendPacket(client, arena, start, length, segmentBytes, now)) return 'tunnel-session-full';
    client.packetsDown += packetsIn(arena, start, length, segmentBytes);
    client.bytesDown += length;
    this.carried.bytesDown += length;
    return undefined;
  }

  private withinRate(client: Client, bucket: TokenBucket, length: number, now: number): boolean {
    if (this.limits.clientBytesPerSecond === 0 || bucket.take(now, length)) return true;
    client.refused++;
    return false;
  }

  private leaseRequested(client: Client, bytes: Uint8Array, now: number): DropReason | undefined {
    const wanted = readLeaseRequest(bytes);
    return wanted === undefined ? 'tunnel-lease-malformed' : this.grant(client, wanted, now);
  }

  private grant(client: Client, wanted: number, now: number): DropReason | undefined {
    const { wallMs, pool, resolver, mtuBytes } = this.options;
    const granted = this.pool.request(client.session.clientKey, wanted, wallMs());
    if (granted === undefined) {
      client.session.send(writeLeaseRefused(LEASE_REFUSAL.poolFull), now);
      return 'tunnel-pool-full';
    }
    this.bind(client, granted.lease.address);
    this.saveAt = Math.min(this.saveAt, now + (granted.isNew ? SAVE_NEW_LEASE_MS : SAVE_RENEWED_LEASE_MS));
    client.session.send(
      writeLease({
        address: granted.lease.address,
        prefixLength: pool.prefixLength,
        gateway: this.pool.gateway,
        resolver,
        mtuBytes,
        seconds: this.limits.leaseSeconds,
      }),
      now,
    );
    return undefined;
  }

  /** The address belongs to this session now, and not any more to an earlier one of the same client. */
  private bind(client: Client, address: number): void {
    const earlier = this.byAddress.get(address);
    if (earlier !== undefined) earlier.address = 0;
    client.address = address;
    this.byAddress.set(address, client);
  }

  private unbind(client: Client): void {
    if (this.byAddress.get(client.address) === client) this.byAddress.delete(client.address);
    client.address = 0;
  }

  private sweep(now: number): void {
    const wallMs = this.options.wallMs();
    const swept = this.pool.sweep(wallMs);
    for (const client of this.byAddress.values()) {
      if (this.pool.find(client.session.clientKey, wallMs) === undefined) this.unbind(client);
    }
    if (swept > 0) this.saveAt = Math.min(this.saveAt, now + SAVE_RENEWED_LEASE_MS);
  }

  private save(): void {
    this.saveAt = NEVER;
    this.options.store.save(this.pool.toLines());
  }

  private createClient(session: TunnelSession): Client {
    const rate = this.limits.clientBytesPerSecond;
    const burst = Math.max(RATE_BURST_MIN_BYTES, (rate * RATE_BURST_MS) / 1_000);
    return {
      session,
      address: 0,
      up: new TokenBucket(rate, burst),
      down: new TokenBucket(rate, burst),
      icmp: new TokenBucket(ICMP_PER_SECOND, ICMP_BURST),
      packetsUp: 0,
      bytesUp: 0,
      packetsDown: 0,
      bytesDown: 0,
      refused: 0,
    };
  }

  private answerClient(
    client: Client,
    code: UnreachableCode,
    packet: Uint8Array,
    start: number,
    length: number,
    now: number,
  ): void {
    if (!mayAnswerWithError(packet, start, length)) return;
    if (!client.icmp.take(now)) {
      this.options.drops.count('tunnel-icmp-rate');
      return;
    }
    const errorBytes = this.writeError(this.icmpError, 0, code, packet, start, length);
    this.sendPacket(client, this.icmpError, 0, errorBytes, 0, now);
    this.outgoing.leave(now);
  }

  /** False when the session has no room for all of it. What joins a train is sent with it. */
  private sendPacket(
    client: Client,
    packet: Uint8Array,
    start: number,
    length: number,
    segmentBytes: number,
    now: number,
  ): boolean {
    const lane = this.classifier.classify(packet, start, length, now);
    return this.outgoing.send(client.session, packet, start, length, segmentBytes, TREATMENT.own, lane, now);
  }

  private answerInternet(code: UnreachableCode, packet: Uint8Array, start: number, length: number, now: number): void {
    if (!mayAnswerWithError(packet, start, length)) return;
    if (!this.icmpToInternet.take(now)) {
      this.options.drops.count('tunnel-icmp-rate');
      return;
    }
    const at = this.writer.reserve(ICMP_ERROR_MAX_BYTES);
    this.writer.commit(this.writeError(this.writer.arena, at, code, packet, start, length));
  }

  private writeError(
    out: Uint8Array,
    at: number,
    code: UnreachableCode,
    packet: Uint8Array,
    start: number,
    length: number,
  ): number {
    const nextHopMtu = code === UNREACHABLE.fragmentationNeeded ? this.options.mtuBytes : 0;
    return writeUnreachable(out, at, code, nextHopMtu, this.pool.gateway, packet, start, length);
  }
}
