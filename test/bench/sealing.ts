/**
 * What a sender's main thread spends on a datagram of 1,472 bytes when it seals and sends in line, and when a thread of the addon does
 * (native/core/dispatch.c): the rest of a processor's time is what it has for everything else. To a socket on the loopback that nobody reads.
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { ENDPOINT_BYTES } from '../../src/base/datagram.ts';
import { TAG_BYTES, writeJob } from '../../src/crypto/cipher.ts';
import { InlineSealing, type SealedTransport } from '../../src/crypto/sealed-transport.ts';
import { loadNative } from '../../src/native/index.ts';
import { encodeEndpoint } from '../../src/os/endpoint.ts';
import { SESSION_HEADER_BYTES } from '../../src/wire/session.ts';

export const about = "a sender's main thread, sealing and sending in line and on a thread: time a datagram";
export const takes = '10 s';

/** As the link's arena has them. */
const DATAGRAMS = 64;
const ARENA_BYTES = 128 * 1_024;
const DATAGRAM_BYTES = 1_472;
const ROUNDS = 5;
const BATCHES = 4_000;
const NS_A_US = 1_000;

interface Figures {
  mainNs: number;
  processNs: number;
  wallNs: number;
}

export function run(context: RunContext): RunResult {
  const native = loadNative();
  if ('missing' in native) throw new Error(native.missing);
  const { cipher, openUdp } = native.datapath;
  const listen = [{ address: '127.0.0.1', port: 0 }];
  const [inlineUdp, threadUdp, sink] = [openUdp(listen), openUdp(listen), openUdp(listen)];
  const to = encodeEndpoint(0, 4, '127.0.0.1', sink.local[0].port)!;
  const ways: Record<string, SealedTransport | undefined> = {
    inline: new InlineSealing(cipher, inlineUdp, DATAGRAMS, ARENA_BYTES),
    thread: threadUdp.sealOnThread(cipher, threadUdp, DATAGRAMS, ARENA_BYTES),
  };
  const slot = cipher.addKey(new Uint8Array(32).fill(1));
  const figures: Record<string, Figures[]> = { inline: [], thread: [] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, sealing] of Object.entries(ways)) {
      if (sealing === undefined) throw new Error('no thread can be had');
      figures[name].push(measure(sealing, slot, to));
    }
  }
  for (const udp of [inlineUdp, threadUdp, sink]) udp.close();
  cipher.removeKey(slot);
  const [inline, thread] = [median(figures.inline), median(figures.thread)];
  context.log(`in line: main thread ${inline.mainNs} ns a datagram; on a thread ${thread.mainNs} ns`);
  return { pass: thread.mainNs < inline.mainNs / 2, inline, thread };
}

function measure(sealing: SealedTransport, slot: number, to: Uint8Array): Figures {
  const [main, all, wall] = [process.threadCpuUsage(), process.cpuUsage(), performance.now()];
  let counter = 0;
  for (let batches = 0; batches < BATCHES; batches++) {
    const { batch, jobs } = sealing;
    for (let i = 0; i < DATAGRAMS; i++) {
      const at = i * DATAGRAM_BYTES;
      batch.offsets[i] = at;
      batch.lengths[i] = DATAGRAM_BYTES;
      batch.endpoints.set(to, i * ENDPOINT_BYTES);
      writeJob(jobs, i, slot, counter++, at, SESSION_HEADER_BYTES, DATAGRAM_BYTES - SESSION_HEADER_BYTES - TAG_BYTES);
    }
    batch.count = DATAGRAMS;
    sealing.send(DATAGRAMS);
  }
  const per = (us: { user: number; system: number }): number =>
    Math.round(((us.user + us.system) * NS_A_US) / (BATCHES * DATAGRAMS));
  const wallNs = Math.round(((performance.now() - wall) * 1e6) / (BATCHES * DATAGRAMS));
  return { mainNs: per(process.threadCpuUsage(main)), processNs: per(process.cpuUsage(all)), wallNs };
}

/** Of each figure by itself. */
function median(list: readonly Figures[]): Figures {
  const of = (name: keyof Figures): number => list.map((one) => one[name]).sort((a, b) => a - b)[list.length >> 1];
  return { mainNs: of('mainNs'), processNs: of('processNs'), wallNs: of('wallNs') };
}
