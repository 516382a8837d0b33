/**
 * UDP sockets on node:dgram: the twin of the native ones where the addon is not to be had. Datagrams that arrived wait in
 * a bounded queue until `receive` takes them; one callback is due as long as the queue is not empty.
 *
 * Node can't set "don't fragment", so path MTU probing could be fooled by fragments: datagrams stay below what an
 * Ethernet carries whole.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { assert } from '../base/assert.ts';
import { readU16, toHex } from '../base/bytes.ts';
import { type DatagramBatch, ENDPOINT_BYTES } from '../base/datagram.ts';
import { listenFailure } from '../base/open-failure.ts';
import { encodeEndpoint, socketAddress } from './endpoint.ts';

/** 1,500 less the IPv4 and UDP headers. */
const MAX_DATAGRAM_BYTES = 1_472;
/** Received and not taken yet: 6 MB of the largest, some 100 ms at the rate that this path manages. */
export const QUEUE_DATAGRAMS = 4_096;
/** Handed to Node and not yet sent: Node queues without end, so the end is here. */
export const PENDING_SENDS = 1_024;
/** Peers whose address is kept in both spellings; a full cache starts anew. */
const CACHED_ADDRESSES = 1_024;
/** The kernel cuts it to net.core.rmem_max, wmem_max. */
const SOCKET_BUFFER_BYTES = 4 << 20;

type Listen = readonly { address: string; port: number }[];

/** Rejects with a Failure, with nothing left open, when one of the addresses can't be had. */
export async function openPortableUdp(listen: Listen): Promise<PortableUdp> {
  const sockets: Socket[] = [];
  for (const { address, port } of listen) {
    const ipv6 = address.includes(':');
    const socket = createSocket({
      type: ipv6 ? 'udp6' : 'udp4',
      ipv6Only: ipv6,
      // Every address is a literal: answer at once instead of asking the resolver's threads.
      lookup: (literal, _options, done) => done(null, literal, ipv6 ? 6 : 4),
    });
    sockets.push(socket);
    try {
      const listening = once(socket, 'listening');
      socket.bind({ address, port, exclusive: true });
      await listening;
      socket.setRecvBufferSize(SOCKET_BUFFER_BYTES);
      socket.setSendBufferSize(SOCKET_BUFFER_BYTES);
    } catch (error) {
      for (const opened of sockets) opened.close();
      throw listenFailure('udp', (error as NodeJS.ErrnoException).code, address, port);
    }
  }
  return new PortableUdp(sockets);
}

interface Received {
  readonly bytes: Uint8Array;
  readonly endpoint: Uint8Array;
}

export class PortableUdp {
  readonly maxDatagramBytes = MAX_DATAGRAM_BYTES;
  readonly local: readonly { address: string; port: number; family: 4 | 6 }[];
  readonly offloads = [];
  private readonly sockets: readonly Socket[];
  private queue: Received[] = [];
  private taken = 0;
  private pendingSends = 0;
  private callback: (() => void) | undefined;
  private callbackDue = false;
  private closed = false;
  private readonly count = { sent: 0, received: 0, sendDropped: 0, sendFailed: 0, receiveDropped: 0, truncated: 0 };
  private readonly endpoints = new Map<string, Uint8Array>();
  private readonly addresses = new Map<string, string>();

  constructor(sockets: readonly Socket[]) {
    this.sockets = sockets;
    this.local = sockets.map((socket) => {
      const { address, port, family } = socket.address();
      return { address, port, family: family === 'IPv6' ? 6 : 4 };
    });
    for (const [index, socket] of sockets.entries()) {
      socket.on('message', (bytes, from) => this.enqueue(bytes, from, index));
      socket.on('error', () => {
        this.count.sendFailed++;
      });
    }
  }

