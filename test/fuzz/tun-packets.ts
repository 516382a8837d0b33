/**
 * Hostile packets and tunnel messages into both ends of the tunnel: what a laptop's broken stack, the internet, a hostile
 * gateway and a hostile client can send. A part of the mutants gets its length and checksum mended, to come past them.
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { writeU16, writeU32 } from '../../src/base/bytes.ts';
import { createPacketBatch, type PacketBatch } from '../../src/base/datagram.ts';
import { Drops } from '../../src/base/drops.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import type { TunnelSession } from '../../src/tunnel/session-port.ts';
import { TunnelClient } from '../../src/tunnel/tunnel-client.ts';
import { TunnelGateway } from '../../src/tunnel/tunnel-gateway.ts';
import { checksum, contains, IPV4_HEADER_BYTES, PROTOCOL, sourceOf, writeIpv4Header } from '../../src/wire/ip.ts';
import { longestPacket, MAX_SEGMENTS, packetProblem } from '../../src/wire/superpacket.ts';
import {
  PACKET_HEADER_BYTES,
  readLease,
  SUPERPACKET_HEADER_BYTES,
  TREATMENT,
  TUNNEL_KIND,
  writeEcho,
  writeLease,
  writeLeaseRefused,
  writeLeaseRequest,
  writePacketHeader,
  writeSuperpacketHeader,
  writeTrainHeader,
} from '../../src/wire/tunnel-message.ts';
import { type CaseKind, type FuzzTarget, fuzz } from './harness/fuzz-loop.ts';
import { mutate, mutateInPlace, noise } from './harness/mutation.ts';

export const about =
  'spoilt IPv4 and IPv6 packets and tunnel messages into the miner and the gateway side of the tunnel';
export const takes = '10 s, gate 1 s';
export const gate = true;

const STEP_MS = 1;
const DRAIN_EVERY_CASES = 64;
const LEASE_EVERY_CASES = 200;
const CLIENTS = 8;
/** Keys that come again: a client that returns finds its lease. */
const CLIENT_KEYS = 64;
/** One of the clients is closed and another one opened. */
const CLIENT_CHANGE_EVERY_CASES = 2_000;
const MTU_BYTES = 1_340;
const MAX_BYTES = 3_000;
/** Of superpackets: none, too small, right, too long for a packet. */
const SEGMENTS_BYTES = [0, 1, 20, 500, 1_300, 1_301, 65_535] as const;
/** Longer than any message but those that carry anything, so noise is never a lease or a request by luck. */
const NOISE_LEAST_BYTES = 24;
const POOL = { address: 0x0a_40_00_00, prefixLength: 24 };
const GATEWAY = POOL.address + 1;
const MINER = POOL.address + 100;
const RESOLVER = 0x5d_b8_d8_35;
const SERVER = 0x5d_b8_d8_22;
const LEASE = writeLease({
  address: MINER,
  prefixLength: 24,
  gateway: GATEWAY,
  resolver: RESOLVER,
  mtuBytes: MTU_BYTES,
  seconds: 600,
});

export function run(context: RunContext): Promise<RunResult> {
  return fuzz({ name: 'tun-packets', context, target: () => new TunnelUnderFire() });
}

/** As a gateway sees a client, and what it was told that its address is; zero before. */
interface FuzzedSession extends TunnelSession {
  leased: number;
}

class TunnelUnderFire implements FuzzTarget {
  readonly drops: readonly Drops[];
  private readonly client: TunnelClient;
  private readonly gateway: TunnelGateway;
  private readonly sessions: FuzzedSession[] = [];
  private readonly batch = createPacketBatch(1, 65_536);
  private now = 0;
  private sessionCount = 0;
  private messagesSent = 0;
  private packetsToLaptop = 0;
  private packetsToInternet = 0;

