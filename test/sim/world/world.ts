/**
 * A whole network in one process: real nodes on simulated wires, a virtual clock, one seed. The same seed gives the same
 * bytes at the same times, which `traceHash` proves.
 *
 * Endpoints of the simulation: link-local, fe80::INDEX of the node, on the wire that the scope names, from 1 on.
 */
import { createHash } from 'node:crypto';
import { readU32, writeU16, writeU32 } from '../../../src/base/bytes.ts';
import {
  createDatagramBatch,
  type DatagramBatch,
  type DatagramTransport,
  ENDPOINT_BYTES,
} from '../../../src/base/datagram.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { EventHeap } from './event-heap.ts';
import { CLEAN_WIRE, Wire, type WireShape } from './wire.ts';

/** What the world drives: a Node, or anything of its shape. */
export interface Machine {
  start(now: number): void;
  stop(now: number): void;
  receive(batch: DatagramBatch, now: number): void;
  wake(now: number): void;
  nextWakeAt(): number;
  drain(now: number): void;
}

/** Makes a fresh machine: at the start, and again after every crash. */
export type Boot = (transport: DatagramTransport, random: SeededRandom) => Machine;

interface Host {
  readonly name: string;
  readonly boot: Boot;
  boots: number;
  machine: Machine | undefined;
  wakeAt: number;
}

/** Where all nodes of a simulation listen. */
export const NODE_PORT = 6969;
// Endpoints, as src/base/datagram.ts has them.
const ADDRESS_AT = 4;
const HOST_AT = 16;
const SCOPE_AT = 20;

/** The number of the interface that a wire is at both its ends. */
export function scopeOf(wire: Wire): number {
  return wire.id + 1;
}

/** The wall clock of the world at virtual time zero. */
const EPOCH_MS = Date.UTC(2026, 0, 1);

export interface WorldOptions {
  /** Largest UDP payload that a host's transport takes. */
  readonly datagramBytes: number;
  /** Whether `traceHash` is kept, which costs as much as the rest of the world. */
  readonly traced: boolean;
}

const ETHERNET: WorldOptions = { datagramBytes: 1_472, traced: true };

export class World {
  readonly seed: number;
  readonly options: WorldOptions;
  now = 0;
  /** Called with every datagram put on a wire, before it can be lost. */
  watch: (datagram: Uint8Array) => void = () => {};
  readonly wires: Wire[] = [];
  private readonly hosts: Host[] = [];
  private readonly events = new EventHeap();
  private readonly trace = createHash('sha256');
  private readonly stamp = new Float64Array(2);
  private readonly arriving = createDatagramBatch(1, 65_536);

  constructor(seed: number, options: Partial<WorldOptions> = {}) {
    this.seed = seed;
    this.options = { ...ETHERNET, ...options };
  }

  random(name: string): SeededRandom {
    return new SeededRandom(this.seed, name);
  }

  wallMs(): number {
    return EPOCH_MS + this.now;
  }

  addHost(name: string, boot: Boot): number {
    this.hosts.push({ name, boot, boots: 0, machine: undefined, wakeAt: Number.POSITIVE_INFINITY });
    return this.hosts.length - 1;
  }

  connect(a: number, b: number, shape: Partial<WireShape> = {}): Wire {
    const id = this.wires.length;
    const wire = new Wire(id, [a, b], { ...CLEAN_WIRE, ...shape }, this.random(`wire ${id}`));
    this.wires.push(wire);
    return wire;
  }

  /** How the host at one end of a wire addresses the other. */
  endpoint(wire: Wire, to: number): Uint8Array {
    const endpoint = new Uint8Array(ENDPOINT_BYTES);
    endpoint[1] = 6;
    writeU16(endpoint, 2, NODE_PORT);
    writeU16(endpoint, ADDRESS_AT, 0xfe80);
    writeU32(endpoint, HOST_AT, to);
    writeU32(endpoint, SCOPE_AT, scopeOf(wire));
    return endpoint;
  }

