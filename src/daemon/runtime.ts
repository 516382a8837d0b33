/**
 * Drives the deterministic node from real sockets: reads what is readable in batches, lets the node answer, and keeps
 * one timer for the time that the node names, precise enough to pace datagrams that take 0.1 ms each. Everything happens on the event loop's one thread, so nothing is locked.
 */
import { createDatagramBatch, createPacketBatch, type DatagramBatch, type PacketBatch } from '../base/datagram.ts';
import type { Node } from '../node/node.ts';
import type { PreciseTimer, Tun, UdpSockets } from '../os/datapath.ts';
import type { Segments } from '../os/segments.ts';
import type { TcpStreams } from '../os/tcp-streams.ts';

/** Datagrams of one read: 64 x 2 KiB fit the L2 cache of a Cortex-A53 beside the rest. */
const BATCH_DATAGRAMS = 64;
const BATCH_BYTES = BATCH_DATAGRAMS * 2048;
/** Packets of one read: two superpackets of 64 KiB and more, or 64 single ones. */
const PACKET_BATCH_BYTES = 256 * 1024;
/** Reads in a row before timers, the control socket and what waits at the other devices get their turn: a ping beside a download has half a millisecond less with 2 than with 8. */
const MAX_ROUNDS = 2;
/** 10,000 wake-ups a second at most: on a fast link several datagrams are due by then, and leave in one system call. */
const SHORTEST_SLEEP_MS = 0.1;
/** Well within what timers hold; a minute is often enough. */
const LONGEST_SLEEP_MS = 60_000;

export interface RuntimeDevices {
  readonly timer: PreciseTimer;
  readonly udp: UdpSockets;
  readonly streams: TcpStreams;
  /** One for each of the node's uplinks, in their order; empty without a LAN. */
  readonly lanTuns: readonly Tun[];
  readonly gatewayTun: Tun | undefined;
  readonly segments: Segments;
}

export class Runtime {
  private readonly node: Node;
  private readonly devices: RuntimeDevices;
  private readonly datagrams: DatagramBatch = createDatagramBatch(BATCH_DATAGRAMS, BATCH_BYTES);
  private readonly packets: PacketBatch = createPacketBatch(BATCH_DATAGRAMS, PACKET_BATCH_BYTES);
  /** What the timer was armed for. Armed anew only for an earlier time; a later one is asked for when this has come. */
  private timerAt = Number.POSITIVE_INFINITY;
  private running = false;

  constructor(node: Node, devices: RuntimeDevices) {
    this.node = node;
    this.devices = devices;
  }

  start(): void {
    this.running = true;
    const { timer, udp, streams, lanTuns, gatewayTun, segments } = this.devices;
    timer.onDue(() => this.onTimer());
    udp.onReadable(() => this.readDatagrams());
    streams.onDatagrams((batch) => this.act((node) => node.receive(batch, now())));
    for (const [i, tun] of lanTuns.entries()) {
      const uplink = this.node.uplinks[i];
      tun.onReadable(() => this.readPackets(tun, (batch, now) => this.node.lanPackets(batch, now, uplink)));
    }
    gatewayTun?.onReadable(() => this.readPackets(gatewayTun, (batch, now) => this.node.gatewayPackets(batch, now)));
    this.node.start(now());
    segments.start({
      changed: (present) => this.act((node) => node.segmentsChanged(present, now())),
      heard: (segment, endpoint, bytes) => this.act((node) => node.beacon(segment, endpoint, bytes, now())),
    });
    this.settle();
  }

  /** Says goodbye to the neighbours; the devices are closed by whoever opened them. */
  stop(): void {
    if (!this.running) return;
    this.running = false;
    this.node.stop(now());
    this.node.drain(now());
  }

  /** Runs `action` on the node and sends what comes of it: for requests from the control socket. */
  act<T>(action: (node: Node, now: number) => T): T {
    const result = action(this.node, now());
    this.settle();
    return result;
  }

  private readDatagrams(): void {
    this.receive();
    this.settle();
  }

  /** True when more may have arrived than was read. */
  private receive(): boolean {
    for (let round = 0; round < MAX_ROUNDS && this.running; round++) {
      const count = this.devices.udp.receive(this.datagrams);
      if (count > 0) this.node.receive(this.datagrams, now());
      if (count < BATCH_DATAGRAMS) return false;
      this.node.drain(now());
    }
    return true;
  }

  private readPackets(tun: Tun, deliver: (batch: PacketBatch, now: number) => void): void {
    for (let round = 0; round < MAX_ROUNDS && this.running; round++) {
      const count = tun.read(this.packets);
      if (count > 0) deliver(this.packets, now());
      if (count < BATCH_DATAGRAMS) break;
      this.node.drain(now());
    }
    this.settle();
  }

  private settle(): void {
    if (!this.running) return;
    this.node.drain(now());
    this.arm(this.node.nextWakeAt());
  }

  private arm(at: number): void {
    if (at >= this.timerAt) return;
    this.timerAt = at;
    this.devices.timer.arm(Math.min(Math.max(SHORTEST_SLEEP_MS, at - now()), LONGEST_SLEEP_MS));
  }

  private onTimer(): void {
    if (!this.running) return;
    this.timerAt = Number.POSITIVE_INFINITY;
    // After a pause of the process both are due. What arrived goes first: an acknowledgement that lies unread is not late.
    const more = this.receive();
    if (!this.running) return;
    this.node.wake(now());
    this.settle();
    if (more) this.arm(now());
  }
}

function now(): number {
  return performance.now();
}