  constructor() {
    const drops = new Drops();
    this.drops = [drops];
    this.client = new TunnelClient({
      drops,
      random: new SeededRandom(1, 'client flows'),
      tun: { write: (batch) => this.toLaptop(batch) },
      events: { leased: () => {}, refused: () => {} },
      mtuBytes: MTU_BYTES,
      ownNetworks: [{ address: 0xc0_a8_2a_00, prefixLength: 24 }],
    });
    this.gateway = new TunnelGateway({
      pool: POOL,
      resolver: RESOLVER,
      mtuBytes: MTU_BYTES,
      ownNetworks: [],
      allow: [],
      tun: { write: (batch) => this.toInternet(batch) },
      store: { load: () => [], save: () => {} },
      drops,
      random: new SeededRandom(1, 'gateway flows'),
      wallMs: () => this.now,
      limits: { leaseSeconds: 60 },
    });
    this.gateway.start(0);
    this.client.sessionOpened(this.newSession(), 0);
    for (let i = 0; i < CLIENTS; i++) this.openClient();
  }

  prepare(random: SeededRandom, number: number): void {
    this.now += STEP_MS;
    if (this.client.nextWakeAt() <= this.now) this.client.wake(this.now);
    if (this.gateway.nextWakeAt() <= this.now) this.gateway.wake(this.now);
    if (number % DRAIN_EVERY_CASES === 0) this.drain();
    if (number % LEASE_EVERY_CASES === 0) this.renewLeases(random);
    if (number % CLIENT_CHANGE_EVERY_CASES === 0) {
      const [closed] = this.sessions.splice(random.integer(CLIENTS), 1);
      this.gateway.clientClosed(closed, this.now);
      this.openClient();
    }
  }

  feed(random: SeededRandom): CaseKind {
    const way = random.integer(4);
    const isNoise = random.chance(0.15);
    switch (way) {
      case 0:
        this.client.packets(
          this.batchOf(random, isNoise ? noisePacket(random) : mutantPacket(random, MINER)),
          this.now,
        );
        break;
      case 1:
        this.gateway.packets(
          this.batchOf(random, isNoise ? noisePacket(random) : mutantPacket(random, SERVER)),
          this.now,
        );
        break;
      case 2:
        this.client.message(isNoise ? noiseMessage(random) : mutantMessage(random, SERVER, MINER), this.now);
        break;
      default:
        this.feedGateway(random, isNoise);
    }
    return isNoise ? 'noise' : 'mutant';
  }

  private feedGateway(random: SeededRandom, isNoise: boolean): void {
    const session = random.pick(this.sessions);
    const source = random.chance(0.8) ? session.leased : POOL.address + 2 + random.integer(CLIENTS);
    const message = isNoise ? noiseMessage(random) : mutantMessage(random, source, SERVER);
    this.gateway.clientMessage(session, message, this.now);
  }

  checkBounds(): void {
    const { leases, poolSize, clients } = this.gateway.status();
    if (leases > poolSize) throw new Error(`${leases} leases of ${poolSize} addresses`);
    if (clients.length !== CLIENTS) throw new Error(`${clients.length} clients are known, ${CLIENTS} are there`);
    const addresses = clients.flatMap(({ address }) => address ?? []);
    if (new Set(addresses).size !== addresses.length) throw new Error('two clients have one address');
  }

  /** A good packet still passes each way. */
  finish(): Record<string, unknown> {
    this.drain();
    this.client.message(LEASE, this.now);
    const { packetsToLaptop } = this;
    this.client.message(packetMessage(udpPacket(SERVER, MINER, 100)), this.now);
    this.drain();
    if (this.packetsToLaptop !== packetsToLaptop + 1) throw new Error('no packet reaches the laptop any more');
    const session = this.openClient();
    this.gateway.clientMessage(session, writeLeaseRequest(0), this.now);
    const leased = this.gateway.status().clients.at(-1)?.address;
    if (leased === undefined) throw new Error('the gateway leases no address any more');
    const { messagesSent, packetsToInternet } = this;
    return {
      messages_sent: messagesSent,
      packets_to_laptop: this.packetsToLaptop,
      packets_to_internet: packetsToInternet,
    };
  }

