/**
 * What miner and gateway spend on a tunnel beside the kernel: two nodes in one process hand each other datagrams in memory, sealed and
 * opened by the addon's cipher, on a clock that stands still while they work and jumps while they wait. Packets go down as a download's do, so many bytes under way, and an acknowledgement comes back for
 * each superpacket that arrives. Processor time is what counts: it is the same on a busy machine. `--cpu-prof` shows where it goes.
 *
 * Arguments: `segments=N` in a superpacket (1: single packets), `megabytes=N`, `bytes=N` of a packet, `seals=1`: by the link alone.
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { writeU16, writeU32 } from '../../src/base/bytes.ts';
import { createPacketBatch, type DatagramBatch, ENDPOINT_BYTES, type PacketBatch } from '../../src/base/datagram.ts';
import type { NodeKey, SecretKey } from '../../src/base/ids.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { addressHash } from '../../src/crypto/address.ts';
import { loadNative } from '../../src/native/index.ts';
import { Node } from '../../src/node/node.ts';
import { portableDatapath } from '../../src/os/datapath.ts';
import { PROTOCOL, writeIpv4Header } from '../../src/wire/ip.ts';
import { packetsIn } from '../../src/wire/superpacket.ts';
import type { Lease } from '../../src/wire/tunnel-message.ts';
import { numberArg } from '../helpers/run-args.ts';

export const about =
  'processor time of miner and gateway for a gigabyte through the tunnel, without kernel: two nodes in one process';
export const takes = '20 s';

const MTU_BYTES = 1_340;
const SERVER = 0xc6_33_64_50;
/** What a TCP on a fast path has under way. */
const WINDOW_BYTES = 1 << 20;
const WARM_UP_MEGABYTES = 100;
const MEGABYTES = 400;
const SEGMENTS = 44;
const HEADERS_BYTES = 40;
/** Of the clock of both nodes. */
const DEADLINE_MS = 120_000;
/** How long a datagram takes from one to the other. */
const WIRE_MS = 0.05;
const QUIET_MS = 50;
const EPOCH_MS = Date.UTC(2026, 0, 1);

interface End {
  readonly node: Node;
  /** What came for it and was not taken yet. */
  inbox: DatagramBatch[];
  wakeAt: number;
}

export function run(context: RunContext): RunResult {
  const number = (name: string, otherwise: number) => numberArg(context.args, name, otherwise);
  const pair = new Pair(number('segments', SEGMENTS), number('bytes', MTU_BYTES), number('seals', 2) === 2);
  pair.connect();
  pair.carry(WARM_UP_MEGABYTES);
  const figures = pair.carry(number('megabytes', MEGABYTES));
  return { pass: figures.megabytes > 0, ...figures };
}

class Pair {
  private readonly miner: End;
  private readonly gateway: End;
  private readonly batch = createPacketBatch(64, 256 * 1_024);
  private readonly segments: number;
  private readonly packetBytes: number;
  private now = 0;
  private lease: Lease | undefined;
  private sequence = 0;
  private offeredBytes = 0;
  private arrivedBytes = 0;
  private arrivedAt = 0;
  private arrivedPackets = 0;
  private acknowledgements = 0;

  constructor(segments: number, packetBytes: number, sealsTwice: boolean) {
    this.segments = segments;
    this.packetBytes = packetBytes;
    const native = loadNative();
    const datapath = 'datapath' in native ? native.datapath : portableDatapath;
    const random = new SeededRandom(1, 'pair');
    const secrets = [1, 2].map((byte) => new Uint8Array(32).fill(byte) as SecretKey);
    const [minerKey, gatewayKey] = secrets.map((secret) => datapath.curve.publicKey(secret) as NodeKey);
    const common = {
      clock: { monotonicMs: () => this.now, wallMs: () => EPOCH_MS + this.now },
      random,
      log: { write: () => {} },
      curve: datapath.curve,
      cipher: datapath.cipher,
      pieces: datapath.pieces,
    };
    const transportTo = (end: () => End) => ({
      maxDatagramBytes: 1_472,
      send: (batch: DatagramBatch) => void end().inbox.push(copyOf(batch)),
    });
    this.miner = {
      inbox: [],
      wakeAt: 0,
      node: new Node({
        ...common,
        secret: secrets[0],
        transport: transportTo(() => this.gateway),
        peers: [{ key: gatewayKey, endpoint: endpoint() }],
        tunnel: {
          gateway: addressHash(gatewayKey),
          routeCount: 1,
          mtuBytes: MTU_BYTES,
          sealsTwice,
          device: { write: (batch) => this.arrived(batch) },
          ownNetworks: [],
          clientSecret: () => new Uint8Array(32).fill(3) as SecretKey,
          leased: (lease) => {
            this.lease = lease;
          },
        },
      }),
    };
    this.gateway = {
      inbox: [],
      wakeAt: 0,
      node: new Node({
        ...common,
        secret: secrets[1],
        transport: transportTo(() => this.miner),
        peers: [{ key: minerKey, endpoint: undefined }],
        gateway: {
          pool: { address: 0x0a_40_00_00, prefixLength: 16 },
          resolver: 0,
          mtuBytes: MTU_BYTES,
          ownNetworks: [],
          allow: [],
          tun: { write: () => {} },
          store: { load: () => [], save: () => {} },
        },
      }),
    };
  }

  /** Until the miner has an address. */
  connect(): void {
    for (const { node } of [this.miner, this.gateway]) node.start(this.now);
    while (this.lease === undefined) {
      this.turn();
      if (this.now > DEADLINE_MS) throw new Error('the miner gets no address');
    }
  }

