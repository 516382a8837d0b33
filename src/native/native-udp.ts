/** UDP sockets over the addon: batches straight into and out of the kernel, nothing allocated a datagram. */
import type { DatagramBatch, DatagramTransport } from '../base/datagram.ts';
import { listenFailure } from '../base/open-failure.ts';
import type { Cipher } from '../crypto/cipher.ts';
import type { SealedTransport } from '../crypto/sealed-transport.ts';
import type { Addon, LocalAddress, UdpCounters } from './addon.ts';
import { ThreadedSealing } from './threaded-sealing.ts';

/** 65,535 less the IPv4 and UDP headers. */
const MAX_DATAGRAM_BYTES = 65_507;

/** Throws a Failure, with nothing left open, when one of the addresses can't be had. */
export function openNativeUdp(addon: Addon, listen: readonly { address: string; port: number }[]): NativeUdp {
  const device = addon.udpOpen();
  const local: LocalAddress[] = [];
  for (const { address, port } of listen) {
    try {
      local.push(addon.udpBind(device, address, port));
    } catch (error) {
      addon.close(device);
      throw listenFailure('udp', (error as NodeJS.ErrnoException).code, address, port);
    }
  }
  return new NativeUdp(addon, device, local);
}

export class NativeUdp {
  readonly maxDatagramBytes = MAX_DATAGRAM_BYTES;
  /** In the order of the socket index in endpoints; the port is the real one when 0 was asked for. */
  readonly local: readonly LocalAddress[];
  private readonly addon: Addon;
  private readonly device: number;
  private lastCounters: UdpCounters | undefined;

  constructor(addon: Addon, device: number, local: readonly LocalAddress[]) {
    this.addon = addon;
    this.device = device;
    this.local = local;
  }

  send(batch: DatagramBatch): void {
    if (this.lastCounters !== undefined) return;
    this.addon.udpSend(this.device, batch.arena, batch.offsets, batch.lengths, batch.endpoints, batch.count);
  }

  /** Seals by the addon's cipher and sends on a thread; undefined where none can be had. Once. */
  sealOnThread(
    cipher: Cipher,
    transport: DatagramTransport,
    capacity: number,
    arenaBytes: number,
  ): SealedTransport | undefined {
    return ThreadedSealing.begin(
      this.addon,
      this.device,
      () => this.lastCounters === undefined,
      cipher,
      transport,
      capacity,
      arenaBytes,
    );
  }

  /**
   * Fills the batch with what has arrived; returns and sets its count. Datagrams longer than the arena's length over the
   * batch's capacity are dropped and counted.
   */
  receive(batch: DatagramBatch): number {
    batch.count = 0;
    if (this.lastCounters !== undefined) return 0;
    batch.count = this.addon.udpReceive(this.device, batch.arena, batch.offsets, batch.lengths, batch.endpoints);
    return batch.count;
  }

  /** Once: `callback` runs whenever there is something to receive, again and again until it was received. */
  onReadable(callback: () => void): void {
    this.addon.watch(this.device, callback);
  }

  get offloads(): ('udp-send' | 'udp-receive')[] {
    if (this.lastCounters !== undefined) return [];
    const { send, receive } = this.addon.udpOffloads(this.device);
    return [...(send ? (['udp-send'] as const) : []), ...(receive ? (['udp-receive'] as const) : [])];
  }

  counters(): UdpCounters {
    return this.lastCounters ?? this.addon.udpCounters(this.device);
  }

  close(): void {
    if (this.lastCounters !== undefined) return;
    this.lastCounters = this.addon.udpCounters(this.device);
    this.addon.close(this.device);
  }
}
