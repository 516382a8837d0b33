/** Builds simulated networks of real nodes: who is there, who is wired to whom, one miner's laptop and its internet. */
import { createHash } from 'node:crypto';
import { fromHex, toHex, utf8 } from '../../../src/base/bytes.ts';
import type { PacketBatch } from '../../../src/base/datagram.ts';
import type { NodeKey, SecretKey } from '../../../src/base/ids.ts';
import type { Redundancy } from '../../../src/bundle/redundancy/duplicator.ts';
import { addressHash } from '../../../src/crypto/address.ts';
import type { Curve } from '../../../src/crypto/curve.ts';
import { createNodeCipher } from '../../../src/crypto/node-cipher.ts';
import type { Segment, SegmentId } from '../../../src/discovery/segment.ts';
import { Node } from '../../../src/node/node.ts';
import type { NodeOptions, PeerOptions } from '../../../src/node/node-options.ts';
import { fastCurve } from '../../helpers/fast-curve.ts';
import { Internet, Laptop } from './internet.ts';
import type { Wire, WireShape } from './wire.ts';
import { NODE_PORT, scopeOf, World, type WorldOptions } from './world.ts';

const LEASE_WITHIN_MS = 60_000;
const SILENT_LOG = { write: () => {} };

interface Place {
  readonly name: string;
  readonly secret: SecretKey;
  readonly key: NodeKey;
  readonly index: number;
  node: Node | undefined;
  /** What survives a crash. */
  leases: readonly string[];
  peers: readonly string[];
  /** When its tunnel had an address, since it was booted last; undefined: not yet, or it has no tunnel. */
  leasedAt: number | undefined;
}

export interface NetworkOptions {
  readonly seed: number;
  readonly nodes: number;
  /** Pairs of node indices and the shape of the wire between them. Node 0 is the miner, the last one the gateway. */
  readonly wires: readonly { readonly a: number; readonly b: number; readonly shape: Partial<WireShape> }[];
  readonly routeCount: number;
  readonly redundancy?: Redundancy;
  /** The nodes are not told of each other: they find each other by beacons, each wire being a segment, and the miner its gateway. */
  readonly discovers?: boolean;
  /** Every node but the gateway has a tunnel to it, node 0 alone a laptop. */
  readonly everybodyMines?: boolean;
  readonly world?: Partial<WorldOptions>;
}

export class Network {
  readonly world: World;
  readonly places: Place[] = [];
  readonly laptop = new Laptop();
  readonly internet = new Internet();
  /** Sees every packet that comes out at an end, besides the laptop and the internet. */
  onPacket: (end: 'laptop' | 'internet', packet: Uint8Array) => void = () => {};
  readonly curve: Curve = fastCurve();
  /** Whether beacons arrive: many a switch and access point loses multicast. */
  beaconsPass = true;
  private readonly wires: Wire[] = [];
  private leased = 0;

  constructor(options: NetworkOptions) {
    this.world = new World(options.seed, options.world);
    for (let i = 0; i < options.nodes; i++) this.places.push(this.place(i, options));
    for (const { a, b, shape } of options.wires) this.wires.push(this.world.connect(a, b, shape));
  }

  get miner(): Node | undefined {
    return this.places[0].node;
  }

  get gateway(): Node | undefined {
    return this.places[this.places.length - 1].node;
  }

  /** The address that the miner has leased; zero before. */
  get address(): number {
    return this.leased;
  }

  bootAll(): void {
    for (const { index } of this.places) this.world.boot(index);
  }

  /** Runs until the miner has an address. */
  untilLeased(): void {
    const { world } = this;
    const deadline = world.now + LEASE_WITHIN_MS;
    while (this.leased === 0) {
      if (world.now > deadline) throw new Error('no lease after a minute');
      world.run(world.now + 100);
    }
  }

  /** The laptop sends so many packets, 10 ms apart; how many came back within a second of the last one. */
  exchange(packets: number): number {
    const { world, laptop } = this;
    const before = laptop.returned;
    for (let i = 0; i < packets; i++) world.at(world.now + i * 10, () => this.send(100));
    world.run(world.now + packets * 10 + 1_000);
    return laptop.returned - before;
  }

  /** The laptop sends one numbered packet, if the miner is up and has an address for it. */
  send(bytes: number): void {
    if (this.leased === 0 || this.miner === undefined) return;
    const batch = this.laptop.packet(this.leased, bytes);
    this.world.act(0, () => this.miner?.lanPackets(batch, this.world.now));
  }

  /** A packet of a program behind the miner, or of a server behind the gateway. */
  sendFrom(end: 'laptop' | 'internet', packet: PacketBatch): void {
    const { now } = this.world;
    if (end === 'laptop') this.world.act(0, () => this.miner?.lanPackets(packet, now));
    else this.world.act(this.places.length - 1, () => this.gateway?.gatewayPackets(packet, now));
  }

  crash(index: number): void {
    this.places[index].node = undefined;
    this.places[index].leasedAt = undefined;
    this.world.crash(index);
  }

