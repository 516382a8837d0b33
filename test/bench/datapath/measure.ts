/** Measures one data path and prints its figures as one JSON line: `measure.ts native|portable`, alone in a namespace. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createDatagramBatch, createPacketBatch, ENDPOINT_BYTES } from '../../../src/base/datagram.ts';
import { JOB_WORDS, TAG_BYTES } from '../../../src/crypto/cipher.ts';
import { loadNative } from '../../../src/native/index.ts';
import { type Datapath, portableDatapath, type UdpSockets } from '../../../src/os/datapath.ts';
import { encodeEndpoint } from '../../../src/os/endpoint.ts';
import { echoRequest } from '../../unit/native/icmp.ts';

const MEASURE_MS = 700;
const PACKET_BYTES = 1400;
/** Fits the kernel's queue of 500 packets for a TUN. */
const BATCH = 256;

const figures: Record<string, number> = {};

/** Times what `step` does, again and again; it answers how many units that was. */
async function rate(name: string, step: () => number | Promise<number>): Promise<void> {
  await step();
  let units = 0;
  const startedMs = performance.now();
  let elapsedMs = 0;
  while (elapsedMs < MEASURE_MS) {
    units += await step();
    elapsedMs = performance.now() - startedMs;
  }
  figures[name] = Math.round((1000 * units) / elapsedMs);
}

async function measureCrypto({ curve, cipher }: Datapath): Promise<void> {
  const secret = new Uint8Array(32).fill(7);
  const point = curve.publicKey(new Uint8Array(32).fill(9));
  const digest = new Uint8Array(32).fill(3);
  const signature = curve.sign(secret, digest, digest);
  const key = curve.publicKey(secret);
  await rate('ecdhPerSecond', () => (curve.ecdh(secret, point) === undefined ? 0 : 1));
  await rate('verifyPerSecond', () => (curve.verify(key, digest, signature) ? 1 : 0));

  const stride = PACKET_BYTES + 16 + TAG_BYTES;
  const arena = new Uint8Array(BATCH * stride);
  const jobs = new Uint32Array(BATCH * JOB_WORDS);
  const slot = cipher.addKey(new Uint8Array(32).fill(5));
  for (let i = 0; i < BATCH; i++) jobs.set([slot, 0, i, i * stride, 16, PACKET_BYTES], i * JOB_WORDS);
  await rate('sealPerSecond', () => {
    cipher.sealBatch(arena, jobs, BATCH);
    return BATCH;
  });
  await rate('sealAndOpenPerSecond', () => {
    cipher.sealBatch(arena, jobs, BATCH);
    cipher.openBatch(arena, jobs, BATCH);
    return BATCH;
  });
}

/** Resolves when the given readable source had its next event. */
function events(source: { onReadable(callback: () => void): void }) {
  let wake = () => {};
  source.onReadable(() => wake());
  return () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });
}

function fullBatch(to: UdpSockets) {
  const batch = createDatagramBatch(BATCH, BATCH * 2048);
  const { address, port } = to.local[0];
  const endpoint = encodeEndpoint(0, 4, address, port)!;
  for (let i = 0; i < BATCH; i++) {
    batch.offsets[i] = i * PACKET_BYTES;
    batch.lengths[i] = PACKET_BYTES;
    batch.endpoints.set(endpoint, i * ENDPOINT_BYTES);
  }
  batch.count = BATCH;
  return batch;
}

async function measureUdp(datapath: Datapath): Promise<void> {
  const a = await datapath.openUdp([{ address: '127.0.0.1', port: 0 }]);
  const b = await datapath.openUdp([{ address: '127.0.0.1', port: 0 }]);
  const out = fullBatch(b);
  const into = createDatagramBatch(BATCH, BATCH * 2048);
  if (datapath.name === 'native') {
    let sendMs = 0;
    let receiveMs = 0;
    let count = 0;
    while (sendMs + receiveMs < MEASURE_MS) {
      const atMs = performance.now();
      a.send(out);
      const sentMs = performance.now();
      while (b.receive(into) > 0) count += into.count;
      sendMs += sentMs - atMs;
      receiveMs += performance.now() - sentMs;
    }
    figures.udpSendPerSecond = Math.round((1000 * count) / sendMs);
    figures.udpReceivePerSecond = Math.round((1000 * count) / receiveMs);
  }
  const readable = events(b);
  await rate('udpThroughPerSecond', async () => {
    a.send(out);
    let got = 0;
    while (got < BATCH) {
      await readable();
      while (b.receive(into) > 0) got += into.count;
    }
    return got;
  });
  a.close();
  b.close();
}

async function measureTun(datapath: Datapath): Promise<void> {
  const tun = await datapath.openTun('sky-bench', PACKET_BYTES);
  execFileSync('ip', ['address', 'add', '10.9.0.1/24', 'dev', 'sky-bench']);
  const out = createPacketBatch(BATCH, PACKET_BYTES);
  out.arena.set(echoRequest([10, 9, 0, 2], [10, 9, 0, 1], 1, PACKET_BYTES - 28));
  out.lengths.fill(PACKET_BYTES);
  out.count = BATCH;
  const into = createPacketBatch(BATCH, BATCH * PACKET_BYTES);
  const readable = events(tun);
  await rate('tunEchoPerSecond', async () => {
    tun.write(out);
    let got = 0;
    while (got < BATCH) {
      await readable();
      while (tun.read(into) > 0) got += into.count;
    }
    return got;
  });
  if (datapath.name === 'native') {
    writeFileSync('/proc/sys/net/ipv4/icmp_echo_ignore_all', '1');
    await rate('tunWritePerSecond', () => {
      tun.write(out);
      return BATCH;
    });
    await measureTunRead(datapath, () => tun.read(into));
  }
  tun.close();
}

/** The kernel puts datagrams to an address behind the TUN into its queue; only taking them out is timed. */
async function measureTunRead(datapath: Datapath, read: () => number): Promise<void> {
  const from = await datapath.openUdp([{ address: '10.9.0.1', port: 0 }]);
  const batch = fullBatch(from);
  const endpoint = encodeEndpoint(0, 4, '10.9.0.2', 9)!;
  for (let i = 0; i < BATCH; i++) {
    batch.lengths[i] = PACKET_BYTES - 28;
    batch.endpoints.set(endpoint, i * ENDPOINT_BYTES);
  }
  let readMs = 0;
  let count = 0;
  while (readMs < MEASURE_MS) {
    from.send(batch);
    const atMs = performance.now();
    for (let got = read(); got > 0; got = read()) count += got;
    readMs += performance.now() - atMs;
  }
  figures.tunReadPerSecond = Math.round((1000 * count) / readMs);
  from.close();
}

execFileSync('ip', ['link', 'set', 'lo', 'up']);
const native = loadNative();
if (process.argv[2] === 'native' && 'missing' in native) throw new Error(native.missing);
const datapath: Datapath = process.argv[2] === 'native' && 'datapath' in native ? native.datapath : portableDatapath;
await measureCrypto(datapath);
await measureUdp(datapath);
await measureTun(datapath);
process.stdout.write(`${JSON.stringify(figures)}\n`);