  send(batch: DatagramBatch): void {
    if (this.closed) return;
    for (let i = 0; i < batch.count; i++) {
      const endpoint = batch.endpoints.subarray(i * ENDPOINT_BYTES, (i + 1) * ENDPOINT_BYTES);
      const socketIndex = endpoint[0];
      const end = batch.offsets[i] + batch.lengths[i];
      if (end > batch.arena.length) throw new RangeError('an entry reaches outside its arena');
      if (this.local[socketIndex]?.family !== endpoint[1]) this.count.sendFailed++;
      else if (this.pendingSends >= PENDING_SENDS) this.count.sendDropped++;
      // Node may send later, when the arena holds other bytes: it gets a copy.
      else this.sendOne(socketIndex, batch.arena.slice(batch.offsets[i], end), endpoint);
    }
  }

  receive(batch: DatagramBatch): number {
    const capacity = batch.offsets.length;
    const slotBytes = Math.floor(batch.arena.length / capacity);
    assert(slotBytes > 0, 'an arena with room for each entry');
    batch.count = 0;
    while (this.taken < this.queue.length && batch.count < capacity) {
      const { bytes, endpoint } = this.queue[this.taken++];
      if (bytes.length > slotBytes) {
        this.count.truncated++;
        continue;
      }
      const offset = batch.count * slotBytes;
      batch.arena.set(bytes, offset);
      batch.offsets[batch.count] = offset;
      batch.lengths[batch.count] = bytes.length;
      batch.endpoints.set(endpoint, batch.count * ENDPOINT_BYTES);
      batch.count++;
    }
    if (this.taken === this.queue.length) {
      this.queue = [];
      this.taken = 0;
    }
    this.count.received += batch.count;
    return batch.count;
  }

  onReadable(callback: () => void): void {
    assert(this.callback === undefined, 'one callback');
    this.callback = callback;
    this.scheduleCallback();
  }

  counters() {
    return { ...this.count };
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.queue = [];
    this.taken = 0;
    for (const socket of this.sockets) socket.close();
  }

  private sendOne(socketIndex: number, bytes: Uint8Array, endpoint: Uint8Array): void {
    const key = toHex(endpoint);
    const address = this.addresses.get(key) ?? this.addAddress(key, endpoint);
    if (address === undefined) {
      this.count.sendFailed++;
      return;
    }
    this.pendingSends++;
    this.sockets[socketIndex].send(bytes, readU16(endpoint, 2), address, (error) => {
      this.pendingSends--;
      const code = (error as NodeJS.ErrnoException | null)?.code;
      if (code === undefined) this.count.sent++;
      else if (code === 'ENOBUFS' || code === 'EAGAIN') this.count.sendDropped++;
      else {
        this.count.sendFailed++;
        // Its interface may have another name by now.
        this.addresses.delete(key);
      }
    });
  }

  private enqueue(bytes: Uint8Array, from: RemoteInfo, socketIndex: number): void {
    const endpoint = this.endpointOf(from, socketIndex);
    if (this.queue.length - this.taken >= QUEUE_DATAGRAMS || endpoint === undefined) {
      this.count.receiveDropped++;
      return;
    }
    this.queue.push({ bytes, endpoint });
    this.scheduleCallback();
  }

  /** Like a level-triggered descriptor: whoever leaves something behind is called again. */
  private scheduleCallback(): void {
    if (this.callbackDue || this.callback === undefined || this.queue.length === 0) return;
    this.callbackDue = true;
    setImmediate(() => {
      this.callbackDue = false;
      if (this.closed || this.queue.length === 0) return;
      this.callback?.();
      this.scheduleCallback();
    });
  }

  private endpointOf(from: RemoteInfo, socketIndex: number): Uint8Array | undefined {
    const key = `${socketIndex} ${from.port} ${from.address}`;
    const known = this.endpoints.get(key);
    if (known !== undefined) return known;
    const endpoint = encodeEndpoint(socketIndex, from.family === 'IPv6' ? 6 : 4, from.address, from.port);
    if (endpoint === undefined) return undefined;
    if (this.endpoints.size >= CACHED_ADDRESSES) this.endpoints.clear();
    this.endpoints.set(key, endpoint);
    return endpoint;
  }

  private addAddress(key: string, endpoint: Uint8Array): string | undefined {
    const address = socketAddress(endpoint);
    if (address === undefined) return undefined;
    if (this.addresses.size >= CACHED_ADDRESSES) this.addresses.clear();
    this.addresses.set(key, address);
    return address;
  }
}
