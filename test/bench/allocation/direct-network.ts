/**
 * A miner, a relay and a gateway joined in memory, so that nothing is on the heap but the nodes' own: datagrams are copied from the
 * sender's arena into a fixed one of the receiver's, and the clock goes on as fast as the processor allows.
 *
 *   packets ─▶ miner ── relay ── gateway ─▶ counted
 */
import { createHash, randomFillSync } from 'node:crypto';
import { utf8, writeU16 } from '../../../src/base/bytes.ts';
import {
  createDatagramBatch,
  createPacketBatch,
  type DatagramBatch,
  ENDPOINT_BYTES,
  type PacketBatch,
} from '../../../src/base/datagram.ts';
import type { NodeKey, SecretKey } from '../../../src/base/ids.ts';
import { addressHash } from '../../../src/crypto/address.ts';
import { Node } from '../../../src/node/node.ts';
import type { NodeOptions } from '../../../src/node/node-options.ts';
import { PROTOCOL, writeIpv4Header } from '../../../src/wire/ip.ts';
import { fastCipher } from '../../helpers/fast-cipher.ts';
import { fastCurve } from '../../helpers/fast-curve.ts';

const MTU_BYTES = 1_340;
/** Every tick is so long, and brings so many packets of the largest size: 343 Mb/s. */
const TICK_MS = 1;
const PACKETS_A_TICK = 32;
const INBOX_DATAGRAMS = 1_024;
const INBOX_BYTES = 2 * 1_024 * 1_024;
const NAMES = ['miner', 'relay', 'gateway'] as const;
const [MINER, , GATEWAY] = NAMES.keys();
const SERVER = (93 << 24) | (184 << 16) | (216 << 8) | 34;
const CONNECTED_WITHIN_MS = 10_000;

export class DirectNetwork {
  /** Packets that came out of the gateway. */
  delivered = 0;
  private readonly curve = fastCurve();
  private readonly cipher = fastCipher();
  private readonly secrets = NAMES.map(
    (name) => new Uint8Array(createHash('sha256').update(utf8(name)).digest()) as SecretKey,
  );
  private readonly keys = this.secrets.map((secret) => this.curve.publicKey(secret) as NodeKey);
  private readonly inboxes = NAMES.map(() => createDatagramBatch(INBOX_DATAGRAMS, INBOX_BYTES));
  private readonly nodes: readonly Node[];
  private readonly packets = createPacketBatch(PACKETS_A_TICK, PACKETS_A_TICK * MTU_BYTES);
  private now = 0;
  private address = 0;

  constructor() {
    this.nodes = NAMES.map((_, index) => new Node(this.optionsOf(index)));
    for (const node of this.nodes) node.start(this.now);
  }

  /** Until the miner has an address. */
  connect(): void {
    while (this.address === 0) {
      if (this.now > CONNECTED_WITHIN_MS) throw new Error('no lease');
      this.tick();
    }
    for (let i = 0; i < PACKETS_A_TICK; i++) {
      const at = i * MTU_BYTES;
      this.packets.offsets[i] = at;
      this.packets.lengths[i] = MTU_BYTES;
      const header = { length: MTU_BYTES, protocol: PROTOCOL.udp, source: this.address, destination: SERVER >>> 0 };
      writeIpv4Header(this.packets.arena, at, header);
    }
    this.packets.count = PACKETS_A_TICK;
  }

  /** One tick with packets, and all that comes of it. */
  carry(): void {
    this.nodes[MINER].lanPackets(this.packets, this.now);
    this.tick();
  }

  /** What every node refused, and why. */
  drops(): Record<string, unknown> {
    return Object.fromEntries(this.nodes.map((node, i) => [NAMES[i], node.drops.toJSON()]));
  }

  private tick(): void {
    const { nodes, inboxes } = this;
    this.now += TICK_MS;
    for (let i = 0; i < nodes.length; i++) {
      const [node, inbox] = [nodes[i], inboxes[i]];
      if (inbox.count > 0) node.receive(inbox, this.now);
      inbox.count = 0;
      if (node.nextWakeAt() <= this.now) node.wake(this.now);
      node.drain(this.now);
    }
  }

  /** Into the inbox of the node whose number is the port. */
  private send(from: number, batch: DatagramBatch): void {
    for (let i = 0; i < batch.count; i++) {
      const inbox = this.inboxes[batch.endpoints[i * ENDPOINT_BYTES + 3]];
      if (inbox.count === INBOX_DATAGRAMS) throw new Error('an inbox is full');
      const at = inbox.count * (INBOX_BYTES / INBOX_DATAGRAMS);
      const { [i]: offset } = batch.offsets;
      const { [i]: length } = batch.lengths;
      inbox.arena.set(batch.arena.subarray(offset, offset + length), at);
      inbox.offsets[inbox.count] = at;
      inbox.lengths[inbox.count] = length;
      inbox.endpoints.set(ENDPOINTS[from], inbox.count * ENDPOINT_BYTES);
      inbox.count++;
    }
  }

  private optionsOf(index: number): NodeOptions {
    const neighbours = [index - 1, index + 1].filter((other) => other in NAMES);
    return {
      secret: this.secrets[index].slice() as SecretKey,
      clock: { monotonicMs: () => this.now, wallMs: () => this.now },
      random: { fill: (bytes) => void randomFillSync(bytes) },
      log: { write: () => {} },
      curve: this.curve,
      cipher: this.cipher,
      transport: { maxDatagramBytes: 1_472, send: (batch) => this.send(index, batch) },
      peers: neighbours.map((other) => ({ key: this.keys[other], endpoint: ENDPOINTS[other] })),
      ...(index === MINER ? { tunnel: this.tunnelOptions() } : {}),
      ...(index === GATEWAY ? { gateway: this.gatewayOptions() } : {}),
    };
  }

  private tunnelOptions(): NonNullable<NodeOptions['tunnel']> {
    return {
      gateway: addressHash(this.keys[GATEWAY]),
      routeCount: 1,
      mtuBytes: MTU_BYTES,
      device: { write: () => {} },
      clientSecret: () => this.secrets[MINER].slice() as SecretKey,
      ownNetworks: [],
      leased: (lease) => {
        this.address = lease.address;
      },
    };
  }

  private gatewayOptions(): NonNullable<NodeOptions['gateway']> {
    const take = (batch: PacketBatch): void => {
      this.delivered += batch.count;
    };
    return {
      pool: { address: (10 << 24) | (64 << 16), prefixLength: 16 },
      resolver: 0,
      mtuBytes: MTU_BYTES,
      ownNetworks: [],
      allow: [],
      store: { load: () => [], save: () => {} },
      tun: { write: take },
    };
  }
}

/** By node; its number is the port. */
const ENDPOINTS = NAMES.map((_, index) => {
  const endpoint = new Uint8Array(ENDPOINT_BYTES);
  endpoint[1] = 6;
  writeU16(endpoint, 2, index);
  return endpoint;
});