  /** Whatever comes in: what leaves for the laptop is whole, and a superpacket one that can be cut. */
  private toLaptop(batch: PacketBatch): void {
    this.packetsToLaptop += batch.count;
    for (let i = 0; i < batch.count; i++) {
      const problem = problemOf(batch, i);
      if (problem !== undefined) throw new Error(`a broken packet goes to the laptop: ${problem}`);
    }
  }

  /** What leaves for the internet is whole, and comes from an address of the pool. */
  private toInternet(batch: PacketBatch): void {
    this.packetsToInternet += batch.count;
    for (let i = 0; i < batch.count; i++) {
      const problem = problemOf(batch, i);
      if (problem !== undefined) throw new Error(`a broken packet goes to the internet: ${problem}`);
      if (!contains(POOL, sourceOf(batch.arena, batch.offsets[i]))) throw new Error('a source outside the pool');
    }
  }

  private drain(): void {
    this.client.drain(this.now);
    this.gateway.drain(this.now);
  }

  private renewLeases(random: SeededRandom): void {
    this.client.message(LEASE, this.now);
    this.gateway.clientMessage(random.pick(this.sessions), writeLeaseRequest(0), this.now);
  }

  private openClient(): FuzzedSession {
    const session = this.newSession();
    this.sessions.push(session);
    this.gateway.clientOpened(session, this.now);
    // The others come without a lease, and their packets ask for one.
    if (this.sessionCount % 4 !== 0) this.gateway.clientMessage(session, writeLeaseRequest(0), this.now);
    return session;
  }

  private newSession(): FuzzedSession {
    const clientKey = new Uint8Array(33).fill(2);
    writeU32(clientKey, 1, this.sessionCount++ % CLIENT_KEYS);
    const session: FuzzedSession = {
      clientKey,
      messageBytes: this.sessionCount * 1_000,
      leased: 0,
      send: (message) => {
        this.messagesSent++;
        session.leased = readLease(message)?.address ?? session.leased;
        return true;
      },
    };
    return session;
  }

  private batchOf(random: SeededRandom, packet: Uint8Array): PacketBatch {
    const { batch } = this;
    batch.count = 1;
    batch.segments[0] = random.chance(0.3) ? random.pick(SEGMENTS_BYTES) : 0;
    batch.offsets[0] = 0;
    batch.lengths[0] = packet.length;
    batch.arena.set(packet);
    return batch;
  }
}

/** Why what leaves is neither one whole packet nor a superpacket that can be cut into packets that fit. */
function problemOf({ arena, offsets, lengths, segments }: PacketBatch, i: number): string | undefined {
  const problem = packetProblem(arena, offsets[i], lengths[i], segments[i], MAX_SEGMENTS);
  if (problem !== undefined) return problem;
  return longestPacket(arena, offsets[i], lengths[i], segments[i]) > MTU_BYTES ? 'too long' : undefined;
}

function udpPacket(source: number, destination: number, bytes: number): Uint8Array {
  return packetOf(PROTOCOL.udp, source, destination, bytes, 53);
}

/** Any of the protocols, with a destination port where there is one. */
function packetOf(protocol: number, source: number, destination: number, length: number, port: number): Uint8Array {
  const packet = new Uint8Array(length);
  writeIpv4Header(packet, 0, { length, protocol, source, destination });
  if (length >= IPV4_HEADER_BYTES + 4) writeU16(packet, IPV4_HEADER_BYTES + 2, port);
  if (protocol === PROTOCOL.icmp && length > IPV4_HEADER_BYTES) packet[IPV4_HEADER_BYTES] = 8;
  // Data offset and ACK.
  if (protocol === PROTOCOL.tcp && length >= 2 * IPV4_HEADER_BYTES) packet.set([0x50, 0x10], IPV4_HEADER_BYTES + 12);
  return packet;
}

