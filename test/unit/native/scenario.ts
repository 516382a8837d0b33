/**
 * Runs one scenario on one data path, alone in a network namespace that its test made, and prints what it found as one
 * JSON line: `scenario.ts native|portable NAME`. Waits for events only; the process ends by itself when all was closed.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { readU32, writeU32 } from '../../../src/base/bytes.ts';
import {
  createDatagramBatch,
  createPacketBatch,
  type DatagramBatch,
  ENDPOINT_BYTES,
  type PacketBatch,
  STREAM_SOCKET,
} from '../../../src/base/datagram.ts';
import { Failure } from '../../../src/base/failure.ts';
import { type Cipher, JOB_OK, JOB_WORDS, TAG_BYTES, writeJob } from '../../../src/crypto/cipher.ts';
import { loadNative } from '../../../src/native/index.ts';
import { type Datapath, portableDatapath, type Tun, type UdpSockets } from '../../../src/os/datapath.ts';
import { encodeEndpoint, formatEndpoint } from '../../../src/os/endpoint.ts';
import { QUEUE_PACKETS } from '../../../src/os/portable-tun.ts';
import { QUEUE_DATAGRAMS } from '../../../src/os/portable-udp.ts';
import { completeChecksum, MAX_SEGMENTS, packetProblem, SuperpacketCutter } from '../../../src/wire/superpacket.ts';
import { echoRequest, isEchoReply } from './icmp.ts';
import { isTcp, seededRandom, streamAndContent, TcpStream } from './tcp-streams.ts';

const LOOPBACK = ['127.0.0.1', '::1'];

function ip(...args: string[]): void {
  execFileSync('ip', args);
}

function listenOn(addresses: readonly string[], port = 0) {
  return addresses.map((address) => ({ address, port }));
}

/** Where socket `index` of `to` is reached from a transport that listens in the same order. */
function endpointOf(to: UdpSockets, index: number): Uint8Array {
  const { family, address, port } = to.local[index];
  return encodeEndpoint(index, family, address, port)!;
}

function put(batch: DatagramBatch, bytes: Uint8Array, endpoint: Uint8Array): void {
  const last = batch.count - 1;
  const at = last < 0 ? 0 : batch.offsets[last] + batch.lengths[last];
  batch.arena.set(bytes, at);
  batch.offsets[batch.count] = at;
  batch.lengths[batch.count] = bytes.length;
  batch.endpoints.set(endpoint, batch.count * ENDPOINT_BYTES);
  batch.count++;
}

/** Copies of what comes in, until `wanted` datagrams are there. */
function collect(sockets: UdpSockets, wanted: number, batch: DatagramBatch) {
  return new Promise<{ bytes: Uint8Array; endpoint: Uint8Array }[]>((resolve) => {
    const got: { bytes: Uint8Array; endpoint: Uint8Array }[] = [];
    sockets.onReadable(() => {
      while (sockets.receive(batch) > 0) {
        for (let i = 0; i < batch.count; i++) {
          got.push({
            bytes: batch.arena.slice(batch.offsets[i], batch.offsets[i] + batch.lengths[i]),
            endpoint: batch.endpoints.slice(i * ENDPOINT_BYTES, (i + 1) * ENDPOINT_BYTES),
          });
        }
      }
      if (got.length >= wanted) resolve(got);
    });
  });
}

/** Lengths with runs of equals (which native sends as segments), a shorter end, and ones that rise. */
const LENGTHS = [1200, 1200, 1200, 1200, 300, 1, 2, 3, 1472, 1472, 1400, 1400, 1400, 64, 64, 64];
const ROUNDS = 6;
const RUN_DATAGRAMS = 200;
const SEALED_ROUNDS = 2_000;
const SEALED_DATAGRAMS = 64;
const SEALED_BYTES = 1_472;
const HEADER_BYTES = 16;

