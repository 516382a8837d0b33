/**
 * Runs one scenario of TCP streams, alone in a network namespace that its test made, and prints what it found as one JSON line:
 * `stream-scenario.ts NAME`. Waits for events only.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createDatagramBatch, type DatagramBatch, ENDPOINT_BYTES, STREAM_SOCKET } from '../../../src/base/datagram.ts';
import { Failure } from '../../../src/base/failure.ts';
import { encodeEndpoint } from '../../../src/os/endpoint.ts';
import { MAX_ANSWERED, STREAM_MAX_DATAGRAM_BYTES, TcpStreams } from '../../../src/os/tcp-streams.ts';

const LOOPBACK = ['127.0.0.1', '::1'];
const SIZES = [1, 48, 1_200, STREAM_MAX_DATAGRAM_BYTES];

interface Arrived {
  readonly bytes: Uint8Array;
  readonly endpoint: Uint8Array;
}

/** Streams, and a way to wait for what comes in. */
class End {
  readonly streams: TcpStreams;
  private readonly arrived: Arrived[] = [];
  private waiting = () => {};

  constructor(dialled: readonly Uint8Array[] = []) {
    this.streams = new TcpStreams(dialled);
    this.streams.onDatagrams((batch) => {
      for (let i = 0; i < batch.count; i++) this.arrived.push(entryOf(batch, i));
      this.waiting();
    });
  }

  send(bytes: Uint8Array, endpoint: Uint8Array): void {
    const batch = createDatagramBatch(1, Math.max(1, bytes.length));
    batch.arena.set(bytes);
    batch.lengths[0] = bytes.length;
    batch.endpoints.set(endpoint);
    this.streams.send(batch, 0);
  }

  async take(count: number): Promise<Arrived[]> {
    while (this.arrived.length < count) await new Promise<void>((resolve) => (this.waiting = resolve));
    return this.arrived.splice(0, count);
  }
}

function entryOf(batch: DatagramBatch, i: number): Arrived {
  return {
    bytes: batch.arena.slice(batch.offsets[i], batch.offsets[i] + batch.lengths[i]),
    endpoint: batch.endpoints.slice(i * ENDPOINT_BYTES, (i + 1) * ENDPOINT_BYTES),
  };
}

function streamAt(address: string, port: number): Uint8Array {
  return encodeEndpoint(STREAM_SOCKET, address.includes(':') ? 6 : 4, address, port)!;
}

async function listening(): Promise<{ end: End; places: Uint8Array[]; ports: number[] }> {
  const end = new End();
  await end.streams.listen(LOOPBACK.map((address) => ({ address, port: 0 })));
  const ports = end.streams.local.map(({ port }) => port);
  return { end, ports, places: ports.map((port, i) => streamAt(LOOPBACK[i], port)) };
}

/** A stream that is none of ours. */
async function rawStream(port: number): Promise<Socket> {
  const socket = connect({ host: LOOPBACK[0], port });
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

const scenarios: Record<string, () => Promise<unknown>> = {
  async exchange() {
    const { end: answering, places } = await listening();
    const calling = new End(places);
    const seen: number[] = [];
    const answers: number[] = [];
    for (const place of places) {
      for (const size of SIZES) calling.send(new Uint8Array(size).fill(size), place);
      for (const { bytes, endpoint } of await answering.take(SIZES.length)) {
        seen.push(bytes.every((byte) => byte === bytes.length % 256) ? bytes.length : -1);
        answering.send(bytes, endpoint);
      }
      const from = await calling.take(SIZES.length);
      answers.push(...from.map(({ endpoint }) => Buffer.compare(endpoint, place)));
    }
    for (const end of [calling, answering]) end.streams.close();
    return { seen, answers, calling: calling.streams.counters(), answering: answering.streams.counters() };
  },

  async limits() {
    const { end: answering, places, ports } = await listening();
    const stranger = new End();
    stranger.send(new Uint8Array(48), places[0]);
    const calling = new End(places);
    calling.send(new Uint8Array(STREAM_MAX_DATAGRAM_BYTES + 1), places[0]);
    const lengthOfNone: string[] = [];
    for (const length of [0, STREAM_MAX_DATAGRAM_BYTES + 1]) {
      const socket = await rawStream(ports[0]);
      socket.write(Uint8Array.of(length >> 8, length & 0xff, 1, 2, 3));
      await once(socket, 'close');
      lengthOfNone.push('closed');
    }
    const cut = await rawStream(ports[0]);
    for (const byte of [0, 3, 7, 8, 9]) {
      cut.write(Uint8Array.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    const [{ bytes }] = await answering.take(1);
    for (const end of [stranger, calling, answering]) end.streams.close();
    return {
      strange: stranger.streams.counters().sendDropped,
      tooLong: calling.streams.counters().sendDropped,
      lengthOfNone,
      inPieces: [...bytes],
    };
  },

  async again() {
    const { end: answering, places, ports } = await listening();
    const calling = new End(places);
    calling.send(Uint8Array.of(1), places[0]);
    const [{ endpoint: first }] = await answering.take(1);
    answering.streams.close();
    const second = new End();
    await second.streams.listen([{ address: LOOPBACK[0], port: ports[0] }]);
    // The one that broke is only known to be once its end has come.
    let arrived: Arrived[] = [];
    void second.take(1).then((got) => (arrived = got));
    while (arrived.length === 0) {
      calling.send(Uint8Array.of(2), places[0]);
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (const end of [calling, second]) end.streams.close();
    return { bytes: [...arrived[0].bytes], isAnother: Buffer.compare(first, arrived[0].endpoint) !== 0 };
  },

  async crowd() {
    const { end, ports } = await listening();
    const sockets: Socket[] = [];
    for (let i = 0; i < MAX_ANSWERED; i++) sockets.push(await rawStream(ports[0]));
    const late = await rawStream(ports[0]);
    await once(late, 'close');
    const refused = end.streams.counters().refused;
    const gone = once(sockets[0], 'close');
    sockets[0].destroy();
    await gone;
    end.streams.close();
    for (const socket of sockets) socket.destroy();
    return { refused };
  },

  async taken() {
    const { end, ports } = await listening();
    const second = new End();
    const problem = await second.streams.listen([{ address: LOOPBACK[0], port: ports[0] }]).catch((error) => error);
    end.streams.close();
    return problem instanceof Failure ? { code: problem.code, message: problem.message } : { problem: String(problem) };
  },
};

execFileSync('ip', ['link', 'set', 'lo', 'up']);
process.stdout.write(`${JSON.stringify(await scenarios[process.argv[2]]())}\n`);
