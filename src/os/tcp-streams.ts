/**
 * Datagrams in TCP streams, for wires that let no UDP through (docs/protocol.md section 2.5). A datagram in a stream is its length, u16, and its
 * bytes. To everything above a stream is one more address of a neighbour: an endpoint on the socket STREAM_SOCKET, whose address and port are those
 * of the stream's far end.
 *
 * A stream is dialled when something is to be sent to one of the endpoints that were named beforehand, and again when it broke; those that others
 * dialled are answered for as long as they last. What finds no stream, or one whose queue is full, is lost, as on any wire.
 *
 * Bounds: 128 streams that others dialled, refused beyond; each is closed when it is silent for a minute, brings a length that no datagram has, or
 * takes 10 s to open; 64 KiB wait in each at most.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, Socket } from 'node:net';
import { readU16, toHex, writeU16 } from '../base/bytes.ts';
import { createDatagramBatch, type DatagramBatch, ENDPOINT_BYTES, STREAM_SOCKET } from '../base/datagram.ts';
import { listenFailure } from '../base/open-failure.ts';
import { encodeEndpoint, socketAddress } from './endpoint.ts';

/** As large as the largest path MTU that links probe for (docs/protocol.md section 3.1). */
export const STREAM_MAX_DATAGRAM_BYTES = 8_944;
const LENGTH_BYTES = 2;
const BATCH_DATAGRAMS = 64;
export const MAX_ANSWERED = 128;
/** What a slow line takes in a quarter of a second: a longer queue would only delay. */
const MAX_WAITING_BYTES = 65_536;
/** Links send something every 10 s. */
const SILENT_MS = 60_000;
const OPEN_WITHIN_MS = 10_000;

type Listen = readonly { readonly address: string; readonly port: number }[];

export function isStreamEndpoint(endpoints: Uint8Array, at: number): boolean {
  return endpoints[at] === STREAM_SOCKET;
}

interface Stream {
  readonly socket: Socket;
  readonly endpoint: Uint8Array;
  /** The beginning of a datagram that has not arrived whole. */
  rest: Uint8Array;
}

export class TcpStreams {
  private readonly dialled: ReadonlySet<string>;
  private readonly servers: Server[] = [];
  /** By endpoint in hex. */
  private readonly streams = new Map<string, Stream>();
  private readonly batch = createDatagramBatch(BATCH_DATAGRAMS, BATCH_DATAGRAMS * STREAM_MAX_DATAGRAM_BYTES);
  private callback: (batch: DatagramBatch) => void = () => {};
  private answered = 0;
  private closed = false;
  private readonly count = { sent: 0, received: 0, sendDropped: 0, refused: 0 };

  /** `dialled`: where a stream may be begun, on STREAM_SOCKET. */
  constructor(dialled: readonly Uint8Array[]) {
    this.dialled = new Set(dialled.map(toHex));
  }

  /** @throws Failure, with nothing left open, when one of the addresses can't be had */
  async listen(addresses: Listen): Promise<void> {
    for (const { address, port } of addresses) {
      const server = createServer({ noDelay: true }, (socket) => this.accept(socket));
      this.servers.push(server);
      try {
        const listening = once(server, 'listening');
        server.listen({ host: address, port, ipv6Only: true });
        await listening;
      } catch (error) {
        this.close();
        throw listenFailure('tcp', (error as NodeJS.ErrnoException).code, address, port);
      }
    }
  }

  /** Once: what arrived, to be read before `callback` returns. */
  onDatagrams(callback: (batch: DatagramBatch) => void): void {
    this.callback = callback;
  }

  /** Sends one datagram of a batch, whose endpoint is on STREAM_SOCKET. */
  send(batch: DatagramBatch, index: number): void {
    const endpoint = batch.endpoints.subarray(index * ENDPOINT_BYTES, (index + 1) * ENDPOINT_BYTES);
    const name = toHex(endpoint);
    const stream = this.streams.get(name) ?? this.dial(name, endpoint);
    const length = batch.lengths[index];
    const isFull = stream !== undefined && stream.socket.writableLength > MAX_WAITING_BYTES;
    if (stream === undefined || isFull || length > STREAM_MAX_DATAGRAM_BYTES) {
      this.count.sendDropped++;
      return;
    }
    const bytes = new Uint8Array(LENGTH_BYTES + length);
    writeU16(bytes, 0, length);
    bytes.set(batch.arena.subarray(batch.offsets[index], batch.offsets[index] + length), LENGTH_BYTES);
    stream.socket.write(bytes);
    this.count.sent++;
  }