async function udpExchange(datapath: Datapath) {
  const a = await datapath.openUdp(listenOn(LOOPBACK));
  const b = await datapath.openUdp(listenOn(LOOPBACK));
  const batch = createDatagramBatch(256, 512 * 1024);
  const wanted: string[] = [];
  for (let n = 0; n < ROUNDS * LENGTHS.length; n++) {
    const bytes = new Uint8Array(LENGTHS[n % LENGTHS.length]).fill(n);
    const index = Math.floor(n / 8) % 2;
    put(batch, bytes, endpointOf(b, index));
    wanted.push(`${index} ${n} ${bytes.length}`);
  }
  const atB = collect(b, wanted.length, createDatagramBatch(32, 32 * 2048));
  a.send(batch);
  const received = await atB;
  const seen = received.map(({ bytes, endpoint }) => `${endpoint[0]} ${bytes[0]} ${bytes.length}`);
  const sources = new Set(received.map(({ endpoint }) => formatEndpoint(endpoint)));

  // Answers go to the endpoints as they came in.
  batch.count = 0;
  for (const { bytes, endpoint } of received) put(batch, bytes, endpoint);
  const atA = collect(a, received.length, createDatagramBatch(256, 512 * 1024));
  b.send(batch);
  const answers = await atA;
  a.close();
  b.close();
  return {
    wanted: wanted.sort(),
    seen: seen.sort(),
    sources: [...sources].sort(),
    local: [formatEndpoint(endpointOf(a, 0)), formatEndpoint(endpointOf(a, 1))].sort(),
    answers: answers.length,
    a: a.counters(),
    b: b.counters(),
  };
}

async function udpLimits(datapath: Datapath) {
  const a = await datapath.openUdp(listenOn(['127.0.0.1']));
  const b = await datapath.openUdp(listenOn(['127.0.0.1']));
  const batch = createDatagramBatch(8, 8 * 2048);
  put(batch, new Uint8Array(600).fill(1), endpointOf(b, 0));
  put(batch, new Uint8Array(512).fill(2), endpointOf(b, 0));
  put(batch, new Uint8Array(10), encodeEndpoint(1, 4, '127.0.0.1', 9)!);
  put(batch, new Uint8Array(10), encodeEndpoint(0, 6, '::1', 9)!);
  put(batch, new Uint8Array(10), encodeEndpoint(0, 4, '203.0.113.1', 9)!);
  put(batch, new Uint8Array(100).fill(3), endpointOf(b, 0));
  const got = collect(b, 2, createDatagramBatch(4, 4 * 512));
  a.send(batch);
  const received = (await got).map(({ bytes }) => [bytes[0], bytes.length]);
  a.close();
  b.close();
  return { received, sent: a.counters(), got: b.counters() };
}

async function failureOf(attempt: () => unknown) {
  try {
    await attempt();
    return 'no failure';
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { code: error.code, message: error.message, remedy: error.remedy };
  }
}

async function udpRefused(datapath: Datapath) {
  const first = await datapath.openUdp(listenOn(['127.0.0.1']));
  const { port } = first.local[0];
  const inUse = await failureOf(() => datapath.openUdp([...listenOn(['::1']), { address: '127.0.0.1', port }]));
  const notHere = await failureOf(() => datapath.openUdp(listenOn(['203.0.113.9'])));
  first.close();
  const again = await datapath.openUdp(listenOn(['127.0.0.1'], port));
  again.close();
  return { inUse, notHere };
}

async function udpPrivileged(datapath: Datapath) {
  return failureOf(() => datapath.openUdp(listenOn(['127.0.0.1'], 69)));
}

/** Datagrams that would need fragments are refused one by one, also when they went out as a run; the rest goes. */
/** A receiver that takes one small batch a call hears of the rest, of runs that the kernel gave as one message too. */
async function udpRuns(datapath: Datapath) {
  const a = await datapath.openUdp(listenOn(['127.0.0.1']));
  const b = await datapath.openUdp(listenOn(['127.0.0.1']));
  const batch = createDatagramBatch(RUN_DATAGRAMS, RUN_DATAGRAMS * 1_200);
  for (let n = 0; n < RUN_DATAGRAMS; n++) put(batch, new Uint8Array(1_200).fill(n), endpointOf(b, 0));
  const few = createDatagramBatch(7, 7 * 1_200);
  const got: number[] = [];
  const all = new Promise<void>((resolve) => {
    b.onReadable(() => {
      b.receive(few);
      for (let i = 0; i < few.count; i++) got.push(few.arena[few.offsets[i]]);
      if (got.length >= RUN_DATAGRAMS) resolve();
    });
  });
  a.send(batch);
  await all;
  a.close();
  b.close();
  return { inOrder: got.every((first, n) => first === n), got: got.length, counters: b.counters() };
}