  /** Something that is no datagram of a link crosses a wire as one would: it may be lost, doubled, late. */
  cross(wire: Wire, from: number, bytes: number, arrive: () => void): void {
    for (const at of wire.arrivals(from, bytes, this.now)) {
      this.events.add(at, () => {
        if (wire.up) this.act(wire.other(from), arrive);
      });
    }
  }

  boot(index: number): void {
    const host = this.hosts[index];
    const random = this.random(`host ${host.name} boot ${host.boots++}`);
    const transport: DatagramTransport = {
      maxDatagramBytes: this.options.datagramBytes,
      send: (batch) => this.send(index, batch),
    };
    host.machine = host.boot(transport, random);
    host.machine.start(this.now);
    this.settle(host);
  }

  /** The power goes: no goodbye, nothing left in memory. */
  crash(index: number): void {
    const host = this.hosts[index];
    host.machine = undefined;
    host.wakeAt = Number.POSITIVE_INFINITY;
  }

  isUp(index: number): boolean {
    return this.hosts[index].machine !== undefined;
  }

  at(time: number, run: () => void): void {
    this.events.add(Math.max(time, this.now), run);
  }

  /** Lets a host take input that came from outside the wires (a packet of its LAN), then sends what comes of it. */
  act(index: number, run: (machine: Machine) => void): void {
    const host = this.hosts[index];
    if (host.machine === undefined) return;
    run(host.machine);
    this.settle(host);
  }

  /** Runs until the given time, calling `step` after every event. */
  run(until: number, step: () => void = () => {}): void {
    while (this.events.nextAt() <= until) {
      const event = this.events.take();
      this.now = event.at;
      event.run();
      step();
    }
    this.now = until;
  }

  /** Hash over every datagram delivered so far, with its time and its ends. */
  traceHash(): string {
    return this.trace.copy().digest('hex');
  }

  private send(from: number, batch: DatagramBatch): void {
    for (let i = 0; i < batch.count; i++) {
      const endpointAt = i * ENDPOINT_BYTES;
      const wire = this.wires[readU32(batch.endpoints, endpointAt + SCOPE_AT) - 1];
      const to = readU32(batch.endpoints, endpointAt + HOST_AT);
      if (wire === undefined || wire.other(from) !== to) continue;
      const datagram = batch.arena.slice(batch.offsets[i], batch.offsets[i] + batch.lengths[i]);
      this.watch(datagram);
      for (const at of wire.arrivals(from, datagram.length, this.now)) {
        this.events.add(at, () => this.deliver(wire, from, to, datagram));
      }
    }
  }

  private deliver(wire: Wire, from: number, to: number, datagram: Uint8Array): void {
    const host = this.hosts[to];
    if (!wire.up || host.machine === undefined) return;
    if (this.options.traced) {
      this.stamp[0] = this.now;
      this.stamp[1] = from * 65_536 + to;
      this.trace.update(new Uint8Array(this.stamp.buffer)).update(datagram);
    }
    const { arriving } = this;
    arriving.arena.set(datagram);
    arriving.count = 1;
    arriving.offsets[0] = 0;
    arriving.lengths[0] = datagram.length;
    arriving.endpoints.set(this.endpoint(wire, from));
    host.machine.receive(arriving, this.now);
    this.settle(host);
  }

  private settle(host: Host): void {
    const { machine } = host;
    if (machine === undefined) return;
    machine.drain(this.now);
    const at = Math.max(machine.nextWakeAt(), this.now);
    if (at >= host.wakeAt || at === Number.POSITIVE_INFINITY) return;
    host.wakeAt = at;
    this.events.add(at, () => this.wake(host, machine, at));
  }

  private wake(host: Host, machine: Machine, at: number): void {
    // A crash or an earlier wake-up makes this one stale.
    if (host.machine !== machine || host.wakeAt !== at) return;
    host.wakeAt = Number.POSITIVE_INFINITY;
    machine.wake(this.now);
    this.settle(host);
  }
}