  /** Where it listens; the port is the real one when 0 was asked for. */
  get local(): { address: string; port: number }[] {
    return this.servers
      .map((server) => server.address() as AddressInfo)
      .map(({ address, port }) => ({ address, port }));
  }

  counters() {
    return { ...this.count };
  }

  close(): void {
    this.closed = true;
    for (const server of this.servers) server.close();
    for (const { socket } of this.streams.values()) socket.destroy();
  }

  private dial(name: string, endpoint: Uint8Array): Stream | undefined {
    const host = this.dialled.has(name) && !this.closed ? socketAddress(endpoint) : undefined;
    if (host === undefined) return undefined;
    const socket = new Socket();
    // What is sent meanwhile waits in the socket.
    socket.setTimeout(OPEN_WITHIN_MS);
    socket.once('connect', () => socket.setTimeout(SILENT_MS));
    socket.setNoDelay(true);
    socket.connect({ host, port: readU16(endpoint, 2) });
    return this.add(name, socket, endpoint.slice());
  }

  private accept(socket: Socket): void {
    const { remoteAddress, remotePort, remoteFamily } = socket;
    const family = remoteFamily === 'IPv6' ? 6 : 4;
    const endpoint =
      remoteAddress === undefined || remotePort === undefined || this.answered >= MAX_ANSWERED
        ? undefined
        : encodeEndpoint(STREAM_SOCKET, family, remoteAddress, remotePort);
    if (endpoint === undefined) {
      this.count.refused++;
      socket.destroy();
      return;
    }
    this.answered++;
    socket.once('close', () => this.answered--);
    socket.setTimeout(SILENT_MS);
    this.add(toHex(endpoint), socket, endpoint);
  }

  private add(name: string, socket: Socket, endpoint: Uint8Array): Stream {
    const stream: Stream = { socket, endpoint, rest: new Uint8Array() };
    this.streams.set(name, stream);
    socket.on('data', (bytes) => this.read(stream, bytes));
    socket.on('timeout', () => socket.destroy());
    // 'close' follows, which is what counts.
    socket.on('error', () => {});
    socket.on('close', () => {
      if (this.streams.get(name) === stream) this.streams.delete(name);
    });
    return stream;
  }

  private read(stream: Stream, arrived: Uint8Array): void {
    const bytes = stream.rest.length === 0 ? arrived : Buffer.concat([stream.rest, arrived]);
    let at = 0;
    while (at + LENGTH_BYTES <= bytes.length) {
      const length = readU16(bytes, at);
      if (length === 0 || length > STREAM_MAX_DATAGRAM_BYTES) {
        stream.socket.destroy();
        break;
      }
      const end = at + LENGTH_BYTES + length;
      if (end > bytes.length) break;
      this.append(bytes.subarray(at + LENGTH_BYTES, end), stream.endpoint);
      at = end;
    }
    stream.rest = bytes.slice(at);
    this.deliver();
  }

  private append(datagram: Uint8Array, endpoint: Uint8Array): void {
    const { batch } = this;
    const offset = batch.count * STREAM_MAX_DATAGRAM_BYTES;
    batch.arena.set(datagram, offset);
    batch.offsets[batch.count] = offset;
    batch.lengths[batch.count] = datagram.length;
    batch.endpoints.set(endpoint, batch.count * ENDPOINT_BYTES);
    batch.count++;
    if (batch.count === BATCH_DATAGRAMS) this.deliver();
  }

  private deliver(): void {
    if (this.batch.count === 0) return;
    this.count.received += this.batch.count;
    if (!this.closed) this.callback(this.batch);
    this.batch.count = 0;
  }
}