/** Batches of all lengths, sealed and sent on a thread, with keys that live for one batch; each seventh goes to no socket. */
async function sealedOnThread(datapath: Datapath) {
  const { cipher } = datapath;
  const a = await datapath.openUdp(listenOn(['127.0.0.1']));
  const b = await datapath.openUdp(listenOn(['127.0.0.1']));
  const key = new Uint8Array(32).fill(7);
  const foreign: Uint8Array[] = [];
  const taker = {
    maxDatagramBytes: a.maxDatagramBytes,
    send: ({ arena, offsets, lengths, count }: DatagramBatch) => {
      for (let i = 0; i < count; i++) foreign.push(arena.slice(offsets[i], offsets[i] + lengths[i]));
    },
  };
  const sealing = a.sealOnThread!(cipher, taker, SEALED_DATAGRAMS, SEALED_DATAGRAMS * SEALED_BYTES)!;
  const [here, nowhere] = [endpointOf(b, 0), encodeEndpoint(STREAM_SOCKET, 4, '127.0.0.1', 1)!];
  const wanted = { sockets: 0, foreign: 0 };
  let number = 0;
  const fill = (count: number, endpoint: Uint8Array): void => {
    const slot = cipher.addKey(key);
    for (let i = 0; i < count; i++) {
      const datagram = new Uint8Array(SEALED_BYTES);
      writeU32(datagram, HEADER_BYTES, ++number);
      put(sealing.batch, datagram, endpoint);
      writeJob(
        sealing.jobs,
        i,
        slot,
        number,
        sealing.batch.offsets[i],
        HEADER_BYTES,
        SEALED_BYTES - HEADER_BYTES - TAG_BYTES,
      );
      writeU32(sealing.batch.arena, sealing.batch.offsets[i], number);
    }
    sealing.send(count);
    cipher.removeKey(slot);
    wanted[endpoint === here ? 'sockets' : 'foreign'] += count;
  };
  const into = createDatagramBatch(SEALED_DATAGRAMS, SEALED_DATAGRAMS * SEALED_BYTES);
  const arrived: Uint8Array[] = [];
  const take = (): void => {
    while (b.receive(into) > 0)
      for (let i = 0; i < into.count; i++)
        arrived.push(into.arena.slice(into.offsets[i], into.offsets[i] + into.lengths[i]));
  };
  for (let round = 0; round < SEALED_ROUNDS; round++) {
    fill(1 + ((round * 29) % SEALED_DATAGRAMS), round % 7 === 6 ? nowhere : here);
    // What is asked for waits for the thread, so the receiver's socket never has more than a few batches.
    if (round % 8 === 0 && a.counters().sent === wanted.sockets) take();
  }
  fill(SEALED_DATAGRAMS, here);
  fill(SEALED_DATAGRAMS, here);
  a.close();
  take();
  sealing.batch.count = 1;
  sealing.send(0);
  b.close();
  const slot = cipher.addKey(key);
  const numbers = [arrived, foreign].map((datagrams) =>
    datagrams.map((datagram) => openedNumber(cipher, slot, datagram)),
  );
  const rising = numbers.every((list) => list.every((value, i) => value > (list[i - 1] ?? 0)));
  return { wanted, got: { sockets: numbers[0].length, foreign: numbers[1].length }, rising, sent: a.counters().sent };
}

/** The number in a datagram whose header says it too; 0 when it does not open. */
function openedNumber(cipher: Cipher, slot: number, datagram: Uint8Array): number {
  const jobs = new Uint32Array(JOB_WORDS);
  const number = readU32(datagram, 0);
  writeJob(jobs, 0, slot, number, 0, HEADER_BYTES, datagram.length - HEADER_BYTES - TAG_BYTES);
  cipher.openBatch(datagram, jobs, 1);
  return jobs[6] === JOB_OK && readU32(datagram, HEADER_BYTES) === number ? number : 0;
}