  /** Carries so much down; what it cost. */
  carry(megabytes: number) {
    const [startMs, startCpu] = [this.now, process.cpuUsage()];
    const [startBytes, startPackets] = [this.arrivedBytes, this.arrivedPackets];
    while (this.arrivedBytes - startBytes < megabytes * 1e6) {
      // What CoDel dropped at first nobody repeats here: when nothing comes any more, nothing is under way.
      if (this.now - this.arrivedAt > QUIET_MS) this.offeredBytes = this.arrivedBytes;
      if (this.offeredBytes - this.arrivedBytes < WINDOW_BYTES) this.offer();
      this.acknowledge();
      this.turn();
      if (this.now - startMs > DEADLINE_MS) throw new Error(`only ${this.arrivedBytes - startBytes} bytes came`);
    }
    const passedMs = this.now - startMs;
    const cpu = process.cpuUsage(startCpu);
    const bytes = this.arrivedBytes - startBytes;
    const packets = this.arrivedPackets - startPackets;
    return {
      megabytes: Math.round(bytes / 1e6),
      clockMbit: Math.round((8 * bytes) / 1_000 / passedMs),
      cpuSecondsPerGb: Number(((cpu.user + cpu.system) / 1e6 / (bytes / 1e9)).toFixed(2)),
      usPerPacket: Number(((cpu.user + cpu.system) / packets).toFixed(2)),
    };
  }

  /** Both nodes take what came and what is due. */
  private turn(): void {
    for (const end of [this.gateway, this.miner]) {
      const { node, inbox } = end;
      const { now } = this;
      if (inbox.length > 0) {
        end.inbox = [];
        for (const batch of inbox) node.receive(batch, now);
      }
      if (now >= end.wakeAt) node.wake(now);
      node.drain(now);
      end.wakeAt = node.nextWakeAt();
    }
    const soonest = Math.min(this.miner.wakeAt, this.gateway.wakeAt);
    const onTheWire = this.miner.inbox.length + this.gateway.inbox.length > 0;
    this.now = Math.max(this.now + WIRE_MS / 10, onTheWire ? this.now + WIRE_MS : soonest);
  }

  /** A superpacket, or as many single packets, of the download. */
  private offer(): void {
    const { batch, segments, packetBytes } = this;
    const payload = packetBytes - HEADERS_BYTES;
    batch.count = 0;
    this.offeredBytes += (segments > 1 ? segments : SEGMENTS) * payload;
    if (segments > 1) this.put(segments * payload, payload);
    else for (let i = 0; i < SEGMENTS; i++) this.put(payload, 0);
    this.gateway.node.gatewayPackets(batch, this.now);
  }

  private put(payload: number, segmentBytes: number): void {
    const { batch } = this;
    const at = batch.count === 0 ? 0 : batch.offsets[batch.count - 1] + batch.lengths[batch.count - 1];
    writeTcp(batch, at, payload, SERVER, this.lease!.address, this.sequence);
    batch.segments[batch.count - 1] = segmentBytes;
    this.sequence = (this.sequence + payload) >>> 0;
  }

  /** One for two packets or a superpacket that arrived. */
  private acknowledge(): void {
    if (this.acknowledgements === 0) return;
    const { batch } = this;
    batch.count = 0;
    for (; this.acknowledgements > 0 && batch.count < 64; this.acknowledgements--) {
      writeTcp(batch, 64 * batch.count, 0, this.lease!.address, SERVER, 1);
      batch.segments[batch.count - 1] = 0;
    }
    this.miner.node.lanPackets(batch, this.now);
  }

  private arrived(batch: PacketBatch): void {
    this.arrivedAt = this.now;
    for (let i = 0; i < batch.count; i++) {
      const packets = packetsIn(batch.arena, batch.offsets[i], batch.lengths[i], batch.segments[i]);
      this.arrivedPackets += packets;
      this.arrivedBytes += batch.lengths[i] - HEADERS_BYTES;
      this.acknowledgements += packets === 1 ? 0.5 : 1;
    }
    this.acknowledgements = Math.floor(this.acknowledgements);
  }
}

function endpoint(): Uint8Array {
  const bytes = new Uint8Array(ENDPOINT_BYTES);
  bytes[1] = 4;
  writeU16(bytes, 2, 6_969);
  writeU32(bytes, 4, 0x0a_00_00_01);
  return bytes;
}

/** As the wire would bring it: with the sender's address in place of the receiver's. */
function copyOf(batch: DatagramBatch): DatagramBatch {
  const used = batch.offsets[batch.count - 1] + batch.lengths[batch.count - 1];
  return {
    arena: batch.arena.slice(0, used),
    count: batch.count,
    offsets: batch.offsets.slice(0, batch.count),
    lengths: batch.lengths.slice(0, batch.count),
    endpoints: batch.endpoints.slice(0, batch.count * ENDPOINT_BYTES),
  };
}

function writeTcp(
  batch: PacketBatch,
  at: number,
  payload: number,
  source: number,
  destination: number,
  sequence: number,
): void {
  const length = HEADERS_BYTES + payload;
  const { arena } = batch;
  writeIpv4Header(arena, at, { length, protocol: PROTOCOL.tcp, source, destination });
  writeU32(arena, at + 20, 0x01bb_d431);
  writeU32(arena, at + 24, sequence);
  arena[at + 32] = 0x50;
  arena[at + 33] = 0x10;
  batch.offsets[batch.count] = at;
  batch.lengths[batch.count] = length;
  batch.count++;
}