function validPacket(random: SeededRandom, source: number, destination: number): Uint8Array {
  const protocol = random.pick([PROTOCOL.udp, PROTOCOL.tcp, PROTOCOL.icmp, 47]);
  const bytes = random.pick([20, 28, 60, 576, MTU_BYTES, MTU_BYTES + 1, 2_000]);
  return packetOf(protocol, source, destination, bytes, random.pick([53, 80, 443]));
}

function ipv6Packet(random: SeededRandom): Uint8Array {
  const packet = noise(random, 40, 1_500);
  packet[0] = 0x60;
  writeU16(packet, 4, packet.length - 40);
  return packet;
}

function noisePacket(random: SeededRandom): Uint8Array {
  return random.chance(0.3) ? ipv6Packet(random) : noise(random, 0, MAX_BYTES);
}

function mutantPacket(random: SeededRandom, from: number): Uint8Array {
  const destination = random.pick([
    SERVER,
    RESOLVER,
    GATEWAY,
    POOL.address + 2 + random.integer(CLIENTS),
    0x7f_00_00_01,
  ]);
  const valid = validPacket(random, from, destination);
  if (random.chance(0.1)) return valid;
  const other = random.chance(0.2) ? ipv6Packet(random) : validPacket(random, SERVER, MINER);
  const packet = random.chance(0.5) ? mutateInPlace(random, valid, other) : mutate(random, valid, other, MAX_BYTES);
  return random.chance(0.5) ? mended(packet) : packet;
}

/** With version, header length, total length and checksum as they should be: the rest stays as it is. */
function mended(packet: Uint8Array): Uint8Array {
  if (packet.length < IPV4_HEADER_BYTES) return packet;
  packet[0] = 0x45;
  writeU16(packet, 2, packet.length);
  writeU16(packet, 10, 0);
  writeU16(packet, 10, checksum(packet, 0, IPV4_HEADER_BYTES));
  return packet;
}

function packetMessage(packet: Uint8Array): Uint8Array {
  const message = new Uint8Array(PACKET_HEADER_BYTES + packet.length);
  writePacketHeader(message, 0);
  message.set(packet, PACKET_HEADER_BYTES);
  return message;
}

function superpacketMessage(packet: Uint8Array, segmentBytes: number): Uint8Array {
  const message = new Uint8Array(SUPERPACKET_HEADER_BYTES + packet.length);
  writeSuperpacketHeader(message, 0, TREATMENT.own, segmentBytes);
  message.set(packet, SUPERPACKET_HEADER_BYTES);
  return message;
}

function trainMessage(packets: readonly Uint8Array[]): Uint8Array {
  const entries = packets.flatMap((packet) => [Uint8Array.of(packet.length >> 8, packet.length), packet]);
  const message = Buffer.concat([new Uint8Array(PACKET_HEADER_BYTES), ...entries]);
  writeTrainHeader(message, 0, TREATMENT.own);
  return message;
}

function mutantMessage(random: SeededRandom, source: number, destination: number): Uint8Array {
  if (random.chance(0.3)) return packetMessage(mutantPacket(random, source));
  if (random.chance(0.3)) return superpacketMessage(mutantPacket(random, source), random.pick(SEGMENTS_BYTES));
  const seeds = [
    LEASE,
    trainMessage([validPacket(random, source, destination), mutantPacket(random, source)]),
    packetMessage(validPacket(random, source, destination)),
    writeLeaseRequest(random.word()),
    writeLeaseRefused(1),
    writeEcho(noise(random, 0, 64)),
  ];
  return mutate(random, random.pick(seeds), random.pick(seeds), MAX_BYTES);
}

/** An ECHO is valid with any bytes in it, so noise is never one. */
function noiseMessage(random: SeededRandom): Uint8Array {
  const message = noise(random, NOISE_LEAST_BYTES, MAX_BYTES);
  const isEcho = message[0] === TUNNEL_KIND.echo || message[0] === TUNNEL_KIND.echoReply;
  if (isEcho || random.chance(0.5)) message[0] = TUNNEL_KIND.packet;
  return message;
}