async function udpDontFragment(datapath: Datapath) {
  const a = await datapath.openUdp(listenOn(LOOPBACK));
  const b = await datapath.openUdp(listenOn(LOOPBACK));
  ip('link', 'set', 'lo', 'mtu', '1400');
  const batch = createDatagramBatch(16, 16 * 2048);
  for (const index of [0, 1]) {
    for (let i = 0; i < 3; i++) put(batch, new Uint8Array(1472), endpointOf(b, index));
    put(batch, new Uint8Array(1000 + index), endpointOf(b, index));
  }
  const got = collect(b, 2, createDatagramBatch(16, 16 * 2048));
  a.send(batch);
  const lengths = (await got).map(({ bytes }) => bytes.length);
  a.close();
  b.close();
  return { lengths: lengths.sort(), counters: a.counters() };
}

/** Both ends of the bounded queues of the portable sockets. */
async function portableBounds(datapath: Datapath) {
  const a = await datapath.openUdp(listenOn(['127.0.0.1']));
  const b = await datapath.openUdp(listenOn(['127.0.0.1']));
  const batch = createDatagramBatch(QUEUE_DATAGRAMS, QUEUE_DATAGRAMS);
  for (let i = 0; i < QUEUE_DATAGRAMS; i++) put(batch, new Uint8Array(1), endpointOf(b, 0));
  a.send(batch);
  const sendDropped = a.counters().sendDropped;
  await new Promise<void>((resolve) => {
    const more = () => {
      if (b.counters().receiveDropped > 0) return resolve();
      a.send(batch);
      setImmediate(more);
    };
    more();
  });
  const held = createDatagramBatch(2 * QUEUE_DATAGRAMS, 2 * QUEUE_DATAGRAMS);
  const queued = b.receive(held);
  a.close();
  b.close();
  return { sendDropped, queued };
}

function collectPackets(tun: Tun, wanted: (packet: Uint8Array) => boolean, count: number, batch: PacketBatch) {
  return new Promise<Uint8Array[]>((resolve) => {
    const got: Uint8Array[] = [];
    tun.onReadable(() => {
      while (tun.read(batch) > 0) {
        for (let i = 0; i < batch.count; i++) {
          const packet = batch.arena.slice(batch.offsets[i], batch.offsets[i] + batch.lengths[i]);
          if (wanted(packet)) got.push(packet);
        }
      }
      if (got.length >= count) resolve(got);
    });
  });
}

/** What the devices say that the system carries as one for many packets. */
async function offloads(datapath: Datapath) {
  const udp = await datapath.openUdp(listenOn(LOOPBACK));
  const tun = await datapath.openTun('sky-test', MTU_BYTES);
  const result = { udp: udp.offloads, tun: tun.offloads };
  udp.close();
  tun.close();
  return result;
}

/** More than the sockets and pipes on the way hold at once. */
const PINGS = 300;
const MTU_BYTES = 1400;

async function tunPing(datapath: Datapath) {
  const tun = await datapath.openTun('sky-test', MTU_BYTES);
  ip('address', 'add', '10.9.0.1/24', 'dev', tun.name);
  const [link] = JSON.parse(execFileSync('ip', ['-json', 'link', 'show', 'dev', tun.name], { encoding: 'utf8' }));
  const out = createPacketBatch(512, 512 * 1024);
  let at = 0;
  const add = (packet: Uint8Array) => {
    out.arena.set(packet, at);
    out.offsets[out.count] = at;
    out.lengths[out.count++] = packet.length;
    at += packet.length;
  };
  for (let n = 0; n < PINGS; n++) add(echoRequest([10, 9, 0, 2], [10, 9, 0, 1], n, (n * 97) % (MTU_BYTES - 28)));
  add(echoRequest([10, 9, 0, 2], [10, 9, 0, 1], PINGS, MTU_BYTES - 28));
  add(Uint8Array.of(1, 2, 3, 4)); // not IP: counted, not fatal
  const replies = collectPackets(tun, isEchoReply, PINGS + 1, createPacketBatch(16, 32 * 1024));
  tun.write(out);
  const got = await replies;
  const counters = tun.counters();
  tun.close();
  return {
    name: tun.name,
    mtu: link.mtu,
    up: link.flags.includes('UP'),
    sequences: got.map((packet) => (packet[26] << 8) | packet[27]),
    lengths: got.map((packet) => packet.length),
    counters,
  };
}