  private place(index: number, options: NetworkOptions): Place {
    const name = `node ${index}`;
    const secret = secretOf(this.curve, `${options.seed} ${name}`);
    const place: Place = {
      name,
      secret,
      key: this.curve.publicKey(secret) as NodeKey,
      index,
      node: undefined,
      leases: [],
      peers: [],
      leasedAt: undefined,
    };
    this.world.addHost(name, (transport, random) => {
      const node = new Node({
        secret: secret.slice() as SecretKey,
        clock: { monotonicMs: () => this.world.now, wallMs: () => this.world.wallMs() },
        random,
        log: SILENT_LOG,
        curve: this.curve,
        cipher: createNodeCipher(),
        transport,
        ...(options.discovers
          ? { peers: [], discovery: this.discoveryOptions(index) }
          : { peers: this.peersOf(index) }),
        ...this.roleOf(place, options),
      });
      place.node = node;
      if (options.discovers) node.segmentsChanged(this.segmentsOf(index), this.world.now);
      return node;
    });
    return place;
  }

  private out(end: 'laptop' | 'internet', batch: PacketBatch): void {
    if (end === 'laptop') this.laptop.take(batch);
    for (let i = 0; i < batch.count; i++) {
      this.onPacket(end, batch.arena.subarray(batch.offsets[i], batch.offsets[i] + batch.lengths[i]));
    }
  }

  private wiresOf(index: number): Wire[] {
    return this.wires.filter(({ ends }) => ends.includes(index));
  }

  private segmentsOf(index: number): Segment[] {
    const port = NODE_PORT;
    return this.wiresOf(index).map((wire) => ({
      id: scopeOf(wire),
      name: `wire ${wire.id}`,
      medium: 'lan',
      ipv6: { port },
      ipv4: undefined,
    }));
  }

  private discoveryOptions(index: number): NonNullable<NodeOptions['discovery']> {
    const send = (segment: SegmentId, beacon: Uint8Array): void => {
      const wire = this.wires[segment - 1];
      const from = this.world.endpoint(wire, index);
      const { node } = this.places[wire.other(index)];
      const bytes = beacon.slice();
      if (!this.beaconsPass) return;
      this.world.cross(wire, index, bytes.length, () => node?.beacon(segment, from, bytes, this.world.now));
    };
    const place = this.places[index];
    const store = {
      load: () => [...place.peers],
      save: (lines: string[]) => {
        place.peers = lines;
      },
    };
    const socketOf = () => 0;
    return {
      accept: 'segment',
      beacons: { send },
      socketOf,
      memory: { store, places: { format: toHex, parse: fromHex } },
    };
  }

  private peersOf(index: number): PeerOptions[] {
    return this.wiresOf(index).map((wire) => {
      const other = wire.other(index);
      return { key: this.places[other].key, endpoint: this.world.endpoint(wire, other) };
    });
  }

  private roleOf(place: Place, options: NetworkOptions): Pick<NodeOptions, 'tunnel' | 'gateway'> {
    const mines = place.index === 0 || (options.everybodyMines && place.index < options.nodes - 1);
    if (mines) return { tunnel: this.tunnelOptions(place, options) };
    if (place.index === options.nodes - 1) return { gateway: this.gatewayOptions(place) };
    return {};
  }

  private tunnelOptions(place: Place, options: NetworkOptions): NonNullable<NodeOptions['tunnel']> {
    const hasLaptop = place.index === 0;
    const secret = secretOf(this.curve, hasLaptop ? `${options.seed} client` : `${options.seed} client ${place.index}`);
    return {
      gateway: options.discovers ? 'auto' : addressHash(this.places[options.nodes - 1].key),
      routeCount: options.routeCount,
      ...(options.redundancy !== undefined && { redundancy: options.redundancy }),
      mtuBytes: 1340,
      device: { write: (batch) => hasLaptop && this.out('laptop', batch) },
      clientSecret: () => secret.slice() as SecretKey,
      ownNetworks: [],
      leased: (lease) => {
        place.leasedAt ??= this.world.now;
        if (hasLaptop) this.leased = lease.address;
      },
    };
  }

  private gatewayOptions(place: Place): NonNullable<NodeOptions['gateway']> {
    const answer = (reply: PacketBatch): void => {
      this.gateway?.gatewayPackets(reply, this.world.now);
    };
    return {
      pool: { address: (10 << 24) | (64 << 16), prefixLength: 16 },
      resolver: (93 << 24) | (184 << 16) | (216 << 8) | 53,
      mtuBytes: 1340,
      ownNetworks: [],
      allow: [],
      store: {
        load: () => [...place.leases],
        save: (lines) => {
          place.leases = [...lines];
        },
      },
      tun: {
        write: (batch) => {
          this.out('internet', batch);
          this.internet.answer(batch, answer);
        },
      },
    };
  }
}

function secretOf(curve: Curve, name: string): SecretKey {
  const secret = new Uint8Array(createHash('sha256').update(utf8(name)).digest());
  if (!curve.isSecret(secret)) throw new Error('one hash in 2^128 is no scalar');
  return secret;
}
