/**
 * What somebody with a tap on a modem's wire gets to see: the documented header and nothing else.
 *
 *   laptop ──lan0── miner ══up-a══ relay-a ──┐
 *    downloads         ║     tap             ├── gateway ── internet
 *                      ╚════up-b══ relay-b ──┘
 *                            tap
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { chiSquared, mostFrequentShares } from './harness/byte-statistics.ts';
import { Capture } from './harness/capture.ts';
import { fetchPage, RunningDownload, takeDhcpLease } from './harness/clients.ts';
import { DemoNetwork, NODE_PORT, UPLINKS, WEB_NAME } from './harness/demo-topology.ts';
import { type CapturedPacket, PROTOCOL_UDP } from './harness/pcap.ts';

export const about = 'a tap on a link: no plaintext, nothing constant behind the header, new keys every second';
export const takes = '30 s';
export const gate = true;

const RATE_MBIT = 20;
const FILE_BYTES = 25_000_000;

/** docs/protocol.md section 2.2. */
const TYPE_SESSION = 5;
const HEADER_BYTES = 16;
const LEAST_DATAGRAM_BYTES = 48;

/** A byte position whose most frequent value stands in this share of the datagrams is no random byte: 1/256 is 0.004. */
const CONSTANT_SHARE = 0.05;
/** Chi-squared with 255 degrees of freedom stays below this but once in ten million times. */
const CHI_SQUARED_MAX = 385;
/** Keys change every second or two round trips, and the REKEY itself takes a round trip over a queue that is full. */
const LONGEST_EPOCH_S = 1.6;

export async function run(context: RunContext): Promise<RunResult> {
  const network = new DemoNetwork(context, { rateMbit: RATE_MBIT, fileBytes: FILE_BYTES });
  const { minerHost, relayA, relayB } = network;
  for (const device of UPLINKS) minerHost.sendSingly(device);
  for (const relay of [relayA, relayB]) relay.host.sendSingly('to-miner');
  const taps: Capture[] = [];
  for (const device of UPLINKS) taps.push(await Capture.start(network.lab, minerHost, device));
  await network.start();
  await takeDhcpLease(network.laptop, 'eth0');
  const page = fetchPage(network.laptop, `http://${WEB_NAME}/`);
  const beganS = Date.now() / 1000;
  const download = await new RunningDownload(network.laptop, `http://${WEB_NAME}/file`).finished;
  const endedS = Date.now() / 1000;
  const packets = (await Promise.all(taps.map((tap) => tap.stop()))).flat();

  const datagrams = packets.filter(isNodeDatagram);
  const streams = groupBySession(datagrams);
  const busy = [...streams.values()].filter((stream) => stream.length >= 1_000);
  const plaintext = findPlaintext(packets, [WEB_NAME, page.trim(), 'HTTP/1.1', 'GET /file', network.miner.address]);
  const misshapen = datagrams.filter((packet) => !hasDocumentedShape(packet)).length;
  const bodies = busy.flatMap((stream) => stream.map((packet) => packet.payload.subarray(HEADER_BYTES)));
  const share = Math.max(...busy.map(worstShare));
  const chi = chiSquared(bodies);
  // Idle links keep their keys, so only the download counts.
  const underLoad = busy.map((stream) => stream.filter(({ time }) => time > beganS && time < endedS));
  const epochs = underLoad.map(epochLengths);
  const longestEpochS = Math.max(...epochs.flat());
  const pass =
    download.sha256 === network.internet.sha256 &&
    busy.length >= 2 &&
    plaintext.length === 0 &&
    misshapen === 0 &&
    share < CONSTANT_SHARE &&
    chi < CHI_SQUARED_MAX &&
    longestEpochS < LONGEST_EPOCH_S;
  return {
    pass,
    datagrams: datagrams.length,
    busySessions: busy.length,
    plaintext,
    misshapen,
    mostFrequentShare: Number(share.toFixed(4)),
    chiSquared: Math.round(chi),
    rekeys: epochs.map((lengths) => lengths.length),
    longestEpochS: Number(longestEpochS.toFixed(2)),
  };
}

function isNodeDatagram(packet: CapturedPacket): boolean {
  return packet.protocol === PROTOCOL_UDP && (packet.sourcePort === NODE_PORT || packet.destinationPort === NODE_PORT);
}

function hasDocumentedShape({ payload }: CapturedPacket): boolean {
  const [type] = payload;
  if (type !== TYPE_SESSION) return type >= 1 && type < TYPE_SESSION;
  const zeros = payload[2] === 0 && payload[3] === 0;
  return zeros && payload.length >= LEAST_DATAGRAM_BYTES && payload.length % 16 === 0;
}

/** SESSION datagrams by their receiver index: one direction of one session each. */
function groupBySession(datagrams: readonly CapturedPacket[]): Map<string, CapturedPacket[]> {
  const sessions = datagrams.filter(({ payload }) => payload[0] === TYPE_SESSION);
  return Map.groupBy(sessions, ({ payload }) => Buffer.from(payload.subarray(4, 8)).toString('hex'));
}

function findPlaintext(packets: readonly CapturedPacket[], words: readonly string[]): string[] {
  return words.filter((word) => packets.some((packet) => Buffer.from(packet.payload).includes(word)));
}

/** The most constant of the positions that every datagram has behind its header. */
function worstShare(stream: readonly CapturedPacket[]): number {
  const bodies = stream.map((packet) => packet.payload.subarray(HEADER_BYTES));
  return Math.max(...mostFrequentShares(bodies, LEAST_DATAGRAM_BYTES - HEADER_BYTES));
}

/** How long each key was in use, in seconds; the first and the last one, which the window cuts, are left out. */
function epochLengths(stream: readonly CapturedPacket[]): number[] {
  const starts: number[] = [];
  let epoch = -1;
  for (const { payload, time } of stream) {
    if (payload[1] === epoch) continue;
    // A datagram that was overtaken still bears the epoch before.
    if (starts.length > 0 && ((payload[1] - epoch) & 0xff) > 0x80) continue;
    epoch = payload[1];
    starts.push(time);
  }
  const lengths = starts.slice(1).map((time, index) => time - starts[index]);
  return lengths.slice(1);
}