const STREAMS = 8;
const STREAM_PACKETS = 4_000;

/** TCP through the kernel from one TUN to another: what goes in comes out, connection by connection. */
async function tunSuperpackets(datapath: Datapath) {
  const random = seededRandom(1);
  const into = await datapath.openTun('sky-in', MTU_BYTES);
  const out = await datapath.openTun('sky-out', MTU_BYTES);
  writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
  writeFileSync('/proc/sys/net/ipv6/conf/all/forwarding', '1');
  for (const [tun, network] of [[into, 1] as const, [out, 2] as const]) {
    ip('address', 'add', `10.9.${network}.1/24`, 'dev', tun.name);
    ip('address', 'add', `fd00:${network}::1/64`, 'dev', tun.name, 'nodad');
  }
  const streams = Array.from(
    { length: STREAMS },
    (_, i) => new TcpStream(i % 4 === 3, 1000 + i, i === 5 ? 100 : 1_300, random),
  );
  const sent: Record<string, string[]> = {};
  const got: Record<string, string[]> = {};
  const note = (list: Record<string, string[]>, packet: Uint8Array) => {
    const [stream, content] = streamAndContent(packet);
    (list[stream] ??= []).push(content);
  };
  let missing = 0;
  const batch = createPacketBatch(100, 256 * 1024);
  const sendSome = () => {
    batch.count = 0;
    let stream = streams[0];
    for (let at = 0, left = 1 + random(100); left > 0; left--) {
      if (random(6) === 0) stream = streams[random(STREAMS)];
      const packet = stream.next();
      note(sent, packet);
      batch.arena.set(packet, at);
      batch.offsets[batch.count] = at;
      batch.lengths[batch.count++] = packet.length;
      at += packet.length;
    }
    missing += batch.count;
    into.write(batch);
  };
  // Fewer places than a superpacket has segments, and less room than the longest takes.
  const incoming = createPacketBatch(16, 32 * 1024);
  const cutter = new SuperpacketCutter();
  const segment = new Uint8Array(MTU_BYTES);
  const noteSegments = (i: number) => {
    const { arena, offsets, lengths, segments } = incoming;
    if (packetProblem(arena, offsets[i], lengths[i], segments[i], MAX_SEGMENTS) !== undefined)
      throw new Error('unsound');
    cutter.begin(arena, offsets[i], lengths[i], segments[i]);
    for (let length = cutter.next(segment, 0, 0); length > 0; length = cutter.next(segment, 0, 0)) {
      completeChecksum(segment, 0, length);
      note(got, segment.subarray(0, length));
      missing -= 1;
    }
  };
  let whole = 0;
  await new Promise<void>((resolve) => {
    out.onReadable(() => {
      if (out.read(incoming) === 0) return;
      for (let i = 0; i < incoming.count; i++) {
        const packet = incoming.arena.slice(incoming.offsets[i], incoming.offsets[i] + incoming.lengths[i]);
        if (!isTcp(packet)) continue;
        if (incoming.segments[i] !== 0) {
          whole += 1;
          noteSegments(i);
          continue;
        }
        note(got, packet);
        missing -= 1;
      }
      if (missing > 0) return;
      if (out.counters().read < STREAM_PACKETS) sendSome();
      else resolve();
    });
    sendSome();
  });
  into.close();
  out.close();
  const wrong = Object.keys(sent).filter((stream) => sent[stream].join() !== got[stream]?.join());
  return { streams: Object.keys(sent).length, wrong, whole, into: into.counters(), out: out.counters() };
}

async function portableTunBounds(datapath: Datapath) {
  const tun = await datapath.openTun('sky-test', MTU_BYTES);
  const packet = echoRequest([10, 9, 0, 2], [10, 9, 0, 1], 0, 0);
  const out = createPacketBatch(QUEUE_PACKETS + 7, 64);
  out.arena.set(packet);
  out.lengths.fill(packet.length);
  out.count = QUEUE_PACKETS + 7;
  tun.write(out);
  tun.close();
  return tun.counters();
}

async function tunLost(datapath: Datapath) {
  const tun = await datapath.openTun('sky-test', MTU_BYTES);
  const batch = createPacketBatch(16, 32 * 1024);
  const lost = new Promise<Failure>((resolve) => tun.onFailure(resolve));
  tun.onReadable(() => tun.read(batch));
  ip('link', 'delete', 'sky-test');
  const failure = await lost;
  batch.count = 0;
  tun.write(batch);
  return { code: failure.code, readAfter: tun.read(batch) };
}

async function tunRefused(datapath: Datapath) {
  return failureOf(() => datapath.openTun('sky-test', MTU_BYTES));
}

async function tunBusy(datapath: Datapath) {
  const first = await datapath.openTun('sky-test', MTU_BYTES);
  const second = await failureOf(() => datapath.openTun('sky-test', MTU_BYTES));
  first.close();
  return second;
}

/** A worker that ends with everything open and watched: its environment has to take it all down. */
async function worker() {
  const source = `
    const { createRequire } = require('node:module');
    const { parentPort } = require('node:worker_threads');
    (async () => {
      const { loadNative } = await import(${JSON.stringify(new URL('../../../src/native/index.ts', import.meta.url).href)});
      const { datapath } = loadNative();
      const sockets = datapath.openUdp([{ address: '127.0.0.1', port: 0 }, { address: '::1', port: 0 }]);
      datapath.openUdp([{ address: '127.0.0.1', port: 0 }]);
      const tun = datapath.openTun('sky-worker', 1400);
      sockets.onReadable(() => {});
      tun.onReadable(() => tun.read({ arena: new Uint8Array(2000), count: 0, offsets: new Uint32Array(1), lengths: new Uint32Array(1), segments: new Uint16Array(1) }));
      const timer = datapath.openTimer();
      timer.onDue(() => timer.arm(0.1));
      timer.arm(0);
      datapath.cipher.addKey(new Uint8Array(32));
      parentPort.postMessage('open');
    })();`;
  const codes: number[] = [];
  for (let round = 0; round < 3; round++) {
    const running = new Worker(source, { eval: true });
    await new Promise((resolve, reject) => running.once('message', resolve).once('error', reject));
    codes.push(await running.terminate());
  }
  const devices = JSON.parse(execFileSync('ip', ['-json', 'link'], { encoding: 'utf8' }));
  return { rounds: codes.length, devices: devices.map((device: { ifname: string }) => device.ifname) };
}

const SCENARIOS = {
  'udp-exchange': udpExchange,
  'udp-runs': udpRuns,
  'sealed-on-thread': sealedOnThread,
  'udp-limits': udpLimits,
  'udp-refused': udpRefused,
  'udp-privileged': udpPrivileged,
  offloads,
  'udp-dont-fragment': udpDontFragment,
  'portable-bounds': portableBounds,
  'tun-ping': tunPing,
  'tun-superpackets': tunSuperpackets,
  'portable-tun-bounds': portableTunBounds,
  'tun-lost': tunLost,
  'tun-refused': tunRefused,
  'tun-busy': tunBusy,
  worker,
};

function datapathNamed(name: string): Datapath {
  if (name === 'portable') return portableDatapath;
  const native = loadNative();
  if ('missing' in native) throw new Error(native.missing);
  return native.datapath;
}

const [datapathName, scenarioName] = process.argv.slice(2);
try {
  ip('link', 'set', 'lo', 'up');
} catch {
  // Without the right to do that the scenario is about not having it.
}
const result = await SCENARIOS[scenarioName as keyof typeof SCENARIOS](datapathNamed(datapathName));
process.stdout.write(`${JSON.stringify(result)}\n`);
